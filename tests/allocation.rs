//! Counts the allocations of a token lookup, and the memory that cached errors occupy. Runs without
//! the test harness, because the harness allocates in its own thread and the count includes all
//! threads.

use std::{alloc::System, time::Duration};

use fintech_auth::{
    Credentials, Error, ErrorKind, Scope, ScopeSet, Token, moov,
    token::{
        Fingerprint, IssuedToken, StaticTokenProvider, TokenCache, TokenOptions, TokenProvider, TokenSource,
    },
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

struct ImmediateSource;

impl TokenSource for ImmediateSource {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["local"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        let mut issued = IssuedToken::new("token");
        issued.expires_in = Some(3_600.into());
        Ok(issued)
    }
}

fn main() {
    cached_token_allocates_nothing_and_errors_keep_no_response();
    println!("cached_token_allocates_nothing_and_errors_keep_no_response ... ok");
}

fn cached_token_allocates_nothing_and_errors_keep_no_response() {
    runtime().block_on(look_up());
    runtime().block_on(refused());
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn look_up() {
    let scopes = ["h", "g", "f", "e", "d", "c", "b", "a"].map(|scope| Scope::new(scope).unwrap());
    let cache = TokenCache::new(ImmediateSource, TokenOptions::default());
    let handle = cache.handle(&scopes).unwrap();
    // The first lookup also allocates the counters of this thread. So the lookups before
    // `Region::new` are not counted.
    for _ in 0..2 {
        cache.token(&scopes).await.unwrap();
    }
    let fixed = StaticTokenProvider::new(Token::new("token", Duration::from_secs(60)).unwrap());
    let providers: [&dyn TokenProvider; 4] = [&cache, &handle, &&handle, &fixed];
    let many: Vec<Scope> =
        (0..30).rev().map(|number| Scope::new(&format!("scope-{number}")).unwrap()).collect();
    let set = ScopeSet::new(many.iter().cloned()).unwrap();
    let of_set = cache.handle(&set).unwrap();
    of_set.token().await.unwrap();
    assert!(cache.cached(&many).is_some() && cache.len() == 2);
    let with_set: [&dyn TokenProvider; 3] = [&cache, &of_set, &fixed];
    let region = Region::new(ALLOCATOR);
    for _ in 0..1_000 {
        for provider in providers {
            assert_eq!(provider.cached(&scopes).unwrap().expose_secret(), "token");
        }
        for provider in with_set {
            assert_eq!(provider.cached(&set).unwrap().expose_secret(), "token");
        }
        assert_eq!(cache.token(&set).await.unwrap().expose_secret(), "token");
        let token = cache.token(&scopes).await.unwrap();
        let again = handle.token().await.unwrap();
        let header = token.authorization().clone();
        assert_eq!((token.clone().expose_secret(), again.expose_secret()), ("token", "token"));
        drop(header);
    }
    let counted = region.change();
    assert_eq!((counted.allocations, counted.reallocations, counted.deallocations), (0, 0, 0));
    assert!(cache.stats().hits >= 2_000);
}

async fn refused() {
    let body = bytes::Bytes::from(format!(r#"{{"scope":"{}"}}"#, "x".repeat(1_000_000)));
    let app = axum::Router::new().fallback(move || {
        let headers = [(http::header::CONTENT_TYPE, "application/json"), (http::header::CONNECTION, "close")];
        let response = (http::StatusCode::UNPROCESSABLE_ENTITY, headers, body.clone());
        async move { response }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let client = moov::Client::builder(Credentials::new("id", "secret"));
    let client = client
        .with_base_url(&url)
        .with_tokens(|tokens| tokens.with_rate_limit(1_000, Duration::from_secs(1)))
        .build()
        .unwrap();
    let mut region = Region::new(ALLOCATOR);
    for number in 0..=200 {
        if number == 1 {
            region = Region::new(ALLOCATOR);
        }
        let scopes = [Scope::new(&format!("scope-{number}")).unwrap()];
        let first = client.token(&scopes).await.unwrap_err();
        assert_eq!((first.kind(), first.fields().len()), (ErrorKind::InvalidRequest, 1), "{first}");
        let later = client.token(&scopes).await.unwrap_err();
        assert_eq!((later.kind(), later.status()), (first.kind(), first.status()));
        assert!(later.retry_after().is_some() && later.fields().is_empty() && later.message().is_none());
    }
    let change = region.change();
    let kept = change.bytes_allocated as i64 - change.bytes_deallocated as i64;
    assert_eq!(client.tokens().len(), 202);
    assert!(kept < 1_000_000, "{kept} bytes kept");
}
