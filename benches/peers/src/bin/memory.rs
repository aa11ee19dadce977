//! Measures how many bytes of heap memory each keyed cache uses per entry.

use fintech_auth::Scope;
use peers::{
    keys::{Owned, as_strs, joined, scope_sets},
    ours::{TOKEN_LEN, filled, scope},
    peers::Entry,
};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

struct Counting;
static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Value = Arc<Entry>;

fn measure<C>(name: &str, fill: impl Fn(&[[String; 3]], &Value) -> C) {
    let value = Arc::new(Entry::new("token"));
    let bytes = |n: usize| {
        let sets = scope_sets(n);
        let before = LIVE.load(Relaxed);
        let cache = fill(&sets, &value);
        let after = LIVE.load(Relaxed);
        // The cache is leaked, because a deferred deallocation could change the count of the next
        // cache.
        std::mem::forget(cache);
        after - before
    };
    let (empty, few, many) = (bytes(0), bytes(1_000), bytes(100_000));
    println!(
        "{name:32} empty {empty:>9} B   1k {:>6.0} B/entry   100k {:>6.0} B/entry",
        (few - empty) as f64 / 1e3,
        (many - empty) as f64 / 1e5,
    );
}

fn keys(sets: &[[String; 3]]) -> impl Iterator<Item = String> {
    sets.iter().map(|set| joined(&as_strs(set)))
}

fn main() {
    let key = joined(&as_strs(&scope_sets(1)[0])).len();
    println!("key text {key} B, not shared; Arc<Entry> value shared by all entries");

    measure("key only (Vec<String>)", |sets, _| {
        keys(sets).collect::<Vec<_>>()
    });
    measure("std HashMap", |sets, value| {
        let entries = keys(sets).map(|key| (key, Value::clone(value)));
        entries.collect::<HashMap<_, _>>()
    });
    measure("hashbrown HashMap<Box<str>>", |sets, value| {
        let entries = sets
            .iter()
            .map(|set| (Owned::new(&as_strs(set)), Value::clone(value)));
        entries.collect::<hashbrown::HashMap<_, _>>()
    });
    measure("dashmap", |sets, value| {
        let map = dashmap::DashMap::new();
        keys(sets).for_each(|key| drop(map.insert(key, Value::clone(value))));
        map
    });
    measure("papaya", |sets, value| {
        let map = papaya::HashMap::new();
        for key in keys(sets) {
            map.pin().insert(key, Value::clone(value));
        }
        map
    });
    measure("quick_cache (capacity = n)", |sets, value| {
        let cache = quick_cache::sync::Cache::new(sets.len());
        keys(sets).for_each(|key| cache.insert(key, Value::clone(value)));
        cache
    });
    measure("moka::sync", |sets, value| {
        let cache = moka::sync::Cache::new(1 << 20);
        keys(sets).for_each(|key| cache.insert(key, Value::clone(value)));
        cache.run_pending_tasks();
        cache
    });
    measure("moka::sync, time to live", |sets, value| {
        let ttl = std::time::Duration::from_secs(3600);
        let cache = moka::sync::Cache::builder()
            .max_capacity(1 << 20)
            .time_to_live(ttl)
            .build();
        keys(sets).for_each(|key| cache.insert(key, Value::clone(value)));
        cache.run_pending_tasks();
        cache
    });
    measure("moka::future", |sets, value| {
        let cache = moka::future::Cache::new(1 << 20);
        futures::executor::block_on(async {
            for key in keys(sets) {
                cache.insert(key, Value::clone(value)).await;
            }
            cache.run_pending_tasks().await;
        });
        cache
    });

    println!("ours, each entry with a token of its own, {TOKEN_LEN} B of text");
    measure("fintech-auth", |sets, _| {
        let sets: Vec<[Scope; 3]> = sets.iter().map(|set| set.each_ref().map(|text| scope(text))).collect();
        filled(sets.iter().map(|set| &set[..]))
    });
    println!("{:32} subtract {} B of text", "", key + TOKEN_LEN);
}
