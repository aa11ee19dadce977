//! The cache entries, one per scope set.
//!
//! Look-ups take no lock. One mutex serializes all changes.

use std::{
    iter,
    sync::{Arc, PoisonError},
};

use smallvec::SmallVec;

use crate::{
    Error, ErrorKind,
    sync::{ArcSwapOption, Mutex, MutexGuard, OnceLock, atomic::Ordering},
    token::{
        cache::{entry::CacheEntry, key::ScopeKey, stats::Counter},
        id::TokenId,
    },
};

const MAX_STEPS: usize = 64;
/// While all entries are in use, the cache may grow beyond its capacity. A later insertion must
/// therefore be able to evict more than one entry, so that the cache shrinks again.
const MAX_EVICTIONS: usize = 2;
/// A chunk of buckets is allocated when it gets its first entry, so a small cache uses little
/// memory.
const CHUNKS: usize = 256;
const MAX_CHUNK: usize = 4_096;
const LOAD: usize = 2;

/// Each allocation that a look-up reads costs time, so two entries share one.
type Bucket = ArcSwapOption<SmallVec<[Slot; 2]>>;

pub(in crate::token) struct Entries {
    capacity: usize,
    max_handles: usize,
    chunks: Box<[OnceLock<Box<[Bucket]>>]>,
    chunk_len: usize,
    clock: Mutex<Clock>,
    pub(in crate::token) evictions: Counter,
}

#[derive(Clone)]
struct Slot {
    hash: u64,
    entry: Arc<CacheEntry>,
}

/// The entries that may be evicted, in a CLOCK (second chance) queue.
#[derive(Default)]
struct Clock {
    queue: Vec<Arc<CacheEntry>>,
    hand: usize,
    held: usize,
}

impl Entries {
    pub(in crate::token) fn new(capacity: usize, max_handles: usize) -> Self {
        let buckets = capacity.saturating_add(max_handles) / LOAD;
        Self {
            capacity: capacity.min(u32::MAX as usize),
            max_handles,
            chunks: iter::repeat_with(OnceLock::new).take(CHUNKS).collect(),
            chunk_len: buckets.div_ceil(CHUNKS).clamp(1, MAX_CHUNK).next_power_of_two(),
            clock: Mutex::default(),
            evictions: Counter::default(),
        }
    }

    #[inline]
    pub(in crate::token) fn find<T>(
        &self,
        key: &ScopeKey<'_>,
        look: impl FnOnce(&Arc<CacheEntry>) -> T,
    ) -> Option<T> {
        let bucket = self.bucket(key.hash)?.load();
        let is_wanted = |slot: &&Slot| slot.hash == key.hash && key.matches(&slot.entry.scopes);
        Some(look(&bucket.as_ref()?.iter().find(is_wanted)?.entry))
    }

    pub(in crate::token) fn hash(scopes: &str) -> u64 {
        ScopeKey::with_joined(scopes, |key| key.hash)
    }

    /// A different scope set may have the same hash, so the caller must check the token id of the
    /// entry.
    pub(in crate::token) fn find_by_hash(&self, hash: u64) -> Option<Arc<CacheEntry>> {
        let bucket = self.bucket(hash)?.load();
        bucket.as_ref()?.iter().find(|slot| slot.hash == hash).map(|slot| slot.entry.clone())
    }

    pub(in crate::token) fn find_by_token(&self, id: TokenId) -> Option<Arc<CacheEntry>> {
        let mut buckets = self.chunks.iter().filter_map(|chunk| chunk.get()).flatten();
        buckets.find_map(|bucket| {
            let bucket = bucket.load();
            let mut entries = bucket.as_ref()?.iter().map(|slot| &slot.entry);
            entries.find(|entry| entry.current.load().id == Some(id)).cloned()
        })
    }

    pub(in crate::token) fn get_or_insert(&self, key: &ScopeKey<'_>) -> Result<Arc<CacheEntry>, Error> {
        let mut clock = self.lock();
        // Search under the lock. Without the lock, another thread could evict the entry before the
        // caller has a reference to the entry.
        if let Some(entry) = self.find(key, Arc::clone) {
            entry.place.mark_used();
            return Ok(entry);
        }
        let entry = self.insert(key)?;
        let evicted = self.enqueue(&mut clock, &entry);
        drop(clock);
        self.evictions.add(evicted.len() as u64);
        Ok(entry)
    }

