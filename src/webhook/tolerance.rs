//! How far the time in a webhook may be from ours, to either side.

use std::time::{Duration, SystemTime};

use super::{Reason, VerifyError};

const FIVE_MINUTES: Duration = Duration::from_secs(5 * 60);

/// The span of time around now in which a webhook must have been signed. Five minutes to either side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tolerance {
    past: Duration,
    future: Duration,
}

impl Tolerance {
    /// The same to either side.
    pub const fn new(span: Duration) -> Self {
        Self { past: span, future: span }
    }

    /// How long ago it may have been signed. Longer lets in what waited in a queue, and a replay as
    /// well.
    #[must_use]
    pub const fn with_past(mut self, past: Duration) -> Self {
        self.past = past;
        self
    }

    /// How far the vendor's clock may be ahead of ours.
    #[must_use]
    pub const fn with_future(mut self, future: Duration) -> Self {
        self.future = future;
        self
    }

    /// How long ago it may have been signed.
    pub fn past(&self) -> Duration {
        self.past
    }

    /// How far the vendor's clock may be ahead of ours.
    pub fn future(&self) -> Duration {
        self.future
    }

    /// Whether something signed at this time is of now. Both edges are within.
    ///
    /// # Errors
    ///
    /// [`TooOld`](crate::webhook::VerifyErrorKind::TooOld) and [`TooNew`](crate::webhook::VerifyErrorKind::TooNew).
    pub fn check(&self, signed_at: SystemTime, now: SystemTime) -> Result<(), VerifyError> {
        match now.duration_since(signed_at) {
            Ok(age) if age > self.past => Err(Reason::TooOld.into()),
            Err(ahead) if ahead.duration() > self.future => Err(Reason::TooNew.into()),
            _ => Ok(()),
        }
    }
}

impl Tolerance {
    /// A window for deliveries that are deduplicated: the vendor's documented retries plus five minutes into
    /// the past, and five minutes into the future.
    pub(crate) const fn covering_retries(retries: Duration) -> Self {
        Self::new(FIVE_MINUTES).with_past(retries.saturating_add(FIVE_MINUTES))
    }

    /// How long a handled delivery must be remembered: until the vendor's last retry, which it may sign anew,
    /// and then until that timestamp is refused, even if the vendor's clock was ahead by as much as is tolerated.
    pub(crate) fn keep(&self, retries: Duration) -> Duration {
        retries.saturating_add(self.past).saturating_add(self.future).saturating_add(self.future)
    }
}

impl Default for Tolerance {
    fn default() -> Self {
        Self::new(FIVE_MINUTES)
    }
}
