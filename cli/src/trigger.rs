//! What both vendors' `trigger` share: sends a signed webhook to a handler, again on the vendor's schedule, and judges
//! the responses. It shows neither the URL nor a signature.

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

/// Moov waits this long for a response. How long MoneyKit waits is not documented.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest an attempt may take, and so a signal may wait.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);
/// How far beyond the vendor's last retry an old webhook was signed.
const OUTDATED: Duration = Duration::from_secs(3600);

#[derive(Args)]
pub(crate) struct Trigger {
    /// What happened, as below
    #[arg(value_name = "EVENT", value_parser = event::parse)]
    event: String,
    /// The handler's URL: https, or http on this machine
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    to: String,
    /// Allow http to this private host. May be repeated
    #[arg(long, value_name = "HOST", value_hint = ValueHint::Hostname)]
    allow_http: Vec<String>,
    /// The event's own data as JSON; - is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    data: Option<String>,
    /// Spread the retries over this time, such as 10s
    #[arg(long, value_name = "TIME", value_parser = time)]
    within: Option<Duration>,
    /// The most attempts. Default: those of the schedule
    #[arg(long, value_name = "NUMBER", value_parser = attempts)]
    attempts: Option<usize>,
    /// How long to wait for a response. Default: 5s
    #[arg(long, value_name = "TIME", value_parser = timeout)]
    timeout: Option<Duration>,
    /// Sign retries anew. Default: repeat the same headers
    #[arg(long)]
    sign_anew: bool,
    /// Forge the webhook, which the handler must refuse
    #[arg(long)]
    tamper: bool,
    /// Send the webhook again once it was accepted
    #[arg(long, conflicts_with = "tamper")]
    replay: bool,
    /// Sign it too long ago, which the handler must refuse
    #[arg(long, conflicts_with_all = ["tamper", "replay"])]
    old: bool,
}

/// How a webhook is to be signed.
#[derive(Clone, Copy)]
pub(crate) struct Signing {
    pub(crate) at: SystemTime,
    pub(crate) is_forged: bool,
}

/// What the handler must do with a webhook.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Duty {
    Accept,
    Refuse,
    /// Refuse it, or respond as it did to the first one without acting again.
    Deduplicate,
}

#[derive(Clone, Copy)]
enum Outcome {
    Accepted,
    Refused,
    Duplicate,
    NotRefused,
    Failed,
}

impl Duty {
    fn judge(self, attempt: &Attempt) -> Outcome {
        let Ok(status) = &attempt.result else { return Outcome::Failed };
        match (self, status.as_u16()) {
            (Self::Accept, 200..=299) => Outcome::Accepted,
            (Self::Deduplicate, 200..=299) => Outcome::Duplicate,
            (Self::Refuse, 200..=299) => Outcome::NotRefused,
            // A wrong URL or a busy server says nothing about the webhook.
            (Self::Accept, _) | (_, 404 | 405 | 408 | 425 | 429) => Outcome::Failed,
            (_, 400..=499) => Outcome::Refused,
            _ => Outcome::Failed,
        }
    }
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Duplicate => "duplicate",
            Self::NotRefused => "not_refused",
            Self::Failed => "failed",
        }
    }
}

/// A run of the command.
struct Run<'a> {
    id: &'a str,
    json: bool,
    signals: Signals,
}

impl Trigger {
    pub(crate) fn event(&self) -> &str {
        &self.event
    }

    /// Whether `--data` reads standard input.
    pub(crate) fn reads_stdin(&self) -> bool {
        self.data.as_deref() == Some("-")
    }

    /// The object of `--data`.
    ///
    /// # Errors
    ///
    /// For a file that cannot be read, or is no JSON object.
    pub(crate) fn data(&self) -> Result<Option<Map<String, Value>>, Failure> {
        let Some(path) = &self.data else { return Ok(None) };
        let data = serde_json::from_slice(&input::bytes("--data", path)?);
        data.map(Some).map_err(|_| Failure::usage("the file of --data is not a JSON object"))
    }

    /// Delivers the webhook that `sign` makes. `id` is by what the handler's log may name it.
    ///
    /// # Errors
    ///
    /// If the handler does not do what it must, and for signals.
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
        let duty = if self.tamper || self.old { Duty::Refuse } else { Duty::Accept };

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
        run.deliver(&sender, duty, sign).await?;
        match sent.filter(|_| self.replay) {
            Some(sent) => {
                run.check_signals().await?;
                let sender = sender.with_retry_signature(RetrySignature::Same);
                run.deliver(&sender, Duty::Deduplicate, || Ok(sent.clone())).await
            }
            None => Ok(()),
        }
    }
}

impl Run<'_> {
    /// Makes attempts until one is decided. A signal ends it between two attempts.
    async fn deliver(
        &mut self,
        sender: &WebhookSender,
        duty: Duty,
        sign: impl FnMut() -> io::Result<SignedWebhook>,
    ) -> Result<(), Failure> {
        let mut delivery = sender.deliver(sign);
        let unsigned = |error: io::Error| Failure::local(format!("the webhook cannot be signed: {error}"));
        let mut made = Vec::new();
        while let Some(attempt) = delivery.attempt().await.map_err(unsigned)? {
            let outcome = duty.judge(&attempt);
            print_all(&self.line(duty, &attempt, outcome))?;
            match outcome {
                Outcome::Accepted | Outcome::Refused | Outcome::Duplicate => return Ok(()),
                Outcome::NotRefused => return Err(Failure::not_refused()),
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

    /// # Errors
    ///
    /// For a signal that came during the last attempt.
    async fn check_signals(&mut self) -> Result<(), Failure> {
        tokio::select! {
            biased;
            signal = self.signals.ended() => Err(Failure::signal(signal)),
            () = std::future::ready(()) => Ok(()),
        }
    }

    fn line(&self, duty: Duty, attempt: &Attempt, outcome: Outcome) -> String {
        let is_replay = duty == Duty::Deduplicate;
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
            (Outcome::Refused, _) => "refused, as it must be".to_owned(),
            (Outcome::Duplicate, _) => "taken as a duplicate, if the handler did not act again".to_owned(),
            (Outcome::NotRefused, _) => "accepted, but must be refused".to_owned(),
            (Outcome::Failed, Some(wait)) if wait < 1.0 => format!("next attempt in {:.0} ms", wait * 1e3),
            (Outcome::Failed, Some(wait)) => format!("next attempt in {wait:.1} s"),
            (Outcome::Failed, None) => "no further attempt".to_owned(),
        };
        let name = if is_replay { "replay" } else { "attempt" };
        format!("{name} {}: {}, {took} ms; {then}\n", attempt.number, visible(&result(attempt)))
    }
}

/// The status of the response, or why there is none.
fn result(attempt: &Attempt) -> String {
    match &attempt.result {
        Ok(status) => status.to_string(),
        Err(error) => reworded(error),
    }
}

/// An error about the handler, which the library takes for a vendor.
fn reworded(error: &Error) -> String {
    chain(error)
        .replace("the base url", "--to")
        .replace("the url of the handler", "--to")
        .replace("allow the host", "allow the host by --allow-http")
}

fn attempts(text: &str) -> Result<usize, Expected> {
    text.parse().ok().filter(|number| *number > 0).ok_or(Expected("a number from 1"))
}

fn timeout(text: &str) -> Result<Duration, Expected> {
    let timeout = time(text).ok().filter(|time| !time.is_zero() && *time <= MAX_TIMEOUT);
    timeout.ok_or(Expected("a time up to 60s, such as 5s"))
}
