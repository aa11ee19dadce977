//! Measures how long a read of a cached token takes.

use std::{
    cell::Cell,
    pin::pin,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use arc_swap::ArcSwap;
use divan::{Bencher, black_box};
use fintech_auth::{
    Error, Scope, Token,
    token::{Fingerprint, IssuedToken, TokenCache, TokenHandle, TokenOptions, TokenSource},
};
use http::HeaderValue;
use tokio::runtime::Runtime;

/// The number of calls in a sample. It is high, so that two threads run at the same time for most
/// of a sample.
const CALLS: u32 = 500_000;
const SAMPLES: u32 = 20;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
});

fn main() {
    divan::main();
}

struct Local;

impl TokenSource for Local {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["local"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut issued = IssuedToken::new(format!("{number:0900}"));
        issued.expires_in = Some(86_400.into());
        Ok(issued)
    }
}

#[inline]
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a cached token was not ready at once"),
    }
}

fn filled<'a>(sets: impl IntoIterator<Item = &'a [Scope]>) -> TokenCache {
    let cache = TokenCache::new(Local, TokenOptions::default());
    RUNTIME.block_on(async {
        for scopes in sets {
            cache.token(scopes).await.unwrap();
        }
    });
    cache
}

fn one_scope() -> [Scope; 1] {
    [Scope::new("/accounts.read").unwrap()]
}

fn handle() -> TokenHandle {
    let scopes = one_scope();
    filled([&scopes[..]]).handle(&scopes).unwrap()
}

fn token() -> Token {
    ready(handle().token()).unwrap()
}

fn header() -> HeaderValue {
    let mut header = HeaderValue::try_from(format!("Bearer {:0900}", 0)).unwrap();
    header.set_sensitive(true);
    header
}

mod floor {
    use super::*;

    #[divan::bench(sample_size = CALLS, sample_count = SAMPLES)]
    fn clock_instant() -> Instant {
        Instant::now()
    }

    #[divan::bench(sample_size = CALLS, sample_count = SAMPLES)]
    fn clock_system() -> SystemTime {
        SystemTime::now()
    }

    #[divan::bench(sample_size = CALLS, sample_count = SAMPLES)]
    fn clock_coarse() -> coarsetime::Instant {
        coarsetime::Instant::now_without_cache_update()
    }

    #[divan::bench(threads = [1, 2], sample_size = CALLS, sample_count = SAMPLES)]
    fn arc_swap_guard(bencher: Bencher) {
        let slot = ArcSwap::from_pointee(header());
        bencher.bench(|| black_box(&slot).load().len());
    }

    #[divan::bench(threads = [1, 2], sample_size = CALLS, sample_count = SAMPLES)]
    fn arc_swap_guard_coarse_check(bencher: Bencher) {
        let until = coarsetime::Instant::now() + coarsetime::Duration::from_secs(3600);
        let slot = ArcSwap::from_pointee((header(), until));
        bencher.bench(|| {
            let entry = black_box(&slot).load();
            assert!(coarsetime::Instant::now_without_cache_update() < entry.1);
            entry.0.len()
        });
    }

    #[divan::bench(threads = [1, 2], sample_size = CALLS, sample_count = SAMPLES)]
    fn arc_swap_guard_instant_check(bencher: Bencher) {
        let slot = ArcSwap::from_pointee((header(), Instant::now() + Duration::from_secs(3600)));
        bencher.bench(|| {
            let entry = black_box(&slot).load();
            assert!(Instant::now() < entry.1);
            entry.0.len()
        });
    }

    #[divan::bench(threads = [1, 2], sample_size = CALLS, sample_count = SAMPLES)]
    fn arc_swap_arc_clone(bencher: Bencher) {
        let slot = ArcSwap::from_pointee(header());
        bencher.bench(|| black_box(&slot).load_full().len());
    }
}

mod cached {
    use super::*;

    #[divan::bench(threads = [1, 2], sample_size = CALLS, sample_count = SAMPLES)]
    fn handle_token(bencher: Bencher) {
        let handle = handle();
        bencher.bench(|| ready(black_box(&handle).token()).unwrap().authorization().len());
    }

    #[divan::bench(threads = [1, 2], sample_size = CALLS, sample_count = SAMPLES)]
    fn handle_cached(bencher: Bencher) {
        let handle = handle();
        bencher.bench(|| black_box(&handle).cached().unwrap().authorization().len());
    }

    #[divan::bench(threads = [1, 2], sample_size = CALLS, sample_count = SAMPLES)]
    fn cache_token_1_scope(bencher: Bencher) {
        let scopes = one_scope();
        let cache = filled([&scopes[..]]);
        bencher.bench(|| ready(black_box(&cache).token(black_box(&scopes))).unwrap().authorization().len());
    }

    #[divan::bench(threads = [1, 2], sample_size = CALLS, sample_count = SAMPLES)]
    fn token_clone(bencher: Bencher) {
        let token = token();
        bencher.bench(|| black_box(&token).clone().authorization().len());
    }

    #[divan::bench(threads = [1, 2], sample_size = CALLS, sample_count = SAMPLES)]
    fn authorization_clone(bencher: Bencher) {
        let token = token();
        bencher.bench(|| black_box(&token).authorization().clone().len());
    }

    #[divan::bench(threads = [1, 2], sample_size = CALLS, sample_count = SAMPLES)]
    fn expose_secret(bencher: Bencher) {
        let token = token();
        bencher.bench(|| black_box(&token).expose_secret().len());
    }
}

mod keyed {
    use super::*;

    const SETS: [usize; 3] = [1, 1_000, 100_000];

    struct Sets(Vec<[Scope; 3]>);

    impl Sets {
        fn new(count: usize) -> Self {
            Self((0..count).map(scope_set).collect())
        }

        fn shuffled(&self) -> impl Iterator<Item = &[Scope]> {
            let count = self.0.len();
            // 7,919 has no common factor with any `count`, so the iterator returns each set once.
            (0..count).map(move |index| &self.0[index * 7_919 % count][..])
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

    fn scope_set(index: usize) -> [Scope; 3] {
        let mixed = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (low, high) = (mixed & 0xffff_ffff_ffff, mixed >> 32);
        let account = format!("{high:08x}-0000-4000-8000-{low:012x}");
        ["wallets.read", "transfers.write", "payment-methods.read"]
            .map(|what| Scope::new(&format!("/accounts/{account}/{what}")).unwrap())
    }

    #[divan::bench(args = SETS, threads = [1, 2], sample_size = CALLS, sample_count = SAMPLES)]
    fn cache_cached(bencher: Bencher, count: usize) {
        let sets = Sets::new(count);
        let cache = filled(sets.shuffled());
        bencher.bench(|| cache.cached(sets.next()).unwrap().authorization().len());
    }

    #[divan::bench(args = SETS, threads = [1, 2], sample_size = CALLS, sample_count = SAMPLES)]
    fn cache_token(bencher: Bencher, count: usize) {
        let sets = Sets::new(count);
        let cache = filled(sets.shuffled());
        bencher.bench(|| ready(cache.token(sets.next())).unwrap().authorization().len());
    }
}
