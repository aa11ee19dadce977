//! Tests tokens that are revoked while they are refreshed.

use fintech_auth_shuttle::{
    Secret,
    sync::{switch_point, time},
    token::{TokenCache, TokenOptions},
};
use shuttle::future::spawn;

use super::{
    explore::{DEFAULT, Schedules, explore, idle},
    server::{EXPIRED, STALE, Server, grant_of, scopes},
};

const DEPTH_FIRST: Schedules = Schedules { depth_first: 20_000, ..DEFAULT };

#[test]
fn revoking_the_access_token_revokes_its_refresh_token_too() {
    explore(DEPTH_FIRST, || revoke_during_renewal("g1-a1", STALE));
    explore(DEPTH_FIRST, || revoke_during_renewal("g1-a1", EXPIRED));
}

#[test]
fn revoking_the_refresh_token_revokes_its_access_token_too() {
    explore(DEPTH_FIRST, || revoke_during_renewal("g1-r1", STALE));
    explore(DEPTH_FIRST, || revoke_during_renewal("g1-r1", EXPIRED));
}

async fn revoke_during_renewal(revoked: &'static str, age: std::time::Duration) {
    let server = Server::new();
    let cache = server.cache(TokenOptions::default());
    cache.token(&scopes("a")).await.expect("a token");
    time::sleep(age).await;
    let caller = {
        let cache = cache.clone();
        spawn(async move { drop(cache.token(&scopes("a")).await) })
    };
    switch_point();
    cache.forget(&Secret::from(revoked)).await.unwrap();
    expect_nothing_of("g1", &cache).await;
    caller.await.expect("no panic");
    idle().await;
    expect_nothing_of("g1", &cache).await;
}

async fn expect_nothing_of(grant: &str, cache: &TokenCache) {
    if let Some(token) = cache.cached(&scopes("a")) {
        assert_ne!(grant_of(&token), grant, "a token was cached after its revocation");
    }
    let token = cache.token(&scopes("a")).await.expect("a token");
    assert_ne!(grant_of(&token), grant, "the cache returned a token after its revocation");
}

#[test]
fn concurrent_revocations_remove_both_tokens() {
    explore(DEFAULT, || async {
        let server = Server::new();
        let cache = server.cache(TokenOptions::default());
        cache.token(&scopes("a")).await.expect("a token");
        time::sleep(EXPIRED).await;
        let mut tasks = Vec::new();
        for revoked in ["g1-a1", "g1-r1"] {
            let cache = cache.clone();
            tasks.push(spawn(async move { cache.forget(&Secret::from(revoked)).await.unwrap() }));
        }
        let caller = cache.clone();
        tasks.push(spawn(async move { drop(caller.token(&scopes("a")).await) }));
        for task in tasks {
            task.await.expect("no panic");
        }
        expect_nothing_of("g1", &cache).await;
    });
}
