//! Troubleshooting: each kind of failure, what it means, and what to do.
//!
//! On call, in this order:
//!
//! 1. Run `fintech-auth doctor` (crate `fintech-auth-cli`) with the environment of the process that fails. It checks
//!    credentials, network, clock, scopes and Redis one by one, and says what to do next.
//! 2. Find the error in your log. It is one line without a secret, so log it whole. Its kind leads to a section below.
//! 3. Quote its [`request_id`](crate::Error::request_id) to the vendor's support; without one, its
//!    [`ray_id`](crate::Error::ray_id).
//!
//! **What is at risk?** No call of this crate moves money: it gets, describes and revokes tokens. Your own request moves
//! money. If getting its token failed, that request was not sent. If your request itself failed, the state is unknown
//! until you ask the vendor: send it again only with the same idempotency key.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::emulator::{Fault, Operation, Emulator};
//! # let emulator = Emulator::start().await?;
//! # let client = emulator.moov().build()?;
//! # emulator.fault_times(Operation::MoovToken, Fault::response(http::StatusCode::SERVICE_UNAVAILABLE), usize::MAX);
//! # let scopes = ["/accounts.read".parse()?];
//! use fintech_auth::ErrorKind;
//!
//! let error = client.token(&scopes).await.unwrap_err();
//! match error.kind() {
//!     // The same as error.is_transient().
//!     ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout => {
//!         println!("later, in {:?}: {error}", error.retry_after());
//!     }
//!     ErrorKind::Unauthorized => println!("wake somebody: {error}"),
//!     _ => println!("a bug, here or there: {error}, fields {:?}", error.fields()),
//! }
//! assert!(error.is_transient());
//! # Ok(())
//! # }
//! ```
//!
//! # Calls
//!
//! | [`ErrorKind`](crate::ErrorKind) | transient | in short |
//! | --- | --- | --- |
//! | [`InvalidConfig`](#invalidconfig) | no | correct the configuration |
//! | [`Unauthorized`](#unauthorized) | no | correct the credentials |
//! | [`InvalidRequest`](#invalidrequest) | no | correct the request |
//! | [`RateLimited`](#ratelimited) | yes | wait |
//! | [`Unavailable`](#unavailable) | yes | try later |
//! | [`Timeout`](#timeout) | yes | try again, or allow more time |
//! | [`InvalidResponse`](#invalidresponse) | no | report it |
//!
//! [`may_have_been_sent`](crate::Error::may_have_been_sent) tells you whether a failed call may still have taken effect.
//!
//! ## InvalidConfig
//!
//! - **Symptom:** a client cannot be built, or a call fails at once. Nothing was sent. The error names the option, the
//!   variable or the argument, never its value.
//! - **Likely causes:** a variable that is missing or misspelt since the last deploy; no scope, which Moov requires; a base
//!   URL with plain http to another machine; a call outside of a tokio runtime; a call of [`blocking`] in async code. Or
//!   TLS: the certificate has expired, is for another host, or is from an authority that this machine does not trust, often
//!   a proxy's. (With `native-tls` a failure of TLS is [`Unavailable`](#unavailable).)
//! - **First check:** `fintech-auth doctor`. If it is clean, compare the environment of the failing process with the last
//!   deploy that worked. For TLS, `openssl s_client -connect api.moov.io:443 </dev/null` prints who issued the certificate:
//!   if that is your own proxy, give its root to
//!   [`with_root_certificate`](crate::HttpOptions::with_root_certificate), or name its file in
//!   `MOOV_ROOT_CERTIFICATE_FILE` or `MONEYKIT_ROOT_CERTIFICATE_FILE`.
//! - **Escalate:** to whoever made the last deploy, or runs the proxy. It does not pass by itself: roll back first.
//! - **At risk:** no money, because nothing was sent. If the process does not start, webhooks wait: MoneyKit retries for
//!   two hours, Moov for a day.
//!
//! ## Unauthorized
//!
//! - **Symptom:** the vendor does not accept the credentials or the token: 401, the code `invalid_client`, or a 403 whose code
//!   does not blame the request. The cache remembers a refusal of the credentials for ten seconds, so one wrong secret does
//!   not flood the vendor: calls fail at once until then.
//! - **Likely causes:** the secret was rotated or revoked; id and secret are of different keys or environments (MoneyKit's id
//!   begins with `sandbox_` or `live_`); for a 403 of Moov's, the origin is not allowed for the API key. A backend that sends
//!   no origin gets tokens for a service.
//! - **First check:** `fintech-auth doctor`, which sends the credentials once and names the cause. Then the key in the vendor's
//!   dashboard: does it exist, is it enabled, when was it changed?
//! - **Escalate:** to whoever owns the credentials, at once if nobody rotated them: the key may have leaked and been revoked.
//!   To the vendor with the request id if the key looks right in the dashboard.
//! - **At risk:** no money is moved. Payments that should go out do not, for as long as it lasts.
//!
//! A 401 on your *own* request is another matter: [`authorize`](crate::authorize) renews the token. If the new token is
//! rejected as well, the log says so, and the cause is the account or the scope.
//!
//! ## InvalidRequest
//!
//! - **Symptom:** the vendor refuses the request as it stands (400, 404, 422). [`code`](crate::Error::code) and
//!   [`fields`](crate::Error::fields) say why.
//! - **Likely causes:** a scope that is misspelt or that the key does not have; a refresh token that was already used
//!   (`invalid_grant`): issue a new token; an API version that the vendor no longer knows.
//! - **First check:** the code and the fields in the log, then the last deploy: sending it again does not help.
//! - **Escalate:** to the owner of the code that chose the scopes. To the vendor with the request id if nothing was deployed:
//!   then the vendor changed something.
//! - **At risk:** no money. Only calls with these scopes fail; others go on.
//!
//! ## RateLimited
//!
//! - **Symptom:** too many calls (429), or a cool-down after an earlier 429: then nothing was sent.
//!   [`retry_after`](crate::Error::retry_after) is the time to wait. A call waits by itself if that is within the time that its
//!   caller allows.
//! - **Likely causes:** many processes started at once without a shared store ([a fleet](super::fleet)); a client that is built
//!   for each request, which begins without tokens; a job that uses a new scope set for each account.
//! - **First check:** [`Stats`](crate::token::Stats): few `hits` and many `refreshes` mean that tokens are not reused. Count the
//!   restarts of the last minutes. Do not restart again: a restart forgets tokens and asks for new ones.
//! - **Escalate:** to the owner of the job or deploy that causes the calls. To the vendor only for a higher limit.
//! - **At risk:** no money. Calls are late. Tokens in memory still work.
//!
//! ## Unavailable
//!
//! - **Symptom:** a 5xx, no connection, a reset, or half a response. It was already repeated where that is safe.
//! - **Likely causes:** an outage of the vendor; DNS, a firewall or a proxy between you and the vendor; a CDN that blocks your
//!   address. The error says so if a proxy or CDN blocked the request: such a response has no request id, for example
//!   Cloudflare's `error code: 1010` with status 403. It says nothing about the credentials. `the client was shut down` means
//!   that this process is ending: send the request to another one.
//! - **First check:** the vendor's status page. Then the chain of sources ([`source`](std::error::Error::source)): it tells a name
//!   that is not found from a connection that is refused. Then `fintech-auth doctor` from another machine: if that works, it
//!   is your network.
//! - **Escalate:** to the vendor with the request id or the [`ray_id`](crate::Error::ray_id) if it lasts longer than ten minutes
//!   and is not on the status page. To your network team if no request leaves.
//! - **At risk:** no money by this crate. A token that has not expired still works. After a *revocation* that failed like this,
//!   the token may still be valid: call it again until it succeeds.
//!
//! ## Timeout
//!
//! - **Symptom:** no whole response came within [`HttpOptions::with_timeout`](crate::HttpOptions::with_timeout), or no token within
//!   the caller's [`max_wait`](crate::token::TokenOptions::with_max_wait). Or [`shutdown`](crate::token::TokenCache::shutdown)
//!   cut off what was running.
//! - **Likely causes:** the vendor is slow; packets are lost on the way; the CPU of this process is saturated, or its runtime is
//!   blocked by code that is not async; with a store, another process holds the lease and does not finish.
//! - **First check:** whether the latency of *all* outgoing calls of this process rose: then it is this machine. Otherwise the
//!   vendor's status page. A refresh goes on after its caller left, so the next call may find its token.
//! - **Escalate:** as for [`Unavailable`](#unavailable).
//! - **At risk:** no money by this crate. The call may still have taken effect
//!   ([`may_have_been_sent`](crate::Error::may_have_been_sent)): repeat a revocation; a token that was issued in vain ends by
//!   itself.
//!
//! ## InvalidResponse
//!
//! - **Symptom:** a response came and cannot be used: HTML where JSON should be, no usable access token, a token that is not a
//!   bearer token, more than the limit, or a redirect.
//! - **Likely causes:** it is not from the vendor: a wrong base URL, a captive portal, the login page of a proxy. Otherwise the
//!   vendor changed its API. An optional field that cannot be read is not an error: it counts as absent and is logged.
//! - **First check:** the host in the base URL. Then `curl -sSI` on that host from the failing machine: who responds?
//! - **Escalate:** to your network team if it is not the vendor. Otherwise to the vendor with the request id, and to this crate's
//!   issues.
//! - **At risk:** your credentials, if the host is wrong: they were sent to whoever responded. Then rotate them. No money.
//!
//! # Blocking clients
//!
//! The clients of [`blocking`] return the same errors. `a blocking client was called in async code` is an
//! [`InvalidConfig`](#invalidconfig): the call blocks a thread of the runtime, so it is refused and nothing is sent. Use the async
//! client there, or `tokio::task::spawn_blocking`. `the call ended without an outcome` means that code of yours panicked on the
//! client's thread: look for the panic above it in the log.
//!
//! # Token store
//!
//! If Redis fails, tokens are requested without it. No token is lost, and each process stays within the vendor's rate limit by
//! itself; only a whole fleet may exceed it. So a failing store alone is not a reason to wake anybody, unless a revocation has
//! to reach all processes.
//!
//! | log line | what it means | first check | at risk |
//! | --- | --- | --- | --- |
//! | `token store circuit opened: requesting tokens without the store` | Redis failed or took too long; the next attempt is after 5 s | `fintech-auth doctor`, then the memory and the slow log of Redis | more token calls |
//! | `token store failed: other processes may use the token until the store is told, which is retried` | a revoked or rejected token still works in other processes | `store_circuit_open` in [`Stats`](crate::token::Stats); keep this process alive, or end it with [`shutdown`](crate::token::TokenCache::shutdown) | a stolen token keeps working: revoke it at the vendor as well |
//! | `token store failed: other processes may use the token` | the same, and nobody repeats it | revoke again once Redis is back | the same |
//! | `overwriting a Redis entry that no sealing key opens` | a process has another sealing key, or somebody writes to Redis | the keys of the last deploy; [rotate](super::fleet#rotate-the-sealing-key) old and new together | more token calls |
//! | `requesting this token without the store` | the circuit is open, or the store returned something unusable | the cause in the same line | more token calls |
//!
//! # Deliveries of webhooks
//!
//! | log line | what it means | first check | at risk |
//! | --- | --- | --- | --- |
//! | `webhook not verified or not recorded: to be sent again` | 503: the vendor retries | the reason in the same line, in the table below | no event, if it is repaired within two hours (MoneyKit) or a day (Moov) |
//! | `webhook handled but not marked as done: a retry may repeat it` | the delivery store failed after the handler | whether the handler is idempotent | an event is handled twice |
//! | `webhook delivery lease lost while handling` | the store lost its data, or the handler was paused for longer than its lease | the memory policy of Redis (`noeviction`), the CPU of this process | an event is handled twice |
//! | `webhook handler runs too long: lease no longer renewed` | the handler hangs | what it waits for | an event is handled twice |
//! | `webhook handler panicked: delivery abandoned` | a bug in your handler; the vendor retries | the panic above it | an event is lost if no retry succeeds |
//! | `webhook keys cannot be fetched` | MoneyKit's keys; known ones serve for up to a day | as for [`Unavailable`](#unavailable) | no event at first; then 503 |
//!
//! After an outage longer than the vendor's retries, compare your records with the vendor's: events may be missing.
//!
//! # doctor
//!
//! What `fintech-auth doctor` finds. `--json` prints these ids, which are stable, and the subject: `moneykit`, `moov` or
//! `redis`. Settings are named without their prefix, such as `MOOV_`. The exit code is 10 if a check failed.
//!
//! | id | meaning |
//! | --- | --- |
//! | `configured.ok` | the settings make a client |
//! | `configured.invalid` | a setting is missing or wrong: the one that is named |
//! | `base_url.ok` | where the calls go |
//! | `proxy.ok` | which proxy is used, or none |
//! | `proxy.unreadable` | `HTTPS_PROXY` is set and not the address of a proxy |
//! | `tls.ok` | the connection is encrypted and trusted |
//! | `tls.none` | plain, to this machine |
//! | `tls.plain` | Redis: plain, to another machine |
//! | `tls.failed` | no TLS connection: the certificate, the roots or the port |
//! | `reached.ok` | Redis: it responds |
//! | `reached.failed` | nothing responds: `BASE_URL`, a firewall or `HTTPS_PROXY` |
//! | `reached.cdn` | a CDN or proxy blocks this machine; the credentials were not judged |
//! | `reached.portal` | an HTML page or a redirect in place of the service: a captive portal, a login page, a wrong `BASE_URL` |
//! | `clock.ok` | the clocks agree |
//! | `clock.off` | 30 s apart or more; fails from `WEBHOOK_TOLERANCE` on (5 min), when webhooks are rejected. Tokens are measured against the service's own `Date` |
//! | `clock.unknown` | the service sends no `Date` |
//! | `credentials.ok` | a token was issued |
//! | `credentials.refused` | `CLIENT_ID` and `CLIENT_SECRET` are not accepted, or are of another environment |
//! | `credentials.failed` | the token call fails for another reason |
//! | `version.ok` | the version sent, the version in the response and the fields fit together |
//! | `version.too_old` | Moov: the version does not know `client_type` and no origin is set: unset `MOOV_VERSION`, or set `MOOV_ORIGIN` |
//! | `version.moving` | Moov: `latest` or `dev`, which change without notice |
//! | `version.differs` | the response names another version than the one sent |
//! | `version.unknown` | a version that this release does not know; Redis: it does not tell its version |
//! | `version.refused` | Moov: the token call is accepted only without a version |
//! | `version.field_refused` | Moov: the token call is accepted only without `client_type` |
//! | `version.old` | Redis before 6.2 |
//! | `origin.ok` | `MOOV_ORIGIN` is in the token's audience |
//! | `origin.none` | tokens are not for a browser |
//! | `origin.unproven` | the token does not say which origins it is for; see `token` |
//! | `origin.not_in_audience` | a token was issued, but `MOOV_ORIGIN` is not allowed for the API key: later calls get a bare 401 |
//! | `origin.refused` | the token call is refused with `MOOV_ORIGIN`, and accepted for a service |
//! | `scopes.ok` | all that were requested are granted |
//! | `scopes.unknown` | the response does not name the granted scopes |
//! | `scopes.missing` | some are not granted: `SCOPES` |
//! | `scopes.refused` | the token call is refused for its scopes: `SCOPES` |
//! | `scopes.failed` | the scopes could not be read |
//! | `token.ok` | a protected endpoint accepts the token |
//! | `token.refused` | a protected endpoint responds 401 to a new token: the origin, the version or the environment |
//! | `token.unchecked` | no protected endpoint could be asked |
//! | `token.unusable` | the response has no token that can be sent |
//! | `revoke.ok` | the token of this check was revoked |
//! | `revoke.failed` | it was not, and ends by itself |
//! | `key_pair.ok` | a protected endpoint accepts the key pair |
//! | `key_pair.refused` | it does not: send tokens |
//! | `key_pair.unchecked` | no protected endpoint could be asked |
//! | `key_pair.failed` | HTTP Basic cannot carry the key pair |
//! | `jwks.ok` | how many of MoneyKit's webhook keys verify |
//! | `jwks.unusable` | none of them does |
//! | `jwks.failed` | they could not be fetched |
//! | `webhooks.ok` | Moov's signing secret is readable |
//! | `webhooks.none` | none is set |
//! | `webhooks.invalid` | `MOOV_WEBHOOK_SECRET` is not usable |
//! | `delivery.ok` | the pasted delivery is the vendor's, and of now |
//! | `delivery.too_old` | its signature is right, its time is not of now: fine for a recording |
//! | `delivery.too_new` | its signature is right, and its time is to come: this machine's clock |
//! | `delivery.previous_secret` | signed with `MOOV_PREVIOUS_WEBHOOK_SECRET` |
//! | `delivery.other_secret` | signed with another secret than `MOOV_WEBHOOK_SECRET`, or changed |
//! | `delivery.other_key` | signed with another key than MoneyKit's, or changed |
//! | `delivery.body_changed` | MoneyKit's signature is right, for another body |
//! | `delivery.invalid` | a header is missing or unreadable |
//! | `delivery.no_secret` | `MOOV_WEBHOOK_SECRET` is missing or not usable |
//! | `delivery.no_keys` | MoneyKit's keys could not be fetched |
//! | `memory.ok` | Redis drops nothing before its time |
//! | `memory.evicts` | Redis may drop tokens and marks |
//! | `rights.ok` | a store may do there what it does for a token |
//! | `rights.missing` | it may not; the `ACL SETUSER` that is needed is printed |
//! | `rights.failed` | the check of the store failed for another reason |
//! | `transcript.written` | where the transcript of `--record` is |
//!
//! `fintech-auth doctor --record FILE` writes what the calls sent and received to a file that only you can read: names of
//! a fixed list, JSON types, lengths, statuses, and times relative to now. No value is copied, so it has no secret, no id
//! and no domain. Read it, and attach it to an issue in this crate's repository: it shows what the live services send.
//!
//! # Webhooks
//!
//! [`VerifyError::kind`](crate::webhook::VerifyError::kind) is what to do,
//! [`reason`](crate::webhook::VerifyError::reason) is the cause for your logs and metrics, and
//! [`subject`](crate::webhook::VerifyError::subject) is the header or claim. Respond with
//! [`status`](crate::webhook::VerifyError::status). The kinds with 503 are transient: the vendor sends such a webhook again.
//! All others are refused again however often they come. If the vendor itself sends one, check this table.
//!
//! | kind | respond with | reasons | check |
//! | --- | --- | --- | --- |
//! | [`InvalidHeader`](crate::webhook::VerifyErrorKind::InvalidHeader) | 400 | `missing_header`, `repeated_header`, `header_too_large`, `malformed_header`, `malformed_timestamp` | a proxy that drops, repeats or folds headers; a health check that calls this path. If the vendor itself sends it: report it |
//! | [`MalformedSignature`](crate::webhook::VerifyErrorKind::MalformedSignature) | 400 | `malformed_signature`, `malformed_base64`, `malformed_jws_header`, `malformed_claims`, `missing_claim`, `malformed_claim` | one vendor's webhook at the other's path; an edited recording; otherwise a change of the vendor's: report it |
//! | [`UnsupportedAlgorithm`](crate::webhook::VerifyErrorKind::UnsupportedAlgorithm) | 401 | `algorithm_none`, `algorithm_symmetric`, `algorithm_unexpected`, `critical_extension` | an attack, or a test that signs with a secret. `algorithm_unexpected` from the vendor: report it |
//! | [`UnknownKey`](crate::webhook::VerifyErrorKind::UnknownKey) | 401 | `unknown_key`, `missing_key_id` | only from `verify` with a set of your own: an old set |
//! | [`UnusableKey`](crate::webhook::VerifyErrorKind::UnusableKey) | 401 | `key_ambiguous`, `key_type`, `key_curve`, `key_use`, `key_algorithm`, `key_malformed`, `key_off_curve` | the vendor's key set: report it. `key_off_curve`: at once, such a key is an attack |
//! | [`InvalidSignature`](crate::webhook::VerifyErrorKind::InvalidSignature) | 401 | `signature_invalid`, `signature_in_der`, `signature_length` | the wrong secret (Moov: each webhook has its own; configure both while you rotate) or environment; a test that signs with a library for X.509 |
//! | [`BodyMismatch`](crate::webhook::VerifyErrorKind::BodyMismatch) | 401 | `body_mismatch` | whether the body is raw: a framework that parsed it, a proxy that unpacked it |
//! | [`TooOld`](crate::webhook::VerifyErrorKind::TooOld) | 401 | `too_old`, `expired` | this machine's clock; a queue in front of you; a replay |
//! | [`TooNew`](crate::webhook::VerifyErrorKind::TooNew) | 401 | `too_new`, `not_yet_valid` | this machine's clock |
//! | [`BodyTooLarge`](crate::webhook::VerifyErrorKind::BodyTooLarge) | 413 | `body_too_large` | the body limit, if a genuine one is over it |
//! | [`IncompleteBody`](crate::webhook::VerifyErrorKind::IncompleteBody) | 400 | `incomplete_body` | the connection, and timeouts in front of you |
//! | [`MalformedBody`](crate::webhook::VerifyErrorKind::MalformedBody) | 400 | `malformed_body` | only from reading the body, never from verifying it. MoneyKit: an event of a new shape; respond with 2xx. Moov: anyone can have written it |
//! | [`KeysUnavailable`](crate::webhook::VerifyErrorKind::KeysUnavailable) | 503 | `keys_unavailable` | the way to MoneyKit: the source is a call's error, as above |
//! | [`KeysCoolingDown`](crate::webhook::VerifyErrorKind::KeysCoolingDown) | 503 | `keys_cooling_down` | nothing, if it passes within a minute; otherwise somebody invents key ids |
//! | [`DeliveryStoreUnavailable`](crate::webhook::VerifyErrorKind::DeliveryStoreUnavailable) | 503 | `delivery_store_unavailable` | the delivery store: it fails, times out, or is full of newer deliveries |
//!
#![doc = links!()]
