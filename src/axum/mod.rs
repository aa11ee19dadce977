//! Extractors for [axum](https://docs.rs/axum): a handler that takes one runs for verified webhooks alone.
//!
//! They read the body as it comes, up to the verifier's limit, and parse nothing before it is verified.
//! They hold no state of their own: the verifiers are yours, and axum hands them over by `FromRef`.
//!
//! ```
//! use axum::{Router, extract::FromRef, http::StatusCode, routing::post};
//! use fintech_auth::{
//!     axum::{MoneykitWebhook, MoovWebhook},
//!     moneykit, moov,
//! };
//!
//! #[derive(Clone)]
//! struct App {
//!     moneykit: moneykit::webhook::Webhooks,
//!     moov: moov::webhook::Webhooks,
//! }
//!
//! impl FromRef<App> for moneykit::webhook::Webhooks {
//!     fn from_ref(app: &App) -> Self {
//!         app.moneykit.clone()
//!     }
//! }
//!
//! impl FromRef<App> for moov::webhook::Webhooks {
//!     fn from_ref(app: &App) -> Self {
//!         app.moov.clone()
//!     }
//! }
//!
//! async fn from_moneykit(MoneykitWebhook(event): MoneykitWebhook) -> StatusCode {
//!     println!("{} of {:?}", event.kind.as_str(), event.signed_at());
//!     StatusCode::OK
//! }
//!
//! async fn from_moov(MoovWebhook(webhook): MoovWebhook) -> StatusCode {
//!     // Nobody signed its body: fetch what it is about by its id, and act on that.
//!     println!("look again, says {}", webhook.webhook_id());
//!     StatusCode::OK
//! }
//!
//! fn router(app: App) -> Router {
//!     Router::new()
//!         .route("/webhooks/moneykit", post(from_moneykit))
//!         .route("/webhooks/moov", post(from_moov))
//!         .with_state(app)
//! }
//! ```
//!
//! # What is answered
//!
//! A webhook that is not accepted never reaches the handler. Its sender gets the status of
//! [`VerifyError::status`](crate::webhook::VerifyError::status), `Retry-After` where there is a time to
//! wait for, and no body; the reason is in a `tracing` event. A handler that wants to decide for itself
//! takes `Result<MoneykitWebhook, Refused>`.
//!
//! # Limits
//!
//! The verifier's: [`Options::with_body_limit`](crate::moneykit::webhook::Options::with_body_limit) and
//! [`Webhooks::with_body_limit`](crate::moov::webhook::Webhooks::with_body_limit), 1 MiB unless told
//! otherwise. A body whose `Content-Length` is over it is not read at all; of one that turns out to be,
//! no more is kept than the limit. axum's own limit (`DefaultBodyLimit`, 2 MiB) holds as well.
//!
//! How long a body may take to come is not limited here: that is for your server's timeouts.

mod body;
mod extract;
mod refused;

pub use extract::{MoneykitWebhook, MoovWebhook};
pub use refused::Refused;
