//! Limits the rate of token requests, and sends waiting requests in order of arrival.
//!
//! All times are in milliseconds of the monotonic clock.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError},
    time::Duration,
};

use crate::{
    clock::millis,
    sync::{self, Mutex, MutexGuard, Notify, time},
    token::store::RateLimit,
};

#[derive(Debug)]
pub(in crate::token) struct RateLimiter {
    limit: Option<Limit>,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    calls: usize,
    /// The window is 2 % longer than the period of the configured limit, because network delays
    /// vary.
    window: u64,
    spacing: u64,
}

#[derive(Debug, Default)]
struct State {
    admitted: VecDeque<u64>,
    waiting: VecDeque<Waiting>,
    tickets: u64,
    has_gap: bool,
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    turn: u64,
    moved: Arc<Notify>,
}

#[derive(Debug)]
pub(in crate::token) enum Admission {
    Now,
    Queued(Ticket),
    TooLate(Duration),
}

#[derive(Debug)]
pub(in crate::token) struct Ticket {
    limiter: Arc<RateLimiter>,
    number: u64,
    moved: Arc<Notify>,
}

impl RateLimiter {
    pub(in crate::token) fn new(limit: Option<RateLimit>) -> Self {
        let limit = limit.map(|limit| {
            let (calls, per) = (limit.calls.max(1), millis(limit.per));
            Limit {
                calls,
                window: per.saturating_add(per.div_ceil(50)),
                spacing: per / u64::try_from(calls).unwrap_or(u64::MAX),
            }
        });
        Self { limit, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::token) fn reserve(self: &Arc<Self>, now: u64, not_before: u64, deadline: u64) -> Admission {
        let mut state = self.lock();
        state.close_gap(self.limit, now, not_before);
        let index = state.waiting.len();
        let turn = state.turn(self.limit, index, now, not_before);
        if turn > deadline {
            return Admission::TooLate(Duration::from_millis(turn - now));
        }
        if index == 0 && turn <= now {
            state.admit(self.limit, now);
            return Admission::Now;
        }
        let (number, moved) = (state.tickets, Arc::new(Notify::new()));
        state.tickets += 1;
        state.waiting.push_back(Waiting { ticket: number, turn, moved: moved.clone() });
        Admission::Queued(Ticket { limiter: self.clone(), number, moved })
    }

    /// The limiter also counts the requests that the store admitted, so that the limit still holds
    /// if the store fails later.
    pub(in crate::token) fn record(&self, now: u64) {
        self.lock().admit(self.limit, now);
    }

    pub(in crate::token) fn turn_of(&self, ticket: u64) -> Option<u64> {
        let state = self.lock();
        state.find(ticket).map(|index| state.waiting[index].turn)
    }

    pub(in crate::token) fn postpone(&self, now: u64, not_before: u64) {
        self.lock().reschedule(self.limit, now, not_before);
    }

    fn claim(&self, ticket: u64, now: u64, not_before: u64) -> Result<(), u64> {
        let mut state = self.lock();
        state.close_gap(self.limit, now, not_before);
        let Some(index) = state.find(ticket) else { return Ok(()) };
        // Earlier requests may have been sent later than planned, so check the limit again with the
        // times at which they were actually sent.
        let turn = state.waiting[index].turn.max(not_before).max(state.window_end(self.limit, 0));
        if now < turn {
            state.waiting[index].turn = turn;
            return Err(turn);
        }
        state.waiting.remove(index);
        state.admit(self.limit, now);
        Ok(())
    }

    fn leave(&self, ticket: u64) {
        let mut state = self.lock();
        if let Some(index) = state.find(ticket) {
            state.waiting.remove(index);
            state.has_gap = true;
            if let (0, Some(first)) = (index, state.waiting.front()) {
                first.moved.notify_one();
            }
        }
    }
}

impl State {
    fn find(&self, ticket: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&ticket, |waiting| waiting.ticket).ok()
    }

    fn admit(&mut self, limit: Option<Limit>, now: u64) {
        let Some(limit) = limit else { return };
        if self.admitted.len() == limit.calls {
            self.admitted.pop_front();
        }
        self.admitted.push_back(now);
    }

    fn window_end(&self, limit: Option<Limit>, index: usize) -> u64 {
        let Some(limit) = limit else { return 0 };
        let first = match index.checked_sub(limit.calls) {
            Some(before) => Some(self.waiting[before].turn),
            None => (self.admitted.len() + index).checked_sub(limit.calls).map(|index| self.admitted[index]),
        };
        first.map_or(0, |first| first.saturating_add(limit.window))
    }

    fn turn(&self, limit: Option<Limit>, index: usize, now: u64, not_before: u64) -> u64 {
        let turn = now.max(not_before).max(self.window_end(limit, index));
        let before = match index.checked_sub(1) {
            Some(before) => Some(self.waiting[before].turn),
            None if turn > now => self.admitted.back().copied(),
            None => None,
        };
        let spacing = limit.map_or(0, |limit| limit.spacing);
        before.map_or(turn, |before| turn.max(before.saturating_add(spacing)))
    }

    fn close_gap(&mut self, limit: Option<Limit>, now: u64, not_before: u64) {
        if self.has_gap {
            self.reschedule(limit, now, not_before);
        }
    }

    fn reschedule(&mut self, limit: Option<Limit>, now: u64, not_before: u64) {
        self.has_gap = false;
        for index in 0..self.waiting.len() {
            let turn = self.turn(limit, index, now, not_before);
            let waiting = &mut self.waiting[index];
            if waiting.turn != turn {
                waiting.turn = turn;
                waiting.moved.notify_one();
            }
        }
    }
}

