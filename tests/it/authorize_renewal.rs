//! Tests the renewal after a 401 for every way to send a request.

use std::{
    collections::HashSet,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, response::IntoResponse};
use bytes::Bytes;
use fintech_auth::{
    HttpOptions, Token,
    authorize::{AuthorizeLayer, AuthorizeMiddleware, Authorizer},
    blocking,
    emulator::{Emulator, Operation},
    token::{MemoryStore, Rejection, StoreKey, TokenCache, TokenEvent, TokenSource, TokenStore as _},
};
use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use http_body_util::Full;
use hyper_util::{client::legacy, rt::TokioExecutor};
use tokio::{
    net::TcpListener,
    runtime::Handle,
    task::JoinSet,
    time::{advance, sleep, timeout},
};
use tower_layer::Layer as _;
use tower_service::Service as _;

use crate::{
    scripted::{Reply, Scripted, TestClock, TokenCall, cache, fail, options, refreshing},
    support::{json, plain, scopes},
    switched_store::{State as SwitchedState, Switched},
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Vendor {
    MoneyKit,
    Moov,
}

const VENDORS: [Vendor; 2] = [Vendor::MoneyKit, Vendor::Moov];

#[derive(Clone, Copy, Debug)]
enum Via {
    Send,
    Middleware,
    Tower,
    Run,
    Blocking,
}

const WAYS: [Via; 5] = [Via::Send, Via::Middleware, Via::Tower, Via::Run, Via::Blocking];

#[derive(Clone)]
struct Api(Arc<ApiState>);

struct ApiState {
    vendor: Vendor,
    url: String,
    rejects: Mutex<Rejects>,
    seen: Mutex<Vec<String>>,
}

enum Rejects {
    These(HashSet<String>),
    All,
    Forbidden,
}

impl Api {
    async fn start(vendor: Vendor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let rejects = Mutex::new(Rejects::These(HashSet::new()));
        let api = Self(Arc::new(ApiState { vendor, url, rejects, seen: Mutex::default() }));
        let router = Router::new().fallback(respond).with_state(api.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        api
    }

    fn reject(&self, rejects: Rejects) {
        *self.0.rejects.lock().unwrap() = rejects;
    }

    fn reject_token(&self, token: &str) {
        self.reject(Rejects::These(HashSet::from([format!("Bearer {token}")])));
    }

    fn take_seen(&self) -> usize {
        std::mem::take(&mut *self.0.seen.lock().unwrap()).len()
    }
}

async fn respond(State(api): State<Api>, headers: HeaderMap) -> axum::response::Response {
    let token = headers.get(AUTHORIZATION).map_or("", |value| value.to_str().expect("text")).to_owned();
    let rejected = match &*api.0.rejects.lock().unwrap() {
        Rejects::These(tokens) => tokens.contains(&token),
        Rejects::All => true,
        Rejects::Forbidden => return StatusCode::FORBIDDEN.into_response(),
    };
    api.0.seen.lock().unwrap().push(token);
    match (rejected, api.0.vendor) {
        (false, _) => "ok".into_response(),
        (true, Vendor::MoneyKit) => {
            let body = r#"{"error_code":"api_error.auth.expired_access_token","error_message":"expired"}"#;
            (StatusCode::UNAUTHORIZED, [("content-type", "application/json")], body).into_response()
        }
        (true, Vendor::Moov) => {
            let mut response = StatusCode::UNAUTHORIZED.into_response();
            let id = "0e0a5a2c-8a7b-4c59-9a56-0a5d1a1f7f3e".parse().expect("a value");
            response.headers_mut().insert("x-request-id", id);
            response
        }
    }
}

type Sent = Pin<Box<dyn Future<Output = StatusCode> + Send>>;

struct Setup {
    emulator: Emulator,
    api: Api,
    send: Box<dyn Fn() -> Sent>,
    cached: Box<dyn Fn() -> Option<String>>,
    vendor: Vendor,
}

impl Setup {
    async fn new(vendor: Vendor, via: Via) -> Self {
        let emulator = crate::support::emulator().await;
        let api = Api::start(vendor).await;
        let url = api.0.url.clone();
        let asked = scopes(&["/accounts.read"]);
        macro_rules! setup {
            ($vendor:ident) => {{
                let builder = || emulator.$vendor().with_tokens(plain).with_scopes(asked.clone());
                let client = builder().build().expect("the client builds");
                let tokens = client.tokens().clone();
                match via {
                    Via::Blocking => {
                        let client = blocking::$vendor::Client::new(builder()).expect("the client builds");
                        let (cached, scope_set) = (client.clone(), asked.clone());
                        let send = move || -> Sent {
                            let (client, url, asked) = (client.clone(), url.clone(), asked.clone());
                            Box::pin(async move {
                                let run = move || {
                                    let request = |token| Handle::current().block_on(get(url.clone(), token));
                                    let classify = |response: &Response| {
                                        client.classify(response.0, &response.1, Some(&response.2))
                                    };
                                    client.run(&asked, request, classify).expect("a token").0
                                };
                                tokio::task::spawn_blocking(run).await.expect("no panic")
                            })
                        };
                        let cached = move || {
                            cached.token(&scope_set).ok().map(|token| token.expose_secret().to_owned())
                        };
                        (Box::new(send) as Box<dyn Fn() -> Sent>, Box::new(cached) as Box<dyn Fn() -> _>)
                    }
                    _ => {
                        let bearer =
                            client.bearer(client.scopes()).unwrap().with_origins([&url]).expect("an origin");
                        let cached = tokens.handle(&asked).expect("a handle");
                        let send = move || -> Sent {
                            Box::pin(send(via, tokens.clone(), bearer.clone(), url.clone()))
                        };
                        let cached = move || cached.cached().map(|token| token.expose_secret().to_owned());
                        (Box::new(send) as Box<dyn Fn() -> Sent>, Box::new(cached) as Box<dyn Fn() -> _>)
                    }
                }
            }};
        }
        let (send, cached) = match vendor {
            Vendor::MoneyKit => setup!(moneykit),
            Vendor::Moov => setup!(moov),
        };
        Self { emulator, api, send, cached, vendor }
    }

    fn token_calls(&self) -> usize {
        self.emulator.count(self.operation())
    }

    fn operation(&self) -> Operation {
        match self.vendor {
            Vendor::MoneyKit => Operation::MoneykitToken,
            Vendor::Moov => Operation::MoovToken,
        }
    }

    async fn warm_up(&self) -> String {
        assert_eq!((self.send)().await, StatusCode::OK);
        assert_eq!((self.token_calls(), self.api.take_seen()), (1, 1));
        (self.cached)().expect("a token")
    }

    async fn send_many(&self, count: usize) -> Vec<StatusCode> {
        let mut requests = JoinSet::new();
        (0..count).for_each(|_| drop(requests.spawn((self.send)())));
        requests.join_all().await
    }
}

fn http() -> reqwest::Client {
    HttpOptions::default().to_reqwest("http://127.0.0.1").expect("the client builds")
}

type Response = (StatusCode, HeaderMap, Bytes);

async fn get(url: String, token: Token) -> Response {
    let request = http().get(url).header(AUTHORIZATION, token.authorization());
    let response = request.send().await.expect("a response");
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.bytes().await.expect("a body"))
}

async fn send(via: Via, tokens: TokenCache, bearer: Authorizer, url: String) -> StatusCode {
    let http = http();
    match via {
        Via::Send => {
            let request = http.get(url).build().expect("a request");
            bearer.send(&http, request).await.expect("a response").status()
        }
        Via::Middleware => {
            let middleware = AuthorizeMiddleware::new(bearer);
            let http = reqwest_middleware::ClientBuilder::new(http).with(middleware).build();
            http.get(url).send().await.expect("a response").status()
        }
        Via::Tower => {
            let hyper = legacy::Client::builder(TokioExecutor::new()).build_http();
            let mut service = AuthorizeLayer::new(bearer).layer(hyper);
            let request = http::Request::get(url).body(Full::<Bytes>::default()).expect("a request");
            service.call(request).await.expect("a response").status()
        }
        Via::Run | Via::Blocking => {
            let classify = |response: &Response| bearer.classify(response.0, &response.1, Some(&response.2));
            let request = |token| get(url.clone(), token);
            tokens.run(&scopes(&["/accounts.read"]), request, classify).await.expect("a token").0
        }
    }
}

async fn for_each_way(test: impl AsyncFn(Setup, String)) {
    for vendor in VENDORS {
        for via in WAYS {
            test(Setup::new(vendor, via).await, format!("{vendor:?} {via:?}")).await;
        }
    }
}

#[tokio::test]
async fn expired_token_causes_one_token_call_and_one_retry() {
    for_each_way(async |setup, way| {
        let old = setup.warm_up().await;
        setup.api.reject_token(&old);
        assert_eq!((setup.send)().await, StatusCode::OK, "{way}");
        assert_eq!((setup.token_calls(), setup.api.take_seen()), (2, 2), "{way}");
        let new = (setup.cached)();
        assert!(new.is_some_and(|new| new != old), "{way}");
        assert_eq!((setup.send)().await, StatusCode::OK, "{way}");
        assert_eq!((setup.token_calls(), setup.api.take_seen()), (2, 1), "{way}");
    })
    .await;
}

#[tokio::test]
async fn permanent_401_causes_one_token_call_and_one_retry() {
    for_each_way(async |setup, way| {
        let old = setup.warm_up().await;
        setup.api.reject(Rejects::All);
        assert_eq!((setup.send)().await, StatusCode::UNAUTHORIZED, "{way}");
        assert_eq!((setup.token_calls(), setup.api.take_seen()), (2, 2), "{way}");
        for _ in 0..5 {
            assert_eq!((setup.send)().await, StatusCode::UNAUTHORIZED, "{way}");
        }
        assert_eq!((setup.token_calls(), setup.api.take_seen()), (2, 5), "{way}");
        // MoneyKit's 401 says that the token has expired, so the cache removes the token. Moov's
        // 401 gives no reason, so the cache keeps the token.
        let is_kept = (setup.cached)() == Some(old);
        assert_eq!(is_kept, setup.vendor == Vendor::Moov, "{way}");
    })
    .await;
}

#[tokio::test]
async fn many_requests_with_an_expired_token_share_one_token_call() {
    for_each_way(async |setup, way| {
        let old = setup.warm_up().await;
        setup.api.reject_token(&old);
        let all = setup.send_many(20).await;
        assert!(all.iter().all(|status| *status == StatusCode::OK), "{way} {all:?}");
        assert_eq!(setup.token_calls(), 2, "{way}");
        assert!((21..=40).contains(&setup.api.take_seen()), "{way}");
    })
    .await;
}

#[tokio::test]
async fn many_requests_with_a_permanent_401_share_one_token_call() {
    for_each_way(async |setup, way| {
        setup.warm_up().await;
        setup.api.reject(Rejects::All);
        let all = setup.send_many(20).await;
        assert!(all.iter().all(|status| *status == StatusCode::UNAUTHORIZED), "{way} {all:?}");
        assert_eq!(setup.token_calls(), 2, "{way}");
        assert!((21..=40).contains(&setup.api.take_seen()), "{way}");
    })
    .await;
}

#[tokio::test]
async fn execute_returns_the_401_when_renewal_fails() {
    for_each_way(async |setup, way| {
        let old = setup.warm_up().await;
        setup.api.reject(Rejects::All);
        setup.emulator.fault_times(setup.operation(), json(503, ""), 100);
        for requests in 1..4 {
            assert_eq!((setup.send)().await, StatusCode::UNAUTHORIZED, "{way}");
            assert_eq!(setup.token_calls(), 2, "{way}");
            if setup.vendor == Vendor::Moov {
                assert_eq!((setup.cached)().as_ref(), Some(&old), "{way}");
                assert_eq!(setup.api.take_seen(), 1, "{way} {requests}");
            } else {
                // The 401 removed MoneyKit's token from the cache, so no further request can be
                // sent.
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn token_is_not_renewed_on_a_403() {
    for_each_way(async |setup, way| {
        let old = setup.warm_up().await;
        setup.api.reject(Rejects::Forbidden);
        assert_eq!((setup.send)().await, StatusCode::FORBIDDEN, "{way}");
        assert_eq!(setup.token_calls(), 1, "{way}");
        assert_eq!((setup.cached)(), Some(old), "{way}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn custom_classifier_replaces_the_default_rule_only_for_a_401() {
    let (cache, _) = cache([]);
    let tokens = cache.handle(&scopes(&["a"])).unwrap();
    let by_challenge = Authorizer::new(tokens, ["https://api.example"]).unwrap();
    let by_status = by_challenge.clone().with_classifier(|_, body| match body {
        Some(b"expired") => Rejection::InvalidToken,
        _ => Rejection::Unexplained,
    });
    let (bare, unauthorized) = (HeaderMap::new(), StatusCode::UNAUTHORIZED);
    assert_eq!(by_challenge.classify(unauthorized, &bare, Some(b"expired")), Rejection::Other);
    assert_eq!(by_status.classify(unauthorized, &bare, Some(b"expired")), Rejection::InvalidToken);
    assert_eq!(by_status.classify(unauthorized, &bare, None), Rejection::Unexplained);
    assert_eq!(by_status.classify(StatusCode::FORBIDDEN, &bare, Some(b"expired")), Rejection::None);
}

async fn run(cache: &TokenCache, accepted: &[&str], rejection: Rejection) -> Vec<String> {
    let mut used = Vec::new();
    let request = |token: Token| {
        used.push(token.expose_secret().to_owned());
        let accepted = accepted.contains(&token.expose_secret());
        async move { if accepted { Rejection::None } else { rejection } }
    };
    cache.run(&scopes(&["a"]), request, |rejection| *rejection).await.unwrap();
    used
}

fn cached(cache: &TokenCache) -> Option<String> {
    cache.cached(&scopes(&["a"])).map(|token| token.expose_secret().to_owned())
}

const REJECTIONS: [Rejection; 2] = [Rejection::Unexplained, Rejection::InvalidToken];

#[tokio::test(start_paused = true)]
async fn next_renewal_is_delayed_by_30_s_to_10_min_if_renewals_do_not_help() {
    for rejection in REJECTIONS {
        let (cache, source) = cache([]);
        assert_eq!(run(&cache, &[], rejection).await.len(), 2);
        for (number, seconds) in [30, 60, 120, 240, 480, 600, 600].into_iter().enumerate() {
            advance(Duration::from_secs(seconds) - Duration::from_millis(200)).await;
            assert_eq!(run(&cache, &[], rejection).await.len(), 1, "{rejection:?} {seconds}");
            advance(Duration::from_millis(200)).await;
            assert_eq!(run(&cache, &[], rejection).await.len(), 2, "{rejection:?} {seconds}");
            assert_eq!(source.count(), 3 + number, "{rejection:?} {seconds}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn successful_renewal_resets_the_delay_of_the_next_renewal() {
    for rejection in REJECTIONS {
        let (cache, source) = cache([]);
        run(&cache, &[], rejection).await;
        advance(Duration::from_secs(31)).await;
        run(&cache, &[], rejection).await;
        advance(Duration::from_secs(61)).await;
        let used = run(&cache, &["token-4"], rejection).await;
        assert_eq!(used.last().map(String::as_str), Some("token-4"), "{rejection:?}");
        assert_eq!(cached(&cache).as_deref(), Some("token-4"));
        advance(Duration::from_secs(31)).await;
        assert_eq!(run(&cache, &[], rejection).await.len(), 2, "{rejection:?}");
        advance(Duration::from_secs(31)).await;
        assert_eq!(run(&cache, &[], rejection).await.len(), 2, "{rejection:?}");
        assert_eq!(source.count(), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn server_that_accepts_each_token_once_causes_one_token_call_per_30_s() {
    for rejection in REJECTIONS {
        let (cache, source) = cache([]);
        for _ in 0..100 {
            let mut first = true;
            let request = |_| {
                let response = if std::mem::take(&mut first) { rejection } else { Rejection::None };
                async move { response }
            };
            cache.run(&scopes(&["a"]), request, |rejection| *rejection).await.unwrap();
            advance(Duration::from_secs(1)).await;
        }
        assert!(source.count() <= 1 + 100 / 30 + 1, "{rejection:?} {}", source.count());
    }
}

#[tokio::test(start_paused = true)]
async fn unrelated_401_causes_no_token_call() {
    let (cache, source) = cache([]);
    assert_eq!(run(&cache, &[], Rejection::Other).await, ["token-1"]);
    assert_eq!((source.count(), cached(&cache).as_deref()), (1, Some("token-1")));
}

#[tokio::test(start_paused = true)]
async fn other_requests_use_the_old_token_while_one_request_tries_a_new_token() {
    let (cache, source) = cache([]);
    run(&cache, &["token-1"], Rejection::Unexplained).await;
    let request = |token: Token| {
        let (cache, rejected) = (cache.clone(), token.expose_secret() == "token-1");
        async move {
            assert_eq!(cached(&cache).as_deref(), Some("token-1"));
            if rejected { Rejection::Unexplained } else { Rejection::None }
        }
    };
    cache.run(&scopes(&["a"]), request, |rejection| *rejection).await.unwrap();
    assert_eq!((source.count(), cached(&cache).as_deref()), (2, Some("token-2")));
}

#[tokio::test(start_paused = true)]
async fn new_token_of_a_cancelled_request_is_tried_by_the_next_request() {
    let (cache, source) = cache([]);
    run(&cache, &["token-1"], Rejection::Unexplained).await;
    let request = async |token: Token| match token.expose_secret() {
        "token-1" => Rejection::Unexplained,
        _ => std::future::pending().await,
    };
    let asked = scopes(&["a"]);
    let hangs = cache.run(&asked, request, |rejection: &Rejection| *rejection);
    assert!(tokio::time::timeout(Duration::from_secs(5), hangs).await.is_err());
    assert_eq!(cached(&cache).as_deref(), Some("token-1"));
    assert_eq!(run(&cache, &["token-2"], Rejection::Unexplained).await, ["token-1", "token-2"]);
    assert_eq!((source.count(), cached(&cache).as_deref()), (2, Some("token-2")));
}

#[tokio::test(start_paused = true)]
async fn new_token_is_cached_if_at_least_one_retry_with_it_is_accepted() {
    for rejected_takes in [10, 100] {
        let (cache, source) = cache([]);
        run(&cache, &["token-1"], Rejection::Unexplained).await;
        let request = async |takes: u64, accepts: bool| {
            let request = |token: Token| async move {
                tokio::time::sleep(Duration::from_millis(takes)).await;
                let accepted = accepts && token.expose_secret() != "token-1";
                if accepted { Rejection::None } else { Rejection::Unexplained }
            };
            cache.run(&scopes(&["a"]), request, |rejection| *rejection).await.unwrap()
        };
        tokio::join!(request(50, true), request(rejected_takes, false));
        assert_eq!(cached(&cache).as_deref(), Some("token-2"), "{rejected_takes}");
        assert_eq!(source.count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn request_that_gets_its_401_late_is_retried_with_the_current_token() {
    let (cache, source) = cache([]);
    let late = async |_: ()| {
        let request = |token: Token| async move {
            if token.expose_secret() == "token-1" {
                tokio::time::sleep(Duration::from_secs(60)).await;
                return Rejection::Unexplained;
            }
            Rejection::None
        };
        cache.run(&scopes(&["a"]), request, |rejection| *rejection).await.unwrap()
    };
    let others = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        run(&cache, &["token-2"], Rejection::Unexplained).await
    };
    let (late, others) = tokio::join!(late(()), others);
    assert_eq!((late, others.len()), (Rejection::None, 2));
    assert_eq!(source.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn renewal_after_an_unexplained_401_does_not_use_the_refresh_token() {
    let (cache, source) = refreshing([Reply::Token(900)]);
    assert_eq!(run(&cache, &[], Rejection::Unexplained).await, ["token-1", "token-2"]);
    advance(Duration::from_secs(900)).await;
    cache.token(&scopes(&["a"])).await.unwrap();
    let issue = || TokenCall::Issue("a".into());
    assert_eq!(source.token_calls(), [issue(), issue(), TokenCall::Refresh("refresh-1".into())]);
}

#[tokio::test(start_paused = true)]
async fn later_refresh_uses_the_refresh_token_of_the_accepted_token() {
    let (cache, source) = refreshing([Reply::Token(900), Reply::Token(900)]);
    run(&cache, &["token-2"], Rejection::Unexplained).await;
    advance(Duration::from_secs(900)).await;
    cache.token(&scopes(&["a"])).await.unwrap();
    assert_eq!(source.token_calls().last(), Some(&TokenCall::Refresh("refresh-2".into())));
}

#[tokio::test(start_paused = true)]
async fn old_token_stays_in_the_cache_if_the_token_call_fails() {
    let (cache, source) = cache([Reply::Token(3600), fail(fintech_auth::ErrorKind::InvalidRequest)]);
    assert_eq!(run(&cache, &[], Rejection::Unexplained).await, ["token-1"]);
    assert_eq!(run(&cache, &[], Rejection::Unexplained).await, ["token-1"]);
    assert_eq!((source.count(), cached(&cache).as_deref()), (2, Some("token-1")));
}

#[tokio::test(start_paused = true)]
async fn new_token_is_stored_only_after_the_server_accepts_it() {
    let (store, clock) = (Arc::new(MemoryStore::default()), TestClock::new());
    let source = Scripted::new(Duration::from_millis(100), false, []);
    let tokens = options(&clock).with_store(store.clone());
    let cache = TokenCache::new(source.clone(), tokens.clone());
    let key = StoreKey::new(source.fingerprint(), "a");
    let stored = async || {
        let stored = store.get(&key).await.unwrap();
        stored.map(|token| token.access_token.expose_secret().to_owned())
    };
    run(&cache, &[], Rejection::Unexplained).await;
    assert_eq!((stored().await.as_deref(), source.count()), (Some("token-1"), 2));

    advance(Duration::from_secs(31)).await;
    run(&cache, &["token-3"], Rejection::Unexplained).await;
    assert_eq!((stored().await.as_deref(), source.count()), (Some("token-3"), 3));

    let other = TokenCache::new(source.clone(), tokens);
    assert_eq!(run(&other, &["token-3"], Rejection::Unexplained).await, ["token-3"]);
    assert_eq!(source.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn retry_uses_a_newer_token_from_the_store() {
    let (store, clock) = (Arc::new(Switched::default()), TestClock::new());
    let source = Scripted::new(Duration::from_millis(100), false, []);
    let process = || TokenCache::new(source.clone(), options(&clock).with_store(store.clone()));
    let (one, two) = (process(), process());
    for process in [&one, &two] {
        run(process, &["token-1"], Rejection::Unexplained).await;
    }
    run(&one, &["token-2"], Rejection::Unexplained).await;
    assert_eq!(run(&two, &["token-2"], Rejection::Unexplained).await, ["token-1", "token-2"]);
    assert_eq!(two.token(&scopes(&["a"])).await.unwrap().expose_secret(), "token-2");
    assert_eq!(source.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn accepted_new_token_is_stored_even_if_its_caller_is_dropped() {
    let (store, clock) = (Arc::new(Switched::default()), TestClock::new());
    let source = Scripted::new(Duration::from_millis(100), false, []);
    let cache = TokenCache::new(source.clone(), options(&clock).with_store(store.clone()));
    let key = StoreKey::new(source.fingerprint(), "a");
    let leaves = {
        let request = async |token: Token| {
            let accepted = token.expose_secret() == "token-2";
            if accepted {
                store.set(SwitchedState::Slow(Duration::from_millis(300)));
            }
            if accepted { Rejection::None } else { Rejection::Unexplained }
        };
        let scopes = scopes(&["a"]);
        let run = cache.run(&scopes, request, |rejection| *rejection);
        timeout(Duration::from_millis(1_000), run).await
    };
    assert!(leaves.is_err(), "the caller must be waiting for the store");
    sleep(Duration::from_secs(2)).await;
    store.set(SwitchedState::Up);
    let stored = store.get(&key).await.unwrap().map(|token| token.access_token.expose_secret().to_owned());
    assert_eq!(stored.as_deref(), Some("token-2"));
    assert!(store.lease(&key, Duration::from_secs(1)).await.unwrap().is_some(), "no lease is left behind");
}

#[tokio::test(start_paused = true)]
async fn panicking_store_is_reported_and_the_old_token_stays_cached() {
    let (store, clock) = (Arc::new(Switched::default()), TestClock::new());
    let source = Scripted::new(Duration::from_millis(100), false, []);
    let failures = Arc::new(Mutex::new(0));
    let observer = {
        let failures = failures.clone();
        move |event: &TokenEvent<'_>| {
            *failures.lock().unwrap() += usize::from(matches!(event, TokenEvent::Failed { .. }));
        }
    };
    let tokens = options(&clock).with_store(store.clone()).with_observer(observer);
    let cache = TokenCache::new(source.clone(), tokens);
    cache.token(&scopes(&["a"])).await.unwrap();
    store.set(SwitchedState::Panicking);
    assert_eq!(run(&cache, &[], Rejection::Unexplained).await, ["token-1"]);
    assert_eq!((*failures.lock().unwrap(), cached(&cache).as_deref()), (1, Some("token-1")));
}
