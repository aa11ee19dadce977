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
//! [`VerifyError::kind`](crate::webhook::VerifyError::kind) is the reason, and
//! [`subject`](crate::webhook::VerifyError::subject) the header or claim. Response with
//! [`status`](crate::webhook::VerifyError::status). Only the three with 503 are transient: the vendor sends those again, and
//! should. Everything else will be refused again however often it comes; where it is the vendor's own delivery, look here.
//!
//! **It did not come whole.** Something between the vendor and you drops, folds or adds, or it is not the vendor.
//!
//! | reason | response | look at |
//! | --- | --- | --- |
//! | [`MissingHeader`](crate::webhook::VerifyErrorKind::MissingHeader) | 400 | a proxy that drops headers it does not know; a health check that calls this path |
//! | [`RepeatedHeader`](crate::webhook::VerifyErrorKind::RepeatedHeader) | 400 | a proxy that adds its own; never take the first of two |
//! | [`HeaderTooLarge`](crate::webhook::VerifyErrorKind::HeaderTooLarge) | 400 | not the vendor: real ones are far below the limit |
//! | [`MalformedHeader`](crate::webhook::VerifyErrorKind::MalformedHeader) | 400 | the same |
//! | [`BodyTooLarge`](crate::webhook::VerifyErrorKind::BodyTooLarge) | 413 | the body limit, if a genuine one is over it |
//! | [`IncompleteBody`](crate::webhook::VerifyErrorKind::IncompleteBody) | 400 | the connection, timeouts in front of you |
//! | [`MalformedBody`](crate::webhook::VerifyErrorKind::MalformedBody) | 400 | only from reading the body, never from the verification. MoneyKit: an event of a new shape; response 2xx. Moov: anyone can have written it |
//!
//! **The signature is of no use.** Forged, or made by something else than the vendor.
//!
//! | reason | response | look at |
//! | --- | --- | --- |
//! | [`MalformedSignature`](crate::webhook::VerifyErrorKind::MalformedSignature) | 400 | one vendor's webhook at the other's path |
//! | [`MalformedBase64`](crate::webhook::VerifyErrorKind::MalformedBase64) | 400 | a recording that was edited |
//! | [`MalformedJwsHeader`](crate::webhook::VerifyErrorKind::MalformedJwsHeader) | 400 | the same |
//! | [`AlgorithmNone`](crate::webhook::VerifyErrorKind::AlgorithmNone) | 401 | an attack |
//! | [`AlgorithmSymmetric`](crate::webhook::VerifyErrorKind::AlgorithmSymmetric) | 401 | an attack, or a test that signs with a secret |
//! | [`AlgorithmUnexpected`](crate::webhook::VerifyErrorKind::AlgorithmUnexpected) | 401 | a change of the vendor's: report it |
//! | [`CriticalExtension`](crate::webhook::VerifyErrorKind::CriticalExtension) | 401 | the same |
//! | [`MissingKeyId`](crate::webhook::VerifyErrorKind::MissingKeyId) | 401 | the same |
//! | [`SignatureInDer`](crate::webhook::VerifyErrorKind::SignatureInDer) | 401 | a test that signs with a library for X.509 |
//! | [`SignatureLength`](crate::webhook::VerifyErrorKind::SignatureLength) | 401 | a recording that was cut |
//! | [`SignatureInvalid`](crate::webhook::VerifyErrorKind::SignatureInvalid) | 401 | the wrong secret (Moov: each webhook has its own; give both while you rotate) or environment |
//!
//! **The key is of no use.** MoneyKit alone.
//!
//! | reason | response | look at |
//! | --- | --- | --- |
//! | [`UnknownKey`](crate::webhook::VerifyErrorKind::UnknownKey) | 401 | only from `verify` with a set of your own: an old set |
//! | [`KeyAmbiguous`](crate::webhook::VerifyErrorKind::KeyAmbiguous) | 401 | the vendor's key set contradicts itself: report it |
//! | [`KeyType`](crate::webhook::VerifyErrorKind::KeyType) | 401 | the vendor's key set: report it |
//! | [`KeyCurve`](crate::webhook::VerifyErrorKind::KeyCurve) | 401 | the same |
//! | [`KeyUse`](crate::webhook::VerifyErrorKind::KeyUse) | 401 | the same |
//! | [`KeyAlgorithm`](crate::webhook::VerifyErrorKind::KeyAlgorithm) | 401 | the same |
//! | [`KeyMalformed`](crate::webhook::VerifyErrorKind::KeyMalformed) | 401 | the same |
//! | [`KeyOffCurve`](crate::webhook::VerifyErrorKind::KeyOffCurve) | 401 | the same, at once: such a key is an attack |
//!
//! **The claims or the time do not fit.**
//!
//! | reason | response | look at |
//! | --- | --- | --- |
//! | [`MalformedClaims`](crate::webhook::VerifyErrorKind::MalformedClaims) | 400 | a change of the vendor's: report it |
//! | [`MissingClaim`](crate::webhook::VerifyErrorKind::MissingClaim) | 401 | the same |
//! | [`MalformedClaim`](crate::webhook::VerifyErrorKind::MalformedClaim) | 401 | the same |
//! | [`BodyMismatch`](crate::webhook::VerifyErrorKind::BodyMismatch) | 401 | whether the body is raw: a framework that parsed it, a proxy that unpacked it |
//! | [`MalformedTimestamp`](crate::webhook::VerifyErrorKind::MalformedTimestamp) | 400 | a change of the vendor's: report it |
//! | [`TooOld`](crate::webhook::VerifyErrorKind::TooOld) | 401 | this machine's clock; a queue in front of you; a recording played again |
//! | [`TooNew`](crate::webhook::VerifyErrorKind::TooNew) | 401 | this machine's clock |
//! | [`Expired`](crate::webhook::VerifyErrorKind::Expired) | 401 | the same |
//! | [`NotYetValid`](crate::webhook::VerifyErrorKind::NotYetValid) | 401 | the same |
//!
//! **Nothing could be decided.** These are transient.
//!
//! | reason | response | look at |
//! | --- | --- | --- |
//! | [`KeysUnavailable`](crate::webhook::VerifyErrorKind::KeysUnavailable) | 503 | the way to MoneyKit: the source is a call's error, as above |
//! | [`KeysCoolingDown`](crate::webhook::VerifyErrorKind::KeysCoolingDown) | 503 | nothing, if it passes within a minute; else somebody makes up key ids |
//! | [`DeliveryStoreUnavailable`](crate::webhook::VerifyErrorKind::DeliveryStoreUnavailable) | 503 | the delivery store: it fails, times out, or is full of newer deliveries |
//!
#![doc = links!()]
