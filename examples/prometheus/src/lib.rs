//! Counts tokens and webhooks for Prometheus. Your service installs the recorder once and serves
//! `PrometheusHandle::render` at `/metrics`; the two functions are the observers of
//! `TokenOptions::with_observer` and `Deliveries::with_observer`.

use fintech_auth::{token::TokenEvent, webhook::WebhookEvent};
use metrics::{counter, gauge, histogram};

/// Counts what the token cache does.
pub fn tokens(event: &TokenEvent<'_>) {
    match event {
        TokenEvent::Obtained { latency, rule, .. } => {
            counter!("tokens_obtained_total", "expiry_rule" => rule.as_str()).increment(1);
            histogram!("token_latency_seconds").record(latency.as_secs_f64());
        }
        TokenEvent::Failed { error, .. } => {
            counter!("token_failures_total", "kind" => error.kind().as_str()).increment(1);
        }
        TokenEvent::CoolDown { .. } => counter!("token_cool_downs_total").increment(1),
        TokenEvent::Invalidated { .. } => counter!("tokens_invalidated_total").increment(1),
        TokenEvent::StoreDown { .. } => gauge!("token_store_up").set(0),
        TokenEvent::StoreUp { .. } => gauge!("token_store_up").set(1),
        _ => {}
    }
}

/// Counts what becomes of webhooks.
pub fn webhooks(event: &WebhookEvent<'_>) {
    let outcome = match event {
        WebhookEvent::Accepted { .. } => "accepted",
        WebhookEvent::Duplicate { .. } => "duplicate",
        WebhookEvent::InProgress { .. } => "in_progress",
        WebhookEvent::Completed { .. } => "completed",
        WebhookEvent::CompleteFailed { .. } => "complete_failed",
        WebhookEvent::Abandoned { .. } => "abandoned",
        WebhookEvent::Rejected { error, .. } => {
            counter!("webhooks_rejected_total", "reason" => error.reason()).increment(1);
            return;
        }
        _ => return,
    };
    counter!("webhooks_total", "outcome" => outcome).increment(1);
}
