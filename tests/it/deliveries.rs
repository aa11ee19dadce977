//! Tests the deduplication of webhooks.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::{Router, http::StatusCode, routing::post};
use fintech_auth::{
    Clock as _,
    axum::{MoneykitWebhook, MoovWebhook, WebhookLayer},
    emulator::{Emulator, SignedWebhook, delivery_store_contract},
    moov::webhook::WebhookVerifier,
    webhook::{
        Begin, Begun, ClaimId, Deliveries, DeliveryFuture, DeliveryId, DeliveryStore, DeliveryStoreError,
        MemoryDeliveries, Received, StoreFailure, Tolerance,
    },
};
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::sleep,
};

use crate::{
    scripted::TestClock,
    support::{emulator, post_webhook},
};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
const KEEP: Duration = Duration::from_secs(24 * 3600);

fn id(name: &str, signed_at: SystemTime) -> DeliveryId {
    DeliveryId::new([name.as_bytes()], signed_at)
}

fn state(begun: &Begun) -> &'static str {
    match begun {
        Begun::New(_) => "new",
        Begun::InProgress(_) => "in progress",
        Begun::Done => "done",
    }
}

fn deliveries(capacity: usize) -> (Deliveries, TestClock) {
    let clock = TestClock::new();
    let store = MemoryDeliveries::new(capacity).with_clock(clock.clone());
    (Deliveries::new(store), clock)
}

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

