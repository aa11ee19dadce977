//! The position of an entry in the eviction queue.

use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// All fields except `used` are written only under the mutex of `Entries`.
#[derive(Default)]
pub(in crate::token) struct Place {
    /// Whether the entry was looked up after the clock hand last passed the entry. New entries
    /// start with `false`, because most scope sets are used only once, and must not cause the
    /// eviction of entries that are used often.
    pub(super) used: AtomicBool,
    pub(super) handles: AtomicU32,
    pub(super) index: AtomicU32,
}

impl Place {
    /// Writes only if the entry is not marked yet, because a write slows down all cores that read
    /// this field.
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
