//! Measures the lookup of a token by its scope set. The cache holds 1, 1,000 or 100,000 sets. The
//! caller's strings are read in memory order, as if the caller had just created them. The cache was
//! filled in a shuffled order, so that the lookups cause misses in the processor cache.

use arc_swap::ArcSwap;
use divan::{Bencher, black_box};
use fintech_auth::{Scope, ScopeSet};
use peers::{
    keys::{Borrowed, Owned, as_strs, joined, scope_sets, shuffled},
    ours::{filled, scope},
    peers::Entry,
    ready,
};
use std::{
    cell::Cell,
    collections::HashMap,
    hash::BuildHasher,
    sync::{Arc, RwLock},
};

const SIZES: [usize; 3] = [1, 1_000, 100_000];

fn main() {
    divan::main();
}

struct Sets {
    sets: Vec<[String; 3]>,
    order: Vec<u32>,
}

impl Sets {
    fn new(n: usize) -> Self {
        Self {
            sets: scope_sets(n),
            order: shuffled(n),
        }
    }

    fn entries(&self) -> impl Iterator<Item = ([&str; 3], Arc<Entry>)> {
        let sets = self.order.iter().map(|&i| &self.sets[i as usize]);
        sets.map(|set| (as_strs(set), Arc::new(Entry::new("token"))))
    }

    #[inline]
    fn next(&self) -> [&str; 3] {
        thread_local!(static AT: Cell<usize> = const { Cell::new(0) });
        let next = AT.get() + 1;
        let next = if next < self.sets.len() { next } else { 0 };
        AT.set(next);
        as_strs(&self.sets[next])
    }
}

#[divan::bench(args = SIZES, sample_size = 200_000, sample_count = 20)]
fn key_only_joined_string(bencher: Bencher, n: usize) {
    let sets = Sets::new(n);
    bencher.bench(|| black_box(joined(&sets.next())).len());
}

#[divan::bench(args = SIZES, sample_size = 200_000, sample_count = 20)]
fn key_only_borrowed_hash(bencher: Bencher, n: usize) {
    let (sets, state) = (Sets::new(n), hashbrown::DefaultHashBuilder::default());
    bencher.bench(|| state.hash_one(Borrowed::new(&sets.next())));
}

#[divan::bench(args = SIZES, threads = [1, 2], sample_size = 200_000, sample_count = 20)]
fn moka_future(bencher: Bencher, n: usize) {
    let sets = Sets::new(n);
    let cache = moka::future::Cache::new(1 << 20);
    futures::executor::block_on(async {
        for (scopes, entry) in sets.entries() {
            cache.insert(joined(&scopes), entry).await;
        }
        cache.run_pending_tasks().await;
    });
    bencher.bench(|| {
        ready(cache.get(joined(&sets.next()).as_str()))
            .expect("hit")
            .header
            .len()
    });
}

#[divan::bench(args = SIZES, threads = [1, 2], sample_size = 200_000, sample_count = 20)]
fn moka_sync(bencher: Bencher, n: usize) {
    let sets = Sets::new(n);
    let cache = moka::sync::Cache::new(1 << 20);
    for (scopes, entry) in sets.entries() {
        cache.insert(joined(&scopes), entry);
    }
    cache.run_pending_tasks();
    bencher.bench(|| {
        cache
            .get(joined(&sets.next()).as_str())
            .expect("hit")
            .header
            .len()
    });
}

#[divan::bench(args = SIZES, threads = [1, 2], sample_size = 200_000, sample_count = 20)]
fn dashmap(bencher: Bencher, n: usize) {
    let sets = Sets::new(n);
    let map = dashmap::DashMap::new();
    for (scopes, entry) in sets.entries() {
        map.insert(joined(&scopes), entry);
    }
    bencher.bench(|| {
        let entry = Arc::clone(&map.get(joined(&sets.next()).as_str()).expect("hit"));
        entry.header.len()
    });
}

#[divan::bench(args = SIZES, threads = [1, 2], sample_size = 200_000, sample_count = 20)]
fn quick_cache(bencher: Bencher, n: usize) {
    let sets = Sets::new(n);
    let cache = quick_cache::sync::Cache::new(1 << 20);
    for (scopes, entry) in sets.entries() {
        cache.insert(joined(&scopes), entry);
    }
    bencher.bench(|| {
        cache
            .get(joined(&sets.next()).as_str())
            .expect("hit")
            .header
            .len()
    });
}

#[divan::bench(args = SIZES, threads = [1, 2], sample_size = 200_000, sample_count = 20)]
fn papaya(bencher: Bencher, n: usize) {
    let sets = Sets::new(n);
    let map = papaya::HashMap::new();
    for (scopes, entry) in sets.entries() {
        map.pin().insert(joined(&scopes), entry);
    }
    bencher.bench(|| {
        let map = map.pin();
        let entry = Arc::clone(map.get(joined(&sets.next()).as_str()).expect("hit"));
        entry.header.len()
    });
}

