//! Compares the table in `docs/guide/reactions.md` with the requests that the crate sends to a
//! server that always fails.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fintech_auth::{
    Error, ErrorKind, RetryPolicy, Scope, Secret,
    emulator::{Fault, Operation},
    token::{
        Fingerprint, IssuedToken, MemoryStore, Notice, Rejection, StoreError, StoreFuture, TokenCache,
        TokenId, TokenOptions, TokenSource, TokenStore as _,
        redis::{RedisStore, SealingKey},
    },
};
use http::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::broadcast,
    time::{Instant, sleep},
};

use crate::{
    scripted::{PanickingSource, Reply, SameTokenSource, Scripted, TestClock, fail, limited, options},
    support::{emulator, scopes},
    wrapped_store::{WrappedStore, Wrapper},
};

const HOUR: Duration = Duration::from_secs(3600);
const LATENCY: Duration = Duration::from_millis(10);

fn rows() -> Vec<(String, Option<usize>)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/reactions.md");
    let page = fs::read_to_string(page).expect("readable");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")).skip(2);
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        assert_eq!(cells.len(), 6, "{row}");
        (cells[0].to_owned(), cells[5].parse().ok())
    })
    .collect()
}

fn most(name: &str) -> usize {
    let row = rows().into_iter().find(|(reaction, _)| reaction == name);
    row.unwrap_or_else(|| panic!("the guide's table has no line {name}")).1.expect("a number of requests")
}

#[test]
fn each_row_of_the_guide_table_has_a_test() {
    let tests = include_str!("automatic_reactions.rs");
    for (name, _) in rows() {
        assert!(tests.contains(&format!("\"{name}\"")), "{name}");
    }
    let names: BTreeSet<_> = rows().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), rows().len());
}

/// Requests a token ten times a second for an hour, and compares the number of requests with the
/// table row `name`.
async fn hold(
    name: &str,
    cache: &TokenCache,
    scope: impl Fn(usize) -> String,
    count: impl Fn() -> usize,
    after: impl AsyncFn(&TokenCache, Result<fintech_auth::Token, Error>),
) {
    let (start, before) = (Instant::now(), count());
    let mut halfway = None;
    let mut number = 0;
    while start.elapsed() < HOUR {
        let outcome = cache.token(&scopes(&[&scope(number)])).await;
        after(cache, outcome).await;
        sleep(Duration::from_millis(100)).await;
        number += 1;
        if start.elapsed() > HOUR / 2 {
            halfway.get_or_insert_with(&count);
        }
    }
    let sent = count() - before;
    assert!(sent <= most(name), "{name}: {sent} requests in one hour");
    assert!(count() > halfway.unwrap(), "{name}: no request was sent in the second half of the hour");
    sleep(Duration::from_secs(60)).await;
    let ended = count();
    sleep(HOUR).await;
    assert_eq!(count(), ended, "{name}: without callers, no request may be sent");
}

async fn ignore(_: &TokenCache, _: Result<fintech_auth::Token, Error>) {}

async fn fails(_: &TokenCache, outcome: Result<fintech_auth::Token, Error>) {
    assert!(outcome.is_err());
}

fn scripted(reply: &Reply, customise: impl FnOnce(TokenOptions) -> TokenOptions) -> (TokenCache, Scripted) {
    let source = Scripted::new(LATENCY, false, vec![reply.clone(); 100_000]);
    (TokenCache::new(source.clone(), customise(options(&TestClock::new()))), source)
}

fn one_scope(_: usize) -> String {
    "a".to_owned()
}

#[tokio::test(start_paused = true)]
async fn retries_and_refreshes_are_limited_per_hour() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Timeout] {
        let (cache, source) = scripted(&fail(kind), |options| options);
        hold("Retry of a token request", &cache, one_scope, || source.count(), fails).await;
    }
    for kind in [ErrorKind::Unavailable, ErrorKind::InvalidRequest, ErrorKind::InvalidResponse] {
        let (cache, source) = scripted(&fail(kind), |options| options.with_retry(|_| RetryPolicy::never()));
        hold("New refresh after a failed refresh", &cache, one_scope, || source.count(), fails).await;
    }
}

#[derive(Clone, Default)]
struct RefusesRefresh {
    issued: Arc<AtomicUsize>,
    refreshed: Arc<AtomicUsize>,
}

impl TokenSource for RefusesRefresh {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["refuses refresh"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        sleep(LATENCY).await;
        if number > 0 {
            return Err(Error::new(ErrorKind::InvalidRequest, "refused").with_sent(true));
        }
        let mut token = IssuedToken::new("token");
        token.expires_in = Some(1.into());
        token.refresh_token = Some(Secret::from("refresh"));
        Ok(token)
    }

