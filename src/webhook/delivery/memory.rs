//! A delivery store in the memory of one process, with a limited capacity.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use super::{Begin, ClaimId, DeliveryFuture, DeliveryId, DeliveryStore, DeliveryStoreError};
use crate::{Clock, SystemClock};

type Key = [u8; 32];

/// Remembers deliveries in the memory of this process.
///
/// If several processes receive webhooks, use a shared store instead. Otherwise several processes
/// may handle the same delivery.
///
/// # Capacity
///
/// If [`MemoryDeliveries::dropped`] stays 0, the capacity is sufficient. A completed delivery takes
/// about 250 bytes and is remembered for 4 h 15 min (MoneyKit) or 48 h 15 min (Moov). The default
/// capacity is 100,000 deliveries, which take 25 MB. The default capacity is enough for 560,000
/// events per day from MoneyKit or 49,000 events per day from Moov.
///
/// A full store drops the oldest completed deliveries, but never a delivery whose lease has not
/// expired. After the store has dropped a delivery, an unknown delivery may be a retry of the
/// dropped delivery. So an unknown delivery is rejected with 503, unless the vendor signed the
/// unknown delivery after all dropped deliveries.
///
/// If the vendor signs a retry of a dropped delivery with a new timestamp, the store accepts the
/// retry, and the event is handled again.
pub struct MemoryDeliveries {
    capacity: usize,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<Key, Entry>,
    leases: BTreeSet<(Duration, Key)>,
    done: BTreeSet<(SystemTime, Key)>,
    dropped_until: Option<SystemTime>,
    dropped: u64,
}

enum Entry {
    InProgress { claim: ClaimId, until: Duration },
    Done { signed_at: SystemTime, keep: Duration, since: Duration },
}

impl MemoryDeliveries {
    /// Creates a store that remembers at most `capacity` deliveries. Default: 100,000, about 25 MB.
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), clock: Arc::new(SystemClock), state: Mutex::default() }
    }

    /// Sets the clock. Default: the system clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Returns how many deliveries are remembered.
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Returns `true` if no deliveries are remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many completed deliveries were dropped because the store was full.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_now(&self, id: &DeliveryId, claim: ClaimId, lease: Duration) -> Result<Begin, &'static str> {
        let (now, wall) = (self.clock.monotonic(), self.clock.wall());
        let mut state = self.lock();
        state.expire(now, wall);
        match state.entries.get(id.digest()) {
            Some(Entry::Done { .. }) => return Ok(Begin::Done),
            Some(Entry::InProgress { until, .. }) if now < *until => {
                return Ok(Begin::InProgress(*until - now));
            }
            Some(Entry::InProgress { .. }) => state.remove(id.digest()),
            None if state.dropped_until.is_some_and(|until| id.signed_at() <= until) => {
                return Err("records of this age were dropped, so this delivery may be a duplicate");
            }
            None => {}
        }
        while state.entries.len() >= self.capacity {
            state
                .drop_one(now)
                .ok_or("the store is full, and every record belongs to a delivery in progress")?;
        }
        let until = now.saturating_add(lease);
        state.entries.insert(*id.digest(), Entry::InProgress { claim, until });
        state.leases.insert((until, *id.digest()));
        Ok(Begin::New)
    }
}

impl State {
    fn remove(&mut self, key: &Key) {
        match self.entries.remove(key) {
            Some(Entry::InProgress { until, .. }) => drop(self.leases.remove(&(until, *key))),
            Some(Entry::Done { signed_at, .. }) => drop(self.done.remove(&(signed_at, *key))),
            None => {}
        }
    }

    /// It is enough to remove at most two expired records per call, because `begin` calls this
    /// method before it adds a record, and adds at most one record. A record must have expired on
    /// both clocks, because the wall clock may have been set forward.
    fn expire(&mut self, now: Duration, wall: SystemTime) {
        for _ in 0..2 {
            let Some((signed_at, key)) = self.done.first().copied() else { return };
            let Some(Entry::Done { keep, since, .. }) = self.entries.get(&key) else { return };
            let is_kept = now.saturating_sub(*since) >= *keep;
            let is_old = signed_at.checked_add(*keep).is_some_and(|end| end <= wall);
            if !(is_kept && is_old) {
                return;
            }
            self.remove(&key);
        }
    }

    fn drop_one(&mut self, now: Duration) -> Option<()> {
        if let Some((until, key)) = self.leases.first().copied()
            && until <= now
        {
            self.remove(&key);
            return Some(());
        }
        let (signed_at, key) = self.done.first().copied()?;
        self.remove(&key);
        self.dropped += 1;
        self.dropped_until = self.dropped_until.max(Some(signed_at));
        Some(())
    }
}

impl Default for MemoryDeliveries {
    fn default() -> Self {
        Self::new(100_000)
    }
}

impl DeliveryStore for MemoryDeliveries {
    fn begin<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId, lease: Duration) -> DeliveryFuture<'a, Begin> {
        Box::pin(async move { self.begin_now(id, claim, lease).map_err(DeliveryStoreError::new) })
    }

    fn renew<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId, lease: Duration) -> DeliveryFuture<'a, bool> {
        Box::pin(async move {
            let extended = self.clock.monotonic().saturating_add(lease);
            let mut state = self.lock();
            match state.entries.get_mut(id.digest()) {
                Some(Entry::InProgress { claim: owner, until }) if *owner == claim => {
                    let before = std::mem::replace(until, extended);
                    state.leases.remove(&(before, *id.digest()));
                    state.leases.insert((extended, *id.digest()));
                    Ok(true)
                }
                _ => Ok(false),
            }
        })
    }

    fn complete<'a>(&'a self, id: &'a DeliveryId, keep: Duration) -> DeliveryFuture<'a, ()> {
        Box::pin(async move {
            let since = self.clock.monotonic();
            let mut state = self.lock();
            state.remove(id.digest());
            state.entries.insert(*id.digest(), Entry::Done { signed_at: id.signed_at(), keep, since });
            state.done.insert((id.signed_at(), *id.digest()));
            Ok(())
        })
    }

    fn abandon<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId) -> DeliveryFuture<'a, ()> {
        Box::pin(async move {
            let mut state = self.lock();
            if let Some(Entry::InProgress { claim: owner, .. }) = state.entries.get(id.digest())
                && *owner == claim
            {
                state.remove(id.digest());
            }
            Ok(())
        })
    }
}

impl fmt::Debug for MemoryDeliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDeliveries")
            .field("capacity", &self.capacity)
            .field("deliveries", &self.len())
            .finish_non_exhaustive()
    }
}
