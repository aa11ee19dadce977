//! What the verifiers of both vendors' webhooks share. It knows no vendor and sends nothing.
//!
//! The verifiers are [`moneykit::Client::webhooks`](crate::moneykit::Client::webhooks) and
//! [`moov::webhook::Webhooks`](crate::moov::webhook::Webhooks); `examples/webhook_server.rs` is a
//! server that takes from both.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use fintech_auth::webhook::{Tolerance, VerifyErrorKind};
//!
//! let tolerance = Tolerance::default(); // five minutes, to either side
//! let now = SystemTime::now();
//! assert!(tolerance.check(now - Duration::from_secs(299), now).is_ok());
//! let error = tolerance.check(now - Duration::from_secs(301), now).unwrap_err();
//! assert_eq!(error.kind(), VerifyErrorKind::TooOld);
//! assert_eq!(error.status(), 401); // what to answer
//! ```
//!
//! # Security
//!
//! ## What is verified
//!
//! | | MoneyKit | Moov |
//! | --- | --- | --- |
//! | that the vendor made it | ECDSA P-256 over the claims | HMAC-SHA512 over three headers |
//! | that the **body** is the vendor's | SHA-256 of it, in the claims | **no** |
//! | that it is of now | `iat`, `exp`, `nbf` | `X-Timestamp` |
//! | that it did not come before | no: see below | the nonce |
//! | what comes back | [`Verified`], with the event | [`UnsignedBody`], with what was sent |
//!
//! ## What is not
//!
//! - **Moov's body.** Whoever sees one delivery can send its headers with any other body, if he is
//!   faster than the vendor's own request or the nonce was not stored. So a body is a hint that
//!   something changed: fetch the object by its id over the API before you act on it.
//! - **Repetition with MoneyKit.** Its deliveries carry nothing that is used once. Within the tolerance
//!   a delivery can be sent again, and the vendor itself does so when an answer is lost. Act once on
//!   an [`idempotency_key`](crate::moneykit::webhook::Event::idempotency_key).
//! - **Order and loss.** Nothing in either scheme tells of a delivery that never came.
//! - **The path and the method** of the request, and all headers that are not named here.
//!
//! ## Why each limit is what it is
//!
//! | limit | default | why |
//! | --- | --- | --- |
//! | [`Tolerance`] | 5 minutes, either side | MoneyKit names it, and so do most vendors; it is how long a replay may work, and how far two clocks may differ |
//! | leeway of `exp` | 60 seconds | a clock that is a bit ahead must not lose a delivery; with the five minutes of `iat` the claim would never decide anything |
//! | `MoneyKit-Signature` | 4 KiB | real ones are under 500 bytes; nothing longer is decoded |
//! | members of a JWS header, of its claims | 32 | each is compared with those before it, so that none comes twice |
//! | a key id | 256 bytes | it is looked up, not kept |
//! | keys of a set | 64 | each costs a check of its point; a set in rotation has two or three |
//! | age of keys | 1 hour, then asked for again; 24 hours where that fails | the first is how long a withdrawn key can go on, the second the vendor's advice. A webhook under a key that is due waits a second for it at the most |
//! | fetches for unknown key ids | one a minute | anybody can make up an id, so the vendor must not be asked for each |
//! | Moov's four headers | 64, 256, 256 and 128 bytes | a date-time, ids of any usual kind, and the one length of an HMAC-SHA512 in hex |
//! | nonces in memory | 100,000 | 160 a second for ten minutes; beyond it deliveries are put off, never let through unchecked |
//! | a body | 1 MiB | real ones are some kilobytes. Bound the reading as well: what is verified here has been read |
//!
//! ## What to answer
//!
//! [`VerifyError::status`]. A 503 means that nothing was decided, so that the vendor sends it
//! again. An error shows no header value, body, secret or key.

mod error;
mod headers;
mod hex;
mod nonces;
mod tolerance;
mod verified;

pub use error::{VerifyError, VerifyErrorKind};
pub(crate) use headers::one;
pub(crate) use hex::unhex;
pub use nonces::{MemoryNonces, NonceFuture, NonceStore};
pub use tolerance::Tolerance;
pub use verified::{UnsignedBody, Verified};
