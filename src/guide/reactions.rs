//! What the crate does on its own after a failure, and where each reaction stops.
//!
//! Every reaction has a cap, a wait that grows or a fixed period, and a deadline. **None goes on when nobody asks
//! for a token**, except three that keep revoked tokens out of use and end as their rows say: the retry of a mark, the
//! check of the tokens in memory, and the subscription to Redis. The last column is the most requests that one client
//! sends in an hour, with the default options, to a server that fails for ever, while callers ask all the time. A test
//! of this crate holds each row to it.
//!
//! | reaction | begins when | at most | waits in between | gives up after | requests in an hour |
//! | --- | --- | --- | --- | --- | --- |
//! | Retry of a token request | `Unavailable` or `Timeout` | 3 requests for one refresh | 200 ms, then 400 ms, half of it random; longer if the server asks, up to 5 s | the last of the 3; the longest wait of its callers | 400 |
//! | New refresh after a failed one | a caller needs a token | one refresh at a time for each scope set | 1 s, 2 s, 4 s, … 60 s, half of it random | nobody asks; callers get the last error meanwhile | 130 |
//! | Client credentials after a refresh token failed | the refresh grant failed in any way but transient and unsent | once for each refresh | none | that request | 130 |
//! | New token after a rejected one | a caller rejects a token, such as by a 401 | one request for each rejected token | 1 s, 2 s, … 60 s if the server issues the same token again | nobody asks | 130 |
//! | New token after a void one | the token was revoked while it was requested | 3 requests for one refresh | then as after a failed refresh | the last of the 3 | 130 |
//! | Failure of a token that was revoked and is issued again | the server issues it | one request | 1 s, 2 s, … 60 s, half of it random | nobody asks | 130 |
//! | Wait for the end of a cool-down | a 429, or an error with `Retry-After` | one cool-down for all scope sets | as long as the server asks, and at least 1 s, 2 s, … 60 s; at most `with_max_cool_down`: 1 h by default, 24 h at most | the caller's own wait, told at once | 130 |
//! | Wait for the rate limit | as many calls as the limit allows | one turn for each refresh, in order of arrival | the turn | the caller's own wait, told at once | no request |
//! | Probe of refused credentials | a 401 or `invalid_client` to the client credentials, or three different scope sets refused in a row | one request at a time for all scope sets | 10 s | any success | 363 |
//! | Second request with new credentials | the credentials were refused, and the [provider](crate::CredentialsProvider) has others | one for each refused request; the provider is asked once in 5 s | none | that request; then refused credentials are probed | 726 |
//! | New request for a refused scope set | a 403 to the client credentials | one request for each scope set | 10 s | nobody asks | 360 |
//! | New refresh after the token source panicked | a panic of your own token source | one call | 1 s, 2 s, … 60 s, half of it random | nobody asks | 130 |
//! | New token after a 401 to a request of yours | the 401 may mean the token ([which do](crate::authorize#what-happens-on-a-401)) | one token request for all requests with one token, and one repetition of each | 30 s if it helped; 30 s, 60 s, … 10 min if it did not | that repetition | 121 |
//! | New fetch of webhook keys after a failed one | a webhook arrives, and no key is at hand | one fetch at a time | 1 s, 2 s, 4 s, … 60 s | no webhook arrives | 70 |
//! | Fetch of webhook keys for an unknown key id | a webhook names a key that is not known | one fetch at a time | 60 s | no webhook arrives | 61 |
//! | New call to a token store after a failed one | a refresh begins | one call at a time | 5 s | no refresh begins; tokens are requested without it meanwhile | 721 |
//! | New token after the store refused one | the store refuses the new token: its lease was lost, or a mark forbids it | 4 requests for one refresh, the last without the store | none | the last of the 4, whose token is used without the store until the next refresh | 4 |
//! | Retry of a mark that the store did not take | a revocation or invalidation could not be written to the store | one call at a time; 10,000 marks are kept | 5 s, then 10 s, 20 s, … 60 s, half of it random | 24 h (`with_max_lifetime`) if revoked, 60 s (the longest `with_backoff`) if invalidated, which the next refresh then writes | 125 |
//! | Check of the tokens in memory after notices were lost | the store says that notices may be lost, such as after a new subscription | one call at a time, for 500 tokens each | 10 s, 20 s, … 60 s, half of it random | no token is in memory; 24 h (`with_max_lifetime`) | 125 |
//! | New subscription to Redis after a lost one | the subscription cannot be made, or ends | one subscription for each store | 100 ms, 200 ms, … 10 s, half of it random | the last cache with this store is dropped | 730 |
//!
//! The names of the options: [`TokenOptions::with_backoff`](crate::token::TokenOptions::with_backoff),
//! [`with_negative_cache_ttl`](crate::token::TokenOptions::with_negative_cache_ttl),
//! [`with_rate_limit`](crate::token::TokenOptions::with_rate_limit),
//! [`with_max_wait`](crate::token::TokenOptions::with_max_wait),
//! [`with_max_cool_down`](crate::token::TokenOptions::with_max_cool_down),
//! [`with_max_lifetime`](crate::token::TokenOptions::with_max_lifetime),
//! [`with_store_circuit_open_for`](crate::token::TokenOptions::with_store_circuit_open_for) and [`RetryPolicy`](crate::RetryPolicy).
//!
//! # Whom a refusal stops
//!
//! - A refused **refresh token** stops nobody: the client credentials are used instead.
//! - A refused **scope set** stops that scope set alone.
//! - Refused **credentials** stop every scope set of the client, and with a store every process that has the same id and
//!   secret, until there are others. A 401 or
//!   `invalid_client` to the client credentials says so. Moov responds with 403 for wrong credentials and for a scope
//!   that is not granted; so three different scope sets must be refused with no success in between.
//! - A caller that is stopped by another's refusal gets an error without the details of that refusal.
