//! Tests `examples/webhook_server.rs` over HTTP with webhooks of both vendors.

use std::time::Duration;

use fintech_auth::{
    emulator::{Emulator, SignedWebhook},
    moov,
};
use tokio::{io::AsyncReadExt as _, net::TcpListener, task::AbortHandle};

use crate::support::post_webhook;

#[path = "../../examples/webhook_server.rs"]
mod example;

struct Server {
    emulator: Emulator,
    address: String,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start() -> Self {
        let emulator = Emulator::start().await.expect("the emulator starts");
        let clock = emulator.clock().clone();
        let client = emulator.moneykit().with_tokens(|tokens| tokens.with_clock(clock.clone()));
        let moov = moov::webhook::WebhookVerifier::new([emulator.moov_webhook_secret()]).expect("a secret");
        let moneykit = client.build().expect("the client builds").webhooks();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let router = example::router(moneykit, moov.with_clock(clock));
        let task = tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle();
        Self { emulator, address, task }
    }

    async fn send(&self, vendor: &str, webhook: &SignedWebhook) -> String {
        let mut stream = post_webhook(&self.address, &format!("webhooks/{vendor}"), webhook).await;
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        String::from_utf8(response).expect("text")
    }

    async fn status(&self, vendor: &str, webhook: &SignedWebhook) -> u16 {
        let response = self.send(vendor, webhook).await;
        response.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
    }
}

#[tokio::test]
async fn example_server_accepts_signed_webhooks_and_refuses_forged_ones() {
    let server = Server::start().await;
    let emulator = &server.emulator;
    for event in ["link.state_changed", "link.product_refresh", "not.known_yet"] {
        let webhook = emulator.moneykit_webhook(format!(r#"{{"webhook_event":"{event}"}}"#));
        assert_eq!(
            server.status("moneykit", &webhook.sign().expect("the webhook is signed")).await,
            200,
            "{event}"
        );
    }
    let event = || emulator.moneykit_webhook(r#"{"webhook_event":"x"}"#);
    let good = event().sign().expect("the webhook is signed");
    assert_eq!(server.status("moneykit", &good.clone().with_body("{}")).await, 401);
    for (forged, expected) in [
        (event().with_header("alg", "none"), 401),
        (event().with_header("alg", "HS256"), 401),
        (event().with_claim("iat", 1), 401),
        (event().with_header("kid", "made-up"), 503),
    ] {
        let response = server.send("moneykit", &forged.sign().expect("the webhook is signed")).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {expected}")), "{response}");
        assert_eq!(response.contains("retry-after: 60"), expected == 503, "{response}");
        assert!(response.ends_with("\r\n\r\n"), "the response must not contain the reason: {response}");
    }

    let good = emulator.moov_webhook(r#"{"type":"transfer.updated"}"#).sign().expect("the webhook is signed");
    assert_eq!(server.status("moov", &good).await, 200);
    assert_eq!(server.status("moov", &good).await, 200, "the server accepts a duplicate with 200");
    let forged = emulator.moov_webhook("{}").with_secret("made up").sign().expect("the webhook is signed");
    assert_eq!(server.status("moov", &forged).await, 401);
    let late = emulator.moov_webhook("{}").sign().expect("the webhook is signed");
    emulator.clock().advance(Duration::from_secs(24 * 3600 + 301));
    assert_eq!(server.status("moov", &late).await, 401);

    assert_eq!(server.status("moneykit", &good).await, 400);
    let large = "a".repeat(1024 * 1024 + 1);
    let large_webhook = emulator.moov_webhook(large.clone()).sign().expect("the webhook is signed");
    assert_eq!(server.status("moov", &large_webhook).await, 413);
    let large_webhook = emulator.moneykit_webhook(large).sign().expect("the webhook is signed");
    assert_eq!(server.status("moneykit", &large_webhook).await, 413);
}
