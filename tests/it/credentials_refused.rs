//! Tests what the token cache does when the server refuses credentials that the token source can
//! replace.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use fintech_auth::{
    Error, ErrorKind, Scope, Secret,
    token::{
        Fingerprint, IssuedToken, MemoryStore, TokenCache, TokenOptions, TokenSource,
        redis::{RedisStore, SealingKey},
    },
};
use http::StatusCode;
use tokio::time::{Instant, sleep};

use crate::{
    redis_server::RedisServer,
    scripted::{TestClock, options},
    support::scopes,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct Server(Arc<Mutex<State>>);

struct State {
    secret: &'static str,
    refusal: StatusCode,
    calls: Vec<(Duration, String)>,
    start: Instant,
}

impl Server {
    fn new(refusal: StatusCode) -> Self {
        let start = Instant::now();
        Self(Arc::new(Mutex::new(State { secret: "one", refusal, calls: Vec::new(), start })))
    }

    fn accept(&self, secret: &'static str) {
        self.0.lock().unwrap().secret = secret;
    }

    fn respond(&self, secret: &str, call: &str) -> Result<IssuedToken, Error> {
        let mut state = self.0.lock().unwrap();
        let at = state.start.elapsed();
        state.calls.push((at, format!("{call} by {secret}")));
        if secret != state.secret {
            return Err(Error::new(ErrorKind::Unauthorized, "refused").with_status(state.refusal));
        }
        let number = state.calls.len();
        let mut token = IssuedToken::new(format!("token-{number}"));
        token.expires_in = Some(3600.into());
        token.refresh_token = Some(format!("refresh-{number}").into());
        Ok(token)
    }

    fn calls(&self) -> Vec<String> {
        self.0.lock().unwrap().calls.drain(..).map(|(_, call)| call).collect()
    }

    fn times(&self) -> Vec<Duration> {
        self.0.lock().unwrap().calls.iter().map(|(at, _)| *at).collect()
    }
}

#[derive(Clone)]
struct Source(Arc<Inner>);

struct Inner {
    server: Server,
    secret: Mutex<&'static str>,
    next: Mutex<Option<&'static str>>,
    looks: Mutex<u32>,
}

impl Source {
    fn new(server: &Server, secret: &'static str) -> Self {
        Self(Arc::new(Inner {
            server: server.clone(),
            secret: Mutex::new(secret),
            next: Mutex::new(Some(secret)),
            looks: Mutex::default(),
        }))
    }

    fn next(&self, secret: Option<&'static str>) {
        *self.0.next.lock().unwrap() = secret;
    }

    fn looks(&self) -> u32 {
        *self.0.looks.lock().unwrap()
    }

    fn secret(&self) -> &'static str {
        *self.0.secret.lock().unwrap()
    }

    fn cache(&self) -> TokenCache {
        TokenCache::new(self.clone(), options(&TestClock::new()))
    }
}

impl TokenSource for Source {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["rotating"])
    }

    fn credentials_fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["rotating", self.secret()])
    }

    async fn renew_credentials(&self, refused: &Fingerprint) -> bool {
        *self.0.looks.lock().unwrap() += 1;
        let next = *self.0.next.lock().unwrap();
        *self.0.secret.lock().unwrap() = next.expect("the provider of this test panics");
        self.credentials_fingerprint() != *refused
    }

    async fn issue(&self, scopes: &[Scope]) -> Result<IssuedToken, Error> {
        self.0.server.respond(self.secret(), scopes[0].as_str())
    }

    async fn refresh(&self, refresh_token: &Secret) -> Result<IssuedToken, Error> {
        self.0.server.respond(self.secret(), refresh_token.expose_secret())
    }
}

async fn kind(cache: &TokenCache, scope: &str) -> Option<ErrorKind> {
    cache.token(&scopes(&[scope])).await.err().map(|error| error.kind())
}

const REFUSALS: [StatusCode; 2] = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];