    async fn refresh(&self, _: &Secret) -> Result<IssuedToken, Error> {
        self.refreshed.fetch_add(1, Ordering::Relaxed);
        Err(Error::new(ErrorKind::InvalidRequest, "refused").with_sent(true))
    }
}

#[tokio::test(start_paused = true)]
async fn refused_refresh_token_is_sent_only_once() {
    let source = RefusesRefresh::default();
    let cache = TokenCache::new(source.clone(), options(&TestClock::new()));
    let issued = || source.issued.load(Ordering::Relaxed);
    hold("Request with client credentials after a refresh token failed", &cache, one_scope, issued, ignore)
        .await;
    assert_eq!(source.refreshed.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn requests_are_limited_if_the_server_reissues_a_rejected_token() {
    for with_store in [false, true] {
        let new = || {
            let (source, store) = (SameTokenSource::default(), Arc::new(MemoryStore::default()));
            let options = options(&TestClock::new());
            let options = if with_store { options.with_store(store) } else { options };
            (TokenCache::new(source.clone(), options), source)
        };
        let (cache, source) = new();
        let count = || source.count();
        hold("New token after a rejected token", &cache, one_scope, count, async |cache, outcome| {
            if let Ok(token) = outcome {
                cache.invalidate(&token).await;
            }
        })
        .await;
        let (cache, source) = new();
        let count = || source.count();
        cache.forget(&Secret::from("same")).await.unwrap();
        let row = "New request if the server issues a revoked token again";
        hold(row, &cache, one_scope, count, fails).await;
    }
}

#[derive(Clone, Default)]
struct RevokesNewTokens {
    issued: Arc<AtomicUsize>,
    cache: Arc<std::sync::OnceLock<TokenCache>>,
}

impl TokenSource for RevokesNewTokens {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["unlucky"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        sleep(LATENCY).await;
        let token = format!("token-{number}");
        self.cache.get().unwrap().forget(&Secret::from(token.as_str())).await.unwrap();
        Ok(IssuedToken::new(token))
    }
}

#[tokio::test(start_paused = true)]
async fn token_requests_are_limited_if_every_new_token_is_revoked() {
    let source = RevokesNewTokens::default();
    let cache = TokenCache::new(source.clone(), options(&TestClock::new()));
    assert!(source.cache.set(cache.clone()).is_ok());
    let count = || source.issued.load(Ordering::Relaxed);
    hold("New request after a revocation during a refresh", &cache, one_scope, count, fails).await;
}

#[tokio::test(start_paused = true)]
async fn consecutive_cool_downs_get_longer_regardless_of_retry_after() {
    for seconds in [0, 1] {
        let (cache, source) = scripted(&limited(seconds), |options| options);
        let scope = |number| format!("scope-{}", number % 50);
        hold("Wait for the end of a cool-down", &cache, scope, || source.count(), fails).await;
    }
}

#[tokio::test(start_paused = true)]
async fn caller_that_exceeds_the_rate_limit_sends_no_request() {
    let row = rows().into_iter().find(|(name, _)| name == "Wait for the rate limit").unwrap();
    assert_eq!(row.1, None, "this line of the table has no number of requests");
    let (cache, source) = scripted(&Reply::Token(86_400), |options| options.with_rate_limit(1, 2 * HOUR));
    cache.token(&scopes(&["first"])).await.unwrap();
    let start = Instant::now();
    while start.elapsed() < HOUR {
        let error = cache.token(&scopes(&["a"])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(source.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_and_scope_sets_are_retried_once_in_10_s() {
    for status in [401, 403] {
        let (cache, source) = scripted(&Reply::Refused(status), |options| options);
        let scope = |number: usize| format!("scope-{number}");
        hold("Probe of refused credentials", &cache, scope, || source.count(), fails).await;
    }
    let (cache, source) = scripted(&Reply::Refused(403), |options| options);
    hold("New request for a refused scope set", &cache, one_scope, || source.count(), fails).await;
}

#[derive(Clone, Default)]
struct ChangingCredentials(Arc<(AtomicUsize, AtomicUsize)>);

impl TokenSource for ChangingCredentials {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["never right"])
    }

    fn credentials_fingerprint(&self) -> Fingerprint {
        Fingerprint::of([&*self.0.1.load(Ordering::Relaxed).to_string()])
    }

    async fn renew_credentials(&self, _: &Fingerprint) -> bool {
        self.0.1.fetch_add(1, Ordering::Relaxed);
        true
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        self.0.0.fetch_add(1, Ordering::Relaxed);
        Err(Error::new(ErrorKind::Unauthorized, "refused").with_status(StatusCode::UNAUTHORIZED))
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_limited_if_new_credentials_are_refused_each_time() {
    let source = ChangingCredentials::default();
    let cache = TokenCache::new(source.clone(), options(&TestClock::new()));
    let scope = |number: usize| format!("scope-{number}");
    let count = || source.0.0.load(Ordering::Relaxed);
    hold("Second request with new credentials", &cache, scope, count, fails).await;
}

#[tokio::test(start_paused = true)]
async fn calls_to_a_panicking_token_source_are_limited() {
    let source = PanickingSource::default();
    let cache = TokenCache::new(source.clone(), options(&TestClock::new()));
    let row = "New refresh after the token source panicked";
    hold(row, &cache, one_scope, || source.count(), fails).await;
}

#[tokio::test(start_paused = true)]
async fn number_of_renewals_after_a_401_is_limited() {
    let name = "New token after a 401 to your own request";
    for rejection in [Rejection::Unexplained, Rejection::InvalidToken] {
        for (accepts_once, expected) in [(false, 10), (true, most(name))] {
            let (cache, source) = scripted(&Reply::Token(86_400), |options| options);
            for _ in 0..3600 {
                let runs = AtomicUsize::new(0);
                let request = |_| {
                    let is_second = runs.fetch_add(1, Ordering::Relaxed) > 0;
                    async move { if is_second && accepts_once { Rejection::None } else { rejection } }
                };
                cache.run(&scopes(&["a"]), request, |rejection| *rejection).await.unwrap();
                assert!(runs.load(Ordering::Relaxed) <= 2);
                sleep(Duration::from_secs(1)).await;
            }
            let renewals = source.count() - 1;
            assert!(
                (expected - 10..=expected).contains(&renewals),
                "{rejection:?} {accepts_once} {renewals}"
            );
        }
    }
}

#[tokio::test]
async fn fetches_of_webhook_keys_are_limited() {
    for (name, fails) in [
        ("New fetch of webhook keys after a failed fetch", true),
        ("Fetch of webhook keys for an unknown key id", false),
    ] {
        let emulator = emulator().await;
        let clock = emulator.clock().clone();
        let client = emulator
            .moneykit()
            .with_tokens(|tokens| tokens.with_clock(clock.clone()).with_retry(|_| RetryPolicy::never()));
        let webhooks = client.build().unwrap().webhooks();
        if fails {
            let bad = Fault::response(StatusCode::BAD_GATEWAY);
            emulator.fault_times(Operation::MoneykitJwks, bad, usize::MAX);
        }
        for second in 0..3600 {
            let webhook = emulator.moneykit_webhook("{}").with_header("kid", format!("made-up-{second}"));
            let sent = webhook.sign().unwrap();
            assert!(webhooks.verify(&sent.headers, &sent.body).await.is_err());
            clock.advance(Duration::from_secs(1));
        }
        let fetches = emulator.count(Operation::MoneykitJwks);
        assert!((55..=most(name)).contains(&fetches), "{name}: {fetches} fetches in one hour");
    }
}

#[derive(Debug, Default)]
struct FailingStore {
    calls: AtomicUsize,
    notices: Option<broadcast::Sender<Notice>>,
    store: MemoryStore,
}

impl Wrapper for FailingStore {
    fn store(&self) -> &MemoryStore {
        &self.store
    }

    fn wrap<'a, T: Send + 'a>(&'a self, _: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err(StoreError::new("out of order")) })
    }

    fn notices(&self) -> Option<broadcast::Receiver<Notice>> {
        self.notices.as_ref().map(broadcast::Sender::subscribe)
    }
}

#[tokio::test(start_paused = true)]
async fn calls_to_a_failing_store_are_limited() {
    let store = Arc::new(WrappedStore::<FailingStore>::default());
    let (cache, _) = scripted(&Reply::Token(86_400), |options| options.with_store(store.clone()));
    let scope = |number: usize| format!("scope-{number}");
    let calls = || store.calls.load(Ordering::Relaxed);
    hold("New call to a token store after a failed call", &cache, scope, calls, async |_, outcome| {
        assert!(outcome.is_ok());
    })
    .await;
}

fn broken(notices: Option<broadcast::Sender<Notice>>) -> (TokenCache, Arc<WrappedStore<FailingStore>>) {
    let store = Arc::new(WrappedStore(FailingStore { notices, ..FailingStore::default() }));
    let (cache, _) = scripted(&Reply::Token(86_400), |options| options.with_store(store.clone()));
    (cache, store)
}

async fn hold_for_a_day(name: &str, calls: impl Fn() -> usize) {
    let before = calls();
    sleep(HOUR).await;
    let in_an_hour = calls() - before;
    // The table assumes the shortest delays that jitter can produce. This test runs without jitter,
    // so its delays are twice as long as the table assumes.
    assert!(
        (most(name) - 5..=most(name)).contains(&(2 * in_an_hour)),
        "{name}: {in_an_hour} calls in one hour"
    );
    sleep(HOUR * 24).await;
    let ended = calls();
    assert!(ended > before + 20 * in_an_hour, "{name}: the calls ended too early");
    sleep(HOUR * 24).await;
    assert_eq!(calls(), ended, "{name}: calls were made after the end");
}

#[tokio::test(start_paused = true)]
async fn writing_a_tombstone_is_retried_until_the_tombstone_expires() {
    let (cache, store) = broken(None);
    let calls = || store.calls.load(Ordering::Relaxed);
    cache.forget(&Secret::from("token")).await.unwrap_err();
    hold_for_a_day("Retry of a revocation record that could not be written", calls).await;

    let (cache, store) = broken(None);
    let calls = || store.calls.load(Ordering::Relaxed);
    let token = cache.token(&scopes(&["a"])).await.unwrap();
    cache.invalidate(&token).await;
    let before = calls();
    sleep(Duration::from_secs(60)).await;
    // The cache retries after 5 s, 10 s and 20 s. The tombstone expires before the fourth retry is
    // due, so there is no fourth retry.
    assert_eq!(calls() - before, 3);
    sleep(HOUR).await;
    assert_eq!(calls() - before, 3, "the retries must end when the tombstone has expired");
    cache.token(&scopes(&["a"])).await.unwrap();
    assert_eq!(calls() - before, 4);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_rechecked_in_the_store_after_missed_notifications() {
    let notices = broadcast::Sender::new(8);
    let (cache, store) = broken(Some(notices.clone()));
    let calls = || store.calls.load(Ordering::Relaxed);
    cache.token(&scopes(&["a"])).await.unwrap();
    notices.send(Notice::Missed).unwrap();
    hold_for_a_day("Check of the tokens in memory after notifications were lost", calls).await;
}

#[derive(Debug, Default)]
struct RefusesPut(MemoryStore);

impl Wrapper for RefusesPut {
    fn store(&self) -> &MemoryStore {
        &self.0
    }

    fn rejects(&self, _: TokenId) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn store_that_rejects_every_token_causes_four_requests_per_refresh() {
    let name = "New token after the store refused a token";
    for (seconds, refreshes) in [(86_400, 1), (900, 6)] {
        let store = Arc::new(WrappedStore::<RefusesPut>::default());
        let (cache, source) = scripted(&Reply::Token(seconds), |options| options.with_store(store));
        let start = Instant::now();
        while start.elapsed() < HOUR {
            cache.token(&scopes(&["a"])).await.unwrap();
            sleep(Duration::from_millis(100)).await;
        }
        let sent = source.count();
        assert_eq!(sent % most(name), 0, "{sent}");
        assert!((1..=refreshes).contains(&(sent / most(name))), "{sent}");
        sleep(HOUR).await;
        assert_eq!(source.count(), sent, "without callers, no request may be sent");
    }
}

async fn accept_subscription(mut stream: TcpStream) {
    let mut received = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut received).await {
        let text = String::from_utf8_lossy(&received).to_uppercase();
        let is_subscribed = text.contains("SUBSCRIBE");
        let mut reply = "+OK\r\n".repeat(text.matches("CLIENT").count());
        if is_subscribed {
            reply.push_str("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
        }
        received.clear();
        if stream.write_all(reply.as_bytes()).await.is_err() || is_subscribed {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failing_redis_subscription_reconnects_with_increasing_delay() {
    let name = "New subscription to Redis after a lost subscription";
    for accepts in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let count = Arc::new(AtomicUsize::new(0));
        let (accepted, connections) = (count.clone(), || count.load(Ordering::Relaxed));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::Relaxed);
                if accepts {
                    accept_subscription(stream).await;
                }
            }
        });
        let store = RedisStore::builder([SealingKey::new(&[7; 32]).unwrap()]).open(&url).unwrap();
        let mut notices = store.notices().unwrap();
        sleep(HOUR).await;
        let in_an_hour = connections();
        assert!((100..=most(name)).contains(&in_an_hour), "{name}: {in_an_hour} calls in one hour");
        assert_eq!(notices.try_recv().is_ok(), accepts);
        drop(store);
        sleep(Duration::from_secs(60)).await;
        let ended = connections();
        sleep(HOUR).await;
        assert_eq!(connections(), ended, "{name}: a dropped store must not reconnect");
    }
}
