//! The position of an entry in the eviction queue.

use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// All fields except `used` are written only under the mutex of `Entries`.
#[derive(Default)]
pub(in crate::token) struct Place {
    /// New entries start with `false`. So scope sets that are used only once do not evict entries
    /// that are used often.
    pub(super) used: AtomicBool,
    pub(super) handles: AtomicU32,
    pub(super) index: AtomicU32,
}

impl Place {
    /// Writes only if the value changes, because a write slows down all cores that read `used`.
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
