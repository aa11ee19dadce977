//! What a verification allows, and how long keys are kept.

use std::time::Duration;

use crate::webhook::{Reason, Tolerance, VerifyError};

/// How long the vendor advises to keep a key.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long MoneyKit retries a delivery.
const RETRIES: Duration = Duration::from_secs(2 * 3600);

/// How webhooks are verified, and their keys kept.
#[derive(Clone, Copy, Debug)]
pub struct VerifierOptions {
    pub(super) tolerance: Option<Tolerance>,
    pub(super) expiry_leeway: Duration,
    pub(super) body_limit: usize,
    pub(super) refresh_after: Duration,
    pub(super) max_age: Duration,
    pub(super) cool_down: Duration,
}

impl Default for VerifierOptions {
    fn default() -> Self {
        Self {
            tolerance: None,
            expiry_leeway: Duration::from_secs(60),
            body_limit: 1024 * 1024,
            refresh_after: Duration::from_secs(3600),
            max_age: DAY,
            cool_down: Duration::from_secs(60),
        }
    }
}

impl VerifierOptions {
    /// How far `iat` may be from now, and by its future side `nbf`. Default: `receive` accepts 2 h and 5 min
    /// into the past, which covers the vendor's retries, and `verify`, which has no delivery store to refuse
    /// repetitions, 5 min; both accept 5 min into the future.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: Tolerance) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// The window for deliveries that are deduplicated.
    pub(super) fn window(&self) -> Tolerance {
        self.tolerance.unwrap_or(Tolerance::covering_retries(RETRIES))
    }

    /// How long a handled delivery is remembered.
    pub(super) fn keep(&self) -> Duration {
        self.window().keep(RETRIES)
    }

    pub(super) fn check_body(&self, body: &[u8]) -> Result<(), VerifyError> {
        if body.len() > self.body_limit { Err(Reason::BodyTooLarge.into()) } else { Ok(()) }
    }

    /// How long after `exp` it is still taken, for a clock of ours that is ahead. 60 seconds.
    #[must_use]
    pub fn with_expiry_leeway(mut self, leeway: Duration) -> Self {
        self.expiry_leeway = leeway;
        self
    }

    /// The largest body. 1 MiB.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// After how long keys are fetched again though all are known, so that withdrawn ones go.
    /// 1 hour. ([`verify`](super::verify()) passes over this and what follows.)
    #[must_use]
    pub fn with_refresh_after(mut self, age: Duration) -> Self {
        self.refresh_after = age;
        self
    }

    /// How long keys serve at the most while fetching fails. 24 hours, and never longer.
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = age.min(DAY);
        self
    }

    /// How long keys are not fetched again after they were fetched for an unknown key id. A webhook under an
    /// unknown key is answered by 503 meanwhile, also the one that caused the fetch, because a new key may
    /// reach us late, through a cache in between. Default: 60 s.
    #[must_use]
    pub fn with_cool_down(mut self, time: Duration) -> Self {
        self.cool_down = time;
        self
    }
}
