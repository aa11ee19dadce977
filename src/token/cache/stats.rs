//! Counters of a cache.

use std::sync::atomic::{AtomicU64, Ordering};

use thread_local::ThreadLocal;

/// Counters of a [`TokenCache`](crate::token::TokenCache) since its creation.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Look-ups that returned a fresh token from memory.
    pub hits: u64,
    /// Look-ups that returned a stale token from memory, while a refresh was running or due.
    pub stale_hits: u64,
    /// Look-ups that found no valid token.
    pub misses: u64,
    /// Misses that waited for a refresh that was already in flight.
    pub waiters: u64,
    /// Tokens that the source issued or refreshed.
    pub refreshes: u64,
    /// Tokens loaded from the store.
    pub shared: u64,
    /// Refreshes that ended in an error, after all retries.
    pub failures: u64,
    /// Cool-downs that were started.
    pub cool_downs: u64,
    /// Tokens that were rejected or revoked.
    pub invalidations: u64,
    /// Scope sets evicted because the cache was full.
    pub evictions: u64,
    /// Calls to the store that failed.
    pub store_failures: u64,
    /// Tokens that were requested without the store because the store had failed.
    pub store_bypassed: u64,
    /// New tokens that the cache discarded. A new token is discarded if it was revoked or rejected,
    /// if another token of the same grant was revoked, or if the lease was lost during the refresh.
    pub discarded: u64,
    /// Tokens that were dropped because another process had invalidated or revoked them.
    pub evicted_remotely: u64,
    /// Whether the circuit breaker of the store is open. A failure of the store opens the circuit
    /// breaker. While the circuit breaker is open, tokens are requested without the store.
    pub store_circuit_open: bool,
}

#[derive(Debug, Default)]
pub(in crate::token) struct Counters {
    /// One counter per thread. With a single counter, all cores would contend for its cache line.
    hits: ThreadLocal<Padded>,
    pub(in crate::token) stale_hits: Counter,
    pub(in crate::token) misses: Counter,
    pub(in crate::token) waiters: Counter,
    pub(in crate::token) refreshes: Counter,
    pub(in crate::token) shared: Counter,
    pub(in crate::token) failures: Counter,
    pub(in crate::token) cool_downs: Counter,
    pub(in crate::token) invalidations: Counter,
    pub(in crate::token) store_bypassed: Counter,
    pub(in crate::token) discarded: Counter,
    pub(in crate::token) evicted_remotely: Counter,
}

/// Padded to two cache lines, because some processors fetch cache lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded(AtomicU64);

#[derive(Debug, Default)]
pub(in crate::token) struct Counter(AtomicU64);

impl Counter {
    pub(in crate::token) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(in crate::token) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(in crate::token) fn hit(&self) {
        // Only this thread writes the counter, so a load and a store suffice. A load and a store
        // take a tenth of the time of an atomic addition.
        let hits = &self.hits.get_or_default().0;
        hits.store(hits.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(in crate::token) fn stats(&self) -> Stats {
        Stats {
            hits: self.hits.iter().map(|hits| hits.0.load(Ordering::Relaxed)).sum(),
            stale_hits: self.stale_hits.get(),
            misses: self.misses.get(),
            waiters: self.waiters.get(),
            refreshes: self.refreshes.get(),
            shared: self.shared.get(),
            failures: self.failures.get(),
            cool_downs: self.cool_downs.get(),
            invalidations: self.invalidations.get(),
            evictions: 0,
            store_failures: 0,
            store_bypassed: self.store_bypassed.get(),
            discarded: self.discarded.get(),
            evicted_remotely: self.evicted_remotely.get(),
            store_circuit_open: false,
        }
    }
}
