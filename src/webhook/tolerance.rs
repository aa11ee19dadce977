//! Limits the difference between the time in a webhook and the current time.

use std::time::{Duration, SystemTime};

use super::{Reason, VerifyError};

const FIVE_MINUTES: Duration = Duration::from_secs(5 * 60);

/// The maximum difference between the signing time of a webhook and the current time. Default: 5
/// min in both directions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tolerance {
    past: Duration,
    future: Duration,
}

impl Tolerance {
    /// Creates a tolerance that is the same in both directions.
    pub const fn new(span: Duration) -> Self {
        Self { past: span, future: span }
    }

    /// Sets how long ago a webhook may have been signed. If you increase this time, webhooks that
    /// waited in a queue are also accepted, but an attacker has more time to repeat a captured
    /// webhook.
    #[must_use]
    pub const fn with_past(mut self, past: Duration) -> Self {
        self.past = past;
        self
    }

    /// Sets how far in the future a webhook may have been signed. A signing time is in the future
    /// if the vendor's clock is ahead of the local clock.
    #[must_use]
    pub const fn with_future(mut self, future: Duration) -> Self {
        self.future = future;
        self
    }

    /// Returns how long ago a webhook may have been signed.
    pub fn past(&self) -> Duration {
        self.past
    }

    /// Returns how far in the future a webhook may have been signed.
    pub fn future(&self) -> Duration {
        self.future
    }

    /// Checks that a signing time is within the tolerance. A time exactly at a limit is accepted.
    ///
    /// # Errors
    ///
    /// Returns [`TooOld`](crate::webhook::VerifyErrorKind::TooOld) or
    /// [`TooNew`](crate::webhook::VerifyErrorKind::TooNew) if the time is outside the tolerance.
    pub fn check(&self, signed_at: SystemTime, now: SystemTime) -> Result<(), VerifyError> {
        match now.duration_since(signed_at) {
            Ok(age) if age > self.past => Err(Reason::TooOld.into()),
            Err(ahead) if ahead.duration() > self.future => Err(Reason::TooNew.into()),
            _ => Ok(()),
        }
    }
}

impl Tolerance {
    pub(crate) const fn covering_retries(retries: Duration) -> Self {
        Self::new(FIVE_MINUTES).with_past(retries.saturating_add(FIVE_MINUTES))
    }

    /// The vendor's last retry may have a new signature with a timestamp in the future. The
    /// delivery is remembered until this timestamp is too old to be accepted.
    pub(crate) fn keep(&self, retries: Duration) -> Duration {
        retries.saturating_add(self.past).saturating_add(self.future).saturating_add(self.future)
    }
}

impl Default for Tolerance {
    fn default() -> Self {
        Self::new(FIVE_MINUTES)
    }
}
