//! Measures a read of a cached token on one thread and on two concurrent threads.

use arc_swap::ArcSwap;
use divan::{Bencher, black_box};
use http::HeaderValue;
use peers::{
    RT, enter_runtime,
    peers::{
        Aliri, ArcSwapMutex, AwsSmithy, AzureIdentity, Entry, GcpAuth, GoogleCloudAuth,
        GoogleCloudHeaders, Huskarl, MokaFuture, Nobody, Ours, OursKeyed, Peer, TameOauth, TokioMutex, TokioOnceCell,
        YupOauth2,
    },
    ready, server,
};
use std::{
    cell::RefCell,
    net::SocketAddr,
    sync::{
        Arc, LazyLock, Mutex, RwLock,
        atomic::{AtomicU64, Ordering::Acquire},
    },
    time::{Instant, SystemTime},
};

static SERVER: LazyLock<SocketAddr> = LazyLock::new(server::start);

fn main() {
    peers::init_tls();
    divan::main();
}

fn primed<P: Peer>() -> P {
    RT.block_on(async {
        let peer = P::new(*SERVER).await;
        peer.token().await;
        peer
    })
}

#[divan::bench(
    sample_size = 500_000,
    sample_count = 20,
    types = [
        Ours, OursKeyed, Aliri, ArcSwapMutex, AwsSmithy, AzureIdentity, GcpAuth, GoogleCloudAuth,
        GoogleCloudHeaders, Huskarl, MokaFuture, TameOauth, TokioMutex, TokioOnceCell, YupOauth2,
    ],
)]
fn one_task<P: Peer>(bencher: Bencher) {
    let peer = primed::<P>();
    bencher.bench_local(|| {
        enter_runtime();
        ready(black_box(&peer).token())
    });
}

/// Each thread makes a million calls, so a result of 5 ms means 5 ns per call. The tasks are not
/// spawned on [`RT`], because one worker of `RT` could run both tasks sequentially.
#[divan::bench(
    threads = [1, 2],
    sample_size = 1,
    sample_count = 10,
    types = [
        Ours, OursKeyed, Aliri, ArcSwapMutex, AwsSmithy, AzureIdentity, GcpAuth, GoogleCloudAuth,
        GoogleCloudHeaders, Huskarl, MokaFuture, TameOauth, TokioMutex, TokioOnceCell, YupOauth2, Nobody,
    ],
)]
fn tasks_million_calls<P: Peer>(bencher: Bencher) {
    let peer = primed::<P>();
    bencher.bench(|| {
        RT.block_on(async {
            for _ in 0..1_000_000 {
                black_box(black_box(&peer).token().await);
            }
        });
    });
}

#[divan::bench(threads = [1, 2], sample_size = 500_000, sample_count = 20)]
fn azure_core_bearer_policy(bencher: Bencher) {
    use azure_core::{
        credentials::{AccessToken, TokenCredential, TokenRequestOptions},
        http::{
            AsyncRawResponse, Context, Method, Request, StatusCode,
            headers::Headers,
            policies::{Policy, PolicyResult, auth::BearerTokenAuthorizationPolicy},
        },
        time::{Duration, OffsetDateTime},
    };

    #[derive(Debug)]
    struct Fake;
    #[async_trait::async_trait]
    impl TokenCredential for Fake {
        async fn get_token(
            &self,
            _: &[&str],
            _: Option<TokenRequestOptions<'_>>,
        ) -> azure_core::Result<AccessToken> {
            let expires = OffsetDateTime::now_utc() + Duration::hours(1);
            Ok(AccessToken::new(server::ACCESS_TOKEN.clone(), expires))
        }
    }
    #[async_trait::async_trait]
    impl Policy for Fake {
        async fn send(&self, _: &Context, _: &mut Request, _: &[Arc<dyn Policy>]) -> PolicyResult {
            Ok(AsyncRawResponse::from_bytes(
                StatusCode::Ok,
                Headers::new(),
                Vec::new(),
            ))
        }
    }

    let policy = BearerTokenAuthorizationPolicy::new(Arc::new(Fake), ["scope"]);
    let next: [Arc<dyn Policy>; 1] = [Arc::new(Fake)];
    let request = Request::new("https://localhost/".parse().expect("url"), Method::Get);
    let context = Context::new();
    bencher.bench(|| {
        let mut request = request.clone();
        ready(policy.send(&context, &mut request, &next))
            .expect("sent")
            .status()
    });
}

#[divan::bench(threads = [1, 2], sample_size = 500_000, sample_count = 20)]
fn azure_core_request_clone(bencher: Bencher) {
    use azure_core::http::{Method, Request};
    let request = Request::new("https://localhost/".parse().expect("url"), Method::Get);
    bencher.bench(|| drop(black_box(request.clone())));
}

mod floor {
    use super::*;

    fn entry() -> Arc<Entry> {
        Arc::new(Entry::new(&server::ACCESS_TOKEN))
    }

