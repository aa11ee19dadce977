//! Stops all token requests of a cache while the server asks the client to wait.
//!
//! All times are in milliseconds of the monotonic clock.

use std::{sync::PoisonError, time::Duration};

use crate::{
    Error, ErrorKind,
    clock::millis,
    sync::{Mutex, MutexGuard},
};

pub(in crate::token) const MAX_COOL_DOWN: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
pub(in crate::token) struct CoolDown {
    longest: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    until: u64,
    begun: u32,
}

impl CoolDown {
    pub(in crate::token) fn new(longest: Duration) -> Self {
        Self { longest, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::token) fn until(&self) -> u64 {
        self.lock().until
    }

    pub(in crate::token) fn extend(&self, now: u64, left: Duration) {
        let mut state = self.lock();
        state.until = state.until.max(now.saturating_add(millis(left.min(self.longest))));
    }

    pub(in crate::token) fn succeeded(&self) {
        self.lock().begun = 0;
    }

    /// A failure during a cool-down may extend the cool-down, but does not increase the back-off,
    /// because the failed request was sent before the cool-down started.
    pub(in crate::token) fn failed(
        &self,
        now: u64,
        error: &Error,
        least: impl FnOnce(u32) -> Duration,
    ) -> bool {
        let asked = error.retry_after();
        if asked.is_none() && error.kind() != ErrorKind::RateLimited {
            return false;
        }
        let mut state = self.lock();
        let mut wait = asked.unwrap_or_default();
        if now >= state.until {
            state.begun = state.begun.saturating_add(1);
            wait = wait.max(least(state.begun));
        }
        let until = now.saturating_add(millis(wait.min(self.longest)));
        let is_longer = until > state.until;
        state.until = state.until.max(until);
        is_longer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(after: Option<u64>) -> Error {
        let error = Error::new(ErrorKind::RateLimited, "test");
        match after {
            Some(seconds) => error.with_retry_after(Duration::from_secs(seconds)),
            None => error,
        }
    }

    #[test]
    fn cool_down_lasts_as_long_as_the_server_asks_up_to_the_maximum() {
        let cool_down = CoolDown::new(Duration::from_secs(3600));
        let least = |_| Duration::from_secs(1);
        assert!(cool_down.failed(100, &limited(Some(3)), least));
        assert_eq!(cool_down.until(), 3_100);
        assert!(cool_down.failed(100, &limited(Some(9)), least));
        assert!(!cool_down.failed(100, &limited(Some(1)), least), "a shorter one does not shorten it");
        assert_eq!(cool_down.until(), 9_100);
        assert!(cool_down.failed(0, &limited(Some(u64::MAX)), least));
        assert_eq!(cool_down.until(), 3_600_000);
    }

    #[test]
    fn consecutive_cool_downs_last_at_least_the_backoff_delay() {
        let least = |begun: u32| Duration::from_secs(u64::from(begun));
        for error in [
            limited(None),
            limited(Some(0)),
            Error::new(ErrorKind::Unavailable, "test").with_retry_after(Duration::ZERO),
        ] {
            let cool_down = CoolDown::new(Duration::from_secs(3600));
            assert!(cool_down.failed(0, &error, least));
            assert_eq!(cool_down.until(), 1_000);
            assert!(!cool_down.failed(999, &error, least), "this call was sent before the cool-down");
            assert!(cool_down.failed(1_000, &error, least));
            assert_eq!(cool_down.until(), 3_000);
            cool_down.succeeded();
            assert!(cool_down.failed(3_000, &error, least));
            assert_eq!(cool_down.until(), 4_000);
        }
    }

    #[test]
    fn status_503_without_retry_after_starts_no_cool_down() {
        let cool_down = CoolDown::new(Duration::from_secs(3600));
        assert!(!cool_down.failed(5, &Error::new(ErrorKind::Unavailable, "test"), |_| Duration::MAX));
        assert_eq!(cool_down.until(), 0);
    }
}
