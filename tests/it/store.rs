//! Tests tokens in a shared store: several clients share each token, and continue without the store
//! if it fails.

use std::{sync::Arc, time::Duration};

use fintech_auth::{
    ErrorKind, Secret,
    emulator::store_contract,
    token::{
        Fingerprint, Lease, MemoryStore, Rejection, StoreFuture, StoreKey, StoredToken, Token, TokenCache,
        TokenId, TokenOptions, TokenStore,
    },
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    scripted::{Reply, SameTokenSource, Scripted, TestClock, TokenCall, fail, options},
    support::scopes,
    switched_store::{State, Switched},
};

fn fleet(size: usize, source: &Scripted, store: &Arc<MemoryStore>) -> Vec<TokenCache> {
    let clock = TestClock::new();
    (0..size).map(|_| TokenCache::new(source.clone(), options(&clock).with_store(store.clone()))).collect()
}

async fn tokens(fleet: &[TokenCache]) -> Vec<String> {
    let mut callers = JoinSet::new();
    for cache in fleet {
        let cache = cache.clone();
        callers.spawn(async move { cache.token(&scopes(&["a"])).await.unwrap().expose_secret().to_owned() });
    }
    callers.join_all().await
}

fn slow(script: impl IntoIterator<Item = Reply>) -> Scripted {
    Scripted::new(Duration::from_millis(100), true, script)
}

#[tokio::test(start_paused = true)]
async fn memory_store_meets_the_store_contract() {
    store_contract::check(Arc::new(MemoryStore::default())).await.unwrap();
}

#[derive(Debug, Default)]
struct RequiredOnly(MemoryStore);

impl TokenStore for RequiredOnly {
    fn get<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredToken>> {
        self.0.get(key)
    }

    fn put<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool> {
        self.0.put(key, token, lease)
    }

    fn take_refresh_token<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
    ) -> StoreFuture<'a, Option<Secret>> {
        self.0.take_refresh_token(key, lease)
    }

    fn revoke<'a>(
        &'a self,
        source: &'a Fingerprint,
        ids: &'a [TokenId],
        time: Duration,
    ) -> StoreFuture<'a, ()> {
        self.0.revoke(source, ids, time)
    }

    fn invalidate<'a>(&'a self, key: &'a StoreKey, id: TokenId) -> StoreFuture<'a, ()> {
        self.0.invalidate(key, id)
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, time: Duration) -> StoreFuture<'a, Option<Lease>> {
        self.0.lease(key, time)
    }

    fn release<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease) -> StoreFuture<'a, ()> {
        self.0.release(key, lease)
    }
}

