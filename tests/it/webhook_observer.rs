//! Tests the events that an observer of webhooks receives, for every way to receive a webhook.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Body, extract::Request, http::StatusCode, response::Response, routing::post};
use fintech_auth::{
    Secret,
    axum::{MoneykitWebhook, MoovWebhook, WebhookLayer},
    emulator::{Emulator, SignedWebhook},
    moneykit,
    moov::webhook::WebhookVerifier,
    webhook::{
        Begin, ClaimId, Deliveries, DeliveryFuture, DeliveryId, DeliveryStore, DeliveryStoreError, Received,
        StoreFailure, VerifyError, WebhookEvent,
    },
};
use tower_service::Service as _;

use crate::support::emulator;

#[derive(Clone, Default)]
struct RecordedEvents(Arc<Mutex<Vec<String>>>);

impl RecordedEvents {
    fn deliveries(&self) -> Deliveries {
        self.observe(Deliveries::default())
    }

    fn observe(&self, deliveries: Deliveries) -> Deliveries {
        let seen = self.clone();
        deliveries.with_observer(move |event| {
            let text = match event {
                WebhookEvent::Rejected { error, .. } => error.reason().to_owned(),
                other => format!("{other:?}").to_lowercase(),
            };
            seen.0.lock().unwrap().push(text);
        })
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn moov(emulator: &Emulator, deliveries: Deliveries) -> WebhookVerifier {
    let verifier = WebhookVerifier::new([emulator.moov_webhook_secret()]).expect("a secret");
    verifier.with_clock(emulator.clock().clone()).with_deliveries(deliveries)
}

fn moneykit(emulator: &Emulator, deliveries: Deliveries) -> moneykit::webhook::WebhookVerifier {
    let clock = emulator.clock().clone();
    let client = emulator.moneykit().with_tokens(|tokens| tokens.with_clock(clock));
    client.with_deliveries(deliveries).build().expect("a client").webhooks()
}

fn moov_webhook(emulator: &Emulator) -> SignedWebhook {
    emulator.moov_webhook("{}").sign().expect("signed")
}

fn moneykit_webhook(emulator: &Emulator) -> SignedWebhook {
    emulator.moneykit_webhook(r#"{"webhook_event": "link.state_changed"}"#).sign().expect("signed")
}

/// Waits for background tasks, because a dropped guard abandons its delivery in such a task.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn each_webhook_is_observed_once_with_its_outcome() {
    let emulator = emulator().await;
    let seen = RecordedEvents::default();
    let (moov, moneykit) = (moov(&emulator, seen.deliveries()), moneykit(&emulator, seen.deliveries()));

    let sent = moov_webhook(&emulator);
    moov.verify(&sent.headers, &sent.body).unwrap();
    assert_eq!(seen.take(), ["accepted"]);
    let Received::New(_, guard) = moov.receive(&sent.headers, &sent.body).await.unwrap() else { panic!() };
    moov.receive(&sent.headers, &sent.body).await.unwrap();
    drop(guard);
    settle().await;
    let Received::New(_, guard) = moov.receive(&sent.headers, &sent.body).await.unwrap() else { panic!() };
    guard.complete().await.unwrap();
    moov.receive(&sent.headers, &sent.body).await.unwrap();
    assert_eq!(seen.take(), ["accepted", "inprogress", "abandoned", "accepted", "completed", "duplicate"]);
    let forged = emulator.moov_webhook("{}").with_secret("another").sign().unwrap();
    moov.verify(&forged.headers, &forged.body).unwrap_err();
    moov.receive(&forged.headers, &forged.body).await.unwrap_err();
    assert_eq!(seen.take(), ["signature_invalid", "signature_invalid"]);

    let sent = moneykit_webhook(&emulator);
    moneykit.verify(&sent.headers, &sent.body).await.unwrap();
    let Received::New(_, guard) = moneykit.receive(&sent.headers, &sent.body).await.unwrap() else {
        panic!()
    };
    guard.complete().await.unwrap();
    moneykit.receive(&sent.headers, b"{}".as_slice()).await.unwrap_err();
    moneykit.verify(&sent.headers, b"{}".as_slice()).await.unwrap_err();
    assert_eq!(seen.take(), ["accepted", "accepted", "completed", "body_mismatch", "body_mismatch"]);
}

#[tokio::test]
async fn axum_layer_and_receive_method_report_the_same_events() {
    let emulator = emulator().await;
    let seen = RecordedEvents::default();
    let layer = WebhookLayer::new(moov(&emulator, seen.deliveries()));
    let mut app = Router::new()
        .route("/ok", post(|_: MoovWebhook| async { StatusCode::OK }).layer(layer.clone()))
        .route("/fails", post(|_: MoovWebhook| async { StatusCode::INTERNAL_SERVER_ERROR }).layer(layer))
        .route(
            "/moneykit",
            post(|_: MoneykitWebhook| async { StatusCode::OK })
                .layer(WebhookLayer::new(moneykit(&emulator, seen.deliveries()))),
        );
    let mut send = async |path: &str, sent: &SignedWebhook| -> Response {
        let mut request = Request::post(path).body(Body::from(sent.body.clone())).unwrap();
        request.headers_mut().extend(sent.headers.clone());
        app.call(request).await.unwrap()
    };
    let sent = moov_webhook(&emulator);
    send("/fails", &sent).await;
    send("/ok", &sent).await;
    send("/ok", &sent).await;
    assert_eq!(seen.take(), ["accepted", "abandoned", "accepted", "completed", "duplicate"]);
    let forged = emulator.moov_webhook("{}").with_secret("another").sign().unwrap();
    assert_eq!(send("/ok", &forged).await.status(), StatusCode::UNAUTHORIZED);
    send("/moneykit", &forged).await;
    send("/moneykit", &moneykit_webhook(&emulator)).await;
    assert_eq!(seen.take(), ["signature_invalid", "missing_header", "accepted", "completed"]);
}

#[derive(Debug)]
struct BrokenStore {
    begins: bool,
}

impl DeliveryStore for BrokenStore {
    fn begin<'a>(
        &'a self,
        _: &'a DeliveryId,
        _: ClaimId,
        _: std::time::Duration,
    ) -> DeliveryFuture<'a, Begin> {
        let begins = self.begins;
        Box::pin(async move { if begins { Ok(Begin::New) } else { Err(DeliveryStoreError::new("down")) } })
    }

