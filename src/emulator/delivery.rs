//! Sends signed webhooks to a handler, with retries.

use std::{
    fmt, io,
    time::{Duration, Instant},
};

use http::{HeaderValue, StatusCode, header};
use reqwest::Url;

use super::SignedWebhook;
use crate::{Error, ErrorKind, HttpOptions, clock::FOREVER, transport::classify_send_error};

const DELIVERY_TOKEN: &str = "moneykit-delivery-token";
const DELIVERY_ATTEMPT: &str = "moneykit-delivery-attempt";

/// The times at which a vendor retries a delivery that was not accepted.
///
/// The vendors document the total time of their retries, but not the intervals. In this schedule,
/// each interval is twice as long as the previous interval, and the last retry is at the end of the
/// documented time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct RetrySchedule {
    total: Duration,
    intervals: u32,
    attempts: usize,
}

impl RetrySchedule {
    const fn new(total: Duration, intervals: u32) -> Self {
        Self { total, intervals, attempts: usize::MAX }
    }

    /// Returns MoneyKit's schedule: 9 attempts in 2 h. The first intervals are 28 s, 56 s and 113
    /// s.
    pub const fn moneykit() -> Self {
        Self::new(Duration::from_secs(2 * 3600), 8)
    }

    /// Returns Moov's schedule: 11 attempts in 24 h. The first intervals are 84 s, 169 s and 338 s.
    pub const fn moov() -> Self {
        Self::new(Duration::from_secs(24 * 3600), 10)
    }

    /// Returns the sum of all intervals. [`Self::with_max_attempts`] does not change this sum.
    pub const fn total(&self) -> Duration {
        self.total
    }

    /// Scales the schedule to this total time, at most 100 years. The intervals keep their
    /// proportions.
    pub fn with_total(mut self, total: Duration) -> Self {
        self.total = total.min(FOREVER);
        self
    }

    /// Limits the number of attempts. The minimum is 1.
    pub const fn with_max_attempts(mut self, attempts: usize) -> Self {
        self.attempts = attempts;
        self
    }

    /// Returns the wait before each retry.
    pub fn intervals(self) -> impl Iterator<Item = Duration> + Clone + Send + use<> {
        let sum = f64::from((1_u32 << self.intervals) - 1);
        let interval = move |number| self.total.mul_f64(f64::from(1_u32 << number) / sum);
        (0..self.intervals).map(interval).take(self.attempts.saturating_sub(1))
    }
}

/// How retries are signed. The vendors do not document how they sign retries, so a handler should
/// support both ways.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum RetrySignature {
    /// All attempts have the signature of the first attempt.
    #[default]
    Same,
    /// Each attempt is signed again, with the time of the attempt. For Moov, each attempt also has
    /// its own nonce.
    Anew,
}

/// Sends webhooks to a handler.
///
/// ```
/// # use axum::{Router, http::StatusCode, routing::post};
/// use std::time::Duration;
///
/// use fintech_auth::{HttpOptions, emulator::{Emulator, RetrySchedule, WebhookSender}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("http://{}/webhooks/moov", listener.local_addr()?);
/// # let router = Router::new().route("/webhooks/moov", post(async || StatusCode::INTERNAL_SERVER_ERROR));
/// # tokio::spawn(async { axum::serve(listener, router).await });
/// let emulator = Emulator::start().await?;
///
/// // Moov waits 5 s for a response. The retries of 24 h are scaled to 100 ms.
/// let http = HttpOptions::default().with_timeout(Duration::from_secs(5));
/// let sender = WebhookSender::new(&url, &http)?
///     .with_schedule(RetrySchedule::moov().with_total(Duration::from_millis(100)));
///
/// let sign = || emulator.moov_webhook(r#"{"type":"transfer.updated"}"#).sign();
/// let attempts = sender.deliver(sign).run().await?;
/// assert_eq!(attempts.len(), 11); // this handler always responds with 500
/// assert!(attempts.iter().all(|attempt| !attempt.is_accepted()));
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// The URL of the handler must use https. Plain http is allowed only on the loopback interface and
/// on the hosts of [`HttpOptions::with_allow_http`]. The sender follows no redirects, and reads
/// only the status of the response.
#[derive(Clone)]
#[must_use]
pub struct WebhookSender {
    client: reqwest::Client,
    url: Url,
    schedule: RetrySchedule,
    signature: RetrySignature,
}

