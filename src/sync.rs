//! Locks, channels, timers and tasks for the token cache and for single flights.
//!
//! `tests/shuttle` replaces this module with its own module, which exports the same items. With
//! that module, shuttle's scheduler decides which task runs next. So code in `src/token` must
//! import these items from this module, not from the standard library or tokio.

pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

pub(crate) use arc_swap::{ArcSwap, ArcSwapOption};
pub(crate) use foldhash::fast::RandomState;
pub(crate) use tokio::{
    runtime, select,
    sync::{Notify, watch},
    task::AbortHandle,
    time,
};

/// When this many callers have joined a flight, all waiters share one timer. The number is smaller
/// in `tests/shuttle`, because these tests start few callers.
pub(crate) const MANY_WAITERS: u32 = 16;
