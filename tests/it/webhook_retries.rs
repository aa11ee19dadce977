//! Tests that `emulator::WebhookSender` retries a delivery until the handler accepts it, either
//! with the original signature or with new signatures.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    routing::post,
};
use fintech_auth::{
    ErrorKind, HttpOptions,
    axum::{MoneykitWebhook, MoovWebhook, WebhookLayer},
    emulator::{Attempt, Emulator, RetrySchedule, RetrySignature, WebhookSender},
    moov::webhook::WebhookVerifier,
};
use tokio::{io::AsyncReadExt as _, net::TcpListener};

fn sender(url: &str, schedule: RetrySchedule) -> WebhookSender {
    let http = HttpOptions::default().with_timeout(Duration::from_secs(5));
    let sender = WebhookSender::new(url, &http).expect("a handler on this machine");
    sender.with_schedule(schedule.with_total(Duration::ZERO))
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    (listener, url)
}

async fn serve(router: Router) -> String {
    let (listener, url) = listen().await;
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn statuses(attempts: &[Attempt]) -> Vec<u16> {
    attempts.iter().map(|attempt| attempt.result.as_ref().expect("a response").as_u16()).collect()
}

#[derive(Clone, Default)]
struct ReceivedHeaders(Arc<Mutex<Vec<HeaderMap>>>);

impl ReceivedHeaders {
    fn handle(&self, headers: HeaderMap) -> StatusCode {
        let mut seen = self.0.lock().unwrap();
        seen.push(headers);
        if seen.len() < 3 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
    }

    fn values(&self, name: &str) -> Vec<String> {
        let seen = self.0.lock().unwrap();
        seen.iter().map(|headers| headers[name].to_str().expect("text").to_owned()).collect()
    }

    fn distinct(&self, name: &str) -> usize {
        self.values(name).into_iter().collect::<HashSet<_>>().len()
    }
}

#[tokio::test]
async fn moneykit_delivery_is_retried_with_the_same_or_a_new_signature() {
    for (signature, signatures) in [(RetrySignature::Same, 1), (RetrySignature::Anew, 3)] {
        let emulator = Emulator::start().await.unwrap();
        let clock = emulator.clock();
        let client = emulator.moneykit().with_tokens(|tokens| tokens.with_clock(clock.clone()));
        let layer = WebhookLayer::new(client.build().unwrap().webhooks());
        let seen = ReceivedHeaders::default();
        let handler = seen.clone();
        let handle = async move |_: MoneykitWebhook, headers: HeaderMap| handler.handle(headers);
        let url = serve(Router::new().route("/hook", post(handle).layer(layer))).await;
        let sign = || {
            clock.advance(Duration::from_secs(1));
            emulator.moneykit_webhook(r#"{"webhook_event":"link.state_changed"}"#).sign()
        };
        let sender = sender(&url, RetrySchedule::moneykit()).with_retry_signature(signature);
        let attempts = sender.deliver(sign).run().await.unwrap();
        assert_eq!(statuses(&attempts), [500, 500, 200], "{signature:?}");
        assert_eq!(seen.distinct("moneykit-signature"), signatures);
        assert_eq!(seen.distinct("moneykit-delivery-token"), 1);
        assert_eq!(seen.values("moneykit-delivery-attempt"), ["1", "2", "3"]);
    }
}

#[tokio::test]
async fn moov_delivery_is_retried_with_the_same_or_a_new_signature() {
    for (signature, signatures) in [(RetrySignature::Same, 1), (RetrySignature::Anew, 3)] {
        let emulator = Emulator::start().await.unwrap();
        let verifier = WebhookVerifier::new([emulator.moov_webhook_secret()]).unwrap();
        let layer = WebhookLayer::new(verifier.with_clock(emulator.clock().clone()));
        let seen = ReceivedHeaders::default();
        let handler = seen.clone();
        let handle = async move |_: MoovWebhook, headers: HeaderMap| handler.handle(headers);
        let url = serve(Router::new().route("/hook", post(handle).layer(layer))).await;
        let sender = sender(&url, RetrySchedule::moov()).with_retry_signature(signature);
        let attempts = sender.deliver(|| emulator.moov_webhook("{}").sign()).run().await.unwrap();
        assert_eq!(statuses(&attempts), [500, 500, 200], "{signature:?}");
        assert_eq!(seen.distinct("x-nonce"), signatures);
        assert_eq!(seen.distinct("x-signature"), signatures);
    }
}

#[tokio::test]
async fn webhook_is_resent_after_every_status_other_than_2xx() {
    let emulator = Emulator::start().await.unwrap();
    let elsewhere = ReceivedHeaders::default();
    let handler = elsewhere.clone();
    for status in [302, 307, 400, 409, 500, 503] {
        let handler = handler.clone();
        let redirect =
            async move || (StatusCode::from_u16(status).unwrap(), [(header::LOCATION, "/elsewhere")]);
        let router = Router::new()
            .route("/hook", post(redirect))
            .route("/elsewhere", post(async move |headers: HeaderMap| handler.handle(headers)));
        let url = serve(router).await;
        let schedule = RetrySchedule::moov().with_max_attempts(3);
        let delivery = sender(&url, schedule).deliver(|| emulator.moov_webhook("{}").sign());
        let attempts = delivery.run().await.unwrap();
        assert_eq!(statuses(&attempts), [status; 3]);
        assert!(attempts[1].next_in.is_some() && attempts[2].next_in.is_none());
    }
    assert!(elsewhere.0.lock().unwrap().is_empty(), "a redirect was followed");
}

#[tokio::test]
async fn webhook_is_retried_when_the_handler_does_not_respond() {
    let emulator = Emulator::start().await.unwrap();
    let silent = serve(Router::new().route("/hook", post(std::future::pending::<StatusCode>))).await;
    let (listener, broken) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            _ = stream.read(&mut [0; 64]).await;
        }
    });
    let (listener, closed) = listen().await;
    drop(listener);
    for (url, kind) in
        [(silent, ErrorKind::Timeout), (broken, ErrorKind::Unavailable), (closed, ErrorKind::Unavailable)]
    {
        let http = HttpOptions::default().with_timeout(Duration::from_millis(200));
        let schedule = RetrySchedule::moneykit().with_total(Duration::ZERO).with_max_attempts(2);
        let sender = WebhookSender::new(&url, &http).unwrap().with_schedule(schedule);
        let attempts = sender.deliver(|| emulator.moov_webhook("{}").sign()).run().await.unwrap();
        let kinds: Vec<_> =
            attempts.iter().map(|attempt| attempt.result.as_ref().unwrap_err().kind()).collect();
        assert_eq!(kinds, [kind; 2]);
        assert!(!format!("{attempts:?}").contains("/hook"), "{attempts:?}");
    }
}

