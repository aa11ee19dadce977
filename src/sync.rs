//! Locks, channels, timers and tasks for the token cache and for single flights.
//!
//! This module only re-exports. `tests/shuttle` replaces it with a module of the same items. At
//! each operation of these items, shuttle's scheduler decides which task runs next. Code in
//! `src/token` must therefore import them from here, not from the standard library or tokio.

pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

pub(crate) use arc_swap::{ArcSwap, ArcSwapOption};
pub(crate) use foldhash::fast::RandomState;
pub(crate) use tokio::{
    runtime, select,
    sync::{Notify, watch},
    task::AbortHandle,
    time,
};
