//! A server that receives the webhooks of both vendors. Ready to copy: take `router` and what is below.
//!
//! `cargo run --example webhook_server` serves a sandbox of both vendors and prints, for each, a curl
//! command with a webhook that is signed for the next five minutes. With `-- --live` it serves the real
//! ones, with `MOOV_WEBHOOK_SECRET` from the environment, and `MOOV_FORMER_WEBHOOK_SECRET` while a rotation
//! lasts. It needs no secret of a client.
//!
//! In a crate of your own it wants `axum`, `serde_json` and `tokio` (features `macros`, `net` and `rt-multi-thread`)
//! beside `fintech-auth` with the feature `axum`, and for the demonstration `sandbox`.

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef, State},
    http::StatusCode,
    routing::post,
};
use fintech_auth::{
    axum::{MoneykitWebhook, MoovWebhook, Refused},
    moneykit::{self, webhook::EventKind},
    moov,
    sandbox::{Sandbox, SignedWebhook},
};

/// The largest body that is read at all. Webhooks are some kilobytes.
const BODY_LIMIT: usize = 256 * 1024;

/// What verifies. Made once: it keeps the keys and the nonces.
#[derive(Clone)]
pub(crate) struct Verifiers {
    pub(crate) moneykit: moneykit::webhook::Webhooks,
    pub(crate) moov: moov::webhook::Webhooks,
}

impl FromRef<Verifiers> for moneykit::webhook::Webhooks {
    fn from_ref(verifiers: &Verifiers) -> Self {
        verifiers.moneykit.clone()
    }
}

impl FromRef<Verifiers> for moov::webhook::Webhooks {
    fn from_ref(verifiers: &Verifiers) -> Self {
        verifiers.moov.clone()
    }
}

pub(crate) fn router(verifiers: Verifiers) -> Router {
    Router::new()
        .route("/webhooks/moneykit", post(from_moneykit))
        .route("/webhooks/moov", post(from_moov))
        // Before anything is verified, the body has been read.
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(verifiers)
}

/// Runs for verified webhooks alone; the sender of any other gets the status, and `tracing` the reason.
async fn from_moneykit(MoneykitWebhook(event): MoneykitWebhook) -> StatusCode {
    // Put it into a queue here, once for each idempotency key, and answer at once.
    match &event.kind {
        EventKind::LinkStateChanged => println!("a link changed: {:?}", event.fields.get("link_id")),
        // Those that you do not know yet are authentic as well: a refusal would have them sent again.
        other => println!("{}, key {:?}", other.as_str(), event.idempotency_key),
    }
    StatusCode::OK
}

async fn from_moov(
    State(verifier): State<moov::webhook::Webhooks>,
    MoovWebhook(webhook): MoovWebhook,
) -> Result<StatusCode, Refused> {
    // Nobody signed the body. It tells where to look: fetch the object by its id over Moov's API, and
    // act on what that says. Read the id as a UUID first (text could have `../` or `?` in it), and see
    // that what you fetched is of the account that you expect.
    let hint: serde_json::Value = webhook.unsigned_json()?;
    println!("webhook {} hints at {}", webhook.webhook_id(), hint["type"]);
    let dealt_with = true;
    if !dealt_with {
        // Otherwise the vendor's next attempt would be taken for a replay.
        verifier.release(&webhook).await?;
        return Ok(StatusCode::INTERNAL_SERVER_ERROR);
    }
    Ok(StatusCode::OK)
}

#[tokio::main]
#[allow(dead_code, reason = "the test of this example has a main of its own")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("listening on {url}\n");
    let sandbox;
    let verifiers = match std::env::args().nth(1).as_deref() {
        Some("--live") => Verifiers {
            moneykit: moneykit::Config::from_env()?.builder_for_webhooks().build()?.webhooks(),
            moov: moov::Config::from_env()?.webhooks()?,
        },
        _ => {
            sandbox = Sandbox::builder().with_system_clock().start().await?;
            let moneykit = sandbox.moneykit_webhook(r#"{"webhook_event":"link.state_changed"}"#).sign()?;
            let moov = sandbox.moov_webhook(r#"{"type":"transfer.updated"}"#).sign()?;
            println!("{}\n", curl(&url, "moneykit", &moneykit));
            println!("{}\n", curl(&url, "moov", &moov));
            let keys = moneykit::ClientBuilder::for_webhooks(None).with_base_url(sandbox.url());
            Verifiers {
                moneykit: keys.build()?.webhooks(),
                moov: moov::webhook::Webhooks::new([sandbox.moov_webhook_secret()])?,
            }
        }
    };
    axum::serve(listener, router(verifiers)).await?;
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
