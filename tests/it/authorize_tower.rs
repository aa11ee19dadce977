//! Tests custom requests with tokens through a tower service that uses hyper's client.

use std::{
    future::{Ready, ready},
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use fintech_auth::{
    ErrorKind,
    authorize::{AuthorizeError, AuthorizeLayer, Authorizer, CloneBody, NoRetry, RepeatBody},
    emulator::{Emulator, Operation},
    moneykit,
};
use http::{Request, StatusCode, header::AUTHORIZATION};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{task::JoinSet, time::Instant};
use tower_layer::Layer as _;
use tower_service::Service as _;

use crate::support::{emulator, json, moneykit, scopes};

const EXPIRED: &str = r#"{"error_code":"api_error.auth.expired_access_token"}"#;

type Body = Full<Bytes>;

fn hyper() -> Client<HttpConnector, Body> {
    Client::builder(TokioExecutor::new()).build_http()
}

fn request(emulator: &Emulator) -> Request<Body> {
    let url = format!("{}{}", emulator.url(), Operation::MoneykitIntrospect.path());
    Request::get(url).body(Body::default()).expect("a request")
}

fn sent(emulator: &Emulator) -> (usize, usize) {
    (emulator.count(Operation::MoneykitToken), emulator.count(Operation::MoneykitIntrospect))
}

#[tokio::test]
async fn thousand_requests_with_an_expired_token_share_one_token_call() {
    let emulator = emulator().await;
    let client = moneykit(&emulator);
    let service = AuthorizeLayer::new(client.bearer(client.scopes()).unwrap()).layer(hyper());
    client.default_token().await.expect("a token");
    emulator.clock().advance(std::time::Duration::from_secs(3601));
    let mut requests = JoinSet::new();
    for number in 0..1000 {
        let (mut service, mut request) = (service.clone(), request(&emulator));
        request.headers_mut().insert("x-request", number.into());
        requests.spawn(async move { service.call(request).await.expect("a response").status() });
    }
    while let Some(status) = requests.join_next().await {
        assert_eq!(status.expect("no panic"), StatusCode::OK);
    }
    assert_eq!(sent(&emulator).0, 2, "there must be two token calls: the first and one after the expiry");
    let mut attempts = [0; 1000];
    for request in emulator.requests() {
        if let Some(number) = request.headers.get("x-request") {
            attempts[number.to_str().expect("text").parse::<usize>().expect("a number")] += 1;
        }
    }
    assert!(attempts.iter().all(|times| (1..=2).contains(times)), "{attempts:?}");
}

#[tokio::test]
async fn token_is_not_sent_to_another_origin_or_with_another_authorization() {
    let (ours, other) = (emulator().await, emulator().await);
    let mut service = AuthorizeLayer::new(moneykit(&ours).bearer(&[]).unwrap()).layer(hyper());
    let mut own = request(&ours);
    own.headers_mut().insert(AUTHORIZATION, "Bearer of-my-own".parse().expect("a value"));
    for request in [request(&other), own] {
        let response = service.call(request).await.expect("a response");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!((sent(&ours), sent(&other)), ((0, 1), (0, 1)));
    assert!(!other.requests()[0].headers.contains_key(AUTHORIZATION));
    assert_eq!(ours.requests()[0].headers[AUTHORIZATION], "Bearer of-my-own");
}

#[tokio::test]
async fn key_pair_is_sent_only_to_its_origin_and_not_retried_on_a_401() {
    let (ours, other) = (emulator().await, emulator().await);
    let pair = moneykit(&ours).key_pair().expect("a key pair");
    let mut service = AuthorizeLayer::new(pair).layer(hyper());
    ours.fault(Operation::MoneykitIntrospect, json(401, EXPIRED));
    for (request, status) in [
        (request(&ours), StatusCode::UNAUTHORIZED),
        (request(&ours), StatusCode::OK),
        (request(&other), StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(service.call(request).await.expect("a response").status(), status);
    }
    assert_eq!((sent(&ours), sent(&other)), ((0, 2), (0, 1)));
    assert!(ours.requests().iter().all(|request| request.headers.contains_key("x-client-secret")));
    assert!(!other.requests()[0].headers.contains_key("x-client-secret"));
}

#[tokio::test]
async fn request_is_retried_once_if_only_the_body_reports_the_expiry() {
    let emulator = emulator().await;
    let mut service = AuthorizeLayer::new(moneykit(&emulator).bearer(&[]).unwrap()).layer(hyper());
    emulator.fault_times(Operation::MoneykitIntrospect, json(401, EXPIRED), 2);
    let response = service.call(request(&emulator)).await.expect("a response");
    assert_eq!((response.status(), sent(&emulator)), (StatusCode::UNAUTHORIZED, (2, 2)));
    assert_eq!(response.into_body().collect().await.expect("the body").to_bytes(), EXPIRED);
}

#[tokio::test]
async fn unrelated_401_is_returned_unchanged_and_not_retried() {
    let emulator = emulator().await;
    let mut service = AuthorizeLayer::new(moneykit(&emulator).bearer(&[]).unwrap()).layer(hyper());
    for size in [0, 1, 70_000, 200_000] {
        let body = "x".repeat(size);
        emulator.fault(Operation::MoneykitIntrospect, json(401, body.clone()));
        let before = sent(&emulator).1;
        let response = service.call(request(&emulator)).await.expect("a response");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(sent(&emulator), (1, before + 1));
        assert_eq!(http_body::Body::size_hint(response.body()).exact(), Some(size as u64));
        assert_eq!(response.into_body().collect().await.expect("the body").to_bytes(), body);
    }
}

struct IfShort;

impl RepeatBody<Body> for IfShort {
    fn repeat(body: &Body) -> Option<Body> {
        (http_body::Body::size_hint(body).upper()? < 10).then(|| body.clone())
    }
}

#[tokio::test]
async fn repeat_option_of_the_layer_decides_whether_a_request_is_retried() {
    async fn status<R: RepeatBody<Body> + 'static>(body: &str) -> (StatusCode, (usize, usize), u64) {
        let emulator = emulator().await;
        let client = moneykit(&emulator);
        let mut service =
            AuthorizeLayer::new(client.bearer(client.scopes()).unwrap()).with_repeat::<R>().layer(hyper());
        emulator.fault(Operation::MoneykitIntrospect, json(401, EXPIRED));
        let request = request(&emulator).map(|_| Body::from(body.to_owned()));
        let response = service.call(request).await.expect("a response");
        (response.status(), sent(&emulator), client.stats().invalidations)
    }
    let repeated = (StatusCode::OK, (2, 2), 1);
    let not_repeated = (StatusCode::UNAUTHORIZED, (1, 1), 1);
    assert_eq!(status::<CloneBody>("a body").await, repeated);
    assert_eq!(status::<NoRetry>("a body").await, not_repeated);
    assert_eq!(status::<IfShort>("short").await, repeated);
    assert_eq!(status::<IfShort>("not so short").await, not_repeated);
}

#[tokio::test]
async fn errors_distinguish_a_missing_token_from_a_failing_service() {
    let emulator = emulator().await;
    let credentials = fintech_auth::Credentials::new("wrong", "marked-secret");
    let client = moneykit::Client::builder(credentials).with_base_url(emulator.url()).build();
    let bearer = client.expect("the client builds").bearer(&[]).unwrap();
    let error = AuthorizeLayer::new(bearer).layer(hyper()).call(request(&emulator)).await.unwrap_err();
    let AuthorizeError::Token(cause) = &error else { panic!("{error}") };
    assert_eq!(cause.kind(), ErrorKind::Unauthorized);
    assert!(!format!("{error} {error:?}").contains("marked-secret"));
    assert_eq!(sent(&emulator).1, 0);

    let mut service = AuthorizeLayer::new(moneykit(&emulator).bearer(&[]).unwrap()).layer(FailingService);
    let error = service.call(request(&emulator)).await.unwrap_err();
    assert!(matches!(error, AuthorizeError::Service(_)), "{error}");
}

#[derive(Clone)]
struct FailingService;

impl tower_service::Service<Request<Body>> for FailingService {
    type Response = http::Response<Body>;
    type Error = io::Error;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Err(io::ErrorKind::ConnectionReset.into()))
    }
}

