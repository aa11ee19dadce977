//! Measures the memory use and the slowest operation of a token cache that is too small for its
//! entries. `cargo bench --bench churn -- 10` runs ten million operations for each cache capacity.
//! Default: 1 million operations.

use std::{
    fs,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use fintech_auth::{
    Error, Scope,
    token::{Fingerprint, IssuedToken, TokenCache, TokenHandle, TokenOptions, TokenSource},
};

const THREADS: u64 = 4;

struct Local;

impl TokenSource for Local {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["local"])
    }

    async fn issue(&self, scopes: &[Scope]) -> Result<IssuedToken, Error> {
        let mut issued = IssuedToken::new(scopes[0].as_str());
        issued.expires_in = Some(86_400.into());
        Ok(issued)
    }
}

fn main() {
    let millions = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_u64);
    let operations = millions * 1_000_000;
    println!("{operations} operations on {THREADS} threads");
    for capacity in [1_000, 100_000] {
        tokens(capacity, operations);
    }
}

fn tokens(capacity: usize, operations: u64) {
    let cache = TokenCache::new(Local, TokenOptions::default().with_capacity(capacity));
    let most = AtomicUsize::new(0);
    run(
        &format!("tokens, capacity {capacity}"),
        operations,
        || cache.len(),
        |thread| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let mut handles: Vec<TokenHandle> = Vec::new();
            let (cache, most) = (&cache, &most);
            move |number| {
                let name = format!("/accounts/{thread}-{number}/transfers.write");
                let scopes = [name.parse().unwrap()];
                let token = runtime.block_on(async {
                    if number % 10 > 0 {
                        return cache.token(&scopes).await;
                    }
                    let handle = cache.handle(&scopes)?;
                    let token = handle.token().await;
                    if handles.len() == 1_000 {
                        handles.swap_remove((number / 10 % 1_000) as usize);
                    }
                    handles.push(handle);
                    token
                });
                assert_eq!(token.unwrap().expose_secret(), name);
                if number % 1_000 == 0 {
                    most.fetch_max(cache.len(), Ordering::Relaxed);
                }
            }
        },
    );
    println!("  most entries {}, {:?}", most.into_inner(), cache.stats());
}

fn run<F: FnMut(u64)>(
    name: &str,
    operations: u64,
    entries: impl Fn() -> usize + Sync,
    prepare: impl Fn(u64) -> F + Sync,
) {
    println!("{name}");
    let (done, slowest) = (AtomicU64::new(0), AtomicU64::new(0));
    let begun = Instant::now();
    thread::scope(|threads| {
        for thread in 0..THREADS {
            let (done, slowest, prepare, entries) = (&done, &slowest, &prepare, &entries);
            threads.spawn(move || {
                let mut operation = prepare(thread);
                for number in 0..operations / THREADS {
                    let before = Instant::now();
                    operation(number);
                    slowest.fetch_max(before.elapsed().as_micros() as u64, Ordering::Relaxed);
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if done % (operations / 5) == 0 {
                        let per_second = done as f64 / begun.elapsed().as_secs_f64();
                        println!(
                            "  {done}: {} MiB, {} entries, slowest {} us, {per_second:.0} a second",
                            resident() >> 20,
                            entries(),
                            slowest.load(Ordering::Relaxed),
                        );
                    }
                }
            });
        }
    });
}

fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}
