//! Tests which operations a shutdown of a token cache completes, cancels and rejects.

use std::{sync::Arc, time::Duration};

use fintech_auth::{
    Error, ErrorKind, Secret,
    token::{MemoryStore, StoreKey, TokenCache, TokenSource as _, TokenStore},
};
use tokio::{spawn, time::Instant, time::sleep};

use crate::{
    scripted::{Failure, Reply, Scripted, TestClock, TokenCall, cache, cache_with, fail, options, unsent},
    support::{emulator, scopes},
    switched_store::{State, Switched},
};

const SECOND: Duration = Duration::from_secs(1);
const STALE: Duration = Duration::from_secs(3400);
const EXPIRED: Duration = Duration::from_secs(3595);

fn on_store(
    store: Arc<dyn TokenStore>,
    script: impl IntoIterator<Item = Reply>,
) -> ([TokenCache; 2], Scripted) {
    let source = Scripted::new(Duration::from_millis(100), true, script);
    let clock = TestClock::new();
    let make = || TokenCache::new(source.clone(), options(&clock).with_store(store.clone()));
    ([make(), make()], source)
}

fn key(source: &Scripted) -> StoreKey {
    StoreKey::new(source.fingerprint(), "a")
}

fn unavailable_for(time: Duration) -> Reply {
    Reply::Fail(Failure { kind: ErrorKind::Unavailable, sent: true, retry_after: Some(time) })
}

#[track_caller]
fn is_shut_down<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("shut down"), "{error}");
    assert!(!error.may_have_been_sent());
}

#[tokio::test(start_paused = true)]
async fn idle_cache_shuts_down_immediately_and_sends_nothing_afterwards() {
    let (cache, source) = cache([]);
    let fresh = cache.token(&scopes(&["a"])).await.unwrap();
    let clone = cache.clone();
    let handle = cache.handle(&scopes(&["a"])).unwrap();
    let start = Instant::now();
    cache.shutdown(60 * SECOND).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(clone.token(&scopes(&["a"])).await.unwrap().expose_secret(), fresh.expose_secret());
    assert_eq!(handle.token().await.unwrap().expose_secret(), fresh.expose_secret());
    is_shut_down(clone.token(&scopes(&["b"])).await);
    sleep(STALE).await;
    assert_eq!(handle.token().await.unwrap().expose_secret(), fresh.expose_secret());
    sleep(EXPIRED - STALE).await;
    is_shut_down(handle.token().await);
    assert_eq!(source.count(), 1);
    assert_eq!(start.elapsed(), EXPIRED, "no call may wait after the shutdown");
}

