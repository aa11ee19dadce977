//! Tests caches that are shut down while they are in use.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fintech_auth_shuttle::{
    Error, ErrorKind, Secret, Token,
    sync::{switch_point, time},
    token::{
        Fingerprint, Lease, MemoryStore, StoreError, StoreFuture, StoreKey, StoredToken, TokenCache, TokenId,
        TokenOptions, TokenSource as _, TokenStore,
    },
};
use shuttle::future::spawn;

use super::{
    explore::{DEFAULT, Schedules, explore, idle},
    server::{EXPIRED, STALE, Server, grant_of, scopes},
};

const DEPTH_FIRST: Schedules = Schedules { depth_first: 20_000, ..DEFAULT };
const MINUTE: Duration = Duration::from_secs(60);

fn key(server: &Server) -> StoreKey {
    StoreKey::new(server.fingerprint(), "a")
}

fn token_or_shut_down(outcome: Result<Token, Error>) -> Option<Token> {
    outcome
        .inspect_err(|error| {
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.to_string().contains("shut down"), "{error}");
        })
        .ok()
}

#[test]
fn shutdown_finishes_or_prevents_a_refresh_and_loses_no_refresh_token() {
    explore(DEPTH_FIRST, || shutdown_during_renewal(STALE));
    explore(DEPTH_FIRST, || shutdown_during_renewal(EXPIRED));
}

async fn shutdown_during_renewal(age: Duration) {
    let (server, store) = (Server::new(), Arc::new(MemoryStore::default()));
    let cache = server.cache(TokenOptions::default().with_store(store.clone()));
    cache.token(&scopes("a")).await.expect("a token");
    time::sleep(age).await;
    let caller = {
        let cache = cache.clone();
        spawn(async move { token_or_shut_down(cache.token(&scopes("a")).await).is_some() })
    };
    switch_point();
    cache.shutdown(MINUTE).await.expect("the shutdown ends in time");
    let sent = server.requests();
    let stored = store.get(&key(&server)).await.expect("the store returns no error");
    if let Some(stored) = stored {
        let number = sent.len();
        assert_eq!(
            stored.refresh_token.map(|it| it.expose_secret().to_owned()),
            Some(format!("g1-r{number}"))
        );
    } else {
        assert_eq!(age, EXPIRED, "a token may leave the store only if it has expired");
        assert_eq!(sent.len(), 1);
    }
    caller.await.expect("no panic");
    idle().await;
    token_or_shut_down(cache.token(&scopes("a")).await);
    assert_eq!(server.requests().len(), sent.len(), "sent after the shutdown");
}

#[test]
fn caller_during_shutdown_joins_the_refresh_or_gets_an_error() {
    explore(DEFAULT, || async {
        let server = Server::new();
        let cache = server.cache(TokenOptions::default());
        let mut callers = Vec::new();
        for _ in 0..2 {
            let cache = cache.clone();
            callers.push(spawn(async move { token_or_shut_down(cache.token(&scopes("a")).await) }));
        }
        let second = {
            let cache = cache.clone();
            spawn(async move { cache.shutdown(MINUTE).await.expect("the shutdown ends in time") })
        };
        cache.shutdown(MINUTE).await.expect("the shutdown ends in time");
        let sent = server.requests().len();
        assert!(sent <= 1);
        assert_eq!(cache.cached(&scopes("a")).is_some(), sent == 1);
        second.await.expect("no panic");
        for caller in callers {
            let token = caller.await.expect("no panic");
            assert!(token.is_none_or(|token| grant_of(&token) == "g1"));
        }
        idle().await;
        assert_eq!(server.requests().len(), sent, "sent after the shutdown");
    });
}

#[test]
fn shutdown_cancels_a_hanging_request_and_wakes_its_callers() {
    explore(DEFAULT, || async {
        let server = Server::replying(|_| super::server::Reply::Silence);
        let cache = server.cache(TokenOptions::default().with_max_wait(10 * MINUTE));
        let caller = {
            let cache = cache.clone();
            spawn(async move { token_or_shut_down(cache.token(&scopes("a")).await) })
        };
        let outcome = cache.shutdown(MINUTE).await;
        assert_eq!(outcome.is_err(), server.requests().len() == 1);
        assert!(caller.await.expect("no panic").is_none());
        assert!(time::elapsed() <= MINUTE);
    });
}

