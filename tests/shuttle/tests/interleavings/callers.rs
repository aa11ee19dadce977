//! Tests concurrent callers.

use std::collections::BTreeSet;

use fintech_auth_shuttle::{
    sync::{switch_point, time},
    token::TokenOptions,
};
use shuttle::future::spawn;

use super::{
    explore::{DEFAULT, Schedules, check_replay, explore},
    server::{EXPIRED, STALE, Server, scopes},
};

#[test]
fn two_callers_without_a_cached_token_send_one_request() {
    explore(Schedules { depth_first: 20_000, ..DEFAULT }, || cold_callers(2));
}

#[test]
fn four_callers_without_a_cached_token_send_one_request() {
    explore(DEFAULT, || cold_callers(4));
}

#[test]
fn replayed_schedules_give_the_same_result() {
    check_replay(200, || cold_callers(4));
}

async fn cold_callers(count: usize) {
    let server = Server::new();
    let cache = server.cache(TokenOptions::default());
    let others: Vec<_> = (1..count)
        .map(|_| {
            let cache = cache.clone();
            spawn(async move { cache.token(&scopes("a")).await.expect("a token") })
        })
        .collect();
    let token = cache.token(&scopes("a")).await.expect("a token");
    for other in others {
        assert_eq!(other.await.expect("no panic").expose_secret(), token.expose_secret());
    }
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn callers_with_an_expired_token_share_one_refresh() {
    explore(DEFAULT, || renewal(EXPIRED));
}

#[test]
fn callers_with_a_stale_token_share_one_refresh() {
    explore(DEFAULT, || renewal(STALE));
}

async fn renewal(age: std::time::Duration) {
    let server = Server::new();
    let cache = server.cache(TokenOptions::default());
    cache.token(&scopes("a")).await.expect("a token");
    time::sleep(age).await;
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let cache = cache.clone();
            spawn(async move { cache.token(&scopes("a")).await.expect("a token") })
        })
        .collect();
    for caller in callers {
        caller.await.expect("no panic");
    }
    super::explore::idle().await;
    let sent: Vec<_> = server.requests().into_iter().map(|request| request.refresh_token).collect();
    assert_eq!(sent, [None, Some("g1-r1".to_owned())]);
}

#[test]
fn cancelling_a_caller_does_not_cancel_the_request() {
    explore(Schedules { depth_first: 20_000, ..DEFAULT }, || async {
        let server = Server::new();
        let cache = server.cache(TokenOptions::default());
        let cancelled = {
            let cache = cache.clone();
            spawn(async move { drop(cache.token(&scopes("a")).await) })
        };
        switch_point();
        cancelled.abort();
        drop(cancelled);
        cache.token(&scopes("a")).await.expect("a token");
        assert_eq!(server.requests().len(), 1);
    });
}

#[test]
fn invalidate_removes_only_the_given_token() {
    explore(DEFAULT, || async {
        let server = Server::new();
        let cache = server.cache(TokenOptions::default());
        let rejected = cache.token(&scopes("a")).await.expect("a token");
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let (cache, rejected) = (cache.clone(), rejected.clone());
                spawn(async move {
                    cache.invalidate(&rejected).await;
                    cache.token(&scopes("a")).await.expect("a token").expose_secret().to_owned()
                })
            })
            .collect();
        let mut tokens = BTreeSet::new();
        for caller in callers {
            tokens.insert(caller.await.expect("no panic"));
        }
        assert_eq!(tokens, BTreeSet::from(["g2-a1".to_owned()]));
        assert_eq!(server.requests().len(), 2);
    });
}

#[test]
fn entry_with_a_handle_can_always_be_found() {
    explore(DEFAULT, || async {
        let server = Server::new();
        let cache = server.cache(TokenOptions::default().with_capacity(1));
        let others: Vec<_> = ["b", "c"]
            .into_iter()
            .map(|name| {
                let cache = cache.clone();
                spawn(async move { cache.token(&scopes(name)).await.expect("a token") })
            })
            .collect();
        let handle = cache.handle(&scopes("a")).expect("a handle");
        let token = handle.token().await.expect("a token");
        for other in others {
            drop(other.await.expect("no panic"));
        }
        cache.token(&scopes("d")).await.expect("a token");
        cache.forget(&token).await.unwrap();
        assert!(handle.cached().is_none(), "the entry was not found");
    });
}