#[tokio::test(start_paused = true)]
async fn refresh_in_flight_finishes_and_its_refresh_token_is_stored() {
    let store = Arc::new(MemoryStore::default());
    let ([cache, other], source) = on_store(store.clone(), []);
    cache.token(&scopes(&["a"])).await.unwrap();
    sleep(EXPIRED).await;
    let caller = spawn({
        let cache = cache.clone();
        async move { cache.token(&scopes(&["a"])).await }
    });
    sleep(Duration::from_millis(50)).await;
    assert_eq!(
        source.token_calls()[1..],
        [TokenCall::Refresh("refresh-1".to_owned())],
        "the refresh must be in flight"
    );
    let start = Instant::now();
    cache.shutdown(60 * SECOND).await.unwrap();
    assert_eq!(
        start.elapsed(),
        Duration::from_millis(50),
        "the shutdown must wait until the response arrives"
    );
    let stored = store.get(&key(&source)).await.unwrap().expect("the token is in the store");
    assert_eq!(stored.access_token.expose_secret(), "token-2");
    assert_eq!(stored.refresh_token.as_ref().map(Secret::expose_secret), Some("refresh-2"));
    assert_eq!(caller.await.unwrap().unwrap().expose_secret(), "token-2");
    sleep(EXPIRED).await;
    assert_eq!(other.token(&scopes(&["a"])).await.unwrap().expose_secret(), "token-3");
    assert_eq!(source.token_calls()[2..], [TokenCall::Refresh("refresh-2".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn caller_during_shutdown_shares_the_refresh_in_flight() {
    let (cache, source) = cache([]);
    let call = |cache: &TokenCache| {
        let cache = cache.clone();
        spawn(async move { cache.token(&scopes(&["a"])).await })
    };
    let early = call(&cache);
    sleep(Duration::from_millis(50)).await;
    let end = spawn({
        let cache = cache.clone();
        async move { cache.shutdown(60 * SECOND).await }
    });
    sleep(Duration::from_millis(10)).await;
    let late = call(&cache);
    for caller in [early, late] {
        assert_eq!(caller.await.unwrap().unwrap().expose_secret(), "token-1");
    }
    end.await.unwrap().unwrap();
    assert_eq!(source.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn hanging_request_is_cancelled_at_the_shutdown_timeout() {
    let (cache, source) = cache_with([Reply::Hang], |options| options.with_max_wait(600 * SECOND));
    let caller = spawn({
        let cache = cache.clone();
        async move { cache.token(&scopes(&["a"])).await }
    });
    sleep(Duration::from_millis(50)).await;
    let start = Instant::now();
    let error = cache.shutdown(5 * SECOND).await.unwrap_err();
    assert_eq!(start.elapsed(), 5 * SECOND);
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("1 refreshes cancelled"), "{error}");
    is_shut_down(caller.await.unwrap());
    assert_eq!(start.elapsed(), 5 * SECOND, "the caller must get the error at the timeout of the shutdown");
    cache.shutdown(5 * SECOND).await.unwrap();
    assert_eq!(source.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn shutdown_immediately_ends_waits_for_the_rate_limit_and_for_retries() {
    let (limited_cache, source) = cache_with([], |options| options.with_rate_limit(1, 20 * SECOND));
    limited_cache.token(&scopes(&["a"])).await.unwrap();
    let (retrying, failing) = cache([unavailable_for(4 * SECOND)]);
    for (cache, source, sent) in [(limited_cache, source, 1), (retrying, failing, 1)] {
        let caller = spawn({
            let cache = cache.clone();
            async move { cache.token(&scopes(&["b"])).await }
        });
        sleep(Duration::from_millis(500)).await;
        assert!(!caller.is_finished());
        let start = Instant::now();
        cache.shutdown(60 * SECOND).await.unwrap();
        is_shut_down(caller.await.unwrap());
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(source.count(), sent);
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_are_not_sent_if_a_refresh_fails_during_shutdown() {
    let store = Arc::new(MemoryStore::default());
    let ([cache, _], source) = on_store(store.clone(), [Reply::Token(3600), fail(ErrorKind::InvalidRequest)]);
    cache.token(&scopes(&["a"])).await.unwrap();
    sleep(EXPIRED).await;
    let caller = spawn({
        let cache = cache.clone();
        async move { cache.token(&scopes(&["a"])).await }
    });
    sleep(Duration::from_millis(50)).await;
    cache.shutdown(60 * SECOND).await.unwrap();
    is_shut_down(caller.await.unwrap());
    assert_eq!(source.count(), 2, "only the first token call and the refresh may be sent");
}

#[tokio::test(start_paused = true)]
async fn shutdown_retries_a_refresh_until_its_refresh_token_is_sent() {
    let store = Arc::new(MemoryStore::default());
    let script = [Reply::Token(3600), unsent(ErrorKind::Unavailable), unsent(ErrorKind::Unavailable)];
    let ([cache, _], source) = on_store(store.clone(), script);
    cache.token(&scopes(&["a"])).await.unwrap();
    sleep(EXPIRED).await;
    let caller = spawn({
        let cache = cache.clone();
        async move { cache.token(&scopes(&["a"])).await }
    });
    sleep(Duration::from_millis(50)).await;
    cache.shutdown(60 * SECOND).await.unwrap();
    assert_eq!(caller.await.unwrap().unwrap().expose_secret(), "token-4");
    let refresh = || TokenCall::Refresh("refresh-1".to_owned());
    assert_eq!(source.token_calls()[1..], [refresh(), refresh(), refresh()]);
    let stored = store.get(&key(&source)).await.unwrap().expect("the token is in the store");
    assert_eq!(stored.refresh_token.as_ref().map(Secret::expose_secret), Some("refresh-4"));
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_the_wait_for_another_process_immediately() {
    let ([cache, other], source) = on_store(Arc::new(MemoryStore::default()), []);
    let call = |cache: &TokenCache| {
        let cache = cache.clone();
        spawn(async move { cache.token(&scopes(&["a"])).await })
    };
    let holder = call(&other);
    sleep(Duration::from_millis(10)).await;
    let waiting = call(&cache);
    sleep(Duration::from_millis(10)).await;
    let start = Instant::now();
    cache.shutdown(60 * SECOND).await.unwrap();
    is_shut_down(waiting.await.unwrap());
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(holder.await.unwrap().unwrap().expose_secret(), "token-1");
    assert_eq!(source.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn shutdown_stores_the_tombstones_that_a_failing_store_did_not_accept() {
    let store = Arc::new(Switched::default());
    let ([cache, other], source) = on_store(store.clone(), []);
    let revoked = cache.token(&scopes(&["a"])).await.unwrap();
    let rejected = cache.token(&scopes(&["b"])).await.unwrap();
    store.set(State::Down);
    cache.forget(&revoked).await.unwrap_err();
    cache.invalidate(&rejected).await;
    spawn({
        let store = store.clone();
        async move {
            sleep(3 * SECOND).await;
            store.set(State::Up);
        }
    });
    let start = Instant::now();
    cache.shutdown(60 * SECOND).await.unwrap();
    assert!(start.elapsed() < 5 * SECOND, "{:?}", start.elapsed());
    for scope in ["a", "b"] {
        let key = StoreKey::new(source.fingerprint(), scope);
        assert!(store.get(&key).await.unwrap().is_none(), "{scope}");
    }
    assert_ne!(other.token(&scopes(&["a"])).await.unwrap().expose_secret(), revoked.expose_secret());
}

#[tokio::test(start_paused = true)]
async fn shutdown_reports_an_unavailable_store_and_can_be_repeated() {
    for state in [State::Down, State::Hanging] {
        let store = Arc::new(Switched::default());
        let ([cache, _], source) = on_store(store.clone(), []);
        let revoked = cache.token(&scopes(&["a"])).await.unwrap();
        store.set(state);
        cache.forget(&revoked).await.unwrap_err();
        let start = Instant::now();
        let error = cache.shutdown(10 * SECOND).await.unwrap_err();
        assert_eq!(start.elapsed(), 10 * SECOND);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("1 revoked or rejected tokens not marked"), "{error}");
        let error = cache.forget(&Secret::from("another")).await.unwrap_err();
        assert!(!error.to_string().contains("retried"), "{error}");
        store.set(State::Up);
        cache.shutdown(10 * SECOND).await.unwrap();
        assert!(store.get(&key(&source)).await.unwrap().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_shutdowns_all_end_at_the_shortest_timeout() {
    let (cache, _) = cache_with([Reply::Hang], |options| options.with_max_wait(600 * SECOND));
    let caller = spawn({
        let cache = cache.clone();
        async move { cache.token(&scopes(&["a"])).await }
    });
    sleep(Duration::from_millis(50)).await;
    let start = Instant::now();
    let ends = [30, 5, 60].map(|time| {
        let cache = cache.clone();
        spawn(async move { (cache.shutdown(time * SECOND).await.is_ok(), start.elapsed()) })
    });
    let mut outcomes = Vec::new();
    for end in ends {
        outcomes.push(end.await.unwrap());
    }
    assert_eq!(outcomes, [(true, 5 * SECOND), (false, 5 * SECOND), (true, 5 * SECOND)]);
    is_shut_down(caller.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn cancelled_shutdown_still_prevents_new_requests() {
    let (cache, source) = cache([]);
    let caller = spawn({
        let cache = cache.clone();
        async move { cache.token(&scopes(&["a"])).await }
    });
    sleep(Duration::from_millis(50)).await;
    tokio::time::timeout(Duration::from_millis(10), cache.shutdown(60 * SECOND)).await.unwrap_err();
    is_shut_down(cache.token(&scopes(&["b"])).await);
    assert_eq!(
        caller.await.unwrap().unwrap().expose_secret(),
        "token-1",
        "the refresh in flight must continue"
    );
    cache.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!(source.count(), 1);
}

#[tokio::test]
async fn client_can_revoke_a_token_after_shutdown() {
    let emulator = emulator().await;
    let client = emulator.moov().build().unwrap();
    let token = client.token(&scopes(&["/accounts.read"])).await.unwrap();
    client.shutdown(SECOND).await.unwrap();
    assert!(emulator.is_live(token.expose_secret()));
    client.revoke(&token, None).await.unwrap();
    assert!(!emulator.is_live(token.expose_secret()));
    is_shut_down(client.token(&scopes(&["/accounts.read"])).await);
}

#[tokio::test(start_paused = true)]
async fn shutdown_leaves_no_task_running() {
    let store = Arc::new(Switched::default());
    let ([cache, _], _) = on_store(store.clone(), []);
    let token = cache.token(&scopes(&["a"])).await.unwrap();
    store.set(State::Down);
    cache.forget(&token).await.unwrap_err();
    let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert!(before > 0, "the background task must be running");
    store.set(State::Up);
    cache.shutdown(SECOND).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    store.set(State::Down);
    cache.forget(&Secret::from("another")).await.unwrap_err();
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}
