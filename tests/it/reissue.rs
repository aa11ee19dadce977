//! Tests that requests are limited if the server issues the same token again, or if the source
//! panics.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use fintech_auth::{
    Error, ErrorKind, Scope, Secret,
    token::{Fingerprint, IssuedToken, MemoryStore, Notice, TokenCache, TokenId, TokenSource},
};
use tokio::{
    sync::broadcast,
    time::{Instant, sleep},
};

use crate::{
    scripted::{PanickingSource, SameTokenSource, TestClock, options},
    support::scopes,
    wrapped_store::{WrappedStore, Wrapper},
};

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug)]
struct RejectsEvictedTokens {
    store: MemoryStore,
    evicted: Mutex<HashSet<TokenId>>,
    notices: broadcast::Sender<Notice>,
}

impl RejectsEvictedTokens {
    fn new() -> Self {
        let (store, notices) = (MemoryStore::default(), broadcast::channel(16).0);
        Self { store, evicted: Mutex::default(), notices }
    }
}

impl Wrapper for RejectsEvictedTokens {
    fn store(&self) -> &MemoryStore {
        &self.store
    }

    fn rejects(&self, id: TokenId) -> bool {
        self.evicted.lock().unwrap().contains(&id)
    }

    fn on_evict(&self, notice: Notice) {
        if let Notice::Revoked(id) | Notice::Invalidated(id) = notice {
            self.evicted.lock().unwrap().insert(id);
        }
        let _ = self.notices.send(notice);
    }

    fn notices(&self) -> Option<broadcast::Receiver<Notice>> {
        Some(self.notices.subscribe())
    }
}

fn caches() -> [(TokenCache, SameTokenSource); 3] {
    let options = || options(&TestClock::new());
    let kept = options().with_store(Arc::new(MemoryStore::default()));
    let rejecting = options().with_store(Arc::new(WrappedStore(RejectsEvictedTokens::new())));
    [options(), kept, rejecting].map(|options| {
        let source = SameTokenSource::default();
        (TokenCache::new(source.clone(), options), source)
    })
}

#[tokio::test(start_paused = true)]
async fn caller_gets_a_rejected_token_if_the_server_issues_it_again() {
    for (cache, source) in caches() {
        let scopes = scopes(&["a"]);
        let token = cache.token(&scopes).await.unwrap();
        cache.invalidate(&token).await;
        assert_eq!(cache.token(&scopes).await.unwrap().expose_secret(), "same");
        let asked = source.count();
        assert!(asked <= 5, "{asked} requests");
        for _ in 0..1_000 {
            cache.token(&scopes).await.unwrap();
        }
        sleep(HOUR).await;
        assert_eq!(source.count(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn requests_back_off_if_a_reissued_token_is_invalidated_repeatedly() {
    for (cache, source) in caches() {
        let (scopes, start) = (scopes(&["a"]), Instant::now());
        while start.elapsed() < HOUR {
            match cache.token(&scopes).await {
                Ok(token) => cache.invalidate(&token).await,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
                    assert!(error.retry_after().is_some_and(|wait| wait <= Duration::from_secs(60)));
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
        let asked = source.count();
        assert!((50..=4 * 70).contains(&asked), "{asked}");
        sleep(HOUR).await;
        assert_eq!(source.count(), asked, "without callers, no request may be sent");
    }
}

#[tokio::test(start_paused = true)]
async fn revoked_token_that_is_issued_again_causes_an_error_and_a_back_off() {
    for (cache, source) in caches() {
        let (scopes, start) = (scopes(&["a"]), Instant::now());
        cache.token(&scopes).await.unwrap();
        cache.forget(&Secret::from("same")).await.unwrap();
        while start.elapsed() < HOUR {
            let error = cache.token(&scopes).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidResponse);
            sleep(Duration::from_millis(100)).await;
        }
        let asked = source.count();
        assert!((50..=4 * 70).contains(&asked), "{asked}");
        sleep(HOUR).await;
        assert_eq!(source.count(), asked, "without callers, no request may be sent");
    }
}

#[tokio::test(start_paused = true)]
async fn panicking_source_is_not_called_again_before_the_back_off_ends() {
    for with_store in [false, true] {
        let (source, options) = (PanickingSource::default(), options(&TestClock::new()));
        let store = Arc::new(MemoryStore::default());
        let options = if with_store { options.with_store(store) } else { options };
        let cache = TokenCache::new(source.clone(), options);
        let calls = || source.count();
        for number in 0..200 {
            let error = cache.token(&scopes(&["a"])).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.to_string().contains("the token source or store panicked"), "{error}");
            assert_eq!(error.retry_after().is_some(), number > 0);
        }
        assert_eq!(calls(), 1);
        let mut seen = Vec::new();
        for second in 0..60 {
            let before = calls();
            let _ = cache.token(&scopes(&["a"])).await;
            if calls() > before {
                seen.push(second);
            }
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(seen, [1, 3, 7, 15, 31], "the back-off must double after each panic");
    }
}

#[tokio::test(start_paused = true)]
async fn all_waiting_callers_get_the_error_of_a_panicking_source() {
    let source = PanickingSource::default();
    let cache = TokenCache::new(source.clone(), options(&TestClock::new()));
    let wait = || async { cache.token(&scopes(&["a"])).await.unwrap_err().kind() };
    assert_eq!(
        tokio::join!(wait(), wait(), wait()),
        (ErrorKind::Unavailable, ErrorKind::Unavailable, ErrorKind::Unavailable)
    );
    assert_eq!(source.count(), 1);
}

struct PanickingRefresh;

impl TokenSource for PanickingRefresh {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["panics on refresh"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        let mut token = IssuedToken::new("token");
        token.expires_in = Some(60.into());
        token.refresh_token = Some(Secret::from("refresh"));
        Ok(token)
    }

    async fn refresh(&self, _: &Secret) -> Result<IssuedToken, Error> {
        panic!("the source of this test panics")
    }
}

#[tokio::test(start_paused = true)]
async fn panicking_refresh_grant_falls_back_to_client_credentials() {
    let cache = TokenCache::new(PanickingRefresh, options(&TestClock::new()));
    for _ in 0..3 {
        cache.token(&scopes(&["a"])).await.unwrap();
        sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(cache.stats().failures, 0);
}