impl Ticket {
    pub(in crate::token) fn number(&self) -> u64 {
        self.number
    }

    pub(in crate::token) async fn turn(
        self,
        clock: impl Fn() -> (u64, u64),
        deadline: u64,
    ) -> Result<(), Duration> {
        loop {
            let (now, not_before) = clock();
            let left = match self.limiter.claim(self.number, now, not_before) {
                Ok(()) => return Ok(()),
                Err(turn) => Duration::from_millis(turn - now),
            };
            if now.saturating_add(millis(left)) > deadline {
                return Err(left);
            }
            sync::select! {
                () = time::sleep(left) => {}
                () = self.moved.notified() => {}
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.limiter.leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(calls: usize, millis: u64) -> Arc<RateLimiter> {
        Arc::new(RateLimiter::new(Some(RateLimit { calls, per: Duration::from_millis(millis) })))
    }

    fn queued(limiter: &Arc<RateLimiter>, now: u64) -> Ticket {
        match limiter.reserve(now, 0, u64::MAX) {
            Admission::Queued(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    fn turns(limiter: &RateLimiter) -> Vec<u64> {
        limiter.lock().waiting.iter().map(|waiting| waiting.turn).collect()
    }

    #[test]
    fn calls_within_the_limit_are_not_delayed_and_excess_calls_are_spread() {
        let limiter = limiter(4, 1_000);
        for _ in 0..4 {
            assert!(matches!(limiter.reserve(100, 0, 100), Admission::Now));
        }
        let _waiting: Vec<Ticket> = (0..9).map(|_| queued(&limiter, 100)).collect();
        assert_eq!(turns(&limiter), [1_120, 1_370, 1_620, 1_870, 2_140, 2_390, 2_640, 2_890, 3_160]);
    }

    #[test]
    fn call_that_would_wait_too_long_fails_at_once_with_the_expected_wait() {
        let limiter = limiter(1, 1_000);
        assert!(matches!(limiter.reserve(0, 0, 0), Admission::Now));
        let _first = queued(&limiter, 0);
        let Admission::TooLate(left) = limiter.reserve(500, 0, 2_000) else { panic!("it is queued") };
        assert_eq!(left, Duration::from_millis(1_540));
        assert_eq!(turns(&limiter), [1_020], "a refused call takes no place");
    }

    #[test]
    fn cool_down_delays_waiting_calls_and_keeps_their_order() {
        let limiter = limiter(2, 1_000);
        for _ in 0..2 {
            assert!(matches!(limiter.reserve(0, 0, 0), Admission::Now));
        }
        let waiting: Vec<Ticket> = (0..3).map(|_| queued(&limiter, 0)).collect();
        limiter.postpone(10, 60_000);
        assert_eq!(turns(&limiter), [60_000, 60_500, 61_020]);
        assert_eq!(limiter.claim(waiting[0].number, 59_999, 60_000), Err(60_000));
        assert_eq!(limiter.claim(waiting[0].number, 60_000, 60_000), Ok(()));
        assert_eq!(turns(&limiter), [60_500, 61_020]);
    }

    #[test]
    fn waiting_calls_move_forward_if_a_call_ahead_of_them_is_dropped() {
        let limiter = limiter(1, 1_000);
        assert!(matches!(limiter.reserve(0, 0, 0), Admission::Now));
        let mut waiting: VecDeque<Ticket> = (0..4).map(|_| queued(&limiter, 0)).collect();
        assert_eq!(turns(&limiter), [1_020, 2_040, 3_060, 4_080]);
        waiting.drain(..2);
        let _last = queued(&limiter, 0);
        assert_eq!(turns(&limiter), [1_020, 2_040, 3_060]);
        drop(waiting);
        assert_eq!(limiter.turn_of(4), Some(3_060));
        limiter.postpone(0, 0);
        assert_eq!(limiter.turn_of(4), Some(1_020));
    }

    #[test]
    fn calls_that_wake_up_late_do_not_exceed_the_limit() {
        let limiter = limiter(2, 1_000);
        for _ in 0..2 {
            assert!(matches!(limiter.reserve(0, 0, 0), Admission::Now));
        }
        let waiting: Vec<Ticket> = (0..4).map(|_| queued(&limiter, 0)).collect();
        let now = 2_540;
        let claims: Vec<_> = waiting.iter().map(|ticket| limiter.claim(ticket.number, now, 0)).collect();
        assert_eq!(claims, [Ok(()), Ok(()), Err(3_560), Err(3_560)]);
    }

    #[test]
    fn without_a_limit_a_call_waits_only_for_the_cool_down() {
        let limiter = Arc::new(RateLimiter::new(None));
        assert!(matches!(limiter.reserve(0, 0, 0), Admission::Now));
        assert!(matches!(limiter.reserve(0, 50, 49), Admission::TooLate(left) if left.as_millis() == 50));
        let Admission::Queued(ticket) = limiter.reserve(0, 50, 50) else { panic!("it is not queued") };
        assert_eq!(limiter.claim(ticket.number, 49, 50), Err(50));
        assert_eq!(limiter.claim(ticket.number, 50, 50), Ok(()));
    }

    #[test]
    fn extreme_limits_neither_overflow_nor_divide_by_zero() {
        for (calls, per) in [
            (0, Duration::ZERO),
            (usize::MAX, Duration::MAX),
            (1, Duration::MAX),
            (1, Duration::from_nanos(1)),
        ] {
            let limiter = Arc::new(RateLimiter::new(Some(RateLimit { calls, per })));
            for now in [0, u64::MAX - 1, u64::MAX] {
                let _ = limiter.reserve(now, u64::MAX, u64::MAX);
                let _ = limiter.reserve(now, 0, now);
            }
        }
    }
}