impl WebhookSender {
    /// Creates a sender that delivers webhooks to this URL. The timeouts of `http` apply to each
    /// attempt. By default, each delivery is sent only once.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] if the URL would be invalid as the base URL of a
    /// client. Unlike a base URL, this URL may have a query.
    pub fn new(url: &str, http: &HttpOptions) -> Result<Self, Error> {
        let invalid = || Error::new(ErrorKind::InvalidConfig, "the url of the handler is invalid");
        let url = Url::parse(url).map_err(|_| invalid())?;
        let mut base = url.clone();
        base.set_query(None);
        let client = http.to_reqwest(base)?;
        let schedule = RetrySchedule::new(Duration::ZERO, 0);
        Ok(Self { client, url, schedule, signature: RetrySignature::default() })
    }

    /// Sets when a delivery that was not accepted is retried.
    pub fn with_schedule(mut self, schedule: RetrySchedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Sets how retries are signed. Default: [`RetrySignature::Same`].
    pub fn with_retry_signature(mut self, signature: RetrySignature) -> Self {
        self.signature = signature;
        self
    }

    /// Returns the host of the handler, with an IPv6 address in brackets. Returns an empty string
    /// if the URL has no host.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Starts a delivery. The function `sign` creates the webhook. With [`RetrySignature::Anew`],
    /// `sign` is called for each attempt. Otherwise `sign` is called once.
    ///
    /// All attempts have the `MoneyKit-Delivery-Token` of the first attempt.
    /// `MoneyKit-Delivery-Attempt` counts the attempts.
    pub fn deliver<S: FnMut() -> io::Result<SignedWebhook>>(&self, sign: S) -> Delivery<S> {
        Delivery { sender: self.clone(), sign, sent: None, made: 0, is_accepted: false }
    }
}

/// Hides the path and the query, because both may contain a secret.
impl fmt::Debug for WebhookSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSender")
            .field("host", &self.url.host_str())
            .field("schedule", &self.schedule)
            .field("signature", &self.signature)
            .finish_non_exhaustive()
    }
}

/// A running delivery.
#[must_use]
pub struct Delivery<S> {
    sender: WebhookSender,
    sign: S,
    sent: Option<SignedWebhook>,
    made: usize,
    is_accepted: bool,
}

impl<S: FnMut() -> io::Result<SignedWebhook>> Delivery<S> {
    /// Makes the next attempt immediately. [`Attempt::next_in`] of the previous attempt says when
    /// the next attempt is due.
    ///
    /// Returns `None` after an attempt was accepted, or when the schedule has ended.
    ///
    /// # Errors
    ///
    /// Fails if the webhook cannot be signed. In this case, the attempt is not counted, and the
    /// next call tries the same attempt again. If only sending fails, this method succeeds, and
    /// [`Attempt::result`] contains the error.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the handler may already have received the webhook. The next call
    /// continues with the next attempt.
    pub async fn attempt(&mut self) -> io::Result<Option<Attempt>> {
        let mut intervals = self.sender.schedule.intervals();
        if self.is_accepted || self.made > 0 && intervals.nth(self.made - 1).is_none() {
            return Ok(None);
        }
        let webhook = self.webhook(self.made + 1)?;
        self.made += 1;
        let request = self.sender.client.post(self.sender.url.clone());
        let request = request.header(header::CONTENT_TYPE, "application/json").headers(webhook.headers);
        let start = Instant::now();
        let response = request.body(webhook.body).send().await;
        let took = start.elapsed();
        let result = response.map(|response| response.status()).map_err(classify_send_error);
        self.is_accepted = result.as_ref().is_ok_and(StatusCode::is_success);
        let next_in = intervals.next().filter(|_| !self.is_accepted);
        Ok(Some(Attempt { number: self.made, result, took, next_in }))
    }