    fn renew<'a>(
        &'a self,
        _: &'a DeliveryId,
        _: ClaimId,
        _: std::time::Duration,
    ) -> DeliveryFuture<'a, bool> {
        Box::pin(async { Ok(true) })
    }

    fn complete<'a>(&'a self, _: &'a DeliveryId, _: std::time::Duration) -> DeliveryFuture<'a, ()> {
        Box::pin(async { Err(DeliveryStoreError::new("down")) })
    }

    fn abandon<'a>(&'a self, _: &'a DeliveryId, _: ClaimId) -> DeliveryFuture<'a, ()> {
        Box::pin(async { Err(DeliveryStoreError::new("down")) })
    }
}

#[tokio::test]
async fn delivery_store_failure_is_observed() {
    let emulator = emulator().await;
    let seen = RecordedEvents::default();
    let sent = moov_webhook(&emulator);
    let verifier = moov(&emulator, seen.observe(Deliveries::new(BrokenStore { begins: false })));
    verifier.receive(&sent.headers, &sent.body).await.unwrap_err();
    assert_eq!(seen.take(), ["storefailed", "delivery_store_unavailable"]);
    let verifier = moov(&emulator, seen.observe(Deliveries::new(BrokenStore { begins: true })));
    let Received::New(_, guard) = verifier.receive(&sent.headers, &sent.body).await.unwrap() else {
        panic!()
    };
    guard.complete().await.unwrap_err();
    assert_eq!(seen.take(), ["accepted", "completefailed"]);
    let Received::New(_, guard) = verifier.receive(&sent.headers, &sent.body).await.unwrap() else {
        panic!()
    };
    guard.abandon().await.unwrap_err();
    assert_eq!(seen.take(), ["accepted", "abandoned"]);
}

#[tokio::test]
async fn completion_of_a_webhook_handled_without_a_record_is_observed() {
    let emulator = emulator().await;
    let seen = RecordedEvents::default();
    let deliveries = Deliveries::new(BrokenStore { begins: false });
    let deliveries = deliveries.with_store_failure(StoreFailure::HandleWithoutRecord);
    let verifier = moov(&emulator, seen.observe(deliveries));
    for end in ["completed", "abandoned"] {
        let sent = moov_webhook(&emulator);
        let Received::New(_, guard) = verifier.receive(&sent.headers, &sent.body).await.unwrap() else {
            panic!()
        };
        match end {
            "completed" => guard.complete().await.unwrap(),
            _ => drop(guard),
        }
        assert_eq!(seen.take(), ["storefailed", "accepted", end]);
    }
}

