//! The place of an entry in the eviction queue.

use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What `Entries` knows of one entry. All but `used` is written under the mutex only.
#[derive(Default)]
pub(in crate::token) struct Place {
    /// Asked for again since the hand last passed. New entries are not: most scope sets that are asked for once are
    /// not asked for again, and must not push out those that are.
    pub(super) used: AtomicBool,
    pub(super) handles: AtomicU32,
    /// Where in the queue it is, if no handle holds it.
    pub(super) index: AtomicU32,
}

impl Place {
    /// Writes only if it changes something: all cores read this.
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
