//! Models of the items that `src/sync.rs` re-exports.
//!
//! The following items use their real implementation. The model assumes that each of their
//! operations is one atomic step:
//!
//! - `ArcSwap`, `OnceLock`, `watch` and `Notify`: the scheduler can switch to another task before
//!   each operation.
//! - `Arc` with its reference counts, and `broadcast`: the token cache does not import these two
//!   from `src/sync.rs`, so the scheduler cannot switch to another task before an operation.
//! - The counters of `Stats`, because no decision depends on them.
//!
//! All atomics are sequentially consistent: the model ignores the memory ordering that the code
//! requests.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

// The seed is constant, so that a schedule can be replayed.
pub use foldhash::fast::FixedState as RandomState;
use shuttle::sync::atomic::{AtomicBool, Ordering};
pub use shuttle::{
    future::AbortHandle,
    sync::{Mutex, MutexGuard, atomic},
};

pub mod runtime;
pub mod time;

pub const MANY_WAITERS: u32 = 1;

/// An atomic load is a switch point. `shuttle::thread::yield_now` would also lower the priority of
/// the task under the PCT scheduler.
pub fn switch_point() {
    if shuttle::current::try_get_current_task().is_some() {
        AtomicBool::new(false).load(Ordering::SeqCst);
    }
}

/// The scheduler can switch to another task before each operation on the real primitive.
#[derive(Debug, Default)]
pub struct Switching<T>(T);

impl<T> Deref for Switching<T> {
    type Target = T;

    fn deref(&self) -> &T {
        switch_point();
        &self.0
    }
}

impl<T> DerefMut for Switching<T> {
    fn deref_mut(&mut self) -> &mut T {
        switch_point();
        &mut self.0
    }
}

impl<T: Clone> Clone for Switching<T> {
    fn clone(&self) -> Self {
        Self((**self).clone())
    }
}

pub type ArcSwap<T> = Switching<arc_swap::ArcSwap<T>>;

impl<T> ArcSwap<T> {
    pub fn from_pointee(value: T) -> Self {
        Self(arc_swap::ArcSwap::from(Arc::new(value)))
    }
}

pub type ArcSwapOption<T> = Switching<arc_swap::ArcSwapOption<T>>;

impl<T> ArcSwapOption<T> {
    pub fn empty() -> Self {
        Self(arc_swap::ArcSwapOption::empty())
    }
}

pub type OnceLock<T> = Switching<std::sync::OnceLock<T>>;

impl<T> OnceLock<T> {
    pub fn new() -> Self {
        Self(std::sync::OnceLock::new())
    }
}

pub type Notify = Switching<tokio::sync::Notify>;

impl Notify {
    pub fn new() -> Self {
        Self::default()
    }
}

pub mod watch {
    use tokio::sync::watch;

    use super::Switching;

    pub type Sender<T> = Switching<watch::Sender<T>>;
    pub type Receiver<T> = Switching<watch::Receiver<T>>;

    pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = watch::channel(value);
        (Switching(sender), Switching(receiver))
    }

    impl<T> Sender<T> {
        pub fn subscribe(&self) -> Receiver<T> {
            Switching((**self).subscribe())
        }
    }
}

/// Polls the branches in order, because tokio's random order cannot be replayed.
macro_rules! select {
    ($($branches:tt)*) => {
        tokio::select! { biased; $($branches)* }
    };
}
pub(crate) use select;
