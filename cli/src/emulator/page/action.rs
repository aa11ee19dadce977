//! The actions of the status page.

use std::{io, sync::Arc, time::Duration};

use fintech_auth::{
    Clock as _, HttpOptions,
    emulator::{Emulator, RetrySchedule, SignedWebhook, WebhookSender},
};
use http::StatusCode;
use serde::Deserialize;

use super::{Page, Refusal, Vendor};
use crate::{emulator::fault, event, exit::chain};

const FAULTS: usize = 100;
/// All rotated keys stay in the key set, so the number of rotations is limited.
const ROTATIONS: usize = 50;
const LATEST: Duration = Duration::from_secs(10 * 365 * 86_400);
const ATTEMPT: Duration = Duration::from_secs(5);
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Webhook {
    vendor: Vendor,
    event: String,
    url: String,
    retries: Retries,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Retries {
    None,
    Minute,
    Vendor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    fault: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelFaults {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotate {
    vendor: Vendor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clock {
    seconds: u64,
}

pub(super) trait Action {
    fn run(self, page: &Arc<Page>, emulator: &Emulator) -> Result<String, Refusal>;
}

impl Action for Webhook {
    fn run(self, page: &Arc<Page>, emulator: &Emulator) -> Result<String, Refusal> {
        let event =
            event::parse(&self.event).map_err(|expected| invalid(format!("the event must be {expected}")))?;
        if self.url.len() > 2048 {
            return Err(invalid("the URL is longer than 2048 characters"));
        }
        let http = HttpOptions::default().with_timeout(ATTEMPT).with_allow_http(&page.webhook_hosts);
        let sender = WebhookSender::new(&self.url, &http).map_err(|error| {
            let reason = chain(&error);
            invalid(if reason.contains("allow the host") { unlisted() } else { reason })
        })?;
        let host = sender.host();
        if !HttpOptions::is_loopback(host) && !page.webhook_hosts.iter().any(|listed| listed == host) {
            return Err(invalid(unlisted()));
        }
        let Ok(permit) = page.deliveries.clone().try_acquire_owned() else {
            return Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too many webhooks are being delivered; wait until some are finished",
            ));
        };
        let (id, now) = (event::new_id(), emulator.now());
        let (signed, schedule) = match self.vendor {
            Vendor::Moneykit => {
                let body = event::of_moneykit(&event, &id, now, None).to_string();
                (emulator.moneykit_webhook(body).sign(), RetrySchedule::moneykit())
            }
            Vendor::Moov => {
                let body = event::of_moov(&event, &id, now, None).to_string();
                (emulator.moov_webhook(body).sign(), RetrySchedule::moov())
            }
        };
        let signed = signed.map_err(|error| local(&error))?;
        let sender = sender.with_schedule(match self.retries {
            Retries::None => schedule.with_max_attempts(1),
            Retries::Minute => schedule.with_total(MINUTE),
            Retries::Vendor => schedule,
        });
        let to = self.url.split(['?', '#']).next().unwrap_or_default();
        let row = page.records().add_webhook(self.vendor, &event, to);
        let page = page.clone();
        tokio::spawn(async move {
            deliver(&page, row, &sender, signed).await;
            drop(permit);
        });
        Ok(format!("sending {event}; see “Webhooks sent”"))
    }
}

async fn deliver(page: &Page, row: u64, sender: &WebhookSender, signed: SignedWebhook) {
    let mut delivery = sender.deliver(move || Ok(signed.clone()));
    while let Ok(Some(attempt)) = delivery.attempt().await {
        page.records().add_attempt(row, &attempt);
        if let Some(wait) = attempt.next_in {
            tokio::time::sleep(wait).await;
        }
    }
}

impl Action for Fault {
    fn run(self, _: &Arc<Page>, emulator: &Emulator) -> Result<String, Refusal> {
        if emulator.pending_faults().len() >= FAULTS {
            return Err(invalid(format!("{FAULTS} faults are already pending; cancel them first")));
        }
        let planned = fault::parse(&self.fault).map_err(|failure| invalid(failure.reason))?;
        if planned.times == 0 {
            return Err(invalid("a fault must apply to at least one request"));
        }
        let said = format!("the fault applies to the next requests of {}", fault::name(planned.operation));
        emulator.fault_times(planned.operation, planned.fault, planned.times);
        Ok(said)
    }
}

impl Action for CancelFaults {
    fn run(self, _: &Arc<Page>, emulator: &Emulator) -> Result<String, Refusal> {
        emulator.clear_faults();
        Ok("all pending faults were cancelled".to_owned())
    }
}

impl Action for Rotate {
    fn run(self, page: &Arc<Page>, emulator: &Emulator) -> Result<String, Refusal> {
        match self.vendor {
            Vendor::Moov => {
                emulator.rotate_moov_webhook_secret();
                Ok("Moov now signs with a new secret; copy it to your handler".to_owned())
            }
            Vendor::Moneykit => {
                let mut rotations = page.rotations();
                if *rotations >= ROTATIONS {
                    return Err(invalid(format!(
                        "the key was rotated {ROTATIONS} times; restart the emulator"
                    )));
                }
                emulator.rotate_moneykit_key().map_err(|error| local(&error))?;
                *rotations += 1;
                Ok("MoneyKit now signs with a new key; its key set contains the new key and the old ones"
                    .to_owned())
            }
        }
    }
}

impl Action for Clock {
    fn run(self, page: &Arc<Page>, emulator: &Emulator) -> Result<String, Refusal> {
        let by = Duration::from_secs(self.seconds);
        let moved = page.moved(emulator).saturating_add(by);
        if by.is_zero() || moved > LATEST {
            return Err(invalid(
                "the clock can be moved forward by at least 1 second, and by at most 10 years in total",
            ));
        }
        emulator.clock().advance(by);
        Ok("the clock was moved".to_owned())
    }
}

impl Page {
    pub(super) fn moved(&self, emulator: &Emulator) -> Duration {
        emulator.clock().monotonic()
    }
}

fn unlisted() -> String {
    "webhooks are sent only to this machine and to hosts allowed with --webhook-host; restart the emulator with that option".to_owned()
}

fn invalid(why: impl Into<String>) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, why: why.into() }
}

fn local(error: &io::Error) -> Refusal {
    Refusal { status: StatusCode::INTERNAL_SERVER_ERROR, why: format!("cannot sign the webhook: {error}") }
}
