//! Receives webhooks in [axum](https://docs.rs/axum): the handler runs only for verified webhooks
//! that it has not handled before.
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
//!         Err(error) => println!("authentic, but not a known event: {error}"),
//!     }
//!     StatusCode::OK // handled: a retry gets 200 without running this
//! }
//!
//! async fn from_moov(MoovWebhook(webhook): MoovWebhook) -> StatusCode {
//!     // The body is not signed: fetch the object, and use that.
//!     // `UnsignedEvent::refetch_url` returns its URL.
//!     if let Ok(hint) = webhook.unsigned_event() {
//!         println!("something changed: {}", hint.kind.as_str());
//!     }
//!     StatusCode::OK
//! }
//!
//! fn router(
//!     moneykit: moneykit::webhook::WebhookVerifier,
//!     moov: moov::webhook::WebhookVerifier,
//! ) -> Router {
//!     let from_moneykit = post(from_moneykit).layer(WebhookLayer::new(moneykit));
//!     let from_moov = post(from_moov).layer(WebhookLayer::new(moov));
//!     Router::new()
//!         .route("/webhooks/moneykit", from_moneykit)
//!         .route("/webhooks/moov", from_moov)
//! }
//! ```
//!
//! # Responses
//!
//! | webhook | response |
//! | --- | --- |
//! | new | the handler's response. A 2xx status completes the delivery. Any other status, or a panic, abandons the delivery |
//! | handled before | 200, without running the handler |
//! | in progress | 503 with `Retry-After` |
//! | rejected | [`VerifyError::status`](crate::webhook::VerifyError::status), with `Retry-After` if a retry can succeed. The response has no body. The reason is in a `tracing` event |
//! | the delivery store fails | 503 with `Retry-After`, so that the vendor sends the webhook again |
//!
//! # Security
//!
//! Headers and signature are verified before the body is read. The body is read up to the
//! verifier's limit
//! ([`VerifierOptions::with_body_limit`](crate::moneykit::webhook::VerifierOptions::with_body_limit),
//! [`WebhookVerifier::with_body_limit`](crate::moov::webhook::WebhookVerifier::with_body_limit)).
//! Default: 1 MiB. A body whose `Content-Length` exceeds the limit is not read at all. Use the
//! timeouts of your server to limit how long reading a body takes.

mod body;
mod extract;
mod layer;
mod response;
mod verifier;

pub use extract::{MoneykitWebhook, MoovWebhook};
pub use layer::{WebhookLayer, WebhookService};
pub use verifier::Verifier;
