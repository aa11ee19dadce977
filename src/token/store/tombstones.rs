//! Marks of revoked tokens, which are never used again, and of invalidated tokens, which a server
//! has rejected. An invalidated token is used again only if a later request returns the token,
//! because some servers issue the same token again.

use std::{collections::HashMap, sync::PoisonError};

use crate::{
    sync::{Mutex, MutexGuard},
    token::id::TokenId,
};

const CAPACITY: usize = 65_536;

#[derive(Debug, Default)]
pub(in crate::token) struct Tombstones(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    marks: HashMap<TokenId, Mark>,
    invalidations: u64,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    until: u64,
    /// `None` if the token is revoked. Otherwise the value of `State::invalidations` just after
    /// this token was invalidated.
    invalidation: Option<u64>,
}

/// The number of invalidations before a token request starts. If the request returns a token that
/// was invalidated after the request started, the token must not be used.
#[derive(Clone, Copy, Debug)]
pub(in crate::token) struct Epoch(u64);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::token) enum Verdict {
    Usable,
    Reissued,
    Invalidated,
    Revoked,
}

impl Tombstones {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Call this method before a token is requested.
    pub(in crate::token) fn epoch(&self) -> Epoch {
        Epoch(self.lock().invalidations)
    }

    pub(in crate::token) fn mark_revoked(&self, token: TokenId, now: u64, until: u64) {
        let mut state = self.lock();
        let until = state
            .live(token, now)
            .filter(|mark| mark.invalidation.is_none())
            .map_or(until, |mark| mark.until.max(until));
        state.insert(token, Mark { until, invalidation: None }, now);
    }

    pub(in crate::token) fn mark_invalidated(&self, token: TokenId, now: u64, until: u64) {
        let mut state = self.lock();
        state.invalidations += 1;
        if state.live(token, now).is_none_or(|mark| mark.invalidation.is_some()) {
            let invalidation = Some(state.invalidations);
            state.insert(token, Mark { until, invalidation }, now);
        }
    }

    pub(in crate::token) fn is_revoked(&self, token: TokenId, now: u64) -> bool {
        self.lock().live(token, now).is_some_and(|mark| mark.invalidation.is_none())
    }

    pub(in crate::token) fn is_marked(&self, token: TokenId, now: u64) -> bool {
        self.lock().live(token, now).is_some()
    }

    pub(in crate::token) fn verdict(&self, token: TokenId, epoch: Option<Epoch>, now: u64) -> Verdict {
        let mut state = self.lock();
        let Some(mark) = state.live(token, now) else { return Verdict::Usable };
        match (mark.invalidation, epoch) {
            (None, _) => Verdict::Revoked,
            (Some(invalidation), Some(Epoch(seen))) if invalidation <= seen => {
                state.marks.remove(&token);
                Verdict::Reissued
            }
            _ => Verdict::Invalidated,
        }
    }
}

impl State {
    fn live(&self, token: TokenId, now: u64) -> Option<Mark> {
        self.marks.get(&token).copied().filter(|mark| now < mark.until)
    }

    fn insert(&mut self, token: TokenId, mark: Mark, now: u64) {
        if self.marks.len() >= CAPACITY {
            self.marks.retain(|_, mark| now < mark.until);
        }
        if self.marks.len() >= CAPACITY {
            // Drop an eighth of the marks at once, so that the whole table is scanned only rarely.
            let mut ends: Vec<u64> = self.marks.values().map(|mark| mark.until).collect();
            let (_, &mut last, _) = ends.select_nth_unstable(CAPACITY / 8);
            let mut left = CAPACITY / 8;
            self.marks.retain(|_, mark| {
                let dropped = mark.until <= last && left > 0;
                left -= usize::from(dropped);
                !dropped
            });
        }
        self.marks.insert(token, mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> TokenId {
        TokenId::new(number).expect("not zero")
    }

    #[test]
    fn revoked_token_stays_revoked_until_its_tombstone_expires() {
        let marks = Tombstones::default();
        marks.mark_revoked(id(1), 0, 100);
        marks.mark_revoked(id(1), 0, 50);
        marks.mark_invalidated(id(1), 0, 10);
        let later = marks.epoch();
        assert!(marks.is_revoked(id(1), 99));
        assert_eq!(marks.verdict(id(1), Some(later), 99), Verdict::Revoked);
        assert_eq!(marks.verdict(id(1), None, 99), Verdict::Revoked);
        assert_eq!(marks.verdict(id(1), None, 100), Verdict::Usable);
        assert_eq!(marks.verdict(id(2), None, 0), Verdict::Usable);
    }

    #[test]
    fn invalidated_token_is_accepted_only_if_a_later_token_request_returns_it() {
        let marks = Tombstones::default();
        let before = marks.epoch();
        marks.mark_invalidated(id(1), 0, 100);
        assert!(!marks.is_revoked(id(1), 0));
        assert_eq!(marks.verdict(id(1), Some(before), 0), Verdict::Invalidated);
        assert_eq!(marks.verdict(id(1), None, 0), Verdict::Invalidated);
        assert_eq!(marks.verdict(id(1), Some(marks.epoch()), 0), Verdict::Reissued);
        assert_eq!(marks.verdict(id(1), None, 0), Verdict::Usable);
        marks.mark_invalidated(id(1), 0, 100);
        assert_eq!(marks.verdict(id(1), Some(before), 100), Verdict::Usable);
    }

    #[test]
    fn full_table_drops_the_tombstones_that_expire_soonest() {
        let marks = Tombstones::default();
        for number in 1..=3 * CAPACITY as u64 {
            marks.mark_revoked(id(number), 0, number);
            assert!(marks.lock().marks.len() <= CAPACITY);
        }
        assert!(marks.is_revoked(id(3 * CAPACITY as u64), 0));
        assert!(!marks.is_revoked(id(1), 0));
    }

    #[test]
    fn full_table_accepts_new_tombstones_if_all_have_the_same_expiry() {
        let marks = Tombstones::default();
        for number in 1..=2 * CAPACITY as u64 {
            marks.mark_revoked(id(number), 0, 1_000);
        }
        assert!(marks.is_revoked(id(2 * CAPACITY as u64), 0));
        let kept = marks.lock().marks.len();
        assert!((CAPACITY / 8 * 7..=CAPACITY).contains(&kept), "{kept}");
    }
}