#[tokio::test]
async fn webhook_signed_with_the_exported_key_is_verified() {
    use fintech_auth::webhook::testing::{SigningKey, sign_moneykit};

    let emulator = Emulator::builder().with_system_clock().start().await.unwrap();
    for _ in 0..2 {
        let key = SigningKey::from_pkcs8(&emulator.moneykit_signing_key()).unwrap();
        assert_eq!(key.id(), emulator.moneykit_key_id());
        let headers = sign_moneykit(&key, std::time::SystemTime::now(), b"{}").unwrap();
        let keys = emulator.moneykit().build().unwrap().webhooks();
        assert_eq!(keys.verify(&headers, b"{}".as_slice()).await.unwrap().key_id(), key.id());
        emulator.rotate_moneykit_key().unwrap();
    }
}

#[tokio::test]
async fn failed_signing_does_not_count_as_an_attempt() {
    let emulator = Emulator::start().await.unwrap();
    let seen = ReceivedHeaders::default();
    let handler = seen.clone();
    let url = serve(Router::new().route("/hook", post(async move |headers| handler.handle(headers)))).await;
    let sender = sender(&url, RetrySchedule::moneykit()).with_retry_signature(RetrySignature::Anew);
    let mut calls = 0;
    let sign = || {
        calls += 1;
        match calls {
            1 | 3 => Err(std::io::Error::other("no key")),
            _ => emulator.moneykit_webhook("{}").sign(),
        }
    };
    let mut delivery = sender.deliver(sign);
    let mut numbers = Vec::new();
    loop {
        match delivery.attempt().await {
            Ok(Some(attempt)) => numbers.push(Some(attempt.number)),
            Ok(None) => break,
            Err(_) => numbers.push(None),
        }
    }
    assert_eq!(numbers, [None, Some(1), None, Some(2), Some(3)]);
    assert_eq!(seen.values("moneykit-delivery-attempt"), ["1", "2", "3"]);
    assert_eq!(seen.distinct("moneykit-delivery-token"), 1, "all attempts must have the same delivery token");
}
