//! Locks, channels, timers and tasks for the token cache and for single flights.
//!
//! `tests/shuttle` replaces this module with one that has the same items. Whenever code uses one of
//! these items, shuttle's scheduler decides which task runs next. Code in `src/token` must
//! therefore import the items from here, not from the standard library or tokio.

pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

pub(crate) use arc_swap::{ArcSwap, ArcSwapOption};
pub(crate) use foldhash::fast::RandomState;
pub(crate) use tokio::{
    runtime, select,
    sync::{Notify, watch},
    task::AbortHandle,
    time,
};

/// The number of callers that join a flight before they share a timer. Smaller in `tests/shuttle`,
/// which runs few callers.
pub(crate) const MANY_WAITERS: u32 = 16;
