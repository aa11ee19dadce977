//! Tests two processes that share a store.

use std::{sync::Arc, time::Duration};

use fintech_auth_shuttle::{
    Secret,
    sync::{switch_point, time},
    token::{
        Fingerprint, Lease, MemoryStore, StoreFuture, StoreKey, StoredToken, TokenId, TokenOptions,
        TokenStore,
    },
};
use shuttle::future::spawn;

use super::{
    explore::{DEFAULT, Schedules, explore, idle},
    server::{EXPIRED, STALE, Server, grant_of, scopes},
};

fn with_store() -> TokenOptions {
    TokenOptions::default().with_store(Arc::new(MemoryStore::default()))
}

#[derive(Debug, Default)]
struct SlowStore(MemoryStore);

impl TokenStore for SlowStore {
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
        Box::pin(async {
            let taken = self.0.take_refresh_token(key, lease).await;
            time::sleep(Duration::from_millis(10)).await;
            taken
        })
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

    fn changed<'a>(&'a self, key: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()> {
        self.0.changed(key, within)
    }
}

#[test]
fn two_processes_without_a_cached_token_send_one_request() {
    explore(DEFAULT, || async {
        let server = Server::new();
        let options = with_store();
        let caches = [server.cache(options.clone()), server.cache(options)];
        let callers = caches
            .map(|cache| spawn(async move { cache.token(&scopes("a")).await.expect("a token").to_secret() }));
        let mut tokens = Vec::new();
        for caller in callers {
            tokens.push(caller.await.expect("no panic").expose_secret().to_owned());
        }
        assert_eq!(tokens, ["g1-a1", "g1-a1"]);
        assert_eq!(server.requests().len(), 1);
    });
}

#[test]
fn two_processes_together_send_the_refresh_token_once() {
    explore(DEFAULT, || async {
        let server = Server::new();
        let options = with_store();
        let caches = [server.cache(options.clone()), server.cache(options)];
        for cache in &caches {
            cache.token(&scopes("a")).await.expect("a token");
        }
        time::sleep(STALE).await;
        let callers = caches.map(|cache| {
            spawn(async move {
                cache.token(&scopes("a")).await.expect("a token");
                idle().await;
            })
        });
        for caller in callers {
            caller.await.expect("no panic");
        }
        let sent: Vec<_> = server.requests().into_iter().map(|request| request.refresh_token).collect();
        assert_eq!(sent, [None, Some("g1-r1".to_owned())]);
    });
}

#[test]
fn revoked_refresh_token_from_the_store_is_not_sent() {
    explore(Schedules { depth_first: 20_000, ..DEFAULT }, || async {
        let server = Server::new();
        let options = TokenOptions::default().with_store(Arc::new(SlowStore::default()));
        let first = server.cache(options.clone());
        first.token(&scopes("a")).await.expect("a token");
        time::sleep(STALE).await;
        let cache = server.cache(options);
        let caller = {
            let cache = cache.clone();
            spawn(async move { drop(cache.token(&scopes("a")).await) })
        };
        switch_point();
        cache.forget(&Secret::from("g1-r1")).await.unwrap();
        let returned = time::elapsed();
        for _ in 0..2 {
            if let Some(token) = cache.cached(&scopes("a")) {
                assert_ne!(token.expose_secret(), "g1-a2", "a token was cached after its revocation");
            }
            let token = cache.token(&scopes("a")).await.expect("a token");
            assert_ne!(token.expose_secret(), "g1-a2", "the cache returned a token after its revocation");
            idle().await;
        }
        caller.await.expect("no panic");
        // The cache sends a refresh token at the same simulated time at which it takes the token
        // from the store. So a refresh token that is sent after the revocation was also taken after
        // the revocation.
        let later = server.requests().into_iter().filter(|request| request.at > returned);
        assert_eq!(later.filter_map(|request| request.refresh_token).count(), 0, "a refresh token was sent after its revocation");
    });
}

#[test]
fn token_invalidated_by_one_process_is_not_returned_by_any_process() {
    explore(DEFAULT, || async {
        let server = Server::new();
        let options = with_store();
        let caches = [server.cache(options.clone()), server.cache(options)];
        let rejected = caches[0].token(&scopes("a")).await.expect("a token");
        let callers = caches.map(|cache| {
            let rejected = rejected.clone();
            spawn(async move {
                cache.invalidate(&rejected).await;
                let token = cache.token(&scopes("a")).await.expect("a token");
                assert_ne!(token.expose_secret(), rejected.expose_secret());
                grant_of(&token)
            })
        });
        for caller in callers {
            caller.await.expect("no panic");
        }
        assert!(server.requests().len() <= 3, "{server:?}");
        time::sleep(EXPIRED).await;
    });
}