#[divan::bench(args = SIZES, threads = [1, 2], sample_size = 200_000, sample_count = 20)]
fn std_rwlock_hashmap(bencher: Bencher, n: usize) {
    let sets = Sets::new(n);
    let map = sets
        .entries()
        .map(|(scopes, entry)| (joined(&scopes), entry));
    let map: RwLock<HashMap<_, _>> = RwLock::new(map.collect());
    bencher.bench(|| {
        let key = joined(&sets.next());
        let entry = Arc::clone(&map.read().expect("lock")[&key]);
        entry.header.len()
    });
}

#[divan::bench(args = SIZES, threads = [1, 2], sample_size = 200_000, sample_count = 20)]
fn papaya_borrowed_key(bencher: Bencher, n: usize) {
    let sets = Sets::new(n);
    let map = papaya::HashMap::with_hasher(hashbrown::DefaultHashBuilder::default());
    for (scopes, entry) in sets.entries() {
        map.pin().insert(Owned::new(&scopes), entry);
    }
    bencher.bench(|| {
        let map = map.pin();
        let entry = Arc::clone(map.get(&Borrowed::new(&sets.next())).expect("hit"));
        entry.header.len()
    });
}

#[divan::bench(args = SIZES, threads = [1, 2], sample_size = 200_000, sample_count = 20)]
fn quick_cache_borrowed_key(bencher: Bencher, n: usize) {
    let sets = Sets::new(n);
    let cache = quick_cache::sync::Cache::new(1 << 20);
    for (scopes, entry) in sets.entries() {
        cache.insert(Owned::new(&scopes), entry);
    }
    bencher.bench(|| {
        cache
            .get(&Borrowed::new(&sets.next()))
            .expect("hit")
            .header
            .len()
    });
}

struct OurSets(Vec<[Scope; 3]>);

impl OurSets {
    fn new(sets: &Sets) -> Self {
        Self(sets.sets.iter().map(|set| set.each_ref().map(|text| scope(text))).collect())
    }

    #[inline]
    fn next(&self) -> &[Scope; 3] {
        thread_local!(static AT: Cell<usize> = const { Cell::new(0) });
        let next = AT.get() + 1;
        let next = if next < self.0.len() { next } else { 0 };
        AT.set(next);
        &self.0[next]
    }
}

#[divan::bench(args = SIZES, threads = [1, 2], sample_size = 200_000, sample_count = 20)]
fn fintech_auth_cached(bencher: Bencher, n: usize) {
    let sets = Sets::new(n);
    let ours = OurSets::new(&sets);
    let cache = filled(sets.order.iter().map(|&i| &ours.0[i as usize][..]));
    bencher.bench(|| cache.cached(ours.next()).expect("hit").authorization().len());
}

#[divan::bench(args = SIZES, threads = [1, 2], sample_size = 200_000, sample_count = 20)]
fn fintech_auth_token(bencher: Bencher, n: usize) {
    let sets = Sets::new(n);
    let ours = OurSets::new(&sets);
    let cache = filled(sets.order.iter().map(|&i| &ours.0[i as usize][..]));
    bencher.bench(|| ready(cache.token(ours.next())).expect("hit").authorization().len());
}

#[divan::bench(args = SIZES, threads = [1, 2], sample_size = 200_000, sample_count = 20)]
fn fintech_auth_scope_set(bencher: Bencher, n: usize) {
    thread_local!(static AT: Cell<usize> = const { Cell::new(0) });
    let sets = Sets::new(n);
    let ours = OurSets::new(&sets).0;
    let ours: Vec<ScopeSet> = ours.into_iter().map(|set| ScopeSet::new(set).expect("set")).collect();
    let cache = filled(sets.order.iter().map(|&i| &ours[i as usize][..]));
    bencher.bench(|| {
        let next = (AT.get() + 1) % ours.len();
        AT.set(next);
        ready(cache.token(&ours[next])).expect("hit").authorization().len()
    });
}

#[divan::bench(args = SIZES, threads = [1, 2], sample_size = 200_000, sample_count = 20)]
fn floor_arc_swap_hashbrown_borrowed_key(bencher: Bencher, n: usize) {
    let sets = Sets::new(n);
    let map: hashbrown::HashMap<_, _> = sets
        .entries()
        .map(|(scopes, entry)| (Owned::new(&scopes), entry))
        .collect();
    let map = ArcSwap::from_pointee(map);
    bencher.bench(|| {
        let map = map.load();
        let entry = Arc::clone(map.get(&Borrowed::new(&sets.next())).expect("hit"));
        entry.header.len()
    });
}
