//! Tests the axum layer and the extractors: which webhooks reach a handler, the responses, and how
//! much of a body is read.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode, header::RETRY_AFTER},
    response::Response,
    routing::post,
};
use bytes::Bytes;
use fintech_auth::{
    axum::{MoneykitWebhook, MoovWebhook, WebhookLayer},
    emulator::{Emulator, SignedWebhook},
    moneykit, moov,
};
use http_body::{Frame, SizeHint};
use tower_service::Service as _;

use crate::support::emulator;

const LIMIT: usize = 4096;

#[derive(Clone)]
struct Verifiers {
    moneykit: moneykit::webhook::WebhookVerifier,
    moov: moov::webhook::WebhookVerifier,
}

fn verifiers(emulator: &Emulator) -> Verifiers {
    let clock = emulator.clock().clone();
    let client = emulator.moneykit().with_tokens(|tokens| tokens.with_clock(clock.clone()));
    let client = client.with_webhooks(|webhooks| webhooks.with_body_limit(LIMIT)).build();
    let moov = moov::webhook::WebhookVerifier::new([emulator.moov_webhook_secret()]).expect("a secret");
    Verifiers {
        moneykit: client.expect("the client builds").webhooks(),
        moov: moov.with_clock(clock).with_body_limit(LIMIT),
    }
}

struct ChunkedBody {
    left: VecDeque<io::Result<Frame<Bytes>>>,
    endless: Option<Bytes>,
    asked: Arc<AtomicUsize>,
    announced: Option<u64>,
}

impl ChunkedBody {
    fn of(left: impl IntoIterator<Item = io::Result<Frame<Bytes>>>) -> Self {
        Self { left: left.into_iter().collect(), endless: None, asked: Arc::default(), announced: None }
    }
}

impl http_body::Body for ChunkedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let endless = self.endless.clone().map(|bytes| Ok(Frame::data(bytes)));
        Poll::Ready(self.left.pop_front().or(endless))
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn request(headers: &HeaderMap, body: Body) -> Request {
    let mut request = Request::new(body);
    *request.headers_mut() = headers.clone();
    request
}

fn whole(webhook: &SignedWebhook) -> Request {
    request(&webhook.headers, Body::from(webhook.body.clone()))
}

struct Routes {
    moneykit: Router,
    moov: Router,
    handled: Arc<AtomicUsize>,
}

impl Routes {
    fn new(emulator: &Emulator) -> Self {
        let verifiers = verifiers(emulator);
        let handled = Arc::new(AtomicUsize::new(0));
        let count = |handled: &Arc<AtomicUsize>| {
            let handled = handled.clone();
            move || {
                handled.fetch_add(1, Ordering::Relaxed);
            }
        };
        let (one, other) = (count(&handled), count(&handled));
        let moneykit = post(|MoneykitWebhook(webhook): MoneykitWebhook, body: Bytes| async move {
            assert_eq!(webhook.body(), &body, "the handler must be able to read the body");
            one();
        });
        let moov = post(|MoovWebhook(webhook): MoovWebhook| async move {
            assert!(!webhook.nonce().is_empty());
            other();
        });
        Self {
            moneykit: Router::new().route("/", moneykit.layer(WebhookLayer::new(verifiers.moneykit))),
            moov: Router::new().route("/", moov.layer(WebhookLayer::new(verifiers.moov))),
            handled,
        }
    }

    async fn moneykit(&self, mut request: Request) -> Response {
        *request.method_mut() = http::Method::POST;
        let Ok(response) = self.moneykit.clone().call(request).await;
        response
    }

    async fn moov(&self, mut request: Request) -> Response {
        *request.method_mut() = http::Method::POST;
        let Ok(response) = self.moov.clone().call(request).await;
        response
    }

    fn handled(&self) -> usize {
        self.handled.load(Ordering::Relaxed)
    }
}

async fn both(emulator: &Emulator, body: impl Fn() -> Body) -> [u16; 2] {
    let routes = Routes::new(emulator);
    let moneykit = emulator.moneykit_webhook("{}").sign().expect("the webhook is signed");
    let moov = emulator.moov_webhook("{}").sign().expect("the webhook is signed");
    let moneykit = routes.moneykit(request(&moneykit.headers, body())).await.status();
    let moov = routes.moov(request(&moov.headers, body())).await.status();
    [moneykit.as_u16(), moov.as_u16()]
}