#[tokio::test]
async fn memory_store_meets_the_store_contract() {
    delivery_store_contract::check(Arc::new(MemoryDeliveries::default())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn completed_delivery_is_stored_for_the_retention_time() {
    let (deliveries, _) = deliveries(10);
    let id = id("a", start());
    let Begun::New(guard) = deliveries.begin(id, KEEP).await.unwrap() else {
        panic!("the delivery must be new")
    };
    assert_eq!(state(&deliveries.begin(id, KEEP).await.unwrap()), "in progress");
    guard.complete().await.unwrap();
    for _ in 0..24 {
        assert_eq!(state(&deliveries.begin(id, KEEP).await.unwrap()), "done");
        sleep(HOUR).await;
    }
    assert_eq!(state(&deliveries.begin(id, KEEP).await.unwrap()), "new");
}

#[tokio::test(start_paused = true)]
async fn dropping_the_guard_abandons_the_delivery() {
    let (deliveries, _) = deliveries(10);
    let id = id("a", start());
    for round in 1..=3 {
        let Begun::New(guard) = deliveries.begin(id, KEEP).await.unwrap() else { panic!("round {round}") };
        drop(guard);
        sleep(Duration::from_millis(1)).await;
        assert_eq!(deliveries.abandoned(), round);
    }
    let Begun::New(guard) = deliveries.begin(id, KEEP).await.unwrap() else {
        panic!("the delivery must be new")
    };
    guard.abandon().await.unwrap();
    assert_eq!(state(&deliveries.begin(id, KEEP).await.unwrap()), "new");
}

#[tokio::test(start_paused = true)]
async fn lease_of_a_dead_process_expires() {
    let clock = TestClock::new();
    let store = Arc::new(MemoryDeliveries::new(10).with_clock(clock));
    let id = id("a", start());
    assert_eq!(store.begin(&id, 1, MINUTE).await.unwrap(), Begin::New);
    sleep(MINUTE / 2).await;
    assert_eq!(store.begin(&id, 2, MINUTE).await.unwrap(), Begin::InProgress(MINUTE / 2));
    sleep(MINUTE / 2).await;
    assert_eq!(store.begin(&id, 2, MINUTE).await.unwrap(), Begin::New);
    assert!(!store.renew(&id, 1, MINUTE).await.unwrap());
    store.abandon(&id, 1).await.unwrap();
    assert!(matches!(store.begin(&id, 3, MINUTE).await.unwrap(), Begin::InProgress(_)));
    store.complete(&id, KEEP).await.unwrap();
    assert_eq!(store.begin(&id, 3, MINUTE).await.unwrap(), Begin::Done);
}

#[tokio::test(start_paused = true)]
async fn lease_is_renewed_while_the_handler_runs_up_to_the_maximum_time() {
    let (deliveries, _) = deliveries(10);
    let id = id("a", start());
    let Begun::New(guard) = deliveries.begin(id, KEEP).await.unwrap() else {
        panic!("the delivery must be new")
    };
    for _ in 0..15 {
        assert_eq!(state(&deliveries.begin(id, KEEP).await.unwrap()), "in progress");
        sleep(MINUTE).await;
    }
    sleep(2 * MINUTE).await;
    assert_eq!(state(&deliveries.begin(id, KEEP).await.unwrap()), "new");
    drop(guard);
}

#[tokio::test(start_paused = true)]
async fn clock_jumps_do_not_remove_deliveries() {
    let (deliveries, clock) = deliveries(10);
    let first = id("first", start());
    let Begun::New(guard) = deliveries.begin(first, KEEP).await.unwrap() else {
        panic!("the delivery must be new")
    };
    guard.complete().await.unwrap();
    clock.wall_forward(48 * HOUR);
    for other in ["a", "b", "c"] {
        let other = id(other, start() + 48 * HOUR);
        let Begun::New(guard) = deliveries.begin(other, KEEP).await.unwrap() else {
            panic!("the delivery must be new")
        };
        guard.complete().await.unwrap();
    }
    clock.wall_back(48 * HOUR);
    assert_eq!(state(&deliveries.begin(first, KEEP).await.unwrap()), "done");
    // If the wall clock is set back, the old timestamp is acceptable again. So the record must not
    // expire.
    clock.wall_back(48 * HOUR);
    sleep(25 * HOUR).await;
    assert_eq!(state(&deliveries.begin(first, KEEP).await.unwrap()), "done");
}

#[tokio::test(start_paused = true)]
async fn full_store_drops_old_records_and_refuses_possible_duplicates() {
    let clock = TestClock::new();
    let store = Arc::new(MemoryDeliveries::new(3).with_clock(clock));
    let at = |seconds| start() + Duration::from_secs(seconds);
    for number in 0..3 {
        let id = id(&number.to_string(), at(number));
        assert_eq!(store.begin(&id, 1, MINUTE).await.unwrap(), Begin::New);
        if number != 1 {
            store.complete(&id, KEEP).await.unwrap();
        }
    }
    let fourth = id("3", at(3));
    assert_eq!(store.begin(&fourth, 2, MINUTE).await.unwrap(), Begin::New);
    assert_eq!((store.len(), store.dropped()), (3, 1));
    assert!(matches!(store.begin(&id("1", at(1)), 2, MINUTE).await.unwrap(), Begin::InProgress(_)));
    assert!(store.begin(&id("0", at(0)), 2, MINUTE).await.is_err());
    assert!(store.begin(&id("as old", at(0)), 2, MINUTE).await.is_err());
    assert_eq!(store.begin(&id("4", at(4)), 2, MINUTE).await.unwrap(), Begin::New);
    assert!(store.begin(&id("5", at(5)), 2, MINUTE).await.is_err());
    assert_eq!(store.len(), 3);
    sleep(MINUTE).await;
    assert_eq!(store.begin(&id("5", at(5)), 2, MINUTE).await.unwrap(), Begin::New);
    assert_eq!(store.len(), 3);
}

#[derive(Clone, Copy, Debug)]
enum BrokenStore {
    Fails,
    Hangs,
}

impl BrokenStore {
    fn call<T>(self) -> DeliveryFuture<'static, T> {
        Box::pin(async move {
            match self {
                Self::Fails => Err(DeliveryStoreError::new("connection failed")),
                Self::Hangs => std::future::pending().await,
            }
        })
    }
}

impl DeliveryStore for BrokenStore {
    fn begin<'a>(&'a self, _: &'a DeliveryId, _: ClaimId, _: Duration) -> DeliveryFuture<'a, Begin> {
        self.call()
    }

    fn renew<'a>(&'a self, _: &'a DeliveryId, _: ClaimId, _: Duration) -> DeliveryFuture<'a, bool> {
        self.call()
    }

    fn complete<'a>(&'a self, _: &'a DeliveryId, _: Duration) -> DeliveryFuture<'a, ()> {
        self.call()
    }

    fn abandon<'a>(&'a self, _: &'a DeliveryId, _: ClaimId) -> DeliveryFuture<'a, ()> {
        self.call()
    }
}

#[tokio::test(start_paused = true)]
async fn failing_store_refuses_deliveries_with_retry_after_by_default() {
    for broken in [BrokenStore::Fails, BrokenStore::Hangs] {
        let deliveries = Deliveries::new(broken);
        let error = deliveries.begin(id("a", start()), KEEP).await.unwrap_err();
        assert_eq!(
            (error.reason(), error.status()),
            ("delivery_store_unavailable", StatusCode::SERVICE_UNAVAILABLE)
        );
        assert!(error.retry_after().is_some());
        assert_eq!(deliveries.store_failures(), 1);
        let deliveries = deliveries.with_store_failure(StoreFailure::HandleWithoutRecord);
        let Begun::New(guard) = deliveries.begin(id("a", start()), KEEP).await.unwrap() else {
            panic!("the webhook must be handled without a record")
        };
        guard.complete().await.unwrap();
    }
}

#[tokio::test]
async fn unverified_webhooks_cannot_fill_the_store() {
    let emulator = emulator().await;
    let store = Arc::new(MemoryDeliveries::new(2));
    let webhooks = verifier(&emulator).with_deliveries(Deliveries::new(SharedStore(store.clone())));
    for _ in 0..100 {
        let sent = emulator.moov_webhook("{}").with_secret("made up").sign().unwrap();
        assert_eq!(webhooks.receive(&sent.headers, b"{}").await.unwrap_err().reason(), "signature_invalid");
    }
    let late = emulator.moov_webhook("{}").with_timestamp("1").sign().unwrap();
    assert_eq!(webhooks.receive(&late.headers, b"{}").await.unwrap_err().reason(), "too_old");
    assert!(store.is_empty());
}

#[derive(Debug)]
struct SharedStore(Arc<MemoryDeliveries>);

impl DeliveryStore for SharedStore {
    fn begin<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId, lease: Duration) -> DeliveryFuture<'a, Begin> {
        self.0.begin(id, claim, lease)
    }

    fn renew<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId, lease: Duration) -> DeliveryFuture<'a, bool> {
        self.0.renew(id, claim, lease)
    }

    fn complete<'a>(&'a self, id: &'a DeliveryId, keep: Duration) -> DeliveryFuture<'a, ()> {
        self.0.complete(id, keep)
    }

    fn abandon<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId) -> DeliveryFuture<'a, ()> {
        self.0.abandon(id, claim)
    }
}

