//! Shared parts of both vendors' webhook verifiers, and the deduplication of deliveries.
//!
//! The verifiers are [`moneykit::Client::webhooks`](crate::moneykit::Client::webhooks) and
//! [`moov::webhook::WebhookVerifier`](crate::moov::webhook::WebhookVerifier). With axum, use the
//! layer in the module `axum` (feature `axum`). `examples/webhook_server.rs` is a complete server.
//!
//! # At-least-once handling
//!
//! 1. **Verify.** `verify` checks the headers, the signature, the time and, for MoneyKit, the
//!    digest of the body. `verify` does not detect repeated webhooks.
//! 2. **Begin.** `receive` verifies the webhook and looks up the delivery in the delivery store.
//!    [`Received::New`] contains a [`DeliveryGuard`]. Respond with 200 if the delivery is done, and
//!    with 503 if the delivery is in progress.
//! 3. **Complete.** Call [`DeliveryGuard::complete`] when the event has been handled. If the
//!    handler fails, panics or is cancelled, the guard is dropped, and the vendor's next retry is
//!    handled. If the process dies, the first retry after the end of the lease is handled.
//!
//! An event can be handled more than once in two cases:
//!
//! - The handler made its changes, but the delivery was not completed, because the handler then
//!   failed, the process died or the delivery store failed.
//! - The delivery store lost the record.
//!
//! If a handler must not run twice, record the id of the event in the same database transaction as
//! the effect of the handler.
//!
//! # Security
//!
//! ## What is verified
//!
//! | | MoneyKit | Moov |
//! | --- | --- | --- |
//! | the vendor sent the webhook | ECDSA P-256 over the claims | HMAC-SHA512 over three headers |
//! | the **body** is unchanged | SHA-256 of the body, in the claims | **no** |
//! | the webhook is recent | `iat`, `exp`, `nbf` | `X-Timestamp` |
//! | the webhook was not handled before | idempotency key, or the digest of the body | the nonce |
//! | result type | [`Verified`], with the signed bytes | [`UnsignedBody`] |
//!
//! ## What is not
//!
//! - **Moov's body.** Anyone who captures a delivery before it is completed can send the captured
//!   headers with a different body, while the timestamp is within the tolerance. If your handler
//!   completes the forged delivery, the genuine event counts as a duplicate and is lost. So treat
//!   the body as a hint: fetch the object by its id over the API, and use the fetched object. Also
//!   compare your records with the vendor's records regularly.
//! - **Repeated webhooks, if you use only `verify`.** Only a delivery store knows which deliveries
//!   were handled. By default, `verify` therefore accepts only webhooks that are at most 5 min old.
//! - **Repeated webhooks across processes or restarts, if you use [`MemoryDeliveries`].** Each
//!   process has its own store, so the same delivery can be handled once in each process. To
//!   prevent this, share a [`DeliveryStore`] such as `RedisDeliveries` (feature `redis`).
//! - **Order and loss.** Neither vendor's signature reveals that webhooks arrive in the wrong order
//!   or not at all.
//! - **The rest of the request.** The path, the method, and any header that this page does not
//!   name, are not verified.
//!
//! ## Limits
//!
//! | limit | default | why |
//! | --- | --- | --- |
//! | [`Tolerance`] of `receive` | MoneyKit 2 h 5 min, Moov 24 h 5 min into the past; 5 min into the future | the vendors retry for 2 h and 24 h, perhaps with the original headers |
//! | [`Tolerance`] of `verify` | 5 min in both directions | without a delivery store, repeated webhooks are accepted for this long |
//! | leeway of `exp` | 60 s | a delivery must not be lost because the local clock is ahead |
//! | `MoneyKit-Signature` | 4 KiB | real values are under 500 bytes |
//! | members of the JWS header, members of the claims | 32 each | each name is compared with all names before it, so the time grows with the square of their number |
//! | a key id | 256 bytes | the id is only looked up, never stored |
//! | age of keys | 1 h, then fetched again; 24 h while fetching fails | 1 h limits how long a withdrawn key is accepted, and MoneyKit recommends 24 h as the maximum |
//! | fetches for unknown key ids | one per minute | anyone can make up a key id |
//! | Moov's four headers | 64, 256, 256 and 128 bytes | enough for a date-time, two ids of any common format, and an HMAC-SHA512 in hex |
//! | time to remember a completed delivery | MoneyKit 4 h 15 min, Moov 48 h 15 min | the last retry may have a new timestamp, and is then accepted until the tolerance has passed |
//! | deliveries in memory | 100,000, about 25 MB | when full, the oldest completed deliveries are dropped, and an unknown delivery that was signed no later than a dropped delivery is rejected with 503, because the unknown delivery may be a retry ([`MemoryDeliveries`]) |
//! | lease of a delivery | 60 s, renewed for up to 15 min | if a process dies, the vendor's retries are rejected until the lease expires |
//! | a body | 1 MiB | real bodies are a few kilobytes |
//!
//! ## Responses
//!
//! [`WebhookResponse`] is the response to send if a webhook must not reach your handler. A 503
//! means that the webhook could not be verified or looked up, or that another attempt to handle the
//! webhook is running. After a 503, the vendor should send the webhook again. Errors show no header
//! value, body, secret or key.

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
