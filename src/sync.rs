//! Locks, channels, timers and tasks of the token cache and of single flights.
//!
//! Only re-exports. `tests/shuttle` compiles the token cache against models of the same names, in
//! which shuttle's scheduler decides at every operation which task runs next. So code in
//! `src/token` takes these from here, and not from the standard library or tokio.

pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

pub(crate) use arc_swap::{ArcSwap, ArcSwapOption};
pub(crate) use foldhash::fast::RandomState;
pub(crate) use tokio::{
    runtime, select,
    sync::{Notify, watch},
    task::AbortHandle,
    time,
};
