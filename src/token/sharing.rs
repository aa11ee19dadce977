//! A store as a cache uses it: each call within its time, and left aside for a while after one failed.
//!
//! It never decides what to ask the store for, and never waits for a store that is left aside.

use std::{
    fmt,
    num::NonZeroU64,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::sync::broadcast;

use super::{Notice, StoreError, StoreFuture, StoreKey, TokenOptions, TokenStore, stats::Counter};
use crate::sync::{
    AbortHandle, Mutex, MutexGuard, Notify,
    time::{self, Instant},
};

/// The most evictions that are repeated once the store is back.
const MAX_OWED: usize = 10_000;

pub(super) struct Sharing {
    pub(super) store: Arc<dyn TokenStore>,
    pub(super) lease: Duration,
    pub(super) rest: Duration,
    timeout: Duration,
    pub(super) failures: Counter,
    state: Mutex<State>,
    /// Evictions that wait for the store to be back.
    pub(super) owing: Notify,
}

#[derive(Default)]
struct State {
    /// Until when the store is left aside.
    aside: Option<Instant>,
    owed: Vec<(StoreKey, NonZeroU64)>,
    upkeep: Option<AbortHandle>,
}

impl Sharing {
    pub(super) fn new(options: &TokenOptions) -> Option<Self> {
        Some(Self {
            store: options.store.clone()?,
            lease: options.lease,
            rest: options.store_rest,
            timeout: options.store_timeout,
            failures: Counter::default(),
            state: Mutex::default(),
            owing: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the store may be asked. When its rest is over one may, and the others once that one
    /// had an answer.
    pub(super) fn is_ready(&self) -> bool {
        let (mut state, now) = (self.lock(), Instant::now());
        match state.aside {
            Some(until) if now < until => false,
            Some(_) => {
                state.aside = Some(now + self.timeout);
                true
            }
            None => true,
        }
    }

    /// Whether it is left aside, for people.
    pub(super) fn is_aside(&self) -> bool {
        self.lock().aside.is_some()
    }

    /// A call to the store within its time.
    ///
    /// # Errors
    ///
    /// Those of the store. It is left aside then.
    pub(super) async fn ask<T>(&self, call: StoreFuture<'_, T>) -> Result<T, StoreError> {
        let result = time::timeout(self.timeout, call)
            .await
            .unwrap_or_else(|_| Err(StoreError::new("the store took too long")));
        match &result {
            Ok(_) => self.answered(),
            Err(error) => self.failed(error),
        }
        result
    }

    fn answered(&self) {
        if self.lock().aside.take().is_some() {
            tracing::info!("the store answers again; tokens are shared");
        }
    }

    fn failed(&self, error: &StoreError) {
        self.failures.add(1);
        let before = self.lock().aside.replace(Instant::now() + self.rest);
        let error = error as &dyn std::error::Error;
        let cause = error.source().map(tracing::field::display);
        match before {
            None => tracing::warn!(error, cause, "the store is left aside; tokens are asked for alone"),
            Some(_) => tracing::debug!(error, cause, "the store still fails"),
        }
    }

    /// Keeps an eviction for when the store is back.
    pub(super) fn owe(&self, key: StoreKey, generation: NonZeroU64) {
        let mut state = self.lock();
        // What is beyond is evicted by the next refresh of its scopes here.
        if state.owed.len() < MAX_OWED {
            state.owed.push((key, generation));
        }
        drop(state);
        self.owing.notify_one();
    }

    pub(super) fn take_owed(&self) -> Vec<(StoreKey, NonZeroU64)> {
        std::mem::take(&mut self.lock().owed)
    }

    pub(super) fn owes(&self) -> bool {
        !self.lock().owed.is_empty()
    }

    /// Starts the upkeep unless it runs or there is nothing for it to do. `start` is told whether one
    /// ran before.
    pub(super) fn keep_up(
        &self,
        start: impl FnOnce(Option<broadcast::Receiver<Notice>>, bool) -> AbortHandle,
    ) {
        let mut state = self.lock();
        if state.upkeep.as_ref().is_some_and(|upkeep| !upkeep.is_finished()) {
            return;
        }
        let notices = self.store.notices();
        if notices.is_some() || !state.owed.is_empty() {
            let before = state.upkeep.is_some();
            state.upkeep = Some(start(notices, before));
        }
    }
}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharing").field("store", &self.store).finish_non_exhaustive()
    }
}
