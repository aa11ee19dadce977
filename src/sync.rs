//! Locks, channels, timers and tasks for the token cache and for single flights.
//!
//! `tests/shuttle` replaces this module with its own module. So code in `src/token` must import
//! these items from this module, not from the standard library or tokio.

pub(crate) use std::sync::{Mutex, MutexGuard, OnceLock, atomic};

pub(crate) use arc_swap::{ArcSwap, ArcSwapOption};
pub(crate) use foldhash::fast::RandomState;
pub(crate) use tokio::{
    runtime, select,
    sync::{Notify, watch},
    task::AbortHandle,
    time,
};

/// This number is smaller in `tests/shuttle`, because the tests there run few callers.
pub(crate) const MANY_WAITERS: u32 = 16;