#[tokio::test]
async fn observer_is_called_if_a_guard_is_dropped_outside_a_runtime() {
    let emulator = emulator().await;
    let seen = RecordedEvents::default();
    let verifier = moov(&emulator, seen.deliveries());
    let sent = moov_webhook(&emulator);
    let Received::New(_, guard) = verifier.receive(&sent.headers, &sent.body).await.unwrap() else {
        panic!()
    };
    std::thread::spawn(|| drop(guard)).join().unwrap();
    assert_eq!(seen.take(), ["accepted", "abandoned"]);
    assert_eq!(verifier.deliveries().abandoned(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_one_of_fifty_copies_of_a_webhook_is_accepted() {
    let emulator = emulator().await;
    let seen = RecordedEvents::default();
    let verifier = moov(&emulator, seen.deliveries());
    let sent = Arc::new(moov_webhook(&emulator));
    let copies = (0..50).map(|_| {
        let (verifier, sent) = (verifier.clone(), sent.clone());
        tokio::spawn(async move { verifier.receive(&sent.headers, sent.body.clone()).await.unwrap() })
    });
    let mut received = Vec::new();
    for copy in copies.collect::<Vec<_>>() {
        received.push(copy.await.unwrap());
    }
    let events = seen.take();
    let count = |name: &str| events.iter().filter(|event| *event == name).count();
    assert_eq!((count("accepted"), count("inprogress"), events.len()), (1, 49, 50), "{events:?}");
    drop(received);
    settle().await;
    assert_eq!(seen.take(), ["abandoned"]);
}

#[tokio::test]
async fn panicking_observer_does_not_lose_a_webhook() {
    let emulator = emulator().await;
    let deliveries = Deliveries::default().with_observer(|_| panic!("a bug in the metrics"));
    let verifier = moov(&emulator, deliveries);
    // The handler panics. While this panic drops the guard, the observer panics too.
    async fn handler(_: MoovWebhook) -> StatusCode {
        panic!("a bug in the handler")
    }
    let route = post(handler).layer(WebhookLayer::new(verifier.clone()));
    let sent = moov_webhook(&emulator);
    let mut request = Request::post("/").body(Body::from(sent.body.clone())).unwrap();
    request.headers_mut().extend(sent.headers.clone());
    let response = Router::<()>::new().route("/", route).call(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    settle().await;
    let forged = emulator.moov_webhook("{}").with_secret("another").sign().unwrap();
    let error = verifier.receive(&forged.headers, &forged.body).await.unwrap_err();
    assert_eq!(error.reason(), "signature_invalid");
    let Received::New(_, guard) = verifier.receive(&sent.headers, &sent.body).await.unwrap() else {
        panic!()
    };
    guard.complete().await.unwrap();
    assert!(matches!(verifier.receive(&sent.headers, &sent.body).await.unwrap(), Received::Done));
}

/// Anyone can send any header, key id and body, so they must not become values of metric labels.
#[tokio::test]
async fn unverified_webhooks_cannot_add_metric_label_values() {
    let emulator = emulator().await;
    let seen = RecordedEvents::default();
    let moneykit = moneykit(&emulator, seen.deliveries());
    for number in 0..50 {
        let made_up = emulator.moneykit_webhook("{}").with_header("kid", format!("made-up-{number}"));
        let made_up = made_up.with_header(&format!("crit-{number}"), number);
        let sent = made_up.sign().unwrap();
        moneykit.verify(&sent.headers, &sent.body).await.unwrap_err();
    }
    let moov = moov(&emulator, seen.deliveries());
    for number in 0..50 {
        let made_up = |kind: &str| format!("made-up-{kind}-{number}");
        let webhooks = [
            emulator.moov_webhook("{}").with_timestamp(made_up("timestamp")),
            emulator.moov_webhook("{}").with_nonce(made_up("no|nce")),
            emulator.moov_webhook("{}").with_webhook_id("long".repeat(100 + number)),
            emulator.moov_webhook("{}").with_secret(Secret::from(made_up("secret"))),
        ];
        for webhook in webhooks {
            let sent = webhook.sign().unwrap();
            moov.verify(&sent.headers, &sent.body).unwrap_err();
            moov.receive(&sent.headers, &sent.body).await.unwrap_err();
        }
    }
    let known: Vec<&str> = VerifyError::REASONS.iter().map(|(_, reason)| *reason).collect();
    let events = seen.take();
    assert_eq!(events.len(), 50 + 50 * 4 * 2);
    assert!(events.iter().all(|event| known.contains(&event.as_str())), "{events:?}");
}