#[derive(Debug, Default)]
struct FailingRevocations {
    works: AtomicBool,
    written: AtomicBool,
    store: MemoryStore,
}

impl TokenStore for FailingRevocations {
    fn get<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredToken>> {
        self.store.get(key)
    }

    fn put<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool> {
        self.store.put(key, token, lease)
    }

    fn take_refresh_token<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
    ) -> StoreFuture<'a, Option<Secret>> {
        self.store.take_refresh_token(key, lease)
    }

    fn revoke<'a>(
        &'a self,
        source: &'a Fingerprint,
        ids: &'a [TokenId],
        time: Duration,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            switch_point();
            match self.works.load(Ordering::SeqCst) {
                true => {
                    self.written.store(true, Ordering::SeqCst);
                    self.store.revoke(source, ids, time).await
                }
                false => Err(StoreError::new("out of order")),
            }
        })
    }

    fn invalidate<'a>(&'a self, key: &'a StoreKey, id: TokenId) -> StoreFuture<'a, ()> {
        self.store.invalidate(key, id)
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, time: Duration) -> StoreFuture<'a, Option<Lease>> {
        self.store.lease(key, time)
    }

    fn release<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease) -> StoreFuture<'a, ()> {
        self.store.release(key, lease)
    }

    fn changed<'a>(&'a self, key: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()> {
        self.store.changed(key, within)
    }
}

#[test]
fn shutdown_stores_a_revocation_or_its_caller_gets_an_error() {
    explore(DEFAULT, || async {
        let (server, store) = (Server::new(), Arc::new(FailingRevocations::default()));
        let cache = server.cache(TokenOptions::default().with_store(store.clone()));
        cache.token(&scopes("a")).await.expect("a token");
        let revoker = {
            let cache: TokenCache = cache.clone();
            spawn(async move { cache.forget(&Secret::from("g1-a1")).await })
        };
        let repairer = {
            let store = store.clone();
            spawn(async move { store.works.store(true, Ordering::SeqCst) })
        };
        let flushed = cache.shutdown(MINUTE).await;
        let revoked = revoker.await.expect("no panic");
        repairer.await.expect("no panic");
        let is_written = store.written.load(Ordering::SeqCst);
        let promised = match &revoked {
            Ok(()) => true,
            Err(error) => flushed.is_ok() && error.to_string().contains("retried"),
        };
        assert!(is_written || !promised, "{revoked:?}, {flushed:?}");
        assert!(cache.cached(&scopes("a")).is_none());
        cache.shutdown(MINUTE).await.expect("the store works");
        assert!(store.written.load(Ordering::SeqCst));
        assert!(store.get(&key(&server)).await.expect("the store returns no error").is_none());
    });
}

#[test]
fn refresh_finished_by_shutdown_does_not_restore_revoked_tokens() {
    explore(DEFAULT, || async {
        let (server, store) = (Server::new(), Arc::new(MemoryStore::default()));
        let cache = server.cache(TokenOptions::default().with_store(store.clone()));
        cache.token(&scopes("a")).await.expect("a token");
        time::sleep(STALE).await;
        let caller = {
            let cache = cache.clone();
            spawn(async move { token_or_shut_down(cache.token(&scopes("a")).await).is_some() })
        };
        let revoker = {
            let cache = cache.clone();
            spawn(async move { cache.forget(&Secret::from("g1-a1")).await.expect("the store works") })
        };
        cache.shutdown(MINUTE).await.expect("the shutdown ends in time");
        revoker.await.expect("no panic");
        caller.await.expect("no panic");
        let stored = store.get(&key(&server)).await.expect("the store returns no error");
        assert!(stored.is_none_or(|token| !token.access_token.expose_secret().starts_with("g1-")));
        assert!(cache.cached(&scopes("a")).is_none_or(|token| grant_of(&token) != "g1"));
    });
}
