//! Tests the events that an observer of the token cache receives.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fintech_auth::{
    ErrorKind,
    token::{TokenEvent, TokenOptions},
};
use tokio::time::sleep;

use crate::{
    scripted::{Reply, cache_with, fail, limited},
    support::scopes,
    switched_store::{State, Switched},
};

#[derive(Clone, Default)]
struct RecordedEvents(Arc<Mutex<Vec<String>>>);

impl RecordedEvents {
    fn observe(&self, options: TokenOptions) -> TokenOptions {
        let seen = self.clone();
        options.with_observer(move |event| {
            let text = match event {
                TokenEvent::Obtained { scopes, latency, rule, .. } => {
                    format!("obtained {scopes:?} in {latency:?} by {rule:?}")
                }
                TokenEvent::Failed { scopes, latency, error, .. } => {
                    format!("failed {scopes:?} in {latency:?}: {:?}", error.kind())
                }
                TokenEvent::CoolDown { length, .. } => format!("cool-down of {length:?}"),
                other => format!("{other:?}"),
            };
            seen.0.lock().unwrap().push(text);
        })
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn each_request_for_a_token_is_observed_once_with_its_outcome() {
    let seen = RecordedEvents::default();
    let script = [Reply::Token(3600), fail(ErrorKind::InvalidRequest), limited(7)];
    let (cache, source) = cache_with(script, |options| seen.observe(options));
    let token = cache.token(&scopes(&["b", "a"])).await.unwrap();
    cache.token(&scopes(&["a", "b"])).await.unwrap();
    assert_eq!(seen.take(), [r#"obtained "a b" in 100ms by Seconds"#], "a cache hit must cause no event");

    let waiters = [cache.clone(), cache.clone()].map(|cache| async move {
        cache.token(&scopes(&["c"])).await.unwrap_err();
    });
    let [one, two] = waiters;
    tokio::join!(one, two);
    assert_eq!(
        seen.take(),
        [r#"failed "c" in 100ms: InvalidRequest"#],
        "two callers must share one request and one event"
    );

    cache.token_within(&scopes(&["d"]), Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(seen.take(), ["cool-down of 7s", r#"failed "d" in 100ms: RateLimited"#]);

    cache.invalidate(&token).await;
    cache.invalidate(&token).await;
    assert_eq!(seen.take(), ["Invalidated"], "a second invalidation must cause no event");
    assert_eq!(source.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn revocation_is_observed_once_for_each_affected_scope_set() {
    let seen = RecordedEvents::default();
    let (cache, _) = cache_with([], |options| seen.observe(options));
    let token = cache.token(&scopes(&["a"])).await.unwrap();
    cache.token(&scopes(&["b"])).await.unwrap();
    seen.take();
    cache.forget(&token).await.unwrap();
    assert_eq!(seen.take(), ["Invalidated"]);
}

#[tokio::test(start_paused = true)]
async fn panicking_observer_does_not_lose_the_token() {
    let store = Arc::new(Switched::default());
    let called = Arc::new(AtomicUsize::new(0));
    let script = [Reply::Token(3600), Reply::Token(3600), fail(ErrorKind::InvalidRequest), limited(7)];
    let (cache, _) = cache_with(script, |options| {
        let called = called.clone();
        options.with_store(store.clone()).with_observer(move |_| {
            called.fetch_add(1, Ordering::SeqCst);
            panic!("the observer of this test panics")
        })
    });
    let token = cache.token(&scopes(&["a"])).await.unwrap();
    cache.invalidate(&token).await;
    store.set(State::Down);
    cache.token(&scopes(&["a"])).await.unwrap();
    store.set(State::Up);
    sleep(Duration::from_secs(10)).await;
    let kind = |outcome: Result<_, fintech_auth::Error>| outcome.unwrap_err().kind();
    assert_eq!(kind(cache.token(&scopes(&["b"])).await), ErrorKind::InvalidRequest);
    assert_eq!(
        kind(cache.token_within(&scopes(&["c"]), Duration::from_secs(1)).await),
        ErrorKind::RateLimited
    );
    assert!(cache.token(&scopes(&["a"])).await.is_ok());
    assert_eq!(called.load(Ordering::SeqCst), 8);
}

#[tokio::test(start_paused = true)]
async fn store_failure_and_recovery_are_each_observed_once() {
    let (seen, store) = (RecordedEvents::default(), Arc::new(Switched::default()));
    let (cache, _) = cache_with([], |options| seen.observe(options).with_store(store.clone()));
    store.set(State::Down);
    for name in ["a", "b"] {
        cache.token(&scopes(&[name])).await.unwrap();
    }
    let events = seen.take();
    assert_eq!(events.iter().filter(|event| *event == "StoreDown").count(), 1, "{events:?}");
    assert_eq!(events.len(), 3, "{events:?}");
    store.set(State::Up);
    sleep(Duration::from_secs(10)).await;
    cache.token(&scopes(&["c"])).await.unwrap();
    let events = seen.take();
    assert_eq!(events.iter().filter(|event| *event == "StoreUp").count(), 1, "{events:?}");
    assert!(!events.iter().any(|event| event == "StoreDown"), "{events:?}");
}
