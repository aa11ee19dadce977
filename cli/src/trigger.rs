//! The shared code of both `trigger` commands. Prints neither the URL nor a signature.

use std::{
    io,
    time::{Duration, SystemTime},
};

use clap::{Args, ValueHint};
use fintech_auth::{
    Error, HttpOptions,
    emulator::{Attempt, RetrySchedule, RetrySignature, SignedWebhook, WebhookSender},
};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    event,
    exit::{Failure, chain},
    input,
    options::{Expected, Format, time},
    output::{self, print_all, visible},
    progress::countdown,
    signals::Signals,
};

/// Moov waits 5 s for a response. MoneyKit documents no timeout.
const TIMEOUT: Duration = Duration::from_secs(5);
/// After a signal, the command still waits for the end of the current attempt. So the command can
/// take this long to stop.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);
/// `--old` dates the webhook so far back that the vendor would have sent its last retry this long
/// ago.
const OUTDATED: Duration = Duration::from_secs(3600);

#[derive(Args)]
pub(crate) struct Trigger {
    /// The event to send, see below
    #[arg(value_name = "EVENT", value_parser = event::parse)]
    event: String,
    /// The handler's URL: https, or http to this machine
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    to: String,
    /// Allow http to this private host. May be repeated
    #[arg(long, value_name = "HOST", value_hint = ValueHint::Hostname)]
    allow_http: Vec<String>,
    /// The data of the event as JSON; - for standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    data: Option<String>,
    /// Make all retries within this time, such as 10s
    #[arg(long, value_name = "TIME", value_parser = time)]
    within: Option<Duration>,
    /// Maximum number of attempts. Default: as the vendor
    #[arg(long, value_name = "NUMBER", value_parser = attempts)]
    attempts: Option<usize>,
    /// Timeout for a response. Default: 5s
    #[arg(long, value_name = "TIME", value_parser = timeout)]
    timeout: Option<Duration>,
    /// Sign each retry again, not only the first attempt
    #[arg(long)]
    sign_anew: bool,
    /// Send a forged webhook, which the handler must reject
    #[arg(long)]
    tamper: bool,
    /// Send the webhook a second time after it was accepted
    #[arg(long, conflicts_with = "tamper")]
    replay: bool,
    /// Send an old webhook, which the handler must reject
    #[arg(long, conflicts_with_all = ["tamper", "replay"])]
    old: bool,
}

#[derive(Clone, Copy)]
pub(crate) struct Signing {
    pub(crate) at: SystemTime,
    pub(crate) is_forged: bool,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Expectation {
    Accept,
    Reject,
    Deduplicate,
}

#[derive(Clone, Copy)]
enum Outcome {
    Accepted,
    Rejected,
    Duplicate,
    NotRejected,
    Failed,
}

impl Expectation {
    fn outcome(self, attempt: &Attempt) -> Outcome {
        let Ok(status) = &attempt.result else { return Outcome::Failed };
        match (self, status.as_u16()) {
            (Self::Accept, 200..=299) => Outcome::Accepted,
            (Self::Deduplicate, 200..=299) => Outcome::Duplicate,
            (Self::Reject, 200..=299) => Outcome::NotRejected,
            // A wrong URL or a busy server can cause these statuses, so they do not show that the
            // handler rejected the webhook.
            (Self::Accept, _) | (_, 404 | 405 | 408 | 425 | 429) => Outcome::Failed,
            (_, 400..=499) => Outcome::Rejected,
            _ => Outcome::Failed,
        }
    }
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Duplicate => "duplicate",
            Self::NotRejected => "not_rejected",
            Self::Failed => "failed",
        }
    }
}

struct Run<'a> {
    id: &'a str,
    json: bool,
    signals: Signals,
}

impl Trigger {
    pub(crate) fn event(&self) -> &str {
        &self.event
    }

    pub(crate) fn reads_stdin(&self) -> bool {
        self.data.as_deref() == Some("-")
    }

    pub(crate) fn data(&self) -> Result<Option<Map<String, Value>>, Failure> {
        let Some(path) = &self.data else { return Ok(None) };
        let data = serde_json::from_slice(&input::bytes("--data", path)?);
        data.map(Some).map_err(|_| Failure::usage("the --data file is not a JSON object"))
    }

