//! Counts tokens and webhooks for Prometheus. Your service installs the recorder once and serves
//! `PrometheusHandle::render` at `/metrics`. For each client, pass the result of `tokens` to
//! `TokenOptions::with_observer`. For each verifier, pass the result of `webhooks` to
//! `Deliveries::with_observer`.

use fintech_auth::{token::TokenEvent, webhook::WebhookEvent};
use metrics::{counter, gauge, histogram};

/// Counts the token cache events of the client for `vendor`.
pub fn tokens(vendor: &'static str) -> impl Fn(&TokenEvent<'_>) + Send + Sync {
    move |event| match event {
        TokenEvent::Obtained { latency, rule, .. } => {
            counter!("tokens_obtained_total", "vendor" => vendor, "expiry_rule" => rule.as_str())
                .increment(1);
            histogram!("token_latency_seconds", "vendor" => vendor).record(latency.as_secs_f64());
        }
        TokenEvent::Failed { error, .. } => {
            counter!("token_failures_total", "vendor" => vendor, "kind" => error.kind().as_str())
                .increment(1);
        }
        TokenEvent::CoolDown { .. } => counter!("token_cool_downs_total", "vendor" => vendor).increment(1),
        TokenEvent::Invalidated { .. } => {
            counter!("tokens_invalidated_total", "vendor" => vendor).increment(1)
        }
        TokenEvent::StoreDown { .. } => gauge!("token_store_up", "vendor" => vendor).set(0),
        TokenEvent::StoreUp { .. } => gauge!("token_store_up", "vendor" => vendor).set(1),
        _ => {}
    }
}

/// Counts a vendor's webhooks by outcome, rejected webhooks by reason, and failures of the delivery
/// store.
pub fn webhooks(vendor: &'static str) -> impl Fn(&WebhookEvent<'_>) + Send + Sync {
    let count = move |outcome: &'static str| {
        counter!("webhooks_total", "vendor" => vendor, "outcome" => outcome).increment(1);
    };
    move |event| match event {
        WebhookEvent::Accepted { .. } => count("accepted"),
        WebhookEvent::Duplicate { .. } => count("duplicate"),
        WebhookEvent::InProgress { .. } => count("in_progress"),
        WebhookEvent::Completed { .. } => count("completed"),
        WebhookEvent::CompleteFailed { .. } => count("complete_failed"),
        WebhookEvent::Abandoned { .. } => count("abandoned"),
        WebhookEvent::StoreFailed { .. } => {
            counter!("webhook_store_failures_total", "vendor" => vendor).increment(1);
        }
        WebhookEvent::Rejected { error, .. } => {
            counter!("webhooks_rejected_total", "vendor" => vendor, "reason" => error.reason()).increment(1);
        }
        _ => {}
    }
}
