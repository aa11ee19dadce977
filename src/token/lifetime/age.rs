//! When a token is fresh, stale or expired.

use std::time::Duration;

use crate::token::lifetime::expiry::ExpiryRule;

/// How long a token is believed, from when on both clocks. Milliseconds.
#[derive(Clone, Copy, Debug)]
pub(in crate::token) struct Expires {
    pub(in crate::token) lifetime: Duration,
    pub(in crate::token) rule: ExpiryRule,
    pub(in crate::token) sent: u64,
    pub(in crate::token) sent_wall: u64,
}

/// When a token turns stale and when it expires, on both clocks. Milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(in crate::token) stale: u64,
    pub(in crate::token) end: u64,
    pub(in crate::token) wall_stale: u64,
    pub(in crate::token) rule: ExpiryRule,
}

/// Milliseconds on both clocks.
#[derive(Clone, Copy, Debug)]
pub(in crate::token) struct Now {
    pub(in crate::token) tick: u64,
    pub(in crate::token) wall: u64,
}

/// How far a token is into its life.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::token) enum Age {
    Fresh,
    Stale,
    Expired,
}

impl Life {
    /// As far after `wall_stale` as `end` is after `stale`.
    pub(in crate::token) fn wall_end(&self) -> u64 {
        self.wall_stale.saturating_add(self.end.saturating_sub(self.stale))
    }

    /// The later age of the two clocks: the monotonic one does not move in a suspend, the wall clock
    /// may be set back.
    pub(in crate::token) fn age(&self, now: Now) -> Age {
        let by = |now: u64, stale: u64, end: u64| match now {
            now if now >= end => Age::Expired,
            now if now >= stale => Age::Stale,
            _ => Age::Fresh,
        };
        by(now.tick, self.stale, self.end).max(by(now.wall, self.wall_stale, self.wall_end()))
    }
}
