//! The position of an entry in the eviction queue.

use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The data that `Entries` keeps for an entry. All fields except `used` are written only under the
/// mutex of `Entries`.
#[derive(Default)]
pub(in crate::token) struct Place {
    /// Whether the entry was looked up since the clock hand last passed it. New entries start with
    /// `false`: most scope sets that are used once are not used again, so they must not cause the
    /// eviction of others.
    pub(super) used: AtomicBool,
    pub(super) handles: AtomicU32,
    /// The position in the queue, if no handle holds the entry.
    pub(super) index: AtomicU32,
}

impl Place {
    /// Marks the entry as used. Does not write if the entry is already marked, because a write
    /// would slow down the other cores that read this field.
    #[inline]
    pub(in crate::token) fn mark_used(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn add_handles(&self, change: i32) -> u32 {
        let handles = self.handles.load(Ordering::Relaxed).saturating_add_signed(change);
        self.handles.store(handles, Ordering::Relaxed);
        handles
    }
}
