//! Tests the limits of a cache: the number of scope sets, the number of handles, and the size in
//! bytes.

use std::{thread, time::Duration};

use fintech_auth::{
    Error, ErrorKind, Scope, Secret,
    token::{Fingerprint, IssuedToken, Rejection, TokenCache, TokenOptions, TokenSource},
};

use crate::scripted::{TestClock, cache_with, options};

const HOUR: i64 = 3_600;
const LIMIT: usize = 16 * 1024;

struct ImmediateSource;

impl TokenSource for ImmediateSource {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["local"])
    }

    async fn issue(&self, scopes: &[Scope]) -> Result<IssuedToken, Error> {
        let mut issued = IssuedToken::new(scopes[0].as_str());
        issued.expires_in = Some(HOUR.into());
        Ok(issued)
    }
}

fn scope(name: &str) -> [Scope; 1] {
    [name.parse().unwrap()]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn churn(capacity: usize, count: usize) {
    let cache = TokenCache::new(ImmediateSource, TokenOptions::default().with_capacity(capacity));
    let held = cache.handle(&scope("held")).unwrap();
    thread::scope(|threads| {
        for thread in 0..2 {
            let (cache, held) = (&cache, held.clone());
            threads.spawn(move || {
                runtime().block_on(async {
                    for number in 0..count {
                        let name = format!("{thread}-{number}");
                        assert_eq!(cache.token(&scope(&name)).await.unwrap().expose_secret(), name);
                        if number % 100 == 0 {
                            assert_eq!(held.token().await.unwrap().expose_secret(), "held");
                            assert_eq!(cache.token(&scope("held")).await.unwrap().expose_secret(), "held");
                            // The cache may briefly exceed its capacity by the entry with a handle
                            // and the entries that the two threads are using.
                            assert!(cache.len() <= capacity + 5, "{}", cache.len());
                        }
                    }
                });
            });
        }
    });
    let stats = cache.stats();
    assert!(stats.evictions as usize >= 2 * count - capacity, "{stats:?}");
    assert!(
        stats.refreshes as usize <= 2 * count + 1,
        "the scope set with a handle was requested more than once: {stats:?}"
    );
}

#[test]
fn cache_of_5_000_entries_returns_tokens_for_25_000_scope_sets() {
    churn(5_000, 12_500);
}

#[test]
fn cache_of_20_000_entries_returns_tokens_for_72_000_scope_sets() {
    churn(20_000, 36_000);
}

#[test]
fn cache_of_default_capacity_returns_tokens_for_310_000_scope_sets() {
    churn(100_000, 155_000);
}

#[tokio::test]
async fn entries_with_a_handle_are_not_evicted_by_other_scope_sets() {
    let cache =
        TokenCache::new(ImmediateSource, TokenOptions::default().with_capacity(50).with_max_handles(2_000));
    let handles: Vec<_> =
        (0..2_000).map(|number| cache.handle(&scope(&format!("held-{number}"))).unwrap()).collect();
    for number in 0..5_000 {
        let name = format!("scope-{number}");
        assert_eq!(cache.token(&scope(&name)).await.unwrap().expose_secret(), name);
        let held = format!("held-{}", number % 2_000);
        assert_eq!(cache.token(&scope(&held)).await.unwrap().expose_secret(), held);
    }
    assert!(cache.len() <= 2_050 + 2, "{}", cache.len());
    assert!(handles.iter().all(|handle| handle.cached().is_some()));
    assert_eq!(cache.stats().refreshes, 7_000);
    drop(handles);
    for number in 0..5_000 {
        cache.token(&scope(&format!("later-{number}"))).await.unwrap();
    }
    assert!(cache.len() <= 52, "{}", cache.len());
}

#[tokio::test]
async fn handle_over_the_limit_is_rejected_until_a_handle_is_dropped() {
    let cache = TokenCache::new(ImmediateSource, TokenOptions::default().with_max_handles(2));
    let first = cache.handle(&scope("a")).unwrap();
    let second = cache.handle(&scope("b")).unwrap();
    let error = cache.handle(&scope("c")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("with_max_handles"), "{error}");
    drop((cache.handle(&scope("a")).unwrap(), second.clone()));
    assert!(cache.handle(&scope("c")).is_err());
    drop(first);
    cache.handle(&scope("c")).unwrap();
    assert_eq!(second.token().await.unwrap().expose_secret(), "b");
}

#[tokio::test(start_paused = true)]
async fn too_long_scope_set_is_rejected_by_every_method() {
    assert!(Scope::new(&"a".repeat(1_024)).is_ok());
    assert_eq!(Scope::new(&"a".repeat(1_025)).unwrap_err().kind(), ErrorKind::InvalidConfig);
    // The limit is 16 KiB. 16 scopes of 1,024 bytes, with 15 spaces between them, exceed it by 15
    // bytes.
    let long: Vec<Scope> = ('a'..='p').map(|name| name.to_string().repeat(1_024).parse().unwrap()).collect();
    let (cache, source) = cache_with([], |options| options);
    let is_refused = |error: Error| error.kind() == ErrorKind::InvalidConfig && !error.may_have_been_sent();
    assert!(is_refused(cache.token(&long).await.unwrap_err()));
    assert!(is_refused(cache.token_within(&long, Duration::from_secs(1)).await.unwrap_err()));
    assert!(cache.cached(&long).is_none());
    assert!(is_refused(cache.handle(&long).unwrap_err()));
    assert!(is_refused(cache.run(&long, async |_| (), |()| Rejection::None).await.unwrap_err()));
    assert_eq!((cache.len(), source.count()), (0, 0));
    cache.token(&long[1..]).await.unwrap();
    let credentials = || fintech_auth::Credentials::new("sandbox_id", "secret");
    let url = "http://127.0.0.1:9";
    let moneykit = fintech_auth::moneykit::Client::builder(credentials()).with_base_url(url).build().unwrap();
    assert!(is_refused(moneykit.create_access_token(&long).await.unwrap_err()));
    let moov = fintech_auth::moov::Client::builder(credentials()).with_base_url(url).build().unwrap();
    assert!(is_refused(moov.create_access_token(&long).await.unwrap_err()));
    assert!(is_refused(moov.refresh(&Secret::new("refresh"), &long).await.unwrap_err()));
    let builder = fintech_auth::moov::Client::builder(credentials()).with_base_url(url);
    assert!(is_refused(builder.with_scopes(long).build().unwrap_err()));
}

struct LongTokenSource {
    access_token: usize,
    other: usize,
}

impl TokenSource for LongTokenSource {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["long"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        let mut issued = IssuedToken::new("a".repeat(self.access_token));
        issued.expires_in = Some(HOUR.into());
        issued.refresh_token = Some("r".repeat(self.other).into());
        issued.scope = Some("s".repeat(self.other));
        Ok(issued)
    }

    async fn refresh(&self, refresh_token: &Secret) -> Result<IssuedToken, Error> {
        assert!(refresh_token.expose_secret().len() <= LIMIT);
        let mut issued = IssuedToken::new("refreshed");
        issued.expires_in = Some(HOUR.into());
        Ok(issued)
    }
}

#[tokio::test(start_paused = true)]
async fn too_long_access_token_causes_an_invalid_response_error() {
    let long =
        |access_token| TokenCache::new(LongTokenSource { access_token, other: 1 }, TokenOptions::default());
    assert_eq!(long(LIMIT).token(&scope("a")).await.unwrap().expose_secret().len(), LIMIT);
    let error = long(LIMIT + 1).token(&scope("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.to_string().contains("longer than 16 KiB") && error.may_have_been_sent(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn too_long_refresh_token_or_granted_scope_is_ignored() {
    for (other, kept) in [(LIMIT, true), (LIMIT + 1, false)] {
        let options = options(&TestClock::new());
        let cache = TokenCache::new(LongTokenSource { access_token: 10, other }, options);
        let token = cache.token(&scope("a")).await.unwrap();
        assert_eq!(token.scope().is_some(), kept);
        tokio::time::sleep(Duration::from_secs(3_601)).await;
        let renewed = cache.token(&scope("a")).await.unwrap();
        assert_eq!(renewed.expose_secret() == "refreshed", kept);
    }
}
