//! Issues, caches and refreshes access tokens, and shares each token among all callers.
//!
//! This module does not depend on vendors or on HTTP: a [`TokenSource`] sends the requests.
//!
//! ```text
//!            a quarter of the        a tenth of the
//!            lifetime is left        lifetime is left
//!  issued    (at most 5 min)         (at most 10 s)         actual expiry
//!    │              │                       │                     │
//!    ├─── fresh ────┼──────── stale ────────┼────── expired ──────┴──► time
//!      returned       returned from memory;   all callers wait for
//!      from memory    one refresh runs in     one request
//!                     the background
//! ```
//!
//! # Lifecycle
//!
//! - **Fresh**: the token is returned from memory, without a lock and without an allocation.
//! - **Stale**: the token is still returned at once. The first caller that gets a stale token
//!   starts one refresh in the background.
//! - **Expired** or absent: all callers wait for one shared request.
//! - **A refresh fails**: a stale token is returned until it expires. The next attempt is made
//!   after 1 s, then 2 s, 4 s, up to 60 s. Until the next attempt, callers that find no valid token
//!   get the error of the failed refresh, with [`Error::retry_after`](crate::Error::retry_after).
//! - **Rejected**: after a 401 that reports an invalid token, the cache removes exactly that token,
//!   never a newer token ([`TokenCache::invalidate`]). After a 401 without a reason, the cache
//!   keeps the token until the server has accepted a new token ([`Rejection`]).
//! - **Revoked**: the cache removes the token before the client sends the revocation
//!   ([`TokenCache::forget`]). If a running refresh uses the token, the result of the refresh is
//!   discarded.
//!
//! A token has expired when either the monotonic clock or the wall clock has reached the expiry of
//! the token. Both clocks are needed, because the monotonic clock may stop during a suspend, and
//! the wall clock may be set back.
//!
//! # Expiry
//!
//! The cache uses the shortest lifetime in the response: `expires_in` as seconds or as a Unix
//! timestamp, or the claims of a JWT. If `expires_in` is missing or invalid, the cache uses a
//! default lifetime instead of `expires_in`. [`Token::expiry_rule`] returns the rule that
//! determined the lifetime.
//!
//! # Requests
//!
//! - A refresh token is sent once, and only if the access token that was issued with it was neither
//!   rejected nor revoked. If the refresh fails, the cache uses the client credentials.
//! - A 429, or a `Retry-After` on any error, starts a **cool-down** of at least 1 s for all scope
//!   sets of the cache. If the cool-down ends before the caller's time limit, the caller waits.
//!   Otherwise the call fails at once with `RateLimited`.
//! - If a request with client credentials fails with `Unauthorized`, and the source now has
//!   different credentials ([`TokenSource::renew_credentials`]), the request is sent once more.
//!   Otherwise the response decides what is blocked:
//!   - After a 401 or the code `invalid_client`, no token is requested for 10 s. After this time,
//!     one request at a time checks whether the server still refuses the credentials.
//!   - In all other cases, such as a 403, the scope set may be the cause, so only the scope set is
//!     blocked. If the server refuses three different scope sets in this way before a request
//!     succeeds, the credentials are blocked.
//! - A refused refresh token does not block other requests.
//! - The number of token requests in a period is limited ([`TokenOptions::with_rate_limit`]).
//!   Waiting requests are sent in order of arrival.
//! - Requests that fail with `Unavailable` or `Timeout` are retried according to the
//!   [`RetryPolicy`](crate::RetryPolicy).
//!
//! # Storage
//!
//! A cache keeps one token for each scope set in memory, up to a capacity. With a [`TokenStore`],
//! tokens are also kept outside of the process. One process at a time refreshes a token, under a
//! lease, and the other processes load the token from the store. The feature `redis` provides a
//! store for many processes.
//!
//! If a store fails or takes longer than 1 s, its circuit breaker opens for 5 s. While the circuit
//! breaker is open, tokens are requested without the store. The cache keeps valid tokens even if
//! the store fails. [`Stats`] and a trace event report an open circuit breaker.
//!
//! # How stored tokens are found
//!
//! A stored token is found by the [fingerprint of its source](TokenSource::fingerprint) and its
//! scopes. For the vendors' clients, the fingerprint covers the vendor, the base URL, the client id
//! and the API version. For Moov, the fingerprint also covers the client type, `Origin` and
//! `Referer`. `with_credentials_name` of the client builders replaces the client id with a name.
//! The client secret is not part of the fingerprint, so the processes still find their tokens after
//! the secret was replaced.
//!
//! **Security**: a process with the right client id and a wrong secret gets the stored tokens too.
//! Only the access control of the store protects the tokens (for Redis, its password and the
//! sealing key). Do not share a store between clients whose ids and secrets come from parties that
//! do not trust each other. For example, a tenant that enters its own client id could enter the
//! client id of another tenant. For the same reason, do not let such parties choose the names that
//! `with_credentials_name` sets.
//!
//! When the server refuses credentials, the cache and the store remember exactly the client id and
//! secret that were refused ([`TokenSource::credentials_fingerprint`]). So a process with a wrong
//! secret blocks only itself.
//!
//! # Your own OAuth 2.0 server
//!
//! ```
//! use fintech_auth::{
//!     Error, Scope, Secret,
//!     token::{Fingerprint, IssuedToken, TokenCache, TokenOptions, TokenSource},
//! };
//!
//! struct Server {
//!     client_id: String,
//!     client_secret: Secret,
//! }
//!
//! impl TokenSource for Server {
//!     fn fingerprint(&self) -> Fingerprint {
//!         Fingerprint::of(["https://auth.example", &self.client_id])
//!     }
//!
//!     fn credentials_fingerprint(&self) -> Fingerprint {
//!         Fingerprint::of([&*self.client_id, self.client_secret.expose_secret()])
//!     }
//!
//!     async fn issue(&self, scopes: &[Scope]) -> Result<IssuedToken, Error> {
//!         // Send your request to the token endpoint here.
//!         let mut token = IssuedToken::new(format!("token-for-{}-scope(s)", scopes.len()));
//!         token.expires_in = Some(900.into());
//!         Ok(token)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let server = Server { client_id: "id".into(), client_secret: "secret".into() };
//! let tokens = TokenCache::new(server, TokenOptions::default());
//! let token = tokens.token(&["read".parse()?]).await?;
//! assert_eq!(token.authorization(), "Bearer token-for-1-scope(s)");
//! # Ok(())
//! # }
//! ```

