//! A memory store that fails, hangs, is slow or panics when a test requests it.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fintech_auth::{
    Secret,
    token::{
        Fingerprint, Lease, MemoryStore, StoreError, StoreFuture, StoreKey, StoredToken, TokenId, TokenStore,
    },
};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum State {
    #[default]
    Up,
    Down,
    Hanging,
    /// Each call takes this long.
    Slow(Duration),
    Panicking,
}

#[derive(Debug, Default)]
pub(crate) struct Switched {
    state: Mutex<State>,
    store: MemoryStore,
    /// How often an error of this store was formatted.
    pub(crate) written: Arc<AtomicUsize>,
}

/// An error that counts how often it is formatted.
#[derive(Debug)]
struct OutOfOrder(Arc<AtomicUsize>);

impl fmt::Display for OutOfOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fetch_add(1, Ordering::SeqCst);
        f.write_str("out of order")
    }
}

impl std::error::Error for OutOfOrder {}

impl Switched {
    pub(crate) fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
    }

    fn unless_down<'a, T: Send + 'a>(&'a self, call: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        match *self.state.lock().unwrap() {
            State::Up => call,
            State::Down => {
                let error = StoreError::new(OutOfOrder(self.written.clone()));
                Box::pin(async { Err(error) })
            }
            State::Hanging => Box::pin(std::future::pending()),
            State::Slow(time) => Box::pin(async move {
                tokio::time::sleep(time).await;
                call.await
            }),
            State::Panicking => Box::pin(async { panic!("the store panics") }),
        }
    }
}

impl TokenStore for Switched {
    fn get<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredToken>> {
        self.unless_down(self.store.get(key))
    }

    fn put<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool> {
        self.unless_down(self.store.put(key, token, lease))
    }

    fn take_refresh_token<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
    ) -> StoreFuture<'a, Option<Secret>> {
        self.unless_down(self.store.take_refresh_token(key, lease))
    }

    fn revoke<'a>(&'a self, of: &'a Fingerprint, ids: &'a [TokenId], keep: Duration) -> StoreFuture<'a, ()> {
        self.unless_down(self.store.revoke(of, ids, keep))
    }

    fn invalidate<'a>(&'a self, key: &'a StoreKey, id: TokenId) -> StoreFuture<'a, ()> {
        self.unless_down(self.store.invalidate(key, id))
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, length: Duration) -> StoreFuture<'a, Option<Lease>> {
        self.unless_down(self.store.lease(key, length))
    }

    fn release<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease) -> StoreFuture<'a, ()> {
        self.unless_down(self.store.release(key, lease))
    }

    fn changed<'a>(&'a self, key: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()> {
        self.unless_down(self.store.changed(key, within))
    }
}