    pub(in crate::token) fn hold(&self, key: &ScopeKey<'_>) -> Result<Arc<CacheEntry>, Error> {
        let mut clock = self.lock();
        let found = self.find(key, Arc::clone);
        if let Some(entry) = found.as_ref().filter(|entry| entry.place.handles.load(Ordering::Relaxed) > 0) {
            entry.place.add_handles(1);
            return Ok(entry.clone());
        }
        if clock.held >= self.max_handles {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                "too many token handles: drop some, or allow more with TokenOptions::with_max_handles",
            ));
        }
        let entry = match found {
            Some(entry) => {
                clock.remove(entry.place.index.load(Ordering::Relaxed) as usize);
                entry
            }
            None => self.insert(key)?,
        };
        clock.held += 1;
        entry.place.add_handles(1);
        Ok(entry)
    }

    pub(in crate::token) fn release(&self, entry: &Arc<CacheEntry>) {
        let mut clock = self.lock();
        if entry.place.add_handles(-1) > 0 {
            return;
        }
        clock.held -= 1;
        let evicted = self.enqueue(&mut clock, entry);
        drop(clock);
        self.evictions.add(evicted.len() as u64);
    }

    /// May miss entries that are inserted or evicted during the call.
    pub(in crate::token) fn each(&self, mut look: impl FnMut(&Arc<CacheEntry>)) {
        for bucket in self.chunks.iter().filter_map(|chunk| chunk.get()).flatten() {
            bucket.load().iter().flat_map(|slots| slots.iter()).for_each(|slot| look(&slot.entry));
        }
    }

    pub(in crate::token) fn len(&self) -> usize {
        let clock = self.lock();
        clock.queue.len() + clock.held
    }

    fn lock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn chunk(&self, hash: u64) -> (&OnceLock<Box<[Bucket]>>, usize) {
        let hash = hash as usize;
        (&self.chunks[hash % CHUNKS], (hash / CHUNKS) & (self.chunk_len - 1))
    }

    #[inline]
    fn bucket(&self, hash: u64) -> Option<&Bucket> {
        let (chunk, index) = self.chunk(hash);
        chunk.get()?.get(index)
    }

    /// The caller must hold the lock.
    fn insert(&self, key: &ScopeKey<'_>) -> Result<Arc<CacheEntry>, Error> {
        let entry = Arc::new(CacheEntry::new(key.join()?));
        let hash = key.hash;
        let (chunk, index) = self.chunk(hash);
        let chunk = chunk.get_or_init(|| iter::repeat_with(Bucket::empty).take(self.chunk_len).collect());
        let mut slots = chunk[index].load().as_deref().cloned().unwrap_or_default();
        slots.push(Slot { hash, entry: entry.clone() });
        chunk[index].store(Some(Arc::new(slots)));
        Ok(entry)
    }

    /// The caller must hold the lock.
    fn remove(&self, entry: &Arc<CacheEntry>) {
        let Some(bucket) = self.bucket(Self::hash(&entry.scopes)) else { return };
        let others = |slot: &&Slot| !Arc::ptr_eq(&slot.entry, entry);
        let slots: SmallVec<_> =
            bucket.load().iter().flat_map(|slots| slots.iter()).filter(others).cloned().collect();
        bucket.store((!slots.is_empty()).then(|| Arc::new(slots)));
    }

    /// Returns the evicted entries, so that the caller can drop these entries after releasing the
    /// lock.
    fn enqueue(
        &self,
        clock: &mut Clock,
        entry: &Arc<CacheEntry>,
    ) -> SmallVec<[Arc<CacheEntry>; MAX_EVICTIONS]> {
        clock.push(entry.clone());
        let mut evicted = SmallVec::new();
        for step in 1..=MAX_STEPS {
            if clock.queue.len() <= self.capacity || evicted.len() == MAX_EVICTIONS {
                break;
            }
            if let Some(index) = clock.next(step == MAX_STEPS) {
                let entry = clock.remove(index);
                self.remove(&entry);
                evicted.push(entry);
            }
        }
        evicted
    }
}

impl Clock {
    fn push(&mut self, entry: Arc<CacheEntry>) {
        entry.place.index.store(self.queue.len() as u32, Ordering::Relaxed);
        self.queue.push(entry);
    }

    fn remove(&mut self, index: usize) -> Arc<CacheEntry> {
        let entry = self.queue.swap_remove(index);
        if let Some(moved) = self.queue.get(index) {
            moved.place.index.store(index as u32, Ordering::Relaxed);
        }
        entry
    }