#[tokio::test(start_paused = true)]
async fn store_with_only_the_required_methods_meets_the_contract() {
    store_contract::check(Arc::new(RequiredOnly::default())).await.unwrap();
    let (source, store) = (slow([]), Arc::new(RequiredOnly::default()));
    let clock = TestClock::new();
    let fleet: Vec<_> =
        (0..20).map(|_| TokenCache::new(source.clone(), options(&clock).with_store(store.clone()))).collect();
    assert!(tokens(&fleet).await.iter().all(|token| token == "token-1"));
    assert_eq!(source.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn fleet_sends_one_call_for_each_token() {
    let (source, store) = (slow([]), Arc::new(MemoryStore::default()));
    let fleet = fleet(50, &source, &store);
    assert!(tokens(&fleet).await.iter().all(|token| token == "token-1"));
    assert_eq!(source.count(), 1);
    sleep(Duration::from_secs(3591)).await;
    assert!(tokens(&fleet).await.iter().all(|token| token == "token-2"));
    assert_eq!(
        source.token_calls(),
        [TokenCall::Issue("a".to_owned()), TokenCall::Refresh("refresh-1".to_owned())]
    );
    assert_eq!(fleet.iter().map(|cache| cache.stats().shared).sum::<u64>(), 98);
}

#[tokio::test(start_paused = true)]
async fn stored_token_is_used_by_a_process_that_starts_later() {
    let (source, store) = (slow([]), Arc::new(MemoryStore::default()));
    let before = fleet(1, &source, &store);
    tokens(&before).await;
    drop(before);
    let after = fleet(1, &source, &store);
    assert_eq!(tokens(&after).await, ["token-1"]);
    assert_eq!(source.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn rejected_token_is_not_reloaded_from_the_store() {
    let (source, store) = (slow([]), Arc::new(MemoryStore::default()));
    let fleet = fleet(2, &source, &store);
    tokens(&fleet).await;
    let token = fleet[0].token(&scopes(&["a"])).await.unwrap();
    fleet[0].invalidate(&token).await;
    assert_eq!(fleet[0].token(&scopes(&["a"])).await.unwrap().expose_secret(), "token-2");
    let token = fleet[0].token(&scopes(&["a"])).await.unwrap();
    fleet[0].invalidate(&token).await;
    assert_eq!(fleet[0].token(&scopes(&["a"])).await.unwrap().expose_secret(), "token-3");
    assert_eq!(fleet[1].token(&scopes(&["a"])).await.unwrap().expose_secret(), "token-3");
    assert_eq!(source.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn rejected_token_is_not_reloaded_after_its_scope_set_was_evicted() {
    let (source, store) = (slow([]), Arc::new(MemoryStore::default()));
    let tokens = options(&TestClock::new()).with_store(store).with_capacity(1);
    let cache = &TokenCache::new(source, tokens);
    let mut sent = Vec::new();
    let request = |token: Token| {
        sent.push(token.expose_secret().to_owned());
        async move {
            for other in 0..1000 {
                cache.token(&scopes(&[&format!("other-{other}")])).await.unwrap();
            }
            drop(token);
        }
    };
    cache.run(&scopes(&["a"]), request, |()| Rejection::InvalidToken).await.unwrap();
    assert!(cache.stats().evictions > 1);
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0], sent[1]);
}

#[tokio::test(start_paused = true)]
async fn revoked_token_is_not_reloaded_from_the_store() {
    let (source, store) = (slow([]), Arc::new(MemoryStore::default()));
    let fleet = fleet(2, &source, &store);
    tokens(&fleet).await;
    fleet[0].forget(&Secret::from("token-1")).await.unwrap();
    for cache in &fleet {
        cache.forget(&Secret::from("token-1")).await.unwrap();
        assert_eq!(cache.token(&scopes(&["a"])).await.unwrap().expose_secret(), "token-2");
    }
    assert_eq!(source.token_calls(), [TokenCall::Issue("a".to_owned()), TokenCall::Issue("a".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn process_waits_until_the_lease_holder_finishes_or_the_lease_expires() {
    let (source, store) = (slow([Reply::Hang]), Arc::new(MemoryStore::default()));
    let fleet = fleet(2, &source, &store);
    let dead = fleet[0].clone();
    let dying = tokio::spawn(async move { dead.token(&scopes(&["a"])).await });
    sleep(Duration::from_secs(1)).await;
    dying.abort();
    let waiting = fleet[1].token_within(&scopes(&["a"]), Duration::from_secs(80)).await;
    assert_eq!(waiting.unwrap().expose_secret(), "token-2");
    assert_eq!(source.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn cache_issues_tokens_even_if_the_store_fails_or_hangs() {
    for state in [State::Down, State::Hanging] {
        let (source, store) = (slow([]), Arc::new(Switched::default()));
        store.set(state);
        let options = TokenOptions::default().with_clock(TestClock::new()).with_store(store);
        let cache = TokenCache::new(source.clone(), options);
        assert_eq!(cache.token(&scopes(&["a"])).await.unwrap().expose_secret(), "token-1");
        assert_eq!((source.count(), cache.stats().store_failures), (1, 1));
        let token = cache.token(&scopes(&["a"])).await.unwrap();
        cache.invalidate(&token).await;
        assert_eq!(cache.token(&scopes(&["a"])).await.unwrap().expose_secret(), "token-2");
    }
}

#[tokio::test(start_paused = true)]
async fn failed_refresh_releases_the_lease() {
    let (source, store) = (slow([fail(ErrorKind::InvalidRequest)]), Arc::new(MemoryStore::default()));
    let fleet = fleet(2, &source, &store);
    assert!(fleet[0].token(&scopes(&["a"])).await.is_err());
    assert_eq!(fleet[1].token(&scopes(&["a"])).await.unwrap().expose_secret(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn expired_or_invalid_entry_of_the_store_is_not_used() {
    let (source, store) = (slow([]), Arc::new(MemoryStore::default()));
    let fleet = fleet(1, &source, &store);
    let key = StoreKey::new(Fingerprint::of(["scripted"]), "a");
    for (number, text, age) in [(1, "long ago", 86_400), (2, "two\nlines", 0), (3, "", 0)] {
        let lease = store.lease(&key, Duration::from_secs(1)).await.unwrap().unwrap();
        let entry = StoredToken::new(Secret::from(text), Duration::from_secs(age), Duration::from_secs(3600));
        assert!(store.put(&key, &entry, &lease).await.unwrap());
        store.release(&key, &lease).await.unwrap();
        let token = fleet[0].token(&scopes(&["a"])).await.unwrap();
        assert_eq!(token.expose_secret(), format!("token-{number}"), "{text:?}");
        fleet[0].invalidate(&token).await;
    }
}

#[tokio::test(start_paused = true)]
async fn memory_store_removes_expired_entries() {
    let store = MemoryStore::default();
    let source = Fingerprint::of(["many"]);
    for number in 0..60_000 {
        let key = StoreKey::new(source, format!("scope-{number}"));
        let lease = store.lease(&key, Duration::from_secs(10)).await.unwrap().unwrap();
        let text = Secret::from(format!("token-{number}"));
        let token = StoredToken::new(text, Duration::ZERO, Duration::from_secs(1));
        assert!(store.put_and_release(&key, &token, &lease).await.unwrap());
        store.revoke(&source, &[token.id], Duration::from_secs(1)).await.unwrap();
    }
    sleep(Duration::from_secs(2)).await;
    assert_eq!(format!("{store:?}"), "MemoryStore { entries: 0, marks: 0 }");
}

#[tokio::test(start_paused = true)]
async fn fleet_uses_a_rejected_token_if_the_server_issues_it_again() {
    let source = SameTokenSource::default();
    let (clock, store) = (TestClock::new(), Arc::new(MemoryStore::default()));
    let cache = || TokenCache::new(source.clone(), options(&clock).with_store(store.clone()));
    let (one, two) = (cache(), cache());
    for round in 1..4 {
        for cache in [&one, &two] {
            assert_eq!(cache.token(&scopes(&["a"])).await.unwrap().expose_secret(), "same");
        }
        assert_eq!(source.count(), round, "one call for each rejection");
        one.invalidate(&one.token(&scopes(&["a"])).await.unwrap()).await;
        sleep(Duration::from_secs(1)).await;
    }
    sleep(Duration::from_secs(600)).await;
    assert_eq!(source.count(), 3, "without callers, no request may be sent");
}

#[tokio::test(start_paused = true)]
async fn lease_is_renewed_during_the_token_call() {
    let source = Scripted::new(Duration::from_secs(5), true, []);
    let (clock, store) = (TestClock::new(), Arc::new(MemoryStore::default()));
    let cache = || {
        let options =
            options(&clock).with_max_wait(Duration::from_secs(2)).with_lease(Duration::from_secs(1));
        TokenCache::new(source.clone(), options.with_store(store.clone()))
    };
    let (one, two) = (cache(), cache());
    let wanted = scopes(&["a"]);
    let (first, second) = tokio::join!(one.token(&wanted), two.token(&wanted));
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Timeout);
    sleep(Duration::from_secs(4)).await;
    for cache in [one, two] {
        assert_eq!(cache.token(&wanted).await.unwrap().expose_secret(), "token-1");
    }
    assert_eq!(source.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn process_with_a_slow_clock_returns_no_expired_token() {
    let source = Scripted::new(Duration::ZERO, false, (0..3).map(|_| Reply::Token(3)));
    let (right, behind) = (TestClock::new(), TestClock::new());
    behind.wall_back(Duration::from_secs(60));
    let store = Arc::new(MemoryStore::default());
    let cache = |clock: &TestClock| TokenCache::new(source.clone(), options(clock).with_store(store.clone()));
    let (one, two) = (cache(&right), cache(&behind));
    let get =
        async |cache: &TokenCache| cache.token(&scopes(&["a"])).await.unwrap().expose_secret().to_owned();
    assert_eq!(get(&one).await, "token-1");
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(get(&two).await, "token-1");
    sleep(Duration::from_millis(1_210)).await;
    assert_ne!(get(&two).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn process_can_revoke_a_token_that_is_not_in_its_cache() {
    let (source, store) = (slow([]), Arc::new(MemoryStore::default()));
    for (round, revoked) in ["token-1", "refresh-2"].into_iter().enumerate() {
        let fleet = fleet(3, &source, &store);
        assert_eq!(tokens(&fleet[..2]).await, vec![format!("token-{}", round + 1); 2]);
        fleet[2].forget(&Secret::from(revoked)).await.unwrap();
        sleep(Duration::from_millis(1)).await;
        for cache in &fleet {
            assert!(cache.cached(&scopes(&["a"])).is_none());
        }
        assert_eq!(tokens(&fleet).await, vec![format!("token-{}", round + 2); 3]);
    }
    assert!(
        source.token_calls().iter().all(|asked| matches!(asked, TokenCall::Issue(_))),
        "{:?}",
        source.token_calls()
    );
}

#[tokio::test(start_paused = true)]
async fn revocation_returns_an_error_and_is_retried_if_the_store_fails() {
    let store = Arc::new(Switched::default());
    store.set(State::Down);
    let options = TokenOptions::default().with_clock(TestClock::new()).with_store(store);
    let cache = TokenCache::new(slow([]), options);
    let token = cache.token(&scopes(&["a"])).await.unwrap().to_secret();
    let error = cache.forget(&token).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("token store"), "{error}");
    assert!(cache.cached(&scopes(&["a"])).is_none(), "the token must be removed from the cache");
    let before = cache.stats().store_failures;
    sleep(Duration::from_secs(600)).await;
    let attempts = cache.stats().store_failures - before;
    assert!((8..=20).contains(&attempts), "{attempts} attempts in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn processes_retry_a_failing_store_at_different_times() {
    let mut processes = Vec::new();
    for _ in 0..2 {
        let store = Arc::new(Switched::default());
        store.set(State::Down);
        let options = TokenOptions::default().with_clock(TestClock::new()).with_store(store);
        let cache = TokenCache::new(slow([]), options);
        processes.push((cache, Vec::new()));
    }
    for (cache, _) in &processes {
        cache.forget(&Secret::from("token")).await.unwrap_err();
    }
    for _ in 0..600 {
        sleep(Duration::from_secs(1)).await;
        for (cache, failures) in &mut processes {
            failures.push(cache.stats().store_failures);
        }
    }
    assert_ne!(processes[0].1, processes[1].1);
}

#[tokio::test(start_paused = true)]
async fn revocation_reaches_other_processes_even_if_its_caller_is_dropped() {
    let (source, store) = (slow([]), Arc::new(Switched::default()));
    let fleet: Vec<TokenCache> = (0..2)
        .map(|_| {
            let options = TokenOptions::default().with_clock(TestClock::new()).with_store(store.clone());
            TokenCache::new(source.clone(), options)
        })
        .collect();
    let token = fleet[0].token(&scopes(&["a"])).await.unwrap();
    store.set(State::Hanging);
    let forgotten = timeout(Duration::from_millis(100), fleet[0].forget(&token)).await;
    assert!(forgotten.is_err(), "the revocation must wait for the hanging store");
    store.set(State::Up);
    sleep(Duration::from_secs(60)).await;
    let other = fleet[1].token(&scopes(&["a"])).await.unwrap();
    assert_ne!(other.expose_secret(), token.expose_secret(), "the process returned the revoked token");
}
