//! A server that receives the webhooks of both vendors. Settings come from the environment.
//!
//! To try the server, run `fintech-auth emulator` and export the settings that it prints. Then run
//! `cargo run --example webhook_server` and, with the same settings, `fintech-auth moov trigger
//! transfer.updated --to http://127.0.0.1:3000/webhooks/moov`.
//!
//! In your own crate, this code needs `axum`, `tokio` (features `macros`, `net`,
//! `rt-multi-thread`), and `fintech-auth` with the feature `axum`. The server needs no client
//! secret.

use axum::{Router, http::StatusCode, routing::post};
use fintech_auth::{
    axum::{MoneykitWebhook, MoovWebhook, WebhookLayer},
    moneykit, moov,
};

/// MoneyKit signs the whole body, so the handler can trust the body. If handling an event takes a
/// long time, put the event into a queue, because the vendor waits only a few seconds for a
/// response.
async fn from_moneykit(MoneykitWebhook(webhook): MoneykitWebhook) -> StatusCode {
    match webhook.event() {
        Ok(event) => println!("{}: link {:?}", event.kind.as_str(), event.link_id),
        // The webhook is authentic, so an error status would only cause retries.
        Err(error) => println!("not an event that this version knows: {error}"),
    }
    StatusCode::OK
}

/// Moov does not sign the body. Fetch the object (`UnsignedEvent::refetch_url`) and use the
/// response instead of the body.
async fn from_moov(MoovWebhook(webhook): MoovWebhook) -> StatusCode {
    match webhook.unsigned_event() {
        Ok(hint) => println!("{}: transfer {:?}", hint.kind.as_str(), hint.id("transferID")),
        Err(error) => println!("nothing to fetch: {error}"),
    }
    StatusCode::OK
}

/// If the handler does not respond with 2xx, the vendor sends the delivery again, and the
/// `WebhookLayer` passes it to the handler again. After a 2xx response, later attempts do not reach
/// the handler.
pub(crate) fn router(
    moneykit: moneykit::webhook::WebhookVerifier,
    moov: moov::webhook::WebhookVerifier,
) -> Router {
    Router::new()
        .route("/webhooks/moneykit", post(from_moneykit).layer(WebhookLayer::new(moneykit)))
        .route("/webhooks/moov", post(from_moov).layer(WebhookLayer::new(moov)))
}

#[tokio::main]
#[allow(dead_code, reason = "the test of this example has its own main")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let moneykit = moneykit::Config::from_env()?.builder_for_webhooks()?.build()?.webhooks();
    let moov = moov::Config::from_env()?.webhooks()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, router(moneykit, moov)).await?;
    Ok(())
}
