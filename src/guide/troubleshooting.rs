//! Troubleshooting: each kind of failure, what it means, and what to do.
//!
//! Start with `fintech-auth doctor` (crate `fintech-auth-cli`): it checks credentials, network, clock, scopes and Redis one by one, and
//! says what to do next. Then look at the error. It is one line without a secret, so log it whole, and quote its
//! [`request_id`](crate::Error::request_id) to the vendor's support.
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
//! Whether a call that failed may have acted all the same says
//! [`may_have_been_sent`](crate::Error::may_have_been_sent).
//!
//! ## InvalidConfig
//!
//! Nothing was sent: an option, a variable or an argument will not do, and the error names it. A variable that resembles a
//! key for the host, the origin or the credentials that is not set is refused with the key's name; others are warnings. Often: no scope for Moov; a base URL with plain http to another machine; a token asked for outside of
//! a tokio runtime; a call of [`blocking`] from async code.
//!
//! A failure of TLS is here as well, for it does not pass by itself: what the base URL names speaks no TLS, a proxy opens TLS, or this machine
//! does not trust the root: give it to [`with_root_certificate`](crate::HttpOptions::with_root_certificate). (With `native-tls` it is told as `Unavailable`.)
//!
//! ## Unauthorized
//!
//! The vendor does not accept the credentials or the token (401, `invalid_client`, and a 403 whose code does not blame the
//! request). Look at, in this order:
//!
//! - the client id and secret, and whether they are of the same environment: MoneyKit's id begins with `sandbox_` or `live_`;
//! - for Moov's 403, the origin: it must be one of the domains allowed for the API key. A backend that sends none gets tokens
//!   for a service;
//! - a secret of another environment or another key. White space, quotes and a byte order mark around one are refused before
//!   anything is sent.
//!
//! It is remembered for ten seconds, so that a fleet with a wrong secret does not flood the vendor; corrected credentials are
//! a new client, and need no waiting. A token that you use and that comes back with 401 on your *own* request is another
//! matter: [`authorize`](crate::authorize) renews it.
//!
//! ## InvalidRequest
//!
//! The vendor refuses the request as it stands (400, 404, 422). [`code`](crate::Error::code) and
//! [`fields`](crate::Error::fields) say why. Often: a scope that the key does not have or that is misspelt; a refresh token that
//! was spent (`invalid_grant`), after which you issue a new token; a version that the vendor does not know.
//!
//! ## RateLimited
//!
//! Too many calls (429), or a cool-down that an earlier 429 began: then nothing was sent.
//! [`retry_after`](crate::Error::retry_after) is the time to wait, and the client waits by itself where that ends within the
//! caller's own time. If it happens daily: many processes start at once ([a fleet](super::fleet) shares), or each request
//! makes a client of its own, which begins with no tokens.
//!
//! ## Unavailable
//!
//! The vendor, or the way to it, fails: a 5xx, no connection, a reset, half a response. It was repeated already where
//! that is safe.
//!
//! A proxy or CDN in front of the vendor that blocks the request is here as well, and the error says so. Such a response has
//! no request id and a body that the vendor does not use, for example Cloudflare's `error code: 1010` with status 403. It says
//! nothing about the credentials. Quote the [`ray_id`](crate::Error::ray_id) to the vendor's support; often the IP address or
//! the user agent is blocked.
//!
//! The chain of sources ([`source`](std::error::Error::source)) tells a name that is not found from a connection
//! that is refused.
//!
//! ## Timeout
//!
//! No whole response came within
//! [`HttpOptions::with_timeout`](crate::HttpOptions::with_timeout), or no token within the caller's
//! [`max_wait`](crate::token::TokenOptions::with_max_wait). A refresh that runs goes on, so the next caller may find its token.
//!
//! ## InvalidResponse
//!
//! A response came, and cannot be used: HTML where JSON should be, no usable access token, a token that is not a bearer
//! token, more than the limit, a redirect. An optional field that cannot be read counts as absent and is traced. Often it is
//! not from the vendor at all: a captive portal, a proxy's login page, a wrong base URL. Else report it, with the request id.
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
