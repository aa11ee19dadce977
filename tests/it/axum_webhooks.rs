//! The extractors of verified webhooks: what reaches a handler, what is answered, how much is read.

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
    body::Body,
    extract::{DefaultBodyLimit, FromRef, FromRequest, Request},
    http::{HeaderMap, header::RETRY_AFTER},
    response::IntoResponse as _,
};
use bytes::Bytes;
use fintech_auth::{
    axum::{MoneykitWebhook, MoovWebhook, Refused},
    moneykit, moov,
    sandbox::{Sandbox, SignedWebhook},
    webhook::VerifyErrorKind as Kind,
};
use http_body::{Frame, SizeHint};

use crate::support::sandbox;

const LIMIT: usize = 4096;

#[derive(Clone)]
struct Verifiers {
    moneykit: moneykit::webhook::Webhooks,
    moov: moov::webhook::Webhooks,
}

impl FromRef<Verifiers> for moneykit::webhook::Webhooks {
    fn from_ref(verifiers: &Verifiers) -> Self {
        verifiers.moneykit.clone()
    }
}

impl FromRef<Verifiers> for moov::webhook::Webhooks {
    fn from_ref(verifiers: &Verifiers) -> Self {
        verifiers.moov.clone()
    }
}

fn verifiers(sandbox: &Sandbox) -> Verifiers {
    let clock = sandbox.clock().clone();
    let client = sandbox.moneykit().with_tokens(|tokens| tokens.with_clock(clock.clone()));
    let client = client.with_webhooks(|webhooks| webhooks.with_body_limit(LIMIT)).build();
    let moov = moov::webhook::Webhooks::new([sandbox.moov_webhook_secret()]).expect("a secret");
    Verifiers {
        moneykit: client.expect("the client builds").webhooks(),
        moov: moov.with_clock(clock).with_body_limit(LIMIT),
    }
}

/// A body that comes in pieces and counts those that were asked for.
struct Pieces {
    left: VecDeque<io::Result<Frame<Bytes>>>,
    /// What comes when the others are over, without end.
    endless: Option<Bytes>,
    asked: Arc<AtomicUsize>,
    announced: Option<u64>,
}

impl Pieces {
    fn of(left: impl IntoIterator<Item = io::Result<Frame<Bytes>>>) -> Self {
        Self { left: left.into_iter().collect(), endless: None, asked: Arc::default(), announced: None }
    }
}

