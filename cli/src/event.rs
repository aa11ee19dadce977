//! Builds webhook bodies with random ids, for `trigger` and for the emulator's page.

use std::time::SystemTime;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{options::Expected, output};

pub(crate) fn of_moneykit(event: &str, id: &str, at: SystemTime, more: Option<Map<String, Value>>) -> Value {
    let mut body = json!({
        "webhook_event": event,
        "webhook_idempotency_key": id,
        "webhook_timestamp": output::time(at),
        "webhook_major_version": 1,
        "webhook_minor_version": 0,
        "link_id": new_id(),
    });
    if let Value::Object(body) = &mut body {
        body.extend(more.unwrap_or_default());
    }
    body
}

pub(crate) fn of_moov(event: &str, id: &str, at: SystemTime, data: Option<Map<String, Value>>) -> Value {
    let data = data.unwrap_or_else(|| random_data(event));
    json!({"eventID": id, "type": event, "createdOn": output::time(at), "data": data})
}

pub(crate) fn new_id() -> String {
    Uuid::new_v4().to_string()
}

pub(crate) fn parse(text: &str) -> Result<String, Expected> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_event = text.len() <= 64 && text.contains('.') && text.chars().all(is_name);
    is_event.then(|| text.to_owned()).ok_or(Expected("an event name, such as link.state_changed"))
}

fn random_data(event: &str) -> Map<String, Value> {
    let object = event.split('.').next().unwrap_or_default();
    let (object, parent) = match object {
        "balance" => ("wallet", None),
        "cancellation" | "refund" => (object, Some("transfer")),
        "sweep" => (object, Some("wallet")),
        "walletTransaction" => ("transaction", Some("wallet")),
        _ => (object, None),
    };
    let names = ["account", object].into_iter().chain(parent);
    names.map(|name| (format!("{name}ID"), new_id().into())).collect()
}

#[cfg(test)]
mod tests {
    use fintech_auth::moov::webhook::{EventKind, UnsignedEvent};

    use super::*;

    #[test]
    fn generated_events_contain_the_ids_that_a_refetch_needs() {
        let mut without = Vec::new();
        for kind in EventKind::ALL {
            let body = json!({"type": kind.as_str(), "data": random_data(kind.as_str())}).to_string();
            let event = UnsignedEvent::read(body.as_bytes()).expect("an event");
            if event.refetch_url("https://api.moov.io", uuid::Uuid::nil()).is_none() {
                without.push(kind.as_str().split('.').next().unwrap_or_default());
            }
        }
        without.sort_unstable();
        without.dedup();
        assert_eq!(
            without,
            ["billingStatement", "capability", "event", "invoice", "networkID", "terminalApplication"]
        );
    }
}