#[derive(Clone)]
struct TruncatingService;

struct TruncatedBody(Option<&'static str>);

impl http_body::Body for TruncatedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<http_body::Frame<Bytes>>>> {
        let frame = self.0.take().map(|text| http_body::Frame::data(Bytes::from(text)));
        Poll::Ready(Some(frame.ok_or_else(|| io::ErrorKind::ConnectionReset.into())))
    }
}

impl tower_service::Service<Request<Body>> for TruncatingService {
    type Response = http::Response<TruncatedBody>;
    type Error = io::Error;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let mut response = http::Response::new(TruncatedBody(Some("half")));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        ready(Ok(response))
    }
}

#[tokio::test]
async fn caller_gets_the_error_of_a_truncated_401_body() {
    let emulator = emulator().await;
    let mut service = AuthorizeLayer::new(moneykit(&emulator).bearer(&[]).unwrap()).layer(TruncatingService);
    let mut body = service.call(request(&emulator)).await.expect("a head").into_body();
    let first = body.frame().await.expect("a frame").expect("the frame has no error");
    assert_eq!(first.into_data().expect("data"), "half");
    let error = body.frame().await.expect("a frame").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(body.frame().await.is_none());
}

#[derive(Clone, Copy, Debug)]
enum Endless {
    Silent,
    Drip,
    EmptyFrames,
}

