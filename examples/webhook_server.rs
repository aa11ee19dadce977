//! A server that receives the webhooks of both vendors. Ready to copy: `router` and the two handlers.
//!
//! `cargo run --example webhook_server` serves an emulator of both vendors and prints, for each, a curl
//! command with a signed webhook. With `-- --live` it serves the real ones, with `MOOV_WEBHOOK_SECRET` from
//! the environment, and `MOOV_PREVIOUS_WEBHOOK_SECRET` during a rotation. It needs no client secret.
//!
//! `fintech-auth moov trigger` and `fintech-auth moneykit trigger` send it webhooks as the vendors do. For that, run
//! `fintech-auth emulator`, export what it prints, and start this server with `-- --live`.
//!
//! In a crate of your own it wants `axum`, `serde_json` and `tokio` (features `macros`, `net` and `rt-multi-thread`)
//! beside `fintech-auth` with the feature `axum`, and for the demonstration `emulator`.

use axum::{Router, http::StatusCode, routing::post};
use fintech_auth::{
    axum::{MoneykitWebhook, MoovWebhook, WebhookLayer},
    emulator::{Emulator, SignedWebhook},
    moneykit, moov,
};

/// Each delivery runs its handler until that responds with 2xx, and never again after that.
pub(crate) fn router(
    moneykit: moneykit::webhook::WebhookVerifier,
    moov: moov::webhook::WebhookVerifier,
) -> Router {
    Router::new()
        .route("/webhooks/moneykit", post(from_moneykit).layer(WebhookLayer::new(moneykit)))
        .route("/webhooks/moov", post(from_moov).layer(WebhookLayer::new(moov)))
}

/// Signed as a whole: act on it. Queue long work; the vendor waits a few seconds for the response.
async fn from_moneykit(MoneykitWebhook(webhook): MoneykitWebhook) -> StatusCode {
    match webhook.event() {
        Ok(event) => println!("{}: link {:?}", event.kind.as_str(), event.fields.get("link_id")),
        // Authentic, so a refusal would only have it sent again.
        Err(error) => println!("not an event that this version knows: {error}"),
    }
    StatusCode::OK
}

/// Nobody signed the body: treat it as a hint. Fetch the object by its id, which must be a UUID, below an
/// account that you know from your own records, and act on that.
async fn from_moov(MoovWebhook(webhook): MoovWebhook) -> StatusCode {
    match webhook.unsigned_json::<serde_json::Value>() {
        Ok(hint) => println!("webhook {}: look at {}", webhook.webhook_id(), hint["type"]),
        Err(error) => println!("webhook {}: {error}", webhook.webhook_id()),
    }
    StatusCode::OK
}

#[tokio::main]
#[allow(dead_code, reason = "the test of this example has a main of its own")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("listening on {url}\n");
    let emulator;
    let (moneykit, moov) = match std::env::args().nth(1).as_deref() {
        Some("--live") => (
            moneykit::Config::from_env()?.builder_for_webhooks().build()?.webhooks(),
            moov::Config::from_env()?.webhooks()?,
        ),
        _ => {
            emulator = Emulator::builder().with_system_clock().start().await?;
            let moneykit = emulator.moneykit_webhook(r#"{"webhook_event":"link.state_changed"}"#).sign()?;
            let moov = emulator.moov_webhook(r#"{"type":"transfer.updated"}"#).sign()?;
            println!("{}\n", curl(&url, "moneykit", &moneykit));
            println!("{}\n", curl(&url, "moov", &moov));
            let keys = moneykit::ClientBuilder::for_webhooks(None).with_base_url(emulator.url());
            let moov = moov::webhook::WebhookVerifier::new([emulator.moov_webhook_secret()])?;
            (keys.build()?.webhooks(), moov)
        }
    };
    axum::serve(listener, router(moneykit, moov)).await?;
    Ok(())
}

#[allow(dead_code, reason = "as main")]
fn curl(url: &str, vendor: &str, webhook: &SignedWebhook) -> String {
    let headers = webhook.headers.iter().map(|(name, value)| {
        let value = value.to_str().unwrap_or_default();
        format!(" -H '{name}: {value}'")
    });
    let body = String::from_utf8_lossy(&webhook.body);
    format!("curl -i {url}/webhooks/{vendor}{} -d '{body}'", headers.collect::<String>())
}