mod as_token;
mod cache;
mod fingerprint;
mod id;
mod lifetime;
mod observer;
mod provider;
mod refresh;
mod rejection;
mod scope;
mod scope_set;
mod source;
mod store;
mod syntax;
#[expect(clippy::module_inception, reason = "a token is the first thing here")]
mod token;

pub(crate) use as_token::sealed;
pub use as_token::{AsRefreshToken, AsToken};
pub use cache::{Stats, TokenCache, TokenHandle, TokenOptions};
pub use fingerprint::Fingerprint;
pub use id::TokenId;
pub(crate) use lifetime::audience;
pub use lifetime::{ExpiresIn, ExpiryRule};
pub use observer::TokenEvent;
pub use provider::{StaticTokenProvider, TokenFuture, TokenProvider};
pub(crate) use refresh::Replacement;
pub use rejection::Rejection;
pub use scope::Scope;
pub use scope_set::ScopeSet;
pub use source::{IssuedToken, TokenSource};
#[cfg(feature = "redis")]
pub use store::redis;
pub use store::{
    Block, Claim, Lease, MemoryStore, Notice, Permit, RateLimit, StoreError, StoreFuture, StoreKey,
    StoredToken, TokenStore,
};
pub(crate) use syntax::check_issued;
pub use token::Token;