#[tokio::test]
async fn handler_runs_once_for_a_webhook_and_not_for_a_forged_one() {
    let emulator = emulator().await;
    let routes = Routes::new(&emulator);
    let sent = emulator.moneykit_webhook(r#"{"webhook_event":"x"}"#).sign().expect("the webhook is signed");
    let forged = sent.clone().with_body(r#"{"webhook_event":"y"}"#);
    assert_eq!(routes.moneykit(whole(&forged)).await.status(), 401);
    assert_eq!(routes.handled(), 0);
    for _ in 0..3 {
        assert_eq!(routes.moneykit(whole(&sent)).await.status(), 200);
        assert_eq!(routes.handled(), 1);
    }
    let sent = emulator.moov_webhook(r#"{"type":"transfer.updated"}"#).sign().expect("the webhook is signed");
    for _ in 0..3 {
        assert_eq!(routes.moov(whole(&sent)).await.status(), 200);
        assert_eq!(routes.handled(), 2);
    }
}

#[tokio::test]
async fn handler_receives_a_signed_webhook_even_if_its_body_is_no_event() {
    let emulator = emulator().await;
    let routes = Routes::new(&emulator);
    for body in [&b""[..], b"not json", b"[1]", b"{}", &[0xff, 0x00], b"{\"webhook_event\":7}"] {
        let sent = emulator.moneykit_webhook(body.to_vec()).sign().expect("the webhook is signed");
        assert_eq!(routes.moneykit(whole(&sent)).await.status(), 200, "{body:?}");
    }
    assert_eq!(routes.handled(), 6);
}

#[tokio::test]
async fn refused_webhook_gets_a_status_but_no_reason() {
    let emulator = emulator().await;
    let routes = Routes::new(&emulator);
    let event = || emulator.moneykit_webhook(r#"{"webhook_event":"x"}"#);
    for (webhook, status, waits) in
        [(event().with_header("alg", "none"), 401, false), (event().with_header("kid", "made-up"), 503, true)]
    {
        let sent = webhook.sign().expect("the webhook is signed");
        let response = routes.moneykit(whole(&sent)).await;
        if waits {
            assert_eq!(response.status(), status);
            assert!(response.headers().contains_key(RETRY_AFTER));
        }
        let body = axum::body::to_bytes(response.into_body(), 1).await.expect("the body can be read");
        assert!(body.is_empty());
    }
    assert_eq!(routes.handled(), 0);
}

#[tokio::test]
async fn body_received_in_chunks_is_verified_unchanged() {
    let emulator = emulator().await;
    let routes = Routes::new(&emulator);
    for size in [1, 7, 1000, LIMIT] {
        let text = format!(r#"{{"webhook_event":"{}{size:04}"}}"#, "x".repeat(LIMIT - 24));
        assert_eq!(text.len(), LIMIT);
        let sent = emulator.moneykit_webhook(text).sign().expect("the webhook is signed");
        let mut frames = vec![Ok(Frame::data(Bytes::new()))];
        frames.extend(sent.body.chunks(size).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))));
        frames.push(Ok(Frame::trailers(HeaderMap::new())));
        let body = Body::new(ChunkedBody::of(frames));
        assert_eq!(routes.moneykit(request(&sent.headers, body)).await.status(), 200);
    }
    assert_eq!(routes.handled(), 4);
}

#[tokio::test]
async fn endless_body_is_read_only_up_to_the_limit() {
    let emulator = emulator().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let statuses = both(&emulator, || {
        let mut pieces = ChunkedBody::of([]);
        (pieces.endless, pieces.asked) = (Some(Bytes::from_static(&[b' '; 1024])), asked.clone());
        Body::new(pieces)
    });
    assert_eq!(statuses.await, [413; 2]);
    assert_eq!(
        asked.load(Ordering::Relaxed),
        2 * 5,
        "reading must stop at the fifth chunk, which exceeds the limit"
    );
}

#[tokio::test]
async fn body_with_a_content_length_over_the_limit_is_not_read() {
    let emulator = emulator().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let statuses = both(&emulator, || {
        let mut pieces = ChunkedBody::of([]);
        (pieces.announced, pieces.asked) = (Some(LIMIT as u64 + 1), asked.clone());
        Body::new(pieces)
    });
    assert_eq!(statuses.await, [413; 2]);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn body_is_read_only_after_the_headers_are_verified() {
    let emulator = emulator().await;
    let routes = Routes::new(&emulator);
    let asked = Arc::new(AtomicUsize::new(0));
    let body = || {
        let mut pieces = ChunkedBody::of([]);
        (pieces.endless, pieces.asked) = (Some(Bytes::from_static(&[b' '; 1024])), asked.clone());
        Body::new(pieces)
    };
    let moov = emulator.moov_webhook("{}").sign().expect("the webhook is signed");
    for name in ["x-timestamp", "x-nonce", "x-webhook-id", "x-signature"] {
        let mut headers = moov.headers.clone();
        headers.remove(name);
        assert_eq!(routes.moov(request(&headers, body())).await.status(), 400, "{name}");
    }
    let forged = emulator.moov_webhook("{}").with_secret("made up").sign().expect("the webhook is signed");
    assert_eq!(routes.moov(request(&forged.headers, body())).await.status(), 401);
    assert_eq!(routes.moneykit(request(&HeaderMap::new(), body())).await.status(), 400);
    let old = emulator.moneykit_webhook("{}").with_claim("iat", 1).sign().expect("the webhook is signed");
    assert_eq!(routes.moneykit(request(&old.headers, body())).await.status(), 401);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn truncated_body_causes_a_400_and_the_retry_is_handled() {
    let emulator = emulator().await;
    let broken = || {
        let pieces = [Ok(Frame::data(Bytes::from_static(b"{"))), Err(io::ErrorKind::ConnectionReset.into())];
        Body::new(ChunkedBody::of(pieces))
    };
    assert_eq!(both(&emulator, broken).await, [400; 2]);
    let routes = Routes::new(&emulator);
    let sent = emulator.moov_webhook("{}").sign().expect("the webhook is signed");
    assert_eq!(routes.moov(request(&sent.headers, broken())).await.status(), 400);
    assert_eq!(routes.moov(whole(&sent)).await.status(), 200);
    assert_eq!(routes.handled(), 1);
}

#[tokio::test]
async fn route_without_the_layer_responds_with_status_500() {
    let emulator = emulator().await;
    let sent = emulator.moov_webhook("{}").sign().expect("the webhook is signed");
    let mut request = whole(&sent);
    *request.method_mut() = http::Method::POST;
    let mut router: Router = Router::new().route("/", post(|_: MoovWebhook| async { StatusCode::OK }));
    let Ok(response) = router.call(request).await;
    assert_eq!(response.status(), 500);
}
