//! Nonces that were used, so that what is sent again is known again.
//!
//! The contract, and a bounded store in memory. It never sees a nonce that was not signed: the
//! verifier asks after the signature, so that strangers cannot fill it.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use ring::digest::{SHA256, digest};

/// What the methods of a [`NonceStore`] return: boxed, so that any store can be used as `dyn`.
pub type NonceFuture<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

/// Remembers which nonces were used.
///
/// One process can keep them in memory ([`MemoryNonces`]). Several that share an address need a store
/// that they share, or each of them takes a replay once; in Redis `claim` is
/// `SET key 1 NX PXAT until`, and `release` is `DEL key`. An error must show no secret.
pub trait NonceStore: fmt::Debug + Send + Sync {
    /// Takes a nonce, in one step. `true` if it was not there, and from now on it is, until this
    /// time; `false` if it was. After that time the timestamp refuses it.
    fn claim<'a>(&'a self, nonce: &'a str, now: SystemTime, until: SystemTime) -> NonceFuture<'a, bool>;

    /// Forgets a nonce, because what came with it was not dealt with and is to come again.
    fn release<'a>(&'a self, nonce: &'a str) -> NonceFuture<'a, ()>;
}

impl<S: NonceStore + ?Sized> NonceStore for Arc<S> {
    fn claim<'a>(&'a self, nonce: &'a str, now: SystemTime, until: SystemTime) -> NonceFuture<'a, bool> {
        (**self).claim(nonce, now, until)
    }

    fn release<'a>(&'a self, nonce: &'a str) -> NonceFuture<'a, ()> {
        (**self).release(nonce)
    }
}

/// A nonce by its digest, so that each takes the same room.
type Id = [u8; 16];

/// Nonces in this process, at most so many. When it is full of nonces that still count, it refuses
/// new ones: to forget one would let its replay through.
#[derive(Debug)]
pub struct MemoryNonces {
    capacity: usize,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    ids: HashMap<Id, SystemTime>,
    /// The same, by their end.
    ends: BTreeSet<(SystemTime, Id)>,
}

impl MemoryNonces {
    /// With room for so many; each takes some 100 bytes.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, used: Mutex::default() }
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).ids.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn take(&self, nonce: &str, now: SystemTime, until: SystemTime) -> Option<bool> {
        let id = id(nonce);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((end, past)) = used.ends.first().copied()
            && end < now
        {
            used.ends.pop_first();
            used.ids.remove(&past);
        }
        if used.ids.contains_key(&id) {
            return Some(false);
        }
        if used.ids.len() >= self.capacity {
            return None;
        }
        used.ids.insert(id, until);
        used.ends.insert((until, id));
        Some(true)
    }

    fn give_back(&self, nonce: &str) {
        let id = id(nonce);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = used.ids.remove(&id) {
            used.ends.remove(&(until, id));
        }
    }
}

impl Default for MemoryNonces {
    /// Room for 100,000.
    fn default() -> Self {
        Self::new(100_000)
    }
}

impl NonceStore for MemoryNonces {
    fn claim<'a>(&'a self, nonce: &'a str, now: SystemTime, until: SystemTime) -> NonceFuture<'a, bool> {
        Box::pin(async move { self.take(nonce, now, until).ok_or_else(|| "the nonce store is full".into()) })
    }

    fn release<'a>(&'a self, nonce: &'a str) -> NonceFuture<'a, ()> {
        Box::pin(async {
            self.give_back(nonce);
            Ok(())
        })
    }
}

fn id(nonce: &str) -> Id {
    let digest = digest(&SHA256, nonce.as_bytes());
    // A digest is longer than that.
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}
