//! Determines whether a token is fresh, stale or expired.
//!
//! All times are in milliseconds. Fields whose names contain `wall` are times of the wall clock.
//! `sent`, `stale` and `tick` are times of the monotonic clock.

use std::time::Duration;

use crate::token::lifetime::expiry::ExpiryRule;

#[derive(Clone, Copy, Debug)]
pub(in crate::token) struct Expires {
    pub(in crate::token) lifetime: Duration,
    pub(in crate::token) rule: ExpiryRule,
    pub(in crate::token) sent: u64,
    pub(in crate::token) sent_wall: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(in crate::token) stale: u64,
    pub(in crate::token) wall_stale: u64,
    /// The time from stale to expired, in milliseconds. It is the same on both clocks.
    pub(in crate::token) window: u32,
    pub(in crate::token) rule: ExpiryRule,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::token) struct Now {
    pub(in crate::token) tick: u64,
    pub(in crate::token) wall: u64,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::token) enum Age {
    Fresh,
    Stale,
    Expired,
}

impl Life {
    pub(in crate::token) fn end(&self) -> u64 {
        self.stale.saturating_add(self.window.into())
    }

    pub(in crate::token) fn wall_end(&self) -> u64 {
        self.wall_stale.saturating_add(self.window.into())
    }

    /// Uses both clocks, because the monotonic clock may stop during a suspend, and the wall clock
    /// may be set back.
    pub(in crate::token) fn age(&self, now: Now) -> Age {
        let by = |now: u64, stale: u64, end: u64| match now {
            now if now >= end => Age::Expired,
            now if now >= stale => Age::Stale,
            _ => Age::Fresh,
        };
        by(now.tick, self.stale, self.end()).max(by(now.wall, self.wall_stale, self.wall_end()))
    }
}
