//! What the verifiers of both vendors share, and the deduplication of deliveries.
//!
//! The verifiers are [`moneykit::Client::webhooks`](crate::moneykit::Client::webhooks) and
//! [`moov::webhook::WebhookVerifier`](crate::moov::webhook::WebhookVerifier). With axum, use the layer in the module `axum`
//! (feature `axum`); `examples/webhook_server.rs` is a complete server.
//!
//! # At least once
//!
//! 1. **Verify.** `verify` checks headers, signature, time and the digest of the body. It remembers nothing.
//! 2. **Begin.** `receive` verifies and then asks the delivery store. A [`Received::New`] comes with a
//!    [`DeliveryGuard`]; a delivery that is done gets 200, and one in progress 503.
//! 3. **Complete.** Call [`DeliveryGuard::complete`] once the event is handled. If the guard is dropped first,
//!    because the handler fails, panics or is cancelled, the vendor's next retry is handled. If the process
//!    dies, that happens once the lease has ended.
//!
//! An event is handled again only if its handler took effect and the delivery was not completed, because the
//! handler failed after that, the process died or the delivery store failed, or if the store lost the record. A
//! handler that cannot bear this records the id of the event in the same database transaction as its effect.
//!
//! # Security
//!
//! ## What is verified
//!
//! | | MoneyKit | Moov |
//! | --- | --- | --- |
//! | the vendor made it | ECDSA P-256 over the claims | HMAC-SHA512 over three headers |
//! | the **body** is the vendor's | SHA-256 of it, in the claims | **no** |
//! | it is recent | `iat`, `exp`, `nbf` | `X-Timestamp` |
//! | it was not handled before | idempotency key, or the digest of the body | the nonce |
//! | result | [`Verified`], the signed bytes | [`UnsignedBody`] |
//!
//! ## What is not
//!
//! - **Moov's body.** Anyone who captures a delivery before it is completed can send its headers with a
//!   different body for as long as the window is open, and completing that forgery suppresses the genuine
//!   event. So treat the body as a hint: fetch the object by its id over the API and act on that, and
//!   reconcile your records with the vendor's from time to time.
//! - **Repetitions, with `verify` alone.** Only a delivery store knows what was handled. That is why `verify`
//!   accepts five minutes by default, and only `receive` the hours of the vendors' retries.
//! - **Repetitions across processes or restarts**, with the store in memory: each process handles a
//!   delivery once. Share a [`DeliveryStore`], such as `RedisDeliveries` (feature `redis`).
//! - **Order and loss.** Neither scheme shows that a delivery never arrived.
//! - **The path and the method** of the request, and all headers that are not named here.
//!
//! ## Limits
//!
//! | limit | default | why |
//! | --- | --- | --- |
//! | [`Tolerance`] of `receive` | MoneyKit 2 h 5 min, Moov 24 h 5 min into the past; 5 min into the future | the vendors retry for 2 h and 24 h, perhaps with the first headers |
//! | [`Tolerance`] of `verify` | 5 min to either side | without a delivery store, this is how long a repetition passes |
//! | leeway of `exp` | 60 s | a clock that is ahead must not lose a delivery |
//! | `MoneyKit-Signature` | 4 KiB | real ones are under 500 bytes |
//! | members of a JWS header, of its claims | 32 | each is compared with those before it, to find repetitions |
//! | a key id | 256 bytes | it is looked up, not kept |
//! | age of keys | 1 h, then fetched again; 24 h while fetching fails | the first bounds how long a withdrawn key verifies, the second is the vendor's advice |
//! | fetches for unknown key ids | one a minute | anyone can make up an id |
//! | Moov's four headers | 64, 256, 256 and 128 bytes | a date-time, ids of any usual kind, and an HMAC-SHA512 in hex |
//! | memory of a done delivery | MoneyKit 4 h 15 min, Moov 48 h 15 min | the vendor may sign its last retry anew, and then it is accepted for as long as the first one |
//! | deliveries in memory | 100,000, about 25 MB | beyond it the oldest done ones are dropped, and older deliveries refused with 503 ([`MemoryDeliveries`]) |
//! | lease of a delivery | 60 s, renewed for up to 15 min | how long a dead process delays the vendor's retry |
//! | a body | 1 MiB | real ones are some kilobytes |
//!
//! ## Responses
//!
//! [`WebhookResponse`] is the response to whatever is not to be handled. A 503 means that nothing was decided
//! and the vendor should send it again. An error shows no header value, body, secret or key.

mod delivery;
mod error;
mod event_kind;
mod headers;
mod observer;
mod received;
mod response;
pub mod testing;
mod tolerance;
mod verified;

pub(crate) use crate::hex::{hex, unhex};
#[cfg(feature = "redis")]
pub use delivery::RedisDeliveries;
pub use delivery::{
    Begin, Begun, ClaimId, Deliveries, DeliveryFuture, DeliveryGuard, DeliveryId, DeliveryStore,
    DeliveryStoreError, MemoryDeliveries, StoreFailure,
};
pub(crate) use error::Reason;
pub use error::{VerifyError, VerifyErrorKind};
pub(crate) use event_kind::event_kinds;
pub use headers::Headers;
pub(crate) use headers::one;
pub use observer::WebhookEvent;
pub use received::Received;
pub use response::WebhookResponse;
pub use tolerance::Tolerance;
pub use verified::{UnsignedBody, Verified};