fn verifier(emulator: &Emulator) -> WebhookVerifier {
    WebhookVerifier::new([emulator.moov_webhook_secret()]).unwrap().with_clock(emulator.clock().clone())
}

/// MoneyKit retries a delivery for 2 h and Moov for 24 h. The retry may have the original headers,
/// so `receive` must accept headers of this age.
#[tokio::test]
async fn late_delivery_is_accepted_as_long_as_the_vendor_retries() {
    let emulator = emulator().await;
    let clock = emulator.clock().clone();
    let moneykit = emulator.moneykit().with_tokens(|tokens| tokens.with_clock(clock.clone()));
    let moneykit = moneykit.build().unwrap().webhooks();
    let moov = verifier(&emulator);
    for (late, by_moneykit, by_moov) in [
        (301, true, true),
        (3_600, true, true),
        (7_200, true, true),
        (86_400, false, true),
        (86_701, false, false),
    ] {
        let sent_moneykit =
            emulator.moneykit_webhook(format!(r#"{{"webhook_event":"x","late":{late}}}"#)).sign().unwrap();
        let sent_moov = emulator.moov_webhook("{}").sign().unwrap();
        clock.advance(Duration::from_secs(late));
        let received = moneykit.receive(&sent_moneykit.headers, &sent_moneykit.body).await;
        assert_eq!(matches!(received, Ok(Received::New(..))), by_moneykit, "received {late} s late");
        let received = moov.receive(&sent_moov.headers, &sent_moov.body).await;
        assert_eq!(matches!(received, Ok(Received::New(..))), by_moov, "received {late} s late");
        assert_eq!(moov.verify(&sent_moov.headers, b"{}").unwrap_err().reason(), "too_old");
        let verdict = moneykit.verify(&sent_moneykit.headers, &sent_moneykit.body).await;
        assert_eq!(verdict.unwrap_err().reason(), "too_old");
    }
    let exp = clock.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 3_600;
    let sent = emulator.moneykit_webhook(r#"{"webhook_event":"y"}"#).with_claim("exp", exp).sign().unwrap();
    clock.advance(Duration::from_secs(3_661));
    assert_eq!(moneykit.receive(&sent.headers, &sent.body).await.unwrap_err().reason(), "expired");
    let strict = moov.with_tolerance(Tolerance::default());
    let sent = emulator.moov_webhook("{}").sign().unwrap();
    clock.advance(Duration::from_secs(301));
    assert_eq!(strict.receive(&sent.headers, &sent.body).await.unwrap_err().reason(), "too_old");
}

#[tokio::test]
async fn retry_with_a_new_signature_is_recognized_as_the_same_delivery() {
    let emulator = emulator().await;
    let clock = emulator.clock().clone();
    let moneykit = emulator.moneykit().with_tokens(|tokens| tokens.with_clock(clock.clone()));
    let moneykit = moneykit.build().unwrap().webhooks();
    let moov = verifier(&emulator);
    let keyed =
        |extra: u32| format!(r#"{{"webhook_event":"x","webhook_idempotency_key":"k-1","attempt":{extra}}}"#);
    let first = emulator.moneykit_webhook(keyed(1)).sign().unwrap();
    let Received::New(_, guard) = moneykit.receive(&first.headers, &first.body).await.unwrap() else {
        panic!("the delivery must be new")
    };
    guard.complete().await.unwrap();
    let nonce = "n".repeat(60);
    let sent = emulator.moov_webhook("{}").with_nonce(&nonce).sign().unwrap();
    let Received::New(_, guard) = moov.receive(&sent.headers, &sent.body).await.unwrap() else {
        panic!("the delivery must be new")
    };
    guard.complete().await.unwrap();
    clock.advance(HOUR);
    let again = emulator.moneykit_webhook(keyed(2)).sign().unwrap();
    assert!(matches!(moneykit.receive(&again.headers, &again.body).await.unwrap(), Received::Done));
    let again = emulator.moov_webhook("{}").with_nonce(&nonce).sign().unwrap();
    assert!(matches!(moov.receive(&again.headers, &again.body).await.unwrap(), Received::Done));
    let (one, other) = (r#"{"webhook_event":"x"}"#, r#"{"webhook_event":"y"}"#);
    for (body, done) in [(one, false), (one, true), (other, false), (other, true)] {
        let sent = emulator.moneykit_webhook(body).sign().unwrap();
        match moneykit.receive(&sent.headers, &sent.body).await.unwrap() {
            Received::New(_, guard) if !done => guard.complete().await.unwrap(),
            Received::Done if done => {}
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Handler {
    Handles,
    Responds500,
    Panics,
    Waits,
}

struct Server {
    emulator: Emulator,
    address: String,
    next: Arc<Mutex<Handler>>,
    started: Arc<AtomicUsize>,
    handled: Arc<AtomicUsize>,
    go_on: Arc<Notify>,
    webhooks: AtomicUsize,
}

impl Server {
    async fn start() -> Self {
        let emulator = emulator().await;
        let clock = emulator.clock().clone();
        let moneykit = emulator.moneykit().with_tokens(|tokens| tokens.with_clock(clock));
        let (moneykit, moov) = (moneykit.build().unwrap().webhooks(), verifier(&emulator));
        let next = Arc::new(Mutex::new(Handler::Handles));
        let (started, handled, go_on) =
            (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default(), Arc::new(Notify::new()));
        let handle = {
            let (next, started, handled, go_on) =
                (next.clone(), started.clone(), handled.clone(), go_on.clone());
            move || {
                let (next, started, handled, go_on) =
                    (next.clone(), started.clone(), handled.clone(), go_on.clone());
                async move {
                    started.fetch_add(1, Ordering::SeqCst);
                    let handler = *next.lock().unwrap();
                    match handler {
                        Handler::Responds500 => return StatusCode::INTERNAL_SERVER_ERROR,
                        Handler::Panics => panic!("the handler of this test panics"),
                        Handler::Waits => go_on.notified().await,
                        Handler::Handles => {}
                    }
                    handled.fetch_add(1, Ordering::SeqCst);
                    StatusCode::NO_CONTENT
                }
            }
        };
        let other = handle.clone();
        let router = Router::new()
            .route("/moov", post(move |_: MoovWebhook| handle()).layer(WebhookLayer::new(moov)))
            .route("/moneykit", post(move |_: MoneykitWebhook| other()).layer(WebhookLayer::new(moneykit)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { emulator, address, next, started, handled, go_on, webhooks: AtomicUsize::new(0) }
    }

    fn handler(&self, handler: Handler) {
        *self.next.lock().unwrap() = handler;
    }

    fn handled(&self) -> usize {
        self.handled.load(Ordering::SeqCst)
    }

    fn webhook(&self, path: &str) -> SignedWebhook {
        match path {
            "moov" => self.emulator.moov_webhook("{}").sign().unwrap(),
            _ => {
                let key = self.webhooks.fetch_add(1, Ordering::SeqCst);
                let body = format!(r#"{{"webhook_event":"x","webhook_idempotency_key":"k-{key}"}}"#);
                self.emulator.moneykit_webhook(body).sign().unwrap()
            }
        }
    }

    async fn connect(&self, path: &str, webhook: &SignedWebhook) -> TcpStream {
        post_webhook(&self.address, path, webhook).await
    }

    async fn send(&self, path: &str, webhook: &SignedWebhook) -> String {
        let mut response = String::new();
        self.connect(path, webhook).await.read_to_string(&mut response).await.unwrap();
        response
    }

    async fn status(&self, path: &str, webhook: &SignedWebhook) -> u16 {
        self.send(path, webhook).await.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Retries while the delivery is in progress. A separate task abandons the delivery, so the
    /// delivery can still be in progress when the handler has ended.
    async fn retry(&self, path: &str, webhook: &SignedWebhook) -> u16 {
        for _ in 0..1000 {
            match self.status(path, webhook).await {
                503 => tokio::task::yield_now().await,
                status => return status,
            }
        }
        panic!("the delivery did not end in time")
    }

    async fn until_started(&self, count: usize) {
        while self.started.load(Ordering::SeqCst) < count {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn event_is_handled_once_despite_failures() {
    let server = Server::start().await;
    for path in ["moov", "moneykit"] {
        for fault in [Handler::Responds500, Handler::Panics] {
            let (before, webhook) = (server.handled(), server.webhook(path));
            server.handler(fault);
            assert_eq!(server.status(path, &webhook).await, 500, "{path} {fault:?}");
            server.handler(Handler::Handles);
            assert_eq!(server.retry(path, &webhook).await, 204, "{path} {fault:?}");
            assert_eq!(
                server.status(path, &webhook).await,
                200,
                "{path} {fault:?}: the duplicate must be accepted"
            );
            assert_eq!(server.handled(), before + 1, "{path} {fault:?}");
            server.emulator.clock().advance(Duration::from_secs(1));
        }
    }
}

#[tokio::test]
async fn event_is_not_handled_again_if_the_response_is_lost() {
    let server = Server::start().await;
    for path in ["moov", "moneykit"] {
        let (before, webhook) = (server.handled(), server.webhook(path));
        drop(server.connect(path, &webhook).await);
        assert!([200, 204].contains(&server.retry(path, &webhook).await), "{path}");
        assert_eq!(server.status(path, &webhook).await, 200, "{path}");
        assert_eq!(server.handled(), before + 1, "{path}");
    }
}

#[tokio::test]
async fn handler_is_not_cancelled_if_the_sender_disconnects() {
    let server = Server::start().await;
    for (number, path) in ["moov", "moneykit"].into_iter().enumerate() {
        let webhook = server.webhook(path);
        server.handler(Handler::Waits);
        let stream = server.connect(path, &webhook).await;
        server.until_started(number + 1).await;
        drop(stream);
        let response = server.send(path, &webhook).await;
        assert!(response.starts_with("HTTP/1.1 503") && response.contains("retry-after: "), "{response}");
        server.go_on.notify_one();
        assert_eq!(
            server.retry(path, &webhook).await,
            200,
            "{path}: the retry must be a duplicate of a handled webhook"
        );
        assert_eq!(server.handled(), number + 1, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_one_of_many_concurrent_copies_of_a_webhook_is_handled() {
    let server = Arc::new(Server::start().await);
    let webhook = server.webhook("moov");
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (server, webhook) = (server.clone(), webhook.clone());
        senders.spawn(async move { server.retry("moov", &webhook).await });
    }
    let mut statuses = senders.join_all().await;
    statuses.sort_unstable();
    assert_eq!(server.handled(), 1);
    assert_eq!((statuses[48], statuses[49]), (200, 204));
}

#[tokio::test]
async fn delivery_record_is_kept_until_every_retry_is_too_old_to_verify() {
    let minutes = |count| count * MINUTE;
    for (window, past) in
        [(None, [minutes(125), minutes(24 * 60 + 5)]), (Some(Tolerance::default()), [minutes(5); 2])]
    {
        let emulator = emulator().await;
        let clock = emulator.clock().clone();
        let deliveries = || Deliveries::new(MemoryDeliveries::default().with_clock(clock.clone()));
        let moneykit = emulator.moneykit().with_tokens(|tokens| tokens.with_clock(clock.clone()));
        let moneykit = moneykit.with_deliveries(deliveries()).with_webhooks(|options| match window {
            Some(window) => options.with_tolerance(window),
            None => options,
        });
        let moneykit = moneykit.build().unwrap().webhooks();
        let moov = verifier(&emulator).with_deliveries(deliveries());
        let moov = match window {
            Some(window) => moov.with_tolerance(window),
            None => moov,
        };
        let body = r#"{"webhook_event":"x","webhook_idempotency_key":"k-1"}"#;
        let by_moneykit = || emulator.moneykit_webhook(body).sign().unwrap();
        let by_moov = || emulator.moov_webhook("{}").with_nonce("n".repeat(60)).sign().unwrap();

        let sent = by_moneykit();
        let (_, guard) = moneykit.receive(&sent.headers, &sent.body).await.unwrap().into_new().unwrap();
        guard.complete().await.unwrap();
        clock.advance(2 * HOUR);
        let last = by_moneykit();
        for wait in [Duration::ZERO, past[0]] {
            clock.advance(wait);
            let received = moneykit.receive(&last.headers, &last.body).await;
            assert!(matches!(received, Ok(Received::Done)), "{window:?} {wait:?} {received:?}");
        }

        let sent = by_moov();
        let (_, guard) = moov.receive(&sent.headers, &sent.body).await.unwrap().into_new().unwrap();
        guard.complete().await.unwrap();
        clock.advance(24 * HOUR);
        let last = by_moov();
        for wait in [Duration::ZERO, past[1]] {
            clock.advance(wait);
            let received = moov.receive(&last.headers, &last.body).await;
            assert!(matches!(received, Ok(Received::Done)), "{window:?} {wait:?} {received:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_handlers_and_records_and_refuses_new_deliveries() {
    let (deliveries, _) = deliveries(10);
    let (kept, dropped) = (id("a", start()), id("b", start()));
    let Begun::New(guard) = deliveries.begin(kept, KEEP).await.unwrap() else {
        panic!("the delivery must be new")
    };
    let Begun::New(failing) = deliveries.begin(dropped, KEEP).await.unwrap() else {
        panic!("the delivery must be new")
    };
    let handlers = tokio::spawn(async move {
        sleep(MINUTE).await;
        drop(failing);
        sleep(MINUTE).await;
        let _ = tokio::time::timeout(Duration::ZERO, guard.complete()).await;
    });
    let started = tokio::time::Instant::now();
    let clone = deliveries.clone();
    let early = tokio::spawn(async move { clone.shutdown(MINUTE / 2).await });
    deliveries.shutdown(HOUR).await.unwrap();
    assert_eq!(started.elapsed(), 2 * MINUTE);
    let error = early.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), fintech_auth::ErrorKind::Timeout);
    assert!(error.to_string().contains("2 webhooks"), "{error}");
    handlers.await.unwrap();
    for new in [kept, dropped, id("c", start())] {
        let error = deliveries.begin(new, KEEP).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.status().as_u16()),
            (fintech_auth::webhook::VerifyErrorKind::DeliveryStoreUnavailable, 503)
        );
        assert!(error.retry_after().is_some());
    }
    deliveries.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!((deliveries.abandoned(), deliveries.store_failures()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn delivery_record_is_stored_before_shutdown_returns() {
    let store = Arc::new(SlowStore::default());
    let deliveries = Deliveries::new(SharedSlowStore(store.clone()));
    let id = id("a", start());
    let Begun::New(guard) = deliveries.begin(id, KEEP).await.unwrap() else {
        panic!("the delivery must be new")
    };
    tokio::time::timeout(Duration::from_millis(1), guard.complete()).await.unwrap_err();
    deliveries.shutdown(MINUTE).await.unwrap();
    let next = Deliveries::new(SharedSlowStore(store));
    assert_eq!(state(&next.begin(id, KEEP).await.unwrap()), "done");
}

#[derive(Debug, Default)]
struct SlowStore(MemoryDeliveries);

#[derive(Debug)]
struct SharedSlowStore(Arc<SlowStore>);

impl DeliveryStore for SharedSlowStore {
    fn begin<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId, lease: Duration) -> DeliveryFuture<'a, Begin> {
        self.0.0.begin(id, claim, lease)
    }

    fn renew<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId, lease: Duration) -> DeliveryFuture<'a, bool> {
        self.0.0.renew(id, claim, lease)
    }

    fn complete<'a>(&'a self, id: &'a DeliveryId, keep: Duration) -> DeliveryFuture<'a, ()> {
        Box::pin(async move {
            sleep(Duration::from_secs(1)).await;
            self.0.0.complete(id, keep).await
        })
    }

    fn abandon<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId) -> DeliveryFuture<'a, ()> {
        self.0.0.abandon(id, claim)
    }
}