struct EndlessBody {
    kind: Endless,
    next: Pin<Box<tokio::time::Sleep>>,
    polls: Arc<AtomicUsize>,
}

impl http_body::Body for EndlessBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<http_body::Frame<Bytes>>>> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        let data = match self.kind {
            Endless::Silent => return Poll::Pending,
            Endless::EmptyFrames => Bytes::new(),
            Endless::Drip => {
                std::task::ready!(self.next.as_mut().poll(context));
                self.next = Box::pin(tokio::time::sleep(Duration::from_secs(1)));
                Bytes::from_static(b"x")
            }
        };
        Poll::Ready(Some(Ok(http_body::Frame::data(data))))
    }
}

#[derive(Clone)]
struct EndlessService(Endless, Arc<AtomicUsize>, Option<&'static str>);

impl tower_service::Service<Request<Body>> for EndlessService {
    type Response = http::Response<EndlessBody>;
    type Error = io::Error;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let next = Box::pin(tokio::time::sleep(Duration::from_secs(1)));
        let body = EndlessBody { kind: self.0, next, polls: self.1.clone() };
        let mut response = http::Response::builder().status(StatusCode::UNAUTHORIZED);
        if let Some(challenge) = self.2 {
            response = response.header("www-authenticate", challenge);
        }
        ready(Ok(response.body(body).expect("a response")))
    }
}

#[tokio::test(start_paused = true)]
async fn inspection_of_a_401_body_is_limited_in_time_and_frames() {
    for (kind, seconds) in [(Endless::Silent, 2), (Endless::Drip, 2), (Endless::EmptyFrames, 0)] {
        for (challenge, attempts) in [(None, 1), (Some(r#"Bearer error="invalid_token""#), 2)] {
            let (cache, source) = crate::scripted::cache([]);
            let bearer =
                Authorizer::new(cache.handle(&scopes(&["a"])).expect("a handle"), ["https://api.example"])
                    .expect("an origin");
            bearer.tokens().expect("tokens").token().await.expect("a token");
            let polls = Arc::new(AtomicUsize::new(0));
            let mut service =
                AuthorizeLayer::new(bearer).layer(EndlessService(kind, polls.clone(), challenge));
            let request = Request::get("https://api.example/").body(Body::default()).expect("a request");
            let start = Instant::now();
            let response = service.call(request).await.expect("a response");
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(start.elapsed().as_secs(), seconds, "{kind:?}");
            assert_eq!(source.count(), attempts, "{kind:?} {challenge:?}");
            assert!(polls.load(Ordering::Relaxed) <= 300, "{kind:?}");
            if let Endless::Drip = kind {
                let mut body = response.into_body();
                for _ in 0..5 {
                    let frame = body.frame().await.expect("a frame").expect("the frame has no error");
                    assert_eq!(frame.into_data().expect("data"), "x");
                }
            }
        }
    }
}

/// If the port of a URI is invalid, some HTTP clients connect to port 443, so such a request must
/// not get a token.
#[tokio::test(start_paused = true)]
async fn token_is_not_sent_to_a_uri_with_a_different_origin() {
    let (cache, source) = crate::scripted::cache([]);
    let bearer = Authorizer::new(cache.handle(&scopes(&["a"])).expect("a handle"), ["https://api.moov.io"])
        .expect("an origin");
    let polls = Arc::<AtomicUsize>::default();
    let mut service = AuthorizeLayer::new(bearer).layer(EndlessService(Endless::Silent, polls, None));
    for uri in [
        "https://api.moov.io:99999/",
        "https://api.moov.io:/",
        "https://user@api.moov.io/",
        "https://api.moov.io@evil.example/",
        "/accounts",
    ] {
        if let Ok(request) = Request::get(uri).body(Body::default()) {
            service.call(request).await.expect("a response");
            assert_eq!(source.count(), 0, "{uri}");
        }
    }
}
