//! Options for verifying webhooks and for caching keys.

use std::time::Duration;

use crate::webhook::{Reason, Tolerance, VerifyError};

/// MoneyKit recommends caching a key for at most one day.
const DAY: Duration = Duration::from_secs(24 * 3600);
const RETRIES: Duration = Duration::from_secs(2 * 3600);

/// Options for verifying webhooks and for caching keys.
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
    /// Defaults:
    ///
    /// - `iat` and `nbf` may be up to 5 min in the future.
    /// - With `receive`, `iat` may be up to 2 h 5 min in the past, so that the vendor's retries are
    ///   accepted.
    /// - With `verify`, `iat` may be up to 5 min in the past, because `verify` does not detect
    ///   repeated webhooks.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: Tolerance) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    pub(super) fn window(&self) -> Tolerance {
        self.tolerance.unwrap_or(Tolerance::covering_retries(RETRIES))
    }

    pub(super) fn keep(&self) -> Duration {
        self.window().keep(RETRIES)
    }

    pub(super) fn check_body(&self, body: &[u8]) -> Result<(), VerifyError> {
        if body.len() > self.body_limit { Err(Reason::BodyTooLarge.into()) } else { Ok(()) }
    }

    /// Sets how long a webhook is still accepted after `exp`, because the local clock may be ahead
    /// of the vendor's clock. Default: 60 s.
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

    /// Sets the age at which the cached keys are fetched again. After the fetch, webhooks that are
    /// signed with a withdrawn key are rejected. Default: 1 h.
    ///
    /// The function [`verify`](super::verify()) caches no keys, so it ignores `with_refresh_after`,
    /// `with_max_age` and `with_cool_down`.
    #[must_use]
    pub fn with_refresh_after(mut self, age: Duration) -> Self {
        self.refresh_after = age;
        self
    }

    /// Sets the maximum age of cached keys. Older keys are not used, even if fetching new keys
    /// fails. Default and maximum: 24 h.
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = age.min(DAY);
        self
    }

    /// Sets the pause between two fetches for unknown key ids. Default: 60 s.
    ///
    /// During the pause, every webhook with an unknown key id gets a 503, so that the vendor sends
    /// the webhook again. The webhook that started the fetch also gets a 503 if the fetched keys do
    /// not contain its key id, because these keys may come from an HTTP cache and may be outdated.
    #[must_use]
    pub fn with_cool_down(mut self, time: Duration) -> Self {
        self.cool_down = time;
        self
    }
}
