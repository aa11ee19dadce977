//! Decides which failed calls are retried, how many times, and after which delay.

use std::{hash::BuildHasher as _, time::Duration};

use crate::{Error, ErrorKind, clock::FOREVER, sync::RandomState};

/// Decides when a failed call is retried. One policy applies to every call of a client.
///
/// A failed call is retried if all of these conditions hold:
///
/// - The error of the call is [`Unavailable`](ErrorKind::Unavailable) or
///   [`Timeout`](ErrorKind::Timeout). A [`RateLimited`](ErrorKind::RateLimited) call is not
///   retried, but starts a cool-down for all callers.
/// - The call is idempotent, or it is certain that the request was not sent. These calls are
///   idempotent: issuing, introspecting and revoking tokens, and fetching keys. A refresh token can
///   be used only once, so a refresh is retried only if no connection was established.
/// - The client has made fewer attempts than [`with_attempts`](Self::with_attempts) allows.
///
/// The full delay before the n-th retry is `base * 2^(n-1)`, but at most the cap. The client waits
/// for a random time between 50 % and 100 % of the full delay. If the vendor's `Retry-After` is
/// longer than this time, the client waits for the time in `Retry-After`. If `Retry-After` is
/// longer than the cap, the call fails at once.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    attempts: u32,
    base: Duration,
    cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 3, base: Duration::from_millis(200), cap: Duration::from_secs(5) }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Idempotency {
    Idempotent,
    OnlyUnsent,
}

impl RetryPolicy {
    /// Returns a policy that never retries.
    pub fn never() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// Sets the maximum number of attempts, including the first. Default: 3.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets the delay before the first retry. The delay doubles with each further retry.
    /// Default: 200 ms.
    #[must_use]
    pub fn with_base(mut self, base: Duration) -> Self {
        self.base = base.min(FOREVER);
        self
    }

    /// Sets the longest delay before a retry. Default: 5 s.
    #[must_use]
    pub fn with_cap(mut self, cap: Duration) -> Self {
        self.cap = cap.min(FOREVER);
        self
    }

    pub(crate) fn next(
        &self,
        made: u32,
        error: &Error,
        idempotency: Idempotency,
        jitter: f64,
    ) -> Option<Duration> {
        let may = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout)
            && (idempotency == Idempotency::Idempotent || !error.may_have_been_sent())
            && made < self.attempts;
        let asked = error.retry_after().unwrap_or_default();
        (may && asked <= self.cap).then(|| backoff(self.base, self.cap, made, jitter).max(asked))
    }
}

pub(crate) fn backoff(base: Duration, cap: Duration, failures: u32, jitter: f64) -> Duration {
    let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let full = base.saturating_mul(factor).min(cap).min(FOREVER);
    full.mul_f64(1.0 - if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) / 2.0 })
}

/// The number is not cryptographically secure, so do not use it for secrets.
pub(crate) fn random() -> f64 {
    let bits = RandomState::default().hash_one(0_u8) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ErrorKind, sent: bool) -> Error {
        Error::new(kind, "test").with_sent(sent)
    }

    #[test]
    fn only_transient_errors_of_safe_calls_are_retried() {
        let policy = RetryPolicy::default();
        let after = |kind, sent, repeat| policy.next(1, &error(kind, sent), repeat, 1.0).is_some();
        for kind in [ErrorKind::Unavailable, ErrorKind::Timeout] {
            assert!(after(kind, true, Idempotency::Idempotent));
            assert!(after(kind, false, Idempotency::OnlyUnsent));
            assert!(!after(kind, true, Idempotency::OnlyUnsent));
        }
        for kind in [
            ErrorKind::InvalidConfig,
            ErrorKind::Unauthorized,
            ErrorKind::InvalidRequest,
            ErrorKind::RateLimited,
            ErrorKind::InvalidResponse,
        ] {
            assert!(!after(kind, false, Idempotency::Idempotent), "{kind:?}");
        }
    }

    #[test]
    fn delays_double_up_to_the_cap_and_attempts_are_limited() {
        let policy = RetryPolicy::default().with_attempts(9).with_cap(Duration::from_secs(1));
        let waits = |jitter| {
            (1..=9).map(move |made| {
                let wait =
                    policy.next(made, &error(ErrorKind::Unavailable, true), Idempotency::Idempotent, jitter);
                wait.map(|wait| wait.as_millis())
            })
        };
        let full: Vec<_> = waits.clone()(0.0).collect();
        assert_eq!(full[..5], [Some(200), Some(400), Some(800), Some(1000), Some(1000)]);
        assert_eq!(full[8], None);
        let least: Vec<_> = waits(1.0).collect();
        assert_eq!(least[..3], [Some(100), Some(200), Some(400)]);
    }

    #[test]
    fn retry_after_extends_the_delay_up_to_the_cap() {
        let policy = RetryPolicy::default();
        let wait = |asked| {
            let error = error(ErrorKind::Unavailable, true).with_retry_after(Duration::from_millis(asked));
            policy.next(2, &error, Idempotency::Idempotent, 0.0).map(|wait| wait.as_millis())
        };
        for (asked, waited) in [(0, Some(400)), (399, Some(400)), (5_000, Some(5_000)), (5_001, None)] {
            assert_eq!(wait(asked), waited, "{asked}");
        }
    }

    #[test]
    fn backoff_does_not_overflow() {
        let cap = Duration::from_secs(60);
        assert_eq!(backoff(Duration::from_secs(1), cap, u32::MAX, 0.0), cap);
        assert_eq!(backoff(Duration::MAX, cap, 40, 0.0), cap);
        assert_eq!(backoff(Duration::MAX, Duration::MAX, u32::MAX, 0.0), FOREVER);
        assert_eq!(backoff(cap, cap, 1, f64::NAN), cap);
    }

    #[test]
    fn random_numbers_are_between_0_and_1() {
        let numbers: Vec<f64> = (0..1_000).map(|_| random()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(numbers.iter().any(|number| *number < 0.1) && numbers.iter().any(|number| *number > 0.9));
    }
}
