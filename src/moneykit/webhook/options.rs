//! The options for verifying webhooks and caching keys.

use std::time::Duration;

use crate::webhook::{Reason, Tolerance, VerifyError};

/// The maximum time to cache a key, which the vendor recommends.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long MoneyKit retries a delivery.
const RETRIES: Duration = Duration::from_secs(2 * 3600);

/// The options for verifying webhooks and caching keys.
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
    /// Sets how far `iat` may be from the current time, and how far `nbf` may be in the future.
    ///
    /// Default: 2 h 5 min into the past for `receive`, which covers the vendor's retries, and 5 min
    /// for `verify`, which has no delivery store to detect repetitions. Both accept 5 min into the
    /// future.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: Tolerance) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// Returns the tolerance for deliveries that are deduplicated.
    pub(super) fn window(&self) -> Tolerance {
        self.tolerance.unwrap_or(Tolerance::covering_retries(RETRIES))
    }

    /// Returns how long a handled delivery is remembered.
    pub(super) fn keep(&self) -> Duration {
        self.window().keep(RETRIES)
    }

    pub(super) fn check_body(&self, body: &[u8]) -> Result<(), VerifyError> {
        if body.len() > self.body_limit { Err(Reason::BodyTooLarge.into()) } else { Ok(()) }
    }

    /// Sets how long after `exp` a webhook is still accepted, because the local clock may be ahead.
    /// Default: 60 s.
    #[must_use]
    pub fn with_expiry_leeway(mut self, leeway: Duration) -> Self {
        self.expiry_leeway = leeway;
        self
    }

    /// Sets the maximum size of a body, in bytes. Default: 1 MiB.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets the age at which keys are fetched again even if no new key is needed, so that withdrawn
    /// keys are removed.
    ///
    /// Default: 1 h. [`verify`](super::verify()) ignores this option, as well as `with_max_age` and
    /// `with_cool_down`.
    #[must_use]
    pub fn with_refresh_after(mut self, age: Duration) -> Self {
        self.refresh_after = age;
        self
    }

    /// Sets the maximum age of keys that are used while fetching fails. Default: 24 h, which is
    /// also the maximum.
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = age.min(DAY);
        self
    }

    /// Sets the pause between two fetches for unknown key ids.
    ///
    /// During the pause, every webhook with an unknown key id gets a 503, including the one that
    /// caused the fetch, because an HTTP cache may delay a new key. Default: 60 s.
    #[must_use]
    pub fn with_cool_down(mut self, time: Duration) -> Self {
        self.cool_down = time;
        self
    }
}