    #[divan::bench(sample_size = 1_000_000, sample_count = 20)]
    fn clock_instant() -> Instant {
        Instant::now()
    }

    #[divan::bench(sample_size = 1_000_000, sample_count = 20)]
    fn clock_system() -> SystemTime {
        SystemTime::now()
    }

    #[divan::bench(sample_size = 1_000_000, sample_count = 20)]
    fn clock_monotonic_coarse() -> rustix::time::Timespec {
        rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse)
    }

    #[divan::bench(threads = [1, 2], sample_size = 1_000_000, sample_count = 20)]
    fn arc_swap_guard(bencher: Bencher) {
        let slot = ArcSwap::new(entry());
        bencher.bench(|| black_box(&slot).load().header.len());
    }

    #[divan::bench(threads = [1, 2], sample_size = 1_000_000, sample_count = 20)]
    fn arc_swap_arc_clone(bencher: Bencher) {
        let slot = ArcSwap::new(entry());
        bencher.bench(|| black_box(&slot).load_full().header.len());
    }

    #[divan::bench(threads = [1, 2], sample_size = 1_000_000, sample_count = 20)]
    fn arc_swap_guard_expiry_check(bencher: Bencher) {
        let slot = ArcSwap::new(entry());
        bencher.bench(|| {
            let entry = black_box(&slot).load();
            assert!(entry.is_valid());
            entry.header.len()
        });
    }

    #[divan::bench(threads = [1, 2], sample_size = 1_000_000, sample_count = 20)]
    fn thread_local_epoch(bencher: Bencher) {
        thread_local! {
            static LOCAL: RefCell<(u64, Option<Arc<Entry>>)> = const { RefCell::new((0, None)) };
        }
        let (epoch, shared) = (AtomicU64::new(1), Mutex::new(entry()));
        bencher.bench(|| {
            let now = black_box(&epoch).load(Acquire);
            LOCAL.with_borrow_mut(|(seen, local)| {
                if *seen != now {
                    *local = Some(Arc::clone(&shared.lock().expect("lock")));
                    *seen = now;
                }
                local.as_ref().expect("entry").header.len()
            })
        });
    }

    #[divan::bench(threads = [1, 2], sample_size = 1_000_000, sample_count = 20)]
    fn std_mutex_arc(bencher: Bencher) {
        let slot = Mutex::new(entry());
        bencher.bench(|| {
            let entry = Arc::clone(&black_box(&slot).lock().expect("lock"));
            entry.header.len()
        });
    }

    #[divan::bench(threads = [1, 2], sample_size = 1_000_000, sample_count = 20)]
    fn std_rwlock_arc(bencher: Bencher) {
        let slot = RwLock::new(entry());
        bencher.bench(|| {
            let entry = Arc::clone(&black_box(&slot).read().expect("lock"));
            entry.header.len()
        });
    }

    #[divan::bench(threads = [1, 2], sample_size = 1_000_000, sample_count = 20)]
    fn tokio_rwlock_arc(bencher: Bencher) {
        let slot = tokio::sync::RwLock::new(entry());
        bencher.bench(|| {
            let entry = Arc::clone(&*ready(black_box(&slot).read()));
            entry.header.len()
        });
    }

    #[divan::bench(threads = [1, 2], sample_size = 1_000_000, sample_count = 20)]
    fn tokio_watch_borrow(bencher: Bencher) {
        let (_tx, slot) = tokio::sync::watch::channel(entry());
        bencher.bench(|| black_box(&slot).borrow().header.len());
    }

    #[divan::bench(threads = [1, 2], sample_size = 1_000_000, sample_count = 20)]
    fn moka_sync_get(bencher: Bencher) {
        let cache = moka::sync::Cache::new(1024);
        cache.insert("key".to_owned(), entry());
        bencher.bench(|| black_box(&cache).get("key").expect("hit").header.len());
    }

    #[divan::bench(threads = [1, 2], sample_size = 1_000_000, sample_count = 20)]
    fn moka_future_get(bencher: Bencher) {
        let cache = moka::future::Cache::new(1024);
        RT.block_on(cache.insert("key".to_owned(), entry()));
        bencher.bench(|| {
            ready(black_box(&cache).get("key"))
                .expect("hit")
                .header
                .len()
        });
    }

    #[divan::bench(sample_size = 1_000_000, sample_count = 20)]
    fn handing_out_header_clone(bencher: Bencher) {
        let entry = entry();
        bencher.bench(|| black_box(&entry).header.clone().len());
    }

    #[divan::bench(sample_size = 1_000_000, sample_count = 20)]
    fn handing_out_string_clone(bencher: Bencher) {
        bencher.bench(|| black_box(black_box(&*server::ACCESS_TOKEN).clone()).len());
    }

    #[divan::bench(sample_size = 1_000_000, sample_count = 20)]
    fn handing_out_header_built(bencher: Bencher) {
        bencher.bench(|| {
            let header = format!("Bearer {}", black_box(&*server::ACCESS_TOKEN));
            HeaderValue::try_from(header).expect("header").len()
        });
    }
}
