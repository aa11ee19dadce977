//! A memory store that fails, hangs, is slow or panics when a test tells it to.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fintech_auth::token::{MemoryStore, StoreError, StoreFuture};

use crate::wrapped_store::{WrappedStore, Wrapper};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum State {
    #[default]
    Up,
    Down,
    Hanging,
    Slow(Duration),
    Panicking,
}

pub(crate) type Switched = WrappedStore<Switches>;

#[derive(Debug, Default)]
pub(crate) struct Switches {
    state: Mutex<State>,
    store: MemoryStore,
    pub(crate) written: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct CountedError(Arc<AtomicUsize>);

impl fmt::Display for CountedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fetch_add(1, Ordering::SeqCst);
        f.write_str("out of order")
    }
}

impl std::error::Error for CountedError {}

impl Switches {
    pub(crate) fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
    }
}

impl Wrapper for Switches {
    fn store(&self) -> &MemoryStore {
        &self.store
    }

    fn wrap<'a, T: Send + 'a>(&'a self, call: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        match *self.state.lock().unwrap() {
            State::Up => call,
            State::Down => {
                let error = StoreError::new(CountedError(self.written.clone()));
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
