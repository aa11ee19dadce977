//! Adds a timeout and a circuit breaker to a store. If the mark of a revoked or invalidated token
//! cannot be written to the store, the mark is kept in memory until a later write succeeds or the
//! mark expires.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::sync::broadcast;

use crate::{
    sync::{
        AbortHandle, Mutex, MutexGuard, Notify,
        time::{self, Instant},
    },
    token::{
        cache::{options::TokenOptions, stats::Counter},
        fingerprint::Fingerprint,
        id::TokenId,
        observer::{TokenEvent, TokenObserver},
        refresh::expiring_map::after,
        store::{Notice, StoreError, StoreFuture, StoreKey, TokenStore},
    },
};

const MAX_PENDING: usize = 10_000;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::token) enum PendingMark {
    Revoked(Vec<TokenId>),
    Invalidated(StoreKey, TokenId),
}

pub(in crate::token) struct StoreCircuitBreaker {
    pub(in crate::token) store: Arc<dyn TokenStore>,
    pub(in crate::token) lease: Duration,
    pub(in crate::token) open_for: Duration,
    timeout: Duration,
    pub(in crate::token) max_lifetime: Duration,
    /// If the mark of an invalidated token cannot be written to the store, this process keeps the
    /// mark for this time.
    max_backoff: Duration,
    pub(in crate::token) failures: Counter,
    state: Mutex<State>,
    observer: TokenObserver,
    pub(in crate::token) pending: Notify,
}

#[derive(Default)]
struct State {
    open_until: Option<Instant>,
    pending: VecDeque<(PendingMark, Instant)>,
    task: Option<AbortHandle>,
}

