//! Tests that a revoked token is never returned again.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use fintech_auth::{
    Error, Scope, Secret,
    token::{
        Fingerprint, IssuedToken, Lease, MemoryStore, StoreKey, StoredToken, TokenCache, TokenSource,
        TokenStore,
    },
};
use tokio::{sync::Notify, task::JoinSet, time::sleep};

use crate::{
    scripted::{Scripted, TestClock, TokenCall, options, refreshing},
    support::scopes,
};

const STALE: Duration = Duration::from_secs(3291);

/// If the cache checked its token and started the refresh in two separate steps, about one of
/// 50,000 runs would send an unnecessary request.
#[test]
fn callers_on_many_threads_without_a_cached_token_send_one_request() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        for _ in 0..500 {
            let source = Scripted::new(Duration::ZERO, false, []);
            let cache = TokenCache::new(source.clone(), Default::default());
            let mut callers = JoinSet::new();
            for _ in 0..8 {
                let cache = cache.clone();
                callers.spawn(async move {
                    cache.token(&scopes(&["a"])).await.unwrap().expose_secret().to_owned()
                });
            }
            assert!(callers.join_all().await.iter().all(|token| token == "token-1"));
            assert_eq!(source.count(), 1);
        }
    });
}

#[tokio::test(start_paused = true)]
async fn refresh_result_is_discarded_if_either_old_token_is_revoked_meanwhile() {
    for (revoked, after) in ["token-1", "refresh-1"]
        .into_iter()
        .flat_map(|revoked| [0, 50, 99, 100, 101].map(|after| (revoked, after)))
    {
        let (cache, source) = refreshing([]);
        cache.token(&scopes(&["a"])).await.unwrap();
        sleep(STALE).await;
        cache.token(&scopes(&["a"])).await.unwrap();
        sleep(Duration::from_millis(after)).await;
        cache.forget(&Secret::from(revoked)).await.unwrap();
        for _ in 0..2 {
            let token = cache.token(&scopes(&["a"])).await.unwrap();
            let number: usize = token.expose_secret().trim_start_matches("token-").parse().unwrap();
            assert!(number > 1, "{revoked} revoked after {after} ms: the revoked token was returned");
            let issue = TokenCall::Issue("a".to_owned());
            assert_eq!(
                source.token_calls()[number - 1],
                issue,
                "{revoked} revoked after {after} ms: the token was refreshed from a revoked token"
            );
            sleep(Duration::from_secs(1)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn revoking_an_invalidated_token_discards_the_result_of_its_refresh() {
    for revoked in ["token-1", "refresh-1"] {
        let (cache, _) = refreshing([]);
        let first = cache.token(&scopes(&["a"])).await.unwrap();
        sleep(STALE).await;
        cache.token(&scopes(&["a"])).await.unwrap();
        sleep(Duration::from_millis(50)).await;
        cache.invalidate(&first).await;
        cache.forget(&Secret::from(revoked)).await.unwrap();
        assert_eq!(cache.token(&scopes(&["a"])).await.unwrap().expose_secret(), "token-3", "{revoked}");
    }
}

#[tokio::test(start_paused = true)]
async fn revoked_refresh_token_from_a_store_is_not_sent() {
    let store = Arc::new(MemoryStore::default());
    let key = StoreKey::new(Fingerprint::of(["scripted"]), "a");
    let clock = TestClock::new();
    let lease: Lease = store.lease(&key, Duration::from_secs(1)).await.unwrap().unwrap();
    let age = Duration::from_secs(3595);
    let stored = StoredToken::new(Secret::from("token-0"), age, Duration::from_secs(3600))
        .with_refresh_token(Some(Secret::from("refresh-0")));
    assert!(store.put(&key, &stored, &lease).await.unwrap());
    store.release(&key, &lease).await.unwrap();
    let source = Scripted::new(Duration::from_millis(100), true, []);
    let cache = TokenCache::new(source.clone(), options(&clock).with_store(store));
    cache.forget(&Secret::from("refresh-0")).await.unwrap();
    assert_eq!(cache.token(&scopes(&["a"])).await.unwrap().expose_secret(), "token-1");
    assert_eq!(source.token_calls(), [TokenCall::Issue("a".to_owned())]);
}

#[derive(Clone, Default)]
struct PausedSource {
    go: Arc<Notify>,
    token: Arc<Mutex<String>>,
}

impl TokenSource for PausedSource {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["held"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        self.go.notified().await;
        let mut token = IssuedToken::new(self.token.lock().unwrap().as_str());
        token.expires_in = Some(3600.into());
        Ok(token)
    }
}

#[tokio::test(start_paused = true)]
async fn token_revoked_while_it_is_requested_is_not_returned() {
    let source = PausedSource::default();
    *source.token.lock().unwrap() = "leaked".to_owned();
    let cache = TokenCache::new(source.clone(), options(&TestClock::new()));
    let asking = tokio::spawn({
        let cache = cache.clone();
        async move { cache.token(&scopes(&["a"])).await }
    });
    sleep(Duration::from_millis(10)).await;
    cache.forget(&Secret::from("leaked")).await.unwrap();
    source.go.notify_one();
    asking.await.unwrap().unwrap_err();
    *source.token.lock().unwrap() = "another".to_owned();
    sleep(Duration::from_secs(1)).await;
    source.go.notify_one();
    assert_eq!(cache.token(&scopes(&["a"])).await.unwrap().expose_secret(), "another");
}

#[tokio::test(start_paused = true)]
async fn callers_woken_after_a_revocation_do_not_get_the_revoked_token() {
    let source = PausedSource::default();
    *source.token.lock().unwrap() = "first".to_owned();
    let cache = TokenCache::new(source.clone(), options(&TestClock::new()));
    let handle = cache.handle(&scopes(&["a"])).unwrap();
    let mut asking = Box::pin(handle.token());
    assert!(poll_once(&mut asking).is_none());
    tokio::task::yield_now().await;
    source.go.notify_one();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(handle.cached().unwrap().expose_secret(), "first");
    cache.forget(&Secret::from("first")).await.unwrap();
    *source.token.lock().unwrap() = "second".to_owned();
    source.go.notify_one();
    assert_eq!(asking.await.unwrap().expose_secret(), "second");
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test(start_paused = true)]
async fn token_revoked_before_it_is_loaded_from_the_store_is_not_used() {
    let (clock, store) = (TestClock::new(), Arc::new(MemoryStore::default()));
    let source = Scripted::new(Duration::from_millis(100), false, []);
    let process = || TokenCache::new(source.clone(), options(&clock).with_store(store.clone()));
    let (one, other) = (process(), process());
    one.token(&scopes(&["a"])).await.unwrap();
    other.forget(&Secret::from("token-1")).await.unwrap();
    assert_ne!(other.token(&scopes(&["a"])).await.unwrap().expose_secret(), "token-1");
}