#[tokio::test(start_paused = true)]
async fn refused_call_is_retried_once_with_the_new_credentials() {
    for refusal in REFUSALS {
        let server = Server::new(refusal);
        let source = Source::new(&server, "one");
        let cache = source.cache();
        server.accept("two");
        source.next(Some("two"));
        assert_eq!(kind(&cache, "a").await, None, "{refusal}");
        assert_eq!(kind(&cache, "b").await, None, "{refusal}");
        assert_eq!(server.calls(), ["a by one", "a by two", "b by two"], "{refusal}");
        assert_eq!((source.looks(), cache.stats().failures), (1, 0), "{refusal}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_third_call_is_sent_if_old_and_new_credentials_are_refused() {
    let server = Server::new(StatusCode::UNAUTHORIZED);
    let source = Source::new(&server, "one");
    let cache = source.cache();
    server.accept("three");
    source.next(Some("two"));
    for scope in ["a", "b", "a"] {
        assert_eq!(kind(&cache, scope).await, Some(ErrorKind::Unauthorized));
    }
    assert_eq!(server.calls(), ["a by one", "a by two"]);
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_reread_periodically_but_resent_only_if_changed() {
    for next in [Some("wrong"), None] {
        let server = Server::new(StatusCode::UNAUTHORIZED);
        let source = Source::new(&server, "wrong");
        source.next(next);
        let cache = source.cache();
        for second in 0..100 {
            for number in 0..5 {
                assert_eq!(
                    kind(&cache, &format!("scope-{second}-{number}")).await,
                    Some(ErrorKind::Unauthorized)
                );
            }
            sleep(SECOND).await;
        }
        assert_eq!((server.calls().len(), source.looks()), (10, 10), "{next:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusal_of_the_old_credentials_does_not_block_the_new_credentials() {
    for refusal in REFUSALS {
        let server = Server::new(refusal);
        let source = Source::new(&server, "one");
        let cache = source.cache();
        server.accept("two");
        assert_eq!(kind(&cache, "a").await, Some(ErrorKind::Unauthorized));
        assert_eq!(kind(&cache, "a").await, Some(ErrorKind::Unauthorized));
        assert_eq!(server.calls(), ["a by one"], "the cached refusal must be returned");
        *source.0.secret.lock().unwrap() = "two";
        assert_eq!(kind(&cache, "a").await, None, "{refusal}");
        assert_eq!(server.calls(), ["a by two"], "{refusal}");
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_token_is_resent_only_if_the_credentials_were_refused() {
    for (refusal, calls) in [
        (StatusCode::UNAUTHORIZED, &["refresh-1 by one", "refresh-1 by two"][..]),
        (StatusCode::FORBIDDEN, &["refresh-1 by one", "a by one", "a by two"]),
    ] {
        for store in [false, true] {
            let server = Server::new(refusal);
            let source = Source::new(&server, "one");
            let mut options = options(&TestClock::new());
            if store {
                options = options.with_store(Arc::new(MemoryStore::default()));
            }
            let cache = TokenCache::new(source.clone(), options);
            assert_eq!(kind(&cache, "a").await, None);
            server.calls();
            server.accept("two");
            source.next(Some("two"));
            sleep(MINUTE * 59).await;
            assert_eq!(kind(&cache, "a").await, None);
            sleep(SECOND).await;
            assert_eq!(server.calls(), calls, "{refusal}, store: {store}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn retry_with_new_credentials_respects_the_rate_limit() {
    let server = Server::new(StatusCode::UNAUTHORIZED);
    let source = Source::new(&server, "one");
    let cache = TokenCache::new(
        source.clone(),
        options(&TestClock::new()).with_rate_limit(1, Duration::from_secs(10)),
    );
    server.accept("two");
    source.next(Some("two"));
    assert_eq!(kind(&cache, "a").await, None);
    let times = server.times();
    assert!(times.len() == 2 && times[1] - times[0] >= Duration::from_secs(10), "{times:?}");
}

fn process(redis: &RedisServer, source: &Source, calls: usize) -> TokenCache {
    let store = RedisStore::builder([SealingKey::new(&[7; 32]).unwrap()]).with_namespace("credentials");
    // The timeout is long, so that a slow machine does not look like a failure of Redis.
    let store = Arc::new(store.with_timeout(MINUTE / 4).open(&redis.url()).unwrap());
    let tokens = TokenOptions::default().with_jitter(0.0).with_store(store).with_store_timeout(MINUTE / 2);
    TokenCache::new(source.clone(), tokens.with_lease(MINUTE).with_rate_limit(calls, MINUTE * 10))
}

#[tokio::test]
async fn wrong_secret_blocks_only_processes_with_the_same_secret() {
    let Some(redis) = RedisServer::start() else { return };
    let server = Server::new(StatusCode::UNAUTHORIZED);
    let [wrong, same, right] = ["wrong", "wrong", "one"].map(|secret| Source::new(&server, secret));
    let [one, two, three] = [&wrong, &same, &right].map(|source| process(&redis, source, 1_000));
    assert_eq!(kind(&one, "a").await, Some(ErrorKind::Unauthorized));
    assert_eq!(kind(&two, "b").await, Some(ErrorKind::Unauthorized));
    assert_eq!(server.calls(), ["a by wrong"], "a process with the same secret must be blocked");
    assert_eq!(kind(&three, "c").await, None);
    assert_eq!(server.calls(), ["c by one"], "a process with another secret must not be blocked");
}

#[tokio::test]
async fn blocked_process_rereads_its_credentials_before_it_sends_a_request() {
    let Some(redis) = RedisServer::start() else { return };
    let server = Server::new(StatusCode::UNAUTHORIZED);
    server.accept("two");
    let [behind, rotated] = ["one", "one"].map(|secret| Source::new(&server, secret));
    rotated.next(Some("two"));
    let [one, two] = [&behind, &rotated].map(|source| process(&redis, source, 1_000));
    assert_eq!(kind(&one, "a").await, Some(ErrorKind::Unauthorized));
    assert_eq!(kind(&two, "b").await, None);
    assert_eq!(server.calls(), ["a by one", "b by two"], "the process must not send its old credentials");
}

#[tokio::test]
async fn shared_tokens_and_fleet_rate_limit_survive_a_credential_rotation() {
    let Some(redis) = RedisServer::start() else { return };
    let server = Server::new(StatusCode::UNAUTHORIZED);
    let sources: Vec<_> = (0..4).map(|_| Source::new(&server, "one")).collect();
    let fleet: Vec<_> = sources.iter().map(|source| process(&redis, source, 4)).collect();
    assert_eq!(kind(&fleet[0], "a").await, None);
    server.accept("two");
    for source in &sources {
        source.next(Some("two"));
    }
    let late = process(&redis, &Source::new(&server, "two"), 4);
    for cache in fleet.iter().chain([&late]) {
        assert_eq!(kind(cache, "a").await, None, "the token in the store must be used");
    }
    assert_eq!(server.calls(), ["a by one"]);
    assert_eq!(kind(&fleet[1], "b").await, None);
    assert_eq!(server.calls(), ["b by one", "b by two"]);
    assert_eq!(kind(&late, "c").await, None);
    let limited = fleet[1].token_within(&scopes(&["d"]), SECOND).await.unwrap_err();
    assert_eq!(limited.kind(), ErrorKind::RateLimited, "four calls must have used up the limit");
    assert_eq!(server.calls(), ["c by two"]);
}