impl StoreCircuitBreaker {
    pub(in crate::token) fn new(options: &TokenOptions) -> Option<Self> {
        Some(Self {
            store: options.store.clone()?,
            lease: options.lease,
            open_for: options.store_open_for,
            timeout: options.store_timeout,
            max_lifetime: options.limits.max,
            max_backoff: options.max_backoff,
            failures: Counter::default(),
            observer: options.observer.clone(),
            state: Mutex::default(),
            pending: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After the circuit has been open for its full time, only one caller gets `true`, to try a
    /// store call. The other callers get `false` until this call has succeeded. If the caller does
    /// not call the store, another caller gets `true` once the timeout of a store call has passed.
    pub(in crate::token) fn try_acquire(&self) -> bool {
        let (mut state, now) = (self.lock(), Instant::now());
        match state.open_until {
            Some(until) if now < until => false,
            Some(_) => {
                state.open_until = Some(now + self.timeout);
                true
            }
            None => true,
        }
    }

    pub(in crate::token) fn is_open(&self) -> bool {
        self.lock().open_until.is_some()
    }

    pub(in crate::token) async fn call<T>(&self, request: StoreFuture<'_, T>) -> Result<T, StoreError> {
        let result = time::timeout(self.timeout, request)
            .await
            .unwrap_or_else(|_| Err(StoreError::new("token store timed out")));
        match &result {
            Ok(_) => self.succeeded(),
            Err(error) => self.failed(error),
        }
        result
    }

    fn succeeded(&self) {
        if self.lock().open_until.take().is_some() {
            tracing::info!("token store circuit closed");
            self.observer.call(|observe| observe(&TokenEvent::StoreUp {}));
        }
    }

    fn failed(&self, error: &StoreError) {
        self.failures.add(1);
        let before = self.lock().open_until.replace(Instant::now() + self.open_for);
        let error = error as &dyn std::error::Error;
        let cause = error.source().map(tracing::field::display);
        match before {
            None => {
                tracing::warn!(
                    error,
                    fintech_auth.cause = cause,
                    "token store circuit opened: requesting tokens without the store"
                );
                self.observer.call(|observe| observe(&TokenEvent::StoreDown {}));
            }
            Some(_) => tracing::debug!(error, fintech_auth.cause = cause, "token store still fails"),
        }
    }

    pub(in crate::token) async fn write_mark(
        &self,
        source: &Fingerprint,
        mark: &PendingMark,
    ) -> Result<(), StoreError> {
        if !self.try_acquire() {
            return Err(StoreError::new("token store circuit is open"));
        }
        self.write_mark_even_if_open(source, mark).await
    }

    pub(in crate::token) async fn write_mark_even_if_open(
        &self,
        source: &Fingerprint,
        mark: &PendingMark,
    ) -> Result<(), StoreError> {
        self.call(match mark {
            PendingMark::Revoked(ids) => self.store.revoke(source, ids, self.max_lifetime),
            PendingMark::Invalidated(key, id) => self.store.invalidate(key, *id),
        })
        .await
    }

    pub(in crate::token) fn keep_pending(&self, mark: PendingMark) -> bool {
        let time = match mark {
            PendingMark::Revoked(_) => self.max_lifetime,
            PendingMark::Invalidated(..) => self.max_backoff,
        };
        let now = Instant::now();
        let mut state = self.lock();
        state.pending.retain(|(pending, until)| now < *until && *pending != mark);
        if state.pending.len() == MAX_PENDING {
            return false;
        }
        state.pending.push_back((mark, after(now, time)));
        drop(state);
        self.pending.notify_one();
        true
    }

    pub(in crate::token) fn first_pending(&self) -> Option<PendingMark> {
        let (mut state, now) = (self.lock(), Instant::now());
        while state.pending.front().is_some_and(|(_, until)| *until <= now) {
            state.pending.pop_front();
        }
        state.pending.front().map(|(mark, _)| mark.clone())
    }

    pub(in crate::token) fn pending_marks(&self) -> usize {
        let (mut state, now) = (self.lock(), Instant::now());
        state.pending.retain(|(_, until)| now < *until);
        state.pending.len()
    }

    pub(in crate::token) fn remove_pending(&self, mark: &PendingMark) {
        self.lock().pending.retain(|(pending, _)| pending != mark);
    }

    pub(in crate::token) fn sync_with_store(
        &self,
        start: impl FnOnce(Option<broadcast::Receiver<Notice>>, bool) -> AbortHandle,
    ) {
        let mut state = self.lock();
        if state.task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let notices = self.store.notices();
        if notices.is_some() || !state.pending.is_empty() {
            let before = state.task.is_some();
            state.task = Some(start(notices, before));
        }
    }
}

impl fmt::Debug for StoreCircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreCircuitBreaker").field("store", &self.store).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::token::MemoryStore;

    fn breaker() -> StoreCircuitBreaker {
        let store = Arc::new(MemoryStore::default());
        StoreCircuitBreaker::new(&TokenOptions::default().with_store(store)).expect("a store is set")
    }

    fn revoked(id: usize) -> PendingMark {
        PendingMark::Revoked(vec![TokenId::new(id as u64 + 1).expect("not zero")])
    }

    #[tokio::test(start_paused = true)]
    async fn breaker_rejects_a_tombstone_if_its_list_of_tombstones_is_full() {
        let breaker = breaker();
        let until = Instant::now() + Duration::from_secs(60);
        breaker.lock().pending.extend((0..MAX_PENDING - 1).map(|id| (revoked(id), until)));
        assert!(breaker.keep_pending(revoked(MAX_PENDING - 1)));
        assert!(!breaker.keep_pending(revoked(MAX_PENDING)));
        assert_eq!(breaker.lock().pending.len(), MAX_PENDING);
        assert!(breaker.keep_pending(revoked(7)), "this mark is pending already");
        assert_eq!(breaker.lock().pending.len(), MAX_PENDING);

        breaker.remove_pending(&revoked(0));
        assert!(breaker.keep_pending(revoked(MAX_PENDING)));
        assert!(!breaker.keep_pending(revoked(MAX_PENDING + 1)));
        time::sleep(Duration::from_secs(60)).await;
        assert!(breaker.keep_pending(revoked(MAX_PENDING + 1)));
        assert_eq!(breaker.lock().pending.len(), 4);
    }
}
