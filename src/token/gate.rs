//! When the token endpoint may be asked at all, for one credential and all its scope sets: not
//! during a cool-down, not after a refusal of the credentials, not beyond the rate limit.
//!
//! It never sends and never sleeps; time is given to it, in milliseconds of the monotonic clock.

use std::{collections::VecDeque, sync::PoisonError, time::Duration};

use super::{RateLimit, options::millis};
use crate::{
    Error, ErrorKind,
    sync::{Mutex, MutexGuard},
};

/// The longest cool-down that is believed: one hour. A vendor's mistake must not switch a service off
/// for good.
pub(super) const MAX_COOL_DOWN: Duration = Duration::from_secs(3600);

/// Whether a request may be sent.
#[derive(Debug)]
pub(super) enum Pass {
    Open,
    /// Not for so long.
    Closed(Duration),
    /// The credentials were refused lately, by this error.
    Refused(Error),
}

#[derive(Debug)]
pub(super) struct Gate {
    limit: Option<(usize, u64)>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    closed_until: u64,
    refused: Option<(u64, Error)>,
    /// When the last requests were sent, as many as the limit allows.
    sent: VecDeque<u64>,
    /// Refusals for too many requests, one after the other.
    limited: u32,
}

impl Gate {
    pub(super) fn new(limit: Option<RateLimit>) -> Self {
        let limit = limit.map(|limit| (limit.calls, millis(limit.per)));
        Self { limit, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn check(&self, now: u64) -> Pass {
        self.lock().check(now, self.limit)
    }

    /// Takes the place of one request, if one may be sent now.
    pub(super) fn enter(&self, now: u64) -> Pass {
        let mut state = self.lock();
        let pass = state.check(now, self.limit);
        if let (Pass::Open, Some((calls, _))) = (&pass, self.limit) {
            if state.sent.len() == calls {
                state.sent.pop_front();
            }
            state.sent.push_back(now);
        }
        pass
    }

    /// Closes for so long, as another process learnt.
    pub(super) fn close(&self, now: u64, left: Duration) {
        let mut state = self.lock();
        state.closed_until = state.closed_until.max(now.saturating_add(millis(left.min(MAX_COOL_DOWN))));
    }

    /// How long the cool-down still lasts.
    pub(super) fn cool_down(&self, now: u64) -> Option<Duration> {
        let left = self.lock().closed_until.saturating_sub(now);
        (left > 0).then(|| Duration::from_millis(left))
    }

    /// Remembers a refusal for so long, as another process learnt.
    pub(super) fn refuse(&self, now: u64, left: Duration, error: Error) {
        self.lock().refused = Some((now.saturating_add(millis(left.min(MAX_COOL_DOWN))), error));
    }

    /// Learns from a success.
    pub(super) fn succeeded(&self) {
        let mut state = self.lock();
        state.limited = 0;
        state.refused = None;
    }

    /// Learns from a failure: `wait` is how long to close after a 429 that names no time, given how
    /// many came before it. Tells whether a cool-down began.
    pub(super) fn failed(
        &self,
        now: u64,
        error: &Error,
        refusal_memory: Duration,
        wait: impl FnOnce(u32) -> Duration,
    ) -> bool {
        let mut state = self.lock();
        if error.kind() == ErrorKind::Unauthorized {
            state.refused = Some((now.saturating_add(millis(refusal_memory)), error.clone()));
        }
        let limited = error.kind() == ErrorKind::RateLimited;
        if limited {
            state.limited = state.limited.saturating_add(1);
        }
        let asked = error.retry_after().or_else(|| limited.then(|| wait(state.limited)));
        let Some(asked) = asked else { return false };
        let until = now.saturating_add(millis(asked.min(MAX_COOL_DOWN)));
        let begins = until > state.closed_until;
        state.closed_until = state.closed_until.max(until);
        begins
    }
}

impl State {
    fn check(&mut self, now: u64, limit: Option<(usize, u64)>) -> Pass {
        if let Some((until, error)) = &self.refused {
            if now < *until {
                return Pass::Refused(error.clone().held_for(Duration::from_millis(until - now)));
            }
            self.refused = None;
        }
        let free = match (limit, self.sent.front()) {
            (Some((calls, per)), Some(first)) if self.sent.len() >= calls => first.saturating_add(per),
            _ => 0,
        };
        match self.closed_until.max(free) {
            until if now < until => Pass::Closed(Duration::from_millis(until - now)),
            _ => Pass::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(gate: &Gate, now: u64) -> Option<u128> {
        match gate.check(now) {
            Pass::Closed(left) => Some(left.as_millis()),
            Pass::Open => None,
            Pass::Refused(error) => panic!("{error}"),
        }
    }

    fn limited(after: Option<u64>) -> Error {
        let error = Error::new(ErrorKind::RateLimited, "test");
        match after {
            Some(seconds) => error.with_retry_after(Duration::from_secs(seconds)),
            None => error,
        }
    }

    #[test]
    fn stays_closed_for_as_long_as_the_vendor_asks_and_no_longer_than_an_hour() {
        let gate = Gate::new(None);
        let wait = |_| Duration::from_secs(1);
        assert!(gate.failed(100, &limited(Some(3)), Duration::ZERO, wait));
        assert_eq!(
            (closed(&gate, 100), closed(&gate, 3_099), closed(&gate, 3_100)),
            (Some(3_000), Some(1), None)
        );
        // A shorter one does not shorten it.
        gate.failed(100, &limited(Some(9)), Duration::ZERO, wait);
        assert!(!gate.failed(100, &limited(Some(1)), Duration::ZERO, wait));
        assert_eq!(closed(&gate, 9_099), Some(1));
        gate.failed(0, &limited(Some(u64::MAX)), Duration::ZERO, wait);
        assert_eq!(closed(&gate, 0), Some(3_600_000));
    }

    #[test]
    fn a_429_without_a_time_closes_for_longer_each_time() {
        let gate = Gate::new(None);
        let wait = |times: u32| Duration::from_secs(u64::from(times));
        gate.failed(0, &limited(None), Duration::ZERO, wait);
        assert_eq!(closed(&gate, 0), Some(1_000));
        gate.failed(1_000, &limited(None), Duration::ZERO, wait);
        assert_eq!(closed(&gate, 1_000), Some(2_000));
        gate.succeeded();
        gate.failed(3_000, &limited(None), Duration::ZERO, wait);
        assert_eq!(closed(&gate, 3_000), Some(1_000));
    }

    #[test]
    fn no_span_of_time_has_more_requests_than_the_limit() {
        let gate = Gate::new(Some(RateLimit { calls: 3, per: Duration::from_secs(60) }));
        for now in [0, 10_000, 20_000] {
            assert!(matches!(gate.enter(now), Pass::Open));
        }
        assert!(matches!(gate.enter(59_999), Pass::Closed(left) if left.as_millis() == 1));
        assert!(matches!(gate.enter(60_000), Pass::Open));
        assert!(matches!(gate.enter(60_001), Pass::Closed(left) if left.as_millis() == 9_999));
    }

    #[test]
    fn refused_credentials_are_remembered_for_a_while() {
        let gate = Gate::new(None);
        let refusal = Error::new(ErrorKind::Unauthorized, "test").with_sent(true);
        gate.failed(0, &refusal, Duration::from_secs(10), |_| Duration::ZERO);
        let Pass::Refused(error) = gate.check(9_000) else { panic!("it is forgotten") };
        assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
        assert!(!error.may_have_been_sent());
        assert!(matches!(gate.check(10_000), Pass::Open));
    }
}
