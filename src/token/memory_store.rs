//! A store in memory that several clients can share: the contract at its plainest.
//!
//! It never tells what other clients did, and outlasts no process.

use std::{collections::HashMap, num::NonZeroU64, sync::PoisonError, time::Duration};

use super::{Lease, StoreFuture, StoreKey, StoredToken, TokenStore};
use crate::{
    Secret,
    sync::{
        Mutex, MutexGuard, Notify,
        time::{self, Instant},
    },
};

/// A store in this process, for several clients in it and for tests.
#[derive(Debug, Default)]
pub struct MemoryStore {
    entries: Mutex<HashMap<StoreKey, Entry>>,
    change: Notify,
}

#[derive(Debug, Default)]
struct Entry {
    token: Option<(StoredToken, Instant)>,
    fence: u64,
    leased_until: Option<Instant>,
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, HashMap<StoreKey, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenStore for MemoryStore {
    fn get<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredToken>> {
        Box::pin(async {
            let entries = self.lock();
            let kept = entries.get(key).and_then(|entry| entry.token.as_ref());
            Ok(kept.filter(|(_, until)| Instant::now() < *until).map(|(token, _)| token.clone()))
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async {
            let mut entries = self.lock();
            let Some(entry) = entries.get_mut(key).filter(|entry| entry.fence == lease.fence) else {
                return Ok(false);
            };
            entry.token = Some((token.clone(), Instant::now() + token.lifetime));
            self.change.notify_waiters();
            Ok(true)
        })
    }

    fn take_refresh_token<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
    ) -> StoreFuture<'a, Option<Secret>> {
        Box::pin(async {
            let mut entries = self.lock();
            let entry = entries.get_mut(key).filter(|entry| entry.fence == lease.fence);
            Ok(entry.and_then(|entry| entry.token.as_mut()?.0.refresh_token.take()))
        })
    }

    fn evict<'a>(&'a self, key: &'a StoreKey, generation: NonZeroU64) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let mut entries = self.lock();
            if let Some(entry) = entries.get_mut(key)
                && entry.token.as_ref().is_some_and(|(token, _)| token.generation == generation)
            {
                entry.token = None;
                entry.fence += 1;
                entry.leased_until = None;
                self.change.notify_waiters();
            }
            Ok(())
        })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, time: Duration) -> StoreFuture<'a, Option<Lease>> {
        Box::pin(async move {
            let mut entries = self.lock();
            let entry = entries.entry(key.clone()).or_default();
            let now = Instant::now();
            if entry.leased_until.is_some_and(|until| now < until) {
                return Ok(None);
            }
            entry.fence += 1;
            entry.leased_until = Some(now + time);
            Ok(Some(Lease { fence: entry.fence }))
        })
    }

    fn release<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease) -> StoreFuture<'a, ()> {
        Box::pin(async {
            let mut entries = self.lock();
            if let Some(entry) = entries.get_mut(key).filter(|entry| entry.fence == lease.fence) {
                entry.leased_until = None;
                self.change.notify_waiters();
            }
            Ok(())
        })
    }

    fn renew<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease, time: Duration) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let mut entries = self.lock();
            let entry = entries.get_mut(key).filter(|entry| entry.fence == lease.fence);
            let Some(until) = entry.and_then(|entry| entry.leased_until.as_mut()) else { return Ok(false) };
            *until = Instant::now() + time;
            Ok(true)
        })
    }

    fn changed<'a>(&'a self, _: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let _ = time::timeout(within, self.change.notified()).await;
            Ok(())
        })
    }
}
