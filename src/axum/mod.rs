//! Receives webhooks in [axum](https://docs.rs/axum): a handler runs for verified webhooks only, and each
//! delivery until it is handled.
//!
//! ```
//! use axum::{Router, http::StatusCode, routing::post};
//! use fintech_auth::{
//!     axum::{MoneykitWebhook, MoovWebhook, WebhookLayer},
//!     moneykit, moov,
//! };
//!
//! async fn from_moneykit(MoneykitWebhook(webhook): MoneykitWebhook) -> StatusCode {
//!     match webhook.event() {
//!         Ok(event) => println!("{}", event.kind.as_str()),
//!         Err(error) => println!("authentic, but not an event we know: {error}"),
//!     }
//!     StatusCode::OK // handled: a retry gets 200 without running this
//! }
//!
//! async fn from_moov(MoovWebhook(webhook): MoovWebhook) -> StatusCode {
//!     // Nobody signed the body: fetch the object (`UnsignedEvent::refetch_url`), and act on that.
//!     if let Ok(hint) = webhook.unsigned_event() {
//!         println!("something changed: {}", hint.kind.as_str());
//!     }
//!     StatusCode::OK
//! }
//!
//! fn router(moneykit: moneykit::webhook::WebhookVerifier, moov: moov::webhook::WebhookVerifier) -> Router {
//!     Router::new()
//!         .route("/webhooks/moneykit", post(from_moneykit).layer(WebhookLayer::new(moneykit)))
//!         .route("/webhooks/moov", post(from_moov).layer(WebhookLayer::new(moov)))
//! }
//! ```
//!
//! # Responses
//!
//! | webhook | response |
//! | --- | --- |
//! | new | the handler's. 2xx completes the delivery; anything else, or a panic, abandons it |
//! | handled before | 200, without running the handler |
//! | being handled | 503 with `Retry-After` |
//! | refused | [`VerifyError::status`](crate::webhook::VerifyError::status), `Retry-After` where it helps, no body; the reason is in a `tracing` event |
//! | the delivery store fails | 503 with `Retry-After`: the vendor sends it again |
//!
//! # Security
//!
//! Headers and signature are verified before the body is read. The body is read up to the verifier's limit
//! ([`VerifierOptions::with_body_limit`](crate::moneykit::webhook::VerifierOptions::with_body_limit),
//! [`WebhookVerifier::with_body_limit`](crate::moov::webhook::WebhookVerifier::with_body_limit); default: 1 MiB). A body
//! whose `Content-Length` exceeds it is not read at all. How long a body may take is for your server's
//! timeouts.

mod body;
mod extract;
mod layer;
mod response;
mod verifier;

pub use extract::{MoneykitWebhook, MoovWebhook};
pub use layer::{WebhookLayer, WebhookService};
pub use verifier::Verifier;