    fn next(&mut self, even_if_used: bool) -> Option<usize> {
        let index = if self.hand < self.queue.len() { self.hand } else { 0 };
        self.hand = index + 1;
        let entry = self.queue.get(index)?;
        let used = entry.place.used.swap(false, Ordering::Relaxed);
        // A count of 2 means that only the bucket and the queue refer to the entry. While the lock
        // is held, `get_or_insert` and `hold` cannot add a reference.
        let is_free = Arc::strong_count(entry) == 2;
        (is_free && (even_if_used || !used)).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::token::scope::Scope;

    fn get(entries: &Entries, scopes: &str) -> Arc<CacheEntry> {
        ScopeKey::with_joined(scopes, |key| entries.get_or_insert(key)).unwrap()
    }

    fn find(entries: &Entries, scopes: &str) -> Option<Arc<CacheEntry>> {
        ScopeKey::with_joined(scopes, |key| entries.find(key, Arc::clone))
    }

    fn count(entries: &Entries) -> usize {
        let mut count = 0;
        entries.each(|_| count += 1);
        count
    }

    #[test]
    fn cache_stays_within_its_capacity_after_many_insertions() {
        for capacity in [1, 4, 5_000, 20_000, 100_000] {
            let entries = Entries::new(capacity, 100_000);
            for number in 0..capacity * 4 + 10 {
                let entry = get(&entries, &format!("scope-{number}"));
                assert_eq!(*entry.scopes, format!("scope-{number}"));
                assert!(entries.len() <= capacity, "{} of {capacity}", entries.len());
            }
            assert_eq!((entries.len(), count(&entries)), (capacity, capacity));
        }
    }

    #[test]
    fn entries_used_once_are_evicted_before_entries_used_often() {
        let entries = Entries::new(100, 1);
        for number in 0..1_000 {
            get(&entries, &format!("once-{number}"));
            get(&entries, "often");
        }
        let often = get(&entries, "often");
        assert!(Arc::ptr_eq(&often, &find(&entries, "often").unwrap()));
        assert_eq!(entries.evictions.get(), 901);
    }

    #[test]
    fn cache_exceeds_its_capacity_only_while_entries_are_in_use() {
        let entries = Entries::new(10, 1);
        let in_use: Vec<_> = (0..500).map(|number| get(&entries, &format!("used-{number}"))).collect();
        assert_eq!(entries.len(), 500);
        for entry in &in_use {
            assert!(Arc::ptr_eq(entry, &find(&entries, &entry.scopes).unwrap()));
        }
        drop(in_use);
        for number in 0..500 {
            get(&entries, &format!("later-{number}"));
        }
        assert_eq!(entries.len(), 10);
    }

    #[test]
    fn an_insertion_evicts_at_most_two_entries() {
        let entries = Entries::new(10, 1);
        drop((0..500).map(|number| get(&entries, &format!("used-{number}"))).collect::<Vec<_>>());
        let before = entries.evictions.get();
        get(&entries, "new");
        assert_eq!(entries.evictions.get() - before, 2);
    }

    #[test]
    fn entries_with_a_handle_have_a_separate_limit() {
        let entries = Entries::new(2, 3);
        let hold = |scopes| ScopeKey::with_joined(scopes, |key| entries.hold(key));
        let held: Vec<_> = ["a", "b", "c"].map(|scopes| hold(scopes).unwrap()).into();
        assert!(Arc::ptr_eq(&hold("a").unwrap(), &held[0]), "a second handle to the same scopes");
        assert_eq!(hold("d").unwrap_err().kind(), ErrorKind::InvalidConfig);
        for number in 0..100 {
            get(&entries, &format!("scope-{number}"));
        }
        assert_eq!(entries.len(), 5);
        assert!(held.iter().all(|entry| Arc::ptr_eq(entry, &find(&entries, &entry.scopes).unwrap())));
        entries.release(&held[0]);
        assert_eq!(hold("d").unwrap_err().kind(), ErrorKind::InvalidConfig);
        entries.release(&held[0]);
        drop(held);
        hold("d").unwrap();
        for number in 0..100 {
            get(&entries, &format!("scope-{number}"));
        }
        assert!(find(&entries, "a").is_none());
        assert_eq!((entries.len(), count(&entries)), (5, 5));
    }

    #[test]
    fn entry_with_a_handle_is_found_while_other_entries_are_evicted() {
        let entries = Entries::new(4, 100);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for number in 0..50_000_u32 {
                        let name = format!("scope-{}", number % 8);
                        let held = ScopeKey::with_joined(&name, |key| entries.hold(key)).unwrap();
                        let found = find(&entries, &name).expect("it is there");
                        assert!(Arc::ptr_eq(&held, &found), "{name} at {number}");
                        drop((held, get(&entries, &format!("other-{number}"))));
                        entries.release(&found);
                    }
                });
            }
        });
        assert!(entries.evictions.get() > 50_000);
        for number in 0..10 {
            get(&entries, &format!("last-{number}"));
        }
        assert_eq!((entries.len(), count(&entries)), (4, 4));
    }

    #[test]
    fn entry_is_found_for_scopes_in_any_order_and_with_duplicates() {
        let entries = Entries::new(10, 1);
        let abc = get(&entries, "a b c");
        get(&entries, "a b");
        let find = |names: &[&str]| {
            let scopes: Vec<Scope> = names.iter().map(|name| name.parse().unwrap()).collect();
            ScopeKey::find(&scopes, |key| entries.find(key, Arc::clone))
        };
        for names in [&["a", "b", "c"][..], &["c", "a", "b"], &["a", "a", "b", "c"], &["c", "b", "c", "a"]] {
            assert!(find(names).is_some_and(|found| Arc::ptr_eq(&found, &abc)), "{names:?}");
        }
        for names in [&["c", "b"][..], &["b", "b"], &["c", "b", "a", "d"]] {
            assert!(find(names).is_none(), "{names:?}");
        }
    }

    #[test]
    fn different_scope_sets_have_different_entries() {
        let entries = Entries::new(10, 1);
        let ab = entries.get_or_insert(&ScopeKey::of_names(&["a", "b"])).unwrap();
        for other in ["ab", "a", "b", "", "a b c"] {
            assert!(!Arc::ptr_eq(&ab, &get(&entries, other)), "{other}");
        }
        assert!(Arc::ptr_eq(&ab, &get(&entries, "a b")));
    }
}