    /// Makes each attempt at its scheduled time, until an attempt is accepted or the schedule has
    /// ended. The times follow tokio's clock, which tests can pause.
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`Delivery::attempt`].
    pub async fn run(mut self) -> io::Result<Vec<Attempt>> {
        let mut attempts = Vec::new();
        while let Some(attempt) = self.attempt().await? {
            let next_in = attempt.next_in;
            attempts.push(attempt);
            if let Some(wait) = next_in {
                tokio::time::sleep(wait).await;
            }
        }
        Ok(attempts)
    }

    fn webhook(&mut self, number: usize) -> io::Result<SignedWebhook> {
        let mut webhook = match &self.sent {
            Some(first) if self.sender.signature == RetrySignature::Same => first.clone(),
            _ => (self.sign)()?,
        };
        if webhook.headers.contains_key(DELIVERY_ATTEMPT) {
            webhook.headers.insert(DELIVERY_ATTEMPT, HeaderValue::from(number));
        }
        if let Some(token) = self.sent.as_ref().and_then(|first| first.headers.get(DELIVERY_TOKEN)) {
            webhook.headers.insert(DELIVERY_TOKEN, token.clone());
        }
        self.sent = Some(webhook.clone());
        Ok(webhook)
    }
}

impl<S> fmt::Debug for Delivery<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("sender", &self.sender)
            .field("made", &self.made)
            .finish_non_exhaustive()
    }
}

/// One attempt of a delivery, and its result.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The number of the attempt, starting with 1.
    pub number: usize,
    /// The status of the response, or the error if there is no response. Errors do not show the
    /// URL.
    pub result: Result<StatusCode, Error>,
    /// The duration of the attempt.
    pub took: Duration,
    /// How long to wait before the next attempt. `None` if there is no next attempt.
    pub next_in: Option<Duration>,
}

impl Attempt {
    /// Returns `true` if the response has a 2xx status. Otherwise the delivery is retried, until
    /// the schedule ends.
    pub fn is_accepted(&self) -> bool {
        self.result.as_ref().is_ok_and(StatusCode::is_success)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_schedules_have_the_attempts_and_total_time_of_the_vendors() {
        for (schedule, hours, attempts) in
            [(RetrySchedule::moneykit(), 2, 9), (RetrySchedule::moov(), 24, 11)]
        {
            let intervals: Vec<Duration> = schedule.intervals().collect();
            assert_eq!(intervals.len() + 1, attempts);
            let total: Duration = intervals.iter().sum();
            assert_eq!(total.as_millis(), Duration::from_secs(hours * 3600).as_millis());
            assert!(intervals.is_sorted());
        }
    }

    #[test]
    fn changing_the_total_time_does_not_change_the_number_of_attempts() {
        for millis in [0, 1, 10_000, 48 * 3_600_000, u64::MAX] {
            let schedule = RetrySchedule::moov().with_total(Duration::from_millis(millis));
            let total: Duration = schedule.intervals().sum();
            assert_eq!(schedule.intervals().count(), 10);
            assert!(total.abs_diff(schedule.total()) <= Duration::from_micros(1), "{total:?}");
            assert_eq!(schedule.total(), Duration::from_millis(millis).min(FOREVER));
        }
    }

    #[test]
    fn retry_schedule_has_at_least_one_attempt() {
        for (attempts, retries) in [(0, 0), (1, 0), (2, 1), (100, 8)] {
            assert_eq!(RetrySchedule::moneykit().with_max_attempts(attempts).intervals().count(), retries);
        }
    }

    #[test]
    fn remote_handler_requires_https() {
        let http = HttpOptions::default();
        for (url, host) in [
            ("http://127.0.0.1:1/hook?key=a", "127.0.0.1"),
            ("http://2130706433/", "127.0.0.1"),
            ("http://LOCALHOST", "localhost"),
            ("http://[::1]:1", "[::1]"),
            ("https://handler.example/hook", "handler.example"),
        ] {
            assert_eq!(WebhookSender::new(url, &http).expect(url).host(), host, "{url}");
        }
        for url in
            ["", "127.0.0.1", "http://handler.example", "https://u:MARK@handler.example", "https://a/#b"]
        {
            let error = WebhookSender::new(url, &http).expect_err(url);
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{url}");
            assert!(!error.to_string().contains("MARK"), "{error}");
        }
        let sender = WebhookSender::new("http://127.0.0.1:1/MARK?MARK", &http).expect("loopback");
        assert!(!format!("{sender:?}").contains("MARK"), "{sender:?}");
    }
}
