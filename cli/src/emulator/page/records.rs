//! Stores the newest requests and webhooks for the page. The counts also include the requests and
//! webhooks that are no longer stored.

use std::{
    collections::VecDeque,
    time::{SystemTime, UNIX_EPOCH},
};

use fintech_auth::{
    Error,
    emulator::{Attempt, Request},
};
use serde_json::{Value, json};

use super::Vendor;
use crate::{emulator::fault, exit::causes, output::visible};

pub(super) const KEPT: usize = 200;
const PATH: usize = 200;

pub(super) struct Newest<T> {
    rows: VecDeque<T>,
    total: u64,
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self { rows: VecDeque::new(), total: 0 }
    }
}

impl<T> Newest<T> {
    fn push(&mut self, row: T) {
        if self.rows.len() == KEPT {
            self.rows.pop_front();
        }
        self.rows.push_back(row);
        self.total += 1;
    }

    fn json(&self, row: impl Fn(&T) -> Value) -> Value {
        json!({ "total": self.total, "rows": self.rows.iter().rev().map(row).collect::<Vec<_>>() })
    }
}

pub(super) struct Webhook {
    pub(super) id: u64,
    pub(super) time: SystemTime,
    pub(super) vendor: Vendor,
    pub(super) event: String,
    pub(super) to: String,
    attempts: Vec<Value>,
    state: &'static str,
}

#[derive(Default)]
pub(super) struct Records {
    pub(super) revision: u64,
    requests: Newest<Value>,
    webhooks: Newest<Webhook>,
}

impl Records {
    pub(super) fn add_request(&mut self, request: &Request) {
        let path = request.path.split('?').next().unwrap_or_default();
        let method: String = request.method.as_str().chars().take(20).collect();
        self.requests.push(json!({
            "time": millis(SystemTime::now()),
            "method": method,
            "path": capped(path),
            "operation": request.operation.map(fault::name),
            "status": request.status().map(|status| status.as_u16()),
            "note": request.note(),
        }));
        self.revision += 1;
    }

    pub(super) fn add_webhook(&mut self, vendor: Vendor, event: &str, to: &str) -> u64 {
        let id = self.webhooks.total;
        let (event, to) = (event.to_owned(), capped(to));
        let (attempts, state) = (Vec::new(), "in_progress");
        self.webhooks.push(Webhook { id, time: SystemTime::now(), vendor, event, to, attempts, state });
        self.revision += 1;
        id
    }

    pub(super) fn add_attempt(&mut self, webhook: u64, attempt: &Attempt) {
        self.revision += 1;
        let Some(webhook) = self.webhooks.rows.iter_mut().find(|listed| listed.id == webhook) else { return };
        let now = SystemTime::now();
        let result = match &attempt.result {
            Ok(status) => status.to_string(),
            Err(error) => visible(&with_root_cause(error)),
        };
        webhook.attempts.push(json!({
            "number": attempt.number,
            "time": millis(now.checked_sub(attempt.took).unwrap_or(now)),
            "result": result,
            "milliseconds": u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
            "next_at": attempt.next_in.and_then(|wait| now.checked_add(wait)).map(millis),
        }));
        webhook.state = match attempt.next_in {
            _ if attempt.is_accepted() => "accepted",
            Some(_) => "in_progress",
            None => "failed",
        };
    }

    pub(super) fn requests(&self) -> Value {
        self.requests.json(Value::clone)
    }

    pub(super) fn webhooks(&self) -> Value {
        self.webhooks.json(|webhook| {
            json!({
                "time": millis(webhook.time),
                "vendor": webhook.vendor,
                "event": webhook.event,
                "to": webhook.to,
                "state": webhook.state,
                "attempts": webhook.attempts,
            })
        })
    }
}

pub(super) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn with_root_cause(error: &Error) -> String {
    match causes(error).last() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn capped(text: &str) -> String {
    let mut capped: String = text.chars().take(PATH).collect();
    if capped.len() < text.len() {
        capped.push('…');
    }
    visible(&capped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_lists_are_capped_but_totals_count_every_record() {
        let mut records = Records::default();
        for number in 0..KEPT + 50 {
            records.add_webhook(Vendor::Moov, "transfer.updated", &number.to_string());
        }
        let webhooks = records.webhooks();
        assert_eq!(webhooks["total"], KEPT + 50);
        assert_eq!(webhooks["rows"].as_array().map(Vec::len), Some(KEPT));
        assert_eq!(webhooks["rows"][0]["to"], (KEPT + 49).to_string());
        assert_eq!(records.revision, (KEPT + 50) as u64);
    }

    #[test]
    fn long_text_is_capped_and_invisible_characters_are_escaped() {
        assert_eq!(capped(&"ü".repeat(PATH + 1)), "ü".repeat(PATH) + "…");
        assert_eq!(capped("/a\u{202e}b"), "/a\\u202eb");
    }
}
