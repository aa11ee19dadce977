//! Where tokens are kept outside of a process: shared by a fleet, or across restarts.
//!
//! The contract, and a store in memory that several clients can share. It never decides whether a
//! token still serves: the cache does.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    num::NonZeroU64,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::{sync::Notify, time::Instant};

use super::Fingerprint;
use crate::Secret;

/// What a store answers, some time.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A store failed. The cache goes on without it.
#[derive(Debug)]
pub struct StoreError(Box<dyn std::error::Error + Send + Sync>);

impl StoreError {
    /// From what went wrong, which must show no secret.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token store failed")
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// Which token: whose, and for which scopes. It holds no secret.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct StoreKey {
    /// Of the source: server, credentials, client type, version.
    pub source: Fingerprint,
    /// The scopes, sorted, each once, separated by spaces.
    pub scopes: Box<str>,
}

/// A token as it is stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredToken {
    /// The access token.
    pub access_token: Secret,
    /// The refresh token that came with it, until someone takes it to send it.
    pub refresh_token: Option<Secret>,
    /// The granted scopes, where the server named them.
    pub scope: Option<String>,
    /// Since when it is valid, on the wall clock of the process that asked for it.
    pub sent_at: SystemTime,
    /// For how long from then.
    pub lifetime: Duration,
    /// Which token of this key it is.
    pub generation: NonZeroU64,
}

impl StoredToken {
    /// A token as it is read back from where it was kept.
    pub fn new(access_token: Secret, sent_at: SystemTime, lifetime: Duration) -> Self {
        let generation = generation(&access_token);
        Self { access_token, refresh_token: None, scope: None, sent_at, lifetime, generation }
    }
}

/// Which token of its slot this is: the same in every process, and not to be guessed back from.
pub(super) fn generation(token: &Secret) -> NonZeroU64 {
    Fingerprint::of([token.expose()]).short()
}

/// The right to refresh a key, for some time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    /// Grows with every lease of a key. A store refuses what is put under an older one than the last.
    pub fence: u64,
}

/// Keeps tokens for several processes, or across restarts.
///
/// For each [`StoreKey`] at most one holder has the lease at a time. It alone asks for a token, and
/// puts it; the others wait for a change and look again. A lease ends by being released or by its
/// time, so that a holder that died does not block the rest for longer. With the feature `sandbox`,
/// `sandbox::store_contract::check` tells whether an implementation keeps all of this.
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// The token of a key, if there is one that has not expired.
    fn get<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredToken>>;

    /// Keeps a token until it expires, in place of any other, and wakes those who wait. `false` if
    /// the lease is not the last one given out for this key: then nothing is kept.
    fn put<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool>;

    /// Takes the refresh token out of the entry, so that it is sent once. `None` if there is none, or
    /// the lease is not the last one.
    fn take_refresh_token<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
    ) -> StoreFuture<'a, Option<Secret>>;

    /// Forgets the token of this generation, its refresh token as well, and no other. It also ends
    /// the lease that runs, so that what its holder is asking for cannot be put.
    fn evict<'a>(&'a self, key: &'a StoreKey, generation: NonZeroU64) -> StoreFuture<'a, ()>;

    /// Asks for the lease. `None` while another has it.
    fn lease<'a>(&'a self, key: &'a StoreKey, time: Duration) -> StoreFuture<'a, Option<Lease>>;

    /// Gives the lease back, and wakes those who wait.
    fn release<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease) -> StoreFuture<'a, ()>;

    /// Waits until the key changes or the time is over, whichever is first. It may also return
    /// sooner.
    fn changed<'a>(&'a self, key: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()>;
}

/// A store in this process, for several clients in it and for tests: the contract at its plainest.
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

    fn changed<'a>(&'a self, _: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let _ = tokio::time::timeout(within, self.change.notified()).await;
            Ok(())
        })
    }
}