    pub(crate) async fn run(
        &self,
        format: Format,
        id: &str,
        schedule: RetrySchedule,
        sign: impl Fn(Signing) -> io::Result<SignedWebhook>,
    ) -> Result<(), Failure> {
        let http = HttpOptions::default()
            .with_timeout(self.timeout.unwrap_or(TIMEOUT))
            .with_allow_http(&self.allow_http);
        let age = if self.old { schedule.total() + OUTDATED } else { Duration::ZERO };
        let schedule = match self.within {
            Some(total) => schedule.with_total(total),
            None => schedule,
        };
        let schedule = schedule.with_max_attempts(self.attempts.unwrap_or(usize::MAX));
        let signature = if self.sign_anew { RetrySignature::Anew } else { RetrySignature::Same };
        let sender = WebhookSender::new(&self.to, &http).map_err(|error| Failure::usage(reworded(&error)))?;
        let sender = sender.with_schedule(schedule).with_retry_signature(signature);
        let expected = if self.tamper || self.old { Expectation::Reject } else { Expectation::Accept };

        let mut run = Run { id, json: format.json, signals: Signals::new()? };
        if !format.json {
            print_all(&format!("delivery {id}, {}\n", self.event))?;
        }
        let mut sent = None;
        let sign = || {
            let webhook = sign(Signing { at: SystemTime::now() - age, is_forged: self.tamper })?;
            sent = Some(webhook.clone());
            Ok(webhook)
        };
        run.deliver(&sender, expected, sign).await?;
        match sent.filter(|_| self.replay) {
            Some(sent) => {
                run.check_signals().await?;
                let sender = sender.with_retry_signature(RetrySignature::Same);
                run.deliver(&sender, Expectation::Deduplicate, || Ok(sent.clone())).await
            }
            None => Ok(()),
        }
    }
}

impl Run<'_> {
    async fn deliver(
        &mut self,
        sender: &WebhookSender,
        expected: Expectation,
        sign: impl FnMut() -> io::Result<SignedWebhook>,
    ) -> Result<(), Failure> {
        let mut delivery = sender.deliver(sign);
        let unsigned = |error: io::Error| Failure::local(format!("cannot sign the webhook: {error}"));
        let mut made = Vec::new();
        while let Some(attempt) = delivery.attempt().await.map_err(unsigned)? {
            let outcome = expected.outcome(&attempt);
            print_all(&self.line(expected, &attempt, outcome))?;
            match outcome {
                Outcome::Accepted | Outcome::Rejected | Outcome::Duplicate => return Ok(()),
                Outcome::NotRejected => return Err(Failure::not_rejected()),
                Outcome::Failed => {}
            }
            if let Some(wait) = attempt.next_in {
                tokio::select! {
                    biased;
                    signal = self.signals.ended() => return Err(Failure::signal(signal)),
                    () = countdown("next attempt", wait, Format { json: self.json }) => {}
                }
            }
            made.push(attempt);
        }
        self.check_signals().await?;
        Err(Failure::not_delivered(&made))
    }

    async fn check_signals(&mut self) -> Result<(), Failure> {
        tokio::select! {
            biased;
            signal = self.signals.ended() => Err(Failure::signal(signal)),
            () = std::future::ready(()) => Ok(()),
        }
    }

    fn line(&self, expected: Expectation, attempt: &Attempt, outcome: Outcome) -> String {
        let is_replay = expected == Expectation::Deduplicate;
        let (took, next_in) =
            (attempt.took.as_millis() as u64, attempt.next_in.map(|wait| wait.as_secs_f64()));
        if self.json {
            let line = json!({
                "event": "attempt",
                "time": output::time(SystemTime::now()),
                "delivery": self.id,
                "replay": is_replay,
                "attempt": attempt.number,
                "status": attempt.result.as_ref().ok().map(StatusCode::as_u16),
                "error": attempt.result.as_ref().err().map(reworded),
                "milliseconds": took,
                "outcome": outcome.name(),
                "next_attempt_seconds": next_in.filter(|_| matches!(outcome, Outcome::Failed)),
            });
            return format!("{line}\n");
        }
        let then = match (outcome, next_in) {
            (Outcome::Accepted, _) => "accepted".to_owned(),
            (Outcome::Rejected, _) => "rejected, as expected".to_owned(),
            (Outcome::Duplicate, _) => "accepted; check that the handler did not process it again".to_owned(),
            (Outcome::NotRejected, _) => "accepted, but must be rejected".to_owned(),
            (Outcome::Failed, Some(wait)) if wait < 1.0 => format!("next attempt in {:.0} ms", wait * 1e3),
            (Outcome::Failed, Some(wait)) => format!("next attempt in {wait:.1} s"),
            (Outcome::Failed, None) => "no more attempts".to_owned(),
        };
        let name = if is_replay { "replay" } else { "attempt" };
        format!("{name} {}: {}, {took} ms; {then}\n", attempt.number, visible(&result(attempt)))
    }
}

fn result(attempt: &Attempt) -> String {
    match &attempt.result {
        Ok(status) => status.to_string(),
        Err(error) => reworded(error),
    }
}

fn reworded(error: &Error) -> String {
    chain(error)
        .replace("the base url", "--to")
        .replace("the url of the handler", "--to")
        .replace("allow the host", "allow the host with --allow-http")
}

fn attempts(text: &str) -> Result<usize, Expected> {
    text.parse().ok().filter(|number| *number > 0).ok_or(Expected("a number of at least 1"))
}

fn timeout(text: &str) -> Result<Duration, Expected> {
    let timeout = time(text).ok().filter(|time| !time.is_zero() && *time <= MAX_TIMEOUT);
    timeout.ok_or(Expected("a time of at most 60s, such as 5s"))
}