impl http_body::Body for Pieces {
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

async fn from_moneykit(request: Request, verifiers: &Verifiers) -> Result<MoneykitWebhook, Refused> {
    MoneykitWebhook::from_request(request, verifiers).await
}

async fn from_moov(request: Request, verifiers: &Verifiers) -> Result<MoovWebhook, Refused> {
    MoovWebhook::from_request(request, verifiers).await
}

/// What both extractors say of a body under good headers.
async fn both(sandbox: &Sandbox, body: impl Fn() -> Body) -> [Kind; 2] {
    let verifiers = verifiers(sandbox);
    let moneykit = sandbox.moneykit_webhook("{}").sign().expect("it signs");
    let moov = sandbox.moov_webhook("{}").sign().expect("it signs");
    let moneykit = from_moneykit(request(&moneykit.headers, body()), &verifiers).await;
    let moov = from_moov(request(&moov.headers, body()), &verifiers).await;
    [moneykit.unwrap_err().into_error().kind(), moov.unwrap_err().into_error().kind()]
}

#[tokio::test]
async fn a_handler_gets_what_was_verified_and_nothing_else() {
    let sandbox = sandbox().await;
    let verifiers = verifiers(&sandbox);
    let sent =
        sandbox.moneykit_webhook(r#"{"webhook_event":"link.state_changed"}"#).sign().expect("it signs");
    let MoneykitWebhook(event) = from_moneykit(whole(&sent), &verifiers).await.expect("it is verified");
    assert_eq!(event.kind, moneykit::webhook::EventKind::LinkStateChanged);
    let forged = sent.with_body(r#"{"webhook_event":"link.product_refresh"}"#);
    let refused = from_moneykit(whole(&forged), &verifiers).await.unwrap_err();
    assert_eq!(refused.error().kind(), Kind::BodyMismatch);

    let sent = sandbox.moov_webhook(r#"{"type":"transfer.updated"}"#).sign().expect("it signs");
    let MoovWebhook(webhook) = from_moov(whole(&sent), &verifiers).await.expect("it is verified");
    assert_eq!(webhook.unsigned_body(), &sent.body);
    let again = from_moov(whole(&sent), &verifiers).await.unwrap_err();
    assert_eq!(again.error().kind(), Kind::Replayed);
    verifiers.moov.release(&webhook).await.expect("it is released");
    from_moov(whole(&sent), &verifiers).await.expect("it is verified again");
}

#[tokio::test]
async fn the_sender_of_a_refused_webhook_learns_a_status_and_no_reason() {
    let sandbox = sandbox().await;
    let verifiers = verifiers(&sandbox);
    let event = || sandbox.moneykit_webhook(r#"{"webhook_event":"x"}"#);
    for (webhook, status, wait) in [
        (event().with_header("alg", "none"), 401, None),
        (event().with_header("kid", "made-up"), 401, None),
        (event().with_header("kid", "made-up-too"), 503, Some("61")),
    ] {
        let sent = webhook.sign().expect("it signs");
        let refused = from_moneykit(whole(&sent), &verifiers).await.unwrap_err();
        let answer = refused.into_response();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().get(RETRY_AFTER).map(|wait| wait.to_str().expect("text")), wait);
        let body = axum::body::to_bytes(answer.into_body(), 1).await.expect("it is read");
        assert!(body.is_empty());
    }
}

#[tokio::test]
async fn a_body_in_any_pieces_is_verified_as_it_came() {
    let sandbox = sandbox().await;
    let verifiers = verifiers(&sandbox);
    let text = format!(r#"{{"webhook_event":"{}"}}"#, "x".repeat(LIMIT - 20));
    assert_eq!(text.len(), LIMIT);
    for size in [1, 7, 1000, LIMIT] {
        let sent = sandbox.moneykit_webhook(text.clone()).sign().expect("it signs");
        let mut frames = vec![Ok(Frame::data(Bytes::new()))];
        frames.extend(sent.body.chunks(size).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))));
        frames.push(Ok(Frame::trailers(HeaderMap::new())));
        let body = Body::new(Pieces::of(frames));
        from_moneykit(request(&sent.headers, body), &verifiers).await.expect("it is verified");
    }
}

#[tokio::test]
async fn of_a_body_without_end_no_more_is_read_than_the_limit() {
    let sandbox = sandbox().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let kinds = both(&sandbox, || {
        let mut pieces = Pieces::of([]);
        (pieces.endless, pieces.asked) = (Some(Bytes::from_static(&[b' '; 1024])), asked.clone());
        Body::new(pieces)
    });
    assert_eq!(kinds.await, [Kind::BodyTooLarge; 2]);
    assert_eq!(asked.load(Ordering::Relaxed), 2 * 5, "four pieces fit, and the fifth tells");
}

#[tokio::test]
async fn a_body_that_is_announced_over_the_limit_is_not_read_at_all() {
    let sandbox = sandbox().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let kinds = both(&sandbox, || {
        let mut pieces = Pieces::of([]);
        (pieces.announced, pieces.asked) = (Some(LIMIT as u64 + 1), asked.clone());
        Body::new(pieces)
    });
    assert_eq!(kinds.await, [Kind::BodyTooLarge; 2]);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_bad_request() {
    let sandbox = sandbox().await;
    let broken = || {
        let pieces = [Ok(Frame::data(Bytes::from_static(b"{"))), Err(io::ErrorKind::ConnectionReset.into())];
        Body::new(Pieces::of(pieces))
    };
    assert_eq!(both(&sandbox, broken).await, [Kind::IncompleteBody; 2]);
}

#[tokio::test]
async fn the_limit_of_axum_holds_as_well() {
    let sandbox = sandbox().await;
    let verifiers = verifiers(&sandbox);
    for body in
        [Body::from("x".repeat(11)), Body::new(Pieces::of([Ok(Frame::data([b' '; 11].to_vec().into()))]))]
    {
        let sent = sandbox.moov_webhook("").sign().expect("it signs");
        let mut request = request(&sent.headers, body);
        DefaultBodyLimit::apply(DefaultBodyLimit::max(10), &mut request);
        let refused = from_moov(request, &verifiers).await.unwrap_err();
        assert_eq!(refused.error().kind(), Kind::BodyTooLarge);
    }
}
