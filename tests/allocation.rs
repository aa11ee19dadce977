//! A token from memory allocates nothing. Alone in its process, for it counts what all threads of it
//! allocate.

use std::alloc::System;

use fintech_auth::{
    Error, Scope,
    token::{Fingerprint, IssuedToken, TokenCache, TokenOptions, TokenSource},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

struct Local;

impl TokenSource for Local {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["local"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        let mut issued = IssuedToken::new("token");
        issued.expires_in = Some(3_600.into());
        Ok(issued)
    }
}

/// Eight scopes are sorted in place; more are an unusual caller's.
#[tokio::test]
async fn a_cached_token_allocates_nothing() {
    let scopes = ["h", "g", "f", "e", "d", "c", "b", "a"].map(|scope| Scope::new(scope).unwrap());
    let cache = TokenCache::new(Local, TokenOptions::default());
    let handle = cache.handle(&scopes).unwrap();
    // The first of each thread makes its counter.
    for _ in 0..2 {
        cache.token(&scopes).await.unwrap();
    }
    let region = Region::new(ALLOCATOR);
    for _ in 0..1_000 {
        let token = cache.token(&scopes).await.unwrap();
        let again = handle.token().await.unwrap();
        let header = token.authorization().clone();
        assert_eq!((token.clone().expose(), again.expose()), ("token", "token"));
        drop(header);
    }
    let counted = region.change();
    assert_eq!((counted.allocations, counted.reallocations, counted.deallocations), (0, 0, 0));
    assert!(cache.stats().hits >= 2_000);
}
