//! Tests the metrics for token requests and webhooks.

use fintech_auth::{
    RetryPolicy, Scope,
    emulator::{Emulator, Fault, Operation},
    moov::webhook::WebhookVerifier,
    webhook::{Deliveries, Received},
};
use http::StatusCode;
use metrics_exporter_prometheus::PrometheusBuilder;
use prometheus_example::{tokens, webhooks};

#[tokio::test(flavor = "current_thread")]
async fn metrics_count_tokens_and_webhooks() -> Result<(), Box<dyn std::error::Error>> {
    let prometheus = PrometheusBuilder::new().install_recorder()?;
    let emulator = Emulator::start().await?;
    let client = emulator.moov().with_tokens(|options| {
        let clock = emulator.clock().clone();
        options.with_observer(tokens("moov")).with_clock(clock).with_retry(|_| RetryPolicy::never())
    });
    let client = client.build()?;
    client.token(&[Scope::new("/accounts.read")?]).await?;
    emulator.fault(Operation::MoovToken, Fault::response(StatusCode::UNPROCESSABLE_ENTITY));
    client.token(&[Scope::new("/ping.read")?]).await.expect_err("it is refused");

    let deliveries = Deliveries::default().with_observer(webhooks("moov"));
    let verifier = WebhookVerifier::new([emulator.moov_webhook_secret()])?
        .with_clock(emulator.clock().clone())
        .with_deliveries(deliveries);
    let sent = emulator.moov_webhook("{}").sign()?;
    let Received::New(_, delivery) = verifier.receive(&sent.headers, &sent.body).await? else {
        panic!("it is new")
    };
    delivery.complete().await?;
    let forged = emulator.moov_webhook("{}").with_secret("another").sign()?;
    verifier.receive(&forged.headers, &forged.body).await.expect_err("it is refused");

    let text = prometheus.render();
    for line in [
        r#"tokens_obtained_total{vendor="moov",expiry_rule="timestamp"} 1"#,
        r#"token_latency_seconds_count{vendor="moov"} 1"#,
        r#"token_failures_total{vendor="moov",kind="invalid_request"} 1"#,
        r#"webhooks_total{vendor="moov",outcome="accepted"} 1"#,
        r#"webhooks_total{vendor="moov",outcome="completed"} 1"#,
        r#"webhooks_rejected_total{vendor="moov",reason="signature_invalid"} 1"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
    Ok(())
}
