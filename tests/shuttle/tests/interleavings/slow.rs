//! Tests slow tasks: any timer may fire between any two steps of another task.

use std::{collections::BTreeSet, sync::Arc};

use fintech_auth_shuttle::{
    sync::{switch_point, time},
    token::{MemoryStore, TokenOptions},
};
use shuttle::future::spawn;

use super::{
    explore::{DEFAULT, explore_any_time},
    server::{EXPIRED, STALE, Server, grant_of, scopes},
};

#[test]
fn refresh_token_is_sent_once_for_any_order_of_timers() {
    explore_any_time(DEFAULT, || async {
        let server = Server::new();
        let options = TokenOptions::default().with_store(Arc::new(MemoryStore::default()));
        let caches = [server.cache(options.clone()), server.cache(options)];
        let callers = caches.map(|cache| {
            spawn(async move {
                for _ in 0..2 {
                    drop(cache.token(&scopes("a")).await);
                    time::sleep(STALE).await;
                }
            })
        });
        for caller in callers {
            caller.await.expect("no panic");
        }
        let mut sent = BTreeSet::new();
        for refresh_token in server.requests().into_iter().filter_map(|request| request.refresh_token) {
            assert!(sent.insert(refresh_token), "{server:?}");
        }
    });
}

#[test]
fn revoked_token_is_not_returned_for_any_order_of_timers() {
    explore_any_time(DEFAULT, || async {
        let server = Server::new();
        let cache = server.cache(TokenOptions::default());
        let Ok(token) = cache.token(&scopes("a")).await else { return };
        time::sleep(EXPIRED).await;
        let caller = {
            let cache = cache.clone();
            spawn(async move { drop(cache.token(&scopes("a")).await) })
        };
        switch_point();
        cache.forget(&token).await.unwrap();
        for _ in 0..2 {
            if let Ok(later) = cache.token(&scopes("a")).await {
                assert_ne!(grant_of(&later), grant_of(&token), "the cache returned a token after its revocation");
            }
        }
        caller.await.expect("no panic");
    });
}
