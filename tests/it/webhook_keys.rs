//! Tests the cache of MoneyKit's webhook keys: how many requests are sent, and which keys are used
//! while a fetch is in flight.

use std::time::Duration;

use fintech_auth::{
    ErrorKind, ManualClock,
    emulator::{Emulator, Fault, MoneykitWebhook, Operation, SignedWebhook},
    moneykit::{
        self,
        webhook::{VerifierOptions, WebhookVerifier},
    },
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{json as respond, plain, quick};

const EVENT: &str = r#"{"webhook_event":"link.state_changed"}"#;

async fn service() -> (Emulator, WebhookVerifier, ManualClock) {
    with(|options| options).await
}

async fn with(
    options: impl FnOnce(VerifierOptions) -> VerifierOptions,
) -> (Emulator, WebhookVerifier, ManualClock) {
    let emulator = Emulator::start().await.expect("the emulator starts");
    let clock = emulator.clock().clone();
    let client = emulator
        .moneykit()
        .with_http(|_| quick())
        .with_tokens(|tokens| plain(tokens).with_clock(clock.clone()))
        .with_webhooks(options);
    let webhooks = client.build().expect("the client builds").webhooks();
    (emulator, webhooks, clock)
}

fn sign(webhook: MoneykitWebhook) -> SignedWebhook {
    webhook.sign().expect("the webhook is signed")
}

fn good(emulator: &Emulator) -> SignedWebhook {
    sign(emulator.moneykit_webhook(EVENT))
}

fn made_up(emulator: &Emulator, id: usize) -> SignedWebhook {
    sign(emulator.moneykit_webhook(EVENT).with_header("kid", format!("made-up-{id}")))
}

async fn verdict(webhooks: &WebhookVerifier, sent: &SignedWebhook) -> Result<(), &'static str> {
    webhooks.verify(&sent.headers, &sent.body).await.map(drop).map_err(|error| error.reason())
}

fn fetches(emulator: &Emulator) -> usize {
    emulator.count(Operation::MoneykitJwks)
}

#[tokio::test]
async fn webhook_keys_are_fetched_once_and_without_a_secret() {
    let (emulator, webhooks, _) = service().await;
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let (webhooks, sent) = (webhooks.clone(), good(&emulator));
        tasks.spawn(async move { verdict(&webhooks, &sent).await });
    }
    assert!(tasks.join_all().await.into_iter().all(|verdict| verdict.is_ok()));
    assert_eq!(fetches(&emulator), 1);
    let request = &emulator.requests()[0];
    assert_eq!(request.headers["x-client-id"], emulator.moneykit_credentials().client_id());
    assert!(
        !request.headers.contains_key("authorization") && !request.headers.contains_key("x-client-secret")
    );
}

#[tokio::test]
async fn client_used_only_for_webhooks_needs_no_credentials() {
    let emulator = Emulator::start().await.expect("the emulator starts");
    let config: moneykit::Config = serde_json::from_value(json!({
        "client_id": "nobody", "client_secret_file": "/nowhere", "base_url": emulator.url(), "client_auth": "headers",
    }))
    .expect("a configuration");
    let client = config.builder_for_webhooks().unwrap().build().expect("the client builds");
    let sent = sign(emulator.moneykit_webhook(EVENT));
    assert_eq!(verdict(&client.webhooks(), &sent).await, Ok(()));
    client.jwks().await.expect("the keys");
    let requests = emulator.requests();
    let shown = ["authorization", "x-client-secret"];
    assert!(requests.len() == 2, "{requests:?}");
    assert!(requests.iter().all(|request| shown.iter().all(|name| !request.headers.contains_key(*name))));
    assert!(requests.iter().all(|request| request.headers["x-client-id"] == "nobody"));

    let refused = [
        client.default_token().await.expect_err("no token"),
        client.create_access_token(&[]).await.expect_err("no token"),
        client.introspect_client().await.expect_err("no client"),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        assert!(error.to_string().contains("has no credentials"), "{error}");
    }
    assert_eq!(emulator.requests().len(), 2);
    let token = emulator.moneykit().build().expect("a client").default_token().await.expect("a token");
    client.introspect(&token).await.expect("the introspection succeeds");
}

#[tokio::test]
async fn ten_thousand_unknown_key_ids_cause_one_fetch() {
    let (emulator, webhooks, clock) = service().await;
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
    emulator.clear_requests();
    let mut tasks = JoinSet::new();
    for id in 0..10_000 {
        let (webhooks, sent) = (webhooks.clone(), made_up(&emulator, id));
        tasks.spawn(async move { verdict(&webhooks, &sent).await });
    }
    for verdict in tasks.join_all().await {
        assert_eq!(verdict, Err("keys_cooling_down"));
    }
    assert_eq!(fetches(&emulator), 1);
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
    clock.advance(Duration::from_secs(59));
    assert_eq!(verdict(&webhooks, &made_up(&emulator, 0)).await, Err("keys_cooling_down"));
    assert_eq!(fetches(&emulator), 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(verdict(&webhooks, &made_up(&emulator, 0)).await, Err("keys_cooling_down"));
    assert_eq!(verdict(&webhooks, &made_up(&emulator, 0)).await, Err("keys_cooling_down"));
    assert_eq!(fetches(&emulator), 2);
}

#[tokio::test]
async fn many_webhooks_without_cached_keys_cause_one_fetch() {
    let (emulator, webhooks, _) = service().await;
    let mut tasks = JoinSet::new();
    for id in 0..1_000 {
        let (webhooks, sent) = (webhooks.clone(), made_up(&emulator, id));
        tasks.spawn(async move { verdict(&webhooks, &sent).await });
    }
    assert!(tasks.join_all().await.into_iter().all(|verdict| verdict.is_err()));
    assert_eq!(fetches(&emulator), 1);
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
    assert_eq!(fetches(&emulator), 1);
}

#[tokio::test]
async fn key_fetch_cool_down_is_reported_and_configurable() {
    let (emulator, webhooks, clock) = with(|options| options.with_cool_down(Duration::from_secs(300))).await;
    assert_eq!(verdict(&webhooks, &made_up(&emulator, 0)).await, Err("keys_cooling_down"));
    clock.advance(Duration::from_secs(100));
    let sent = made_up(&emulator, 0);
    let error = webhooks.verify(&sent.headers, &sent.body).await.unwrap_err();
    assert_eq!((error.reason(), error.status()), ("keys_cooling_down", StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(200)));
}

#[tokio::test]
async fn no_valid_webhook_is_rejected_during_a_key_rotation() {
    let (emulator, webhooks, _) = service().await;
    let mut tasks = JoinSet::new();
    for number in 0..300 {
        if number == 150 {
            emulator.rotate_moneykit_key().expect("a key");
        }
        let (webhooks, sent) = (webhooks.clone(), good(&emulator));
        tasks.spawn(async move { verdict(&webhooks, &sent).await });
        if number % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert!(tasks.join_all().await.into_iter().all(|verdict| verdict.is_ok()));
    assert!(fetches(&emulator) <= 2, "{}", fetches(&emulator));
}

#[tokio::test]
async fn old_and_new_keys_verify_while_both_are_published() {
    let (emulator, webhooks, _) = service().await;
    let old = emulator.moneykit_key_id();
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
    emulator.rotate_moneykit_key().expect("a key");
    for _ in 0..10 {
        assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
        let by_old = sign(emulator.moneykit_webhook(EVENT).with_key(&emulator, &old));
        assert_eq!(verdict(&webhooks, &by_old).await, Ok(()));
    }
    assert_eq!(fetches(&emulator), 2);
}

#[tokio::test]
async fn webhook_signed_with_a_not_yet_published_key_is_retryable() {
    let (emulator, webhooks, clock) = service().await;
    let old = emulator.moneykit_key_id();
    let before = keys(&emulator).await;
    emulator.clear_requests();
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
    emulator.rotate_moneykit_key().expect("a key");
    let new = good(&emulator);
    emulator.fault_times(Operation::MoneykitJwks, respond(200, before.to_string()), 2);
    for fetched in [2, 3] {
        let error = webhooks.verify(&new.headers, &new.body).await.unwrap_err();
        assert_eq!((error.reason(), error.status()), ("keys_cooling_down", StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
        assert_eq!(fetches(&emulator), fetched);
        let by_old = sign(emulator.moneykit_webhook(EVENT).with_key(&emulator, &old));
        assert_eq!(verdict(&webhooks, &by_old).await, Ok(()));
        clock.advance(Duration::from_secs(60));
    }
    assert_eq!(verdict(&webhooks, &new).await, Ok(()));
    assert_eq!(fetches(&emulator), 4);
}

#[tokio::test]
async fn fetched_key_entries_that_are_not_objects_are_skipped() {
    let (emulator, webhooks, _) = service().await;
    let mut set = keys(&emulator).await;
    let entries = [json!(null), json!("key"), json!(7), json!([{}])];
    set["keys"].as_array_mut().expect("keys").splice(0..0, entries);
    emulator.fault(Operation::MoneykitJwks, respond(200, set.to_string()));
    emulator.clear_requests();
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
    assert_eq!(fetches(&emulator), 1);
}

#[tokio::test]
async fn empty_key_set_does_not_replace_the_keys() {
    for body in [r#"{"keys":null}"#, "{}", r#"{"keys":{}}"#, "null", "[]"] {
        let (emulator, webhooks, clock) = service().await;
        assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
        clock.advance(Duration::from_secs(3600));
        emulator.fault_times(Operation::MoneykitJwks, respond(200, body), 10);
        assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()), "{body}");
        assert_eq!(fetches(&emulator), 2, "{body}");
        let cold = emulator.moneykit().with_tokens(plain).build().expect("the client builds").webhooks();
        assert_eq!(verdict(&cold, &good(&emulator)).await, Err("keys_unavailable"), "{body}");
    }
}

async fn keys(emulator: &Emulator) -> serde_json::Value {
    let client = emulator.moneykit().build().expect("the client builds");
    serde_json::to_value(client.jwks().await.expect("the keys").into_body()).expect("json")
}

#[tokio::test]
async fn withdrawn_key_is_rejected_after_the_next_fetch() {
    let (emulator, webhooks, clock) = service().await;
    let old = emulator.moneykit_key_id();
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
    emulator.withdraw_moneykit_key(&old);
    let by_old = || sign(emulator.moneykit_webhook(EVENT).with_key(&emulator, &old));
    assert_eq!(verdict(&webhooks, &by_old()).await, Ok(()));
    emulator.rotate_moneykit_key().expect("a key");
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
    assert_eq!(verdict(&webhooks, &by_old()).await, Err("keys_cooling_down"));
    clock.advance(Duration::from_secs(60));
    assert_eq!(verdict(&webhooks, &by_old()).await, Err("keys_cooling_down"));

    let new = emulator.moneykit_key_id();
    emulator.withdraw_moneykit_key(&new);
    clock.advance(Duration::from_secs(3599));
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
    clock.advance(Duration::from_secs(1));
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Err("keys_cooling_down"));
}

#[tokio::test]
async fn stale_keys_are_used_for_at_most_a_day_while_fetching_fails() {
    let (emulator, webhooks, clock) = with(|options| options.with_max_age(Duration::MAX)).await;
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
    emulator.fault_times(Operation::MoneykitJwks, Fault::response(StatusCode::BAD_GATEWAY), 1_000);
    clock.advance(Duration::from_secs(3600));
    for hours in 1..24 {
        assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()), "{hours}");
        assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()), "{hours}");
        assert_eq!(fetches(&emulator), 1 + hours);
        clock.advance(Duration::from_secs(3600));
    }
    let sent = good(&emulator);
    let error = webhooks.verify(&sent.headers, &sent.body).await.unwrap_err();
    assert_eq!((error.reason(), error.status()), ("keys_unavailable", StatusCode::SERVICE_UNAVAILABLE));
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
    assert_eq!(source.map(fintech_auth::Error::kind), Some(ErrorKind::Unavailable));
    emulator.clear_faults();
    clock.advance(Duration::from_secs(60));
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
}

#[tokio::test]
async fn slow_fetch_does_not_delay_webhooks_with_stale_keys() {
    let emulator = Emulator::start().await.expect("the emulator starts");
    let clock = emulator.clock().clone();
    let client = emulator.moneykit().with_tokens(|tokens| plain(tokens).with_clock(clock.clone()));
    let webhooks = client.build().expect("the client builds").webhooks();
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
    clock.advance(Duration::from_secs(3600));
    emulator.fault(Operation::MoneykitJwks, Fault::hang());
    let sent = good(&emulator);
    let judged = tokio::time::timeout(Duration::from_secs(5), verdict(&webhooks, &sent));
    assert_eq!(judged.await, Ok(Ok(())));
    assert_eq!(fetches(&emulator), 2);
}

#[tokio::test]
async fn failed_first_fetch_is_not_repeated_for_every_webhook() {
    let (emulator, webhooks, clock) = service().await;
    emulator.fault_times(Operation::MoneykitJwks, Fault::response(StatusCode::BAD_GATEWAY), 1_000);
    for _ in 0..100 {
        assert_eq!(verdict(&webhooks, &good(&emulator)).await, Err("keys_unavailable"));
    }
    assert_eq!(fetches(&emulator), 1);
    for (number, wait) in [1, 2, 4].into_iter().enumerate() {
        clock.advance(Duration::from_secs(wait) - Duration::from_millis(1));
        assert_eq!(verdict(&webhooks, &good(&emulator)).await, Err("keys_unavailable"));
        assert_eq!(fetches(&emulator), 1 + number);
        clock.advance(Duration::from_millis(1));
        assert_eq!(verdict(&webhooks, &good(&emulator)).await, Err("keys_unavailable"));
        assert_eq!(fetches(&emulator), 2 + number);
    }
    emulator.clear_faults();
    clock.advance(Duration::from_secs(8));
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
}

#[tokio::test]
async fn key_fetch_continues_after_its_caller_is_dropped() {
    let (emulator, webhooks, _) = service().await;
    let sent = good(&emulator);
    tokio::select! {
        biased;
        _ = webhooks.verify(&sent.headers, &sent.body) => panic!("the verification must be waiting for the fetch"),
        _ = tokio::task::yield_now() => {}
    }
    assert_eq!(verdict(&webhooks, &sent).await, Ok(()));
    assert_eq!(fetches(&emulator), 1);
}

#[tokio::test]
async fn malformed_webhooks_cause_no_fetch() {
    let (emulator, webhooks, _) = service().await;
    let name = "moneykit-signature";
    let headers = |values: &[&str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        }
        headers
    };
    let jws = good(&emulator).headers[name].to_str().expect("text").to_owned();
    let table = [
        (headers(&[]), "missing_header"),
        (headers(&[&jws, &jws]), "repeated_header"),
        (headers(&["", &jws]), "repeated_header"),
        (headers(&[&"a".repeat(4097)]), "header_too_large"),
        (headers(&[""]), "malformed_header"),
        (headers(&["é"]), "malformed_header"),
        (headers(&[&format!("{jws}, {jws}")]), "malformed_header"),
        (headers(&[&jws[1..]]), "malformed_base64"),
        (sign(emulator.moneykit_webhook(EVENT).with_header("alg", "none")).headers, "algorithm_none"),
        (sign(emulator.moneykit_webhook(EVENT).with_header("alg", "HS256")).headers, "algorithm_symmetric"),
        (sign(emulator.moneykit_webhook(EVENT).without_header("kid")).headers, "missing_key_id"),
    ];
    for (number, (headers, expected)) in table.into_iter().enumerate() {
        let error = webhooks.verify(&headers, EVENT.as_bytes()).await.unwrap_err();
        let expected = if number == 7 { error.reason() } else { expected };
        assert_eq!(error.reason(), expected, "{number}");
    }
    assert_eq!(fetches(&emulator), 0);
}

#[tokio::test]
async fn malformed_keys_do_not_affect_valid_keys() {
    let (emulator, webhooks, _) = service().await;
    for jwk in [
        json!({}),
        json!({ "kid": 7 }),
        json!({ "kid": "rsa", "kty": "RSA" }),
        json!({ "kid": emulator.moneykit_key_id() }),
    ] {
        emulator.publish_moneykit_jwk(jwk.as_object().expect("an object").clone());
    }
    assert_eq!(verdict(&webhooks, &good(&emulator)).await, Ok(()));
    let by_rsa = sign(emulator.moneykit_webhook(EVENT).with_header("kid", "rsa"));
    assert_eq!(verdict(&webhooks, &by_rsa).await, Err("key_type"));
    assert_eq!(fetches(&emulator), 1);
}

#[tokio::test]
async fn claims_are_checked_against_the_client_clock() {
    let (emulator, webhooks, clock) = service().await;
    let sent = good(&emulator);
    clock.advance(Duration::from_secs(300));
    assert_eq!(verdict(&webhooks, &sent).await, Ok(()));
    clock.advance(Duration::from_secs(1));
    assert_eq!(verdict(&webhooks, &sent).await, Err("too_old"));
    let forged = good(&emulator).with_body("{}");
    assert_eq!(verdict(&webhooks, &forged).await, Err("body_mismatch"));
    for claim in ["iat", "request_body_sha256"] {
        let sent = sign(emulator.moneykit_webhook(EVENT).without_claim(claim));
        assert_eq!(verdict(&webhooks, &sent).await, Err("missing_claim"), "{claim}");
    }
    let sent = sign(emulator.moneykit_webhook(EVENT).with_claim("exp", 1));
    assert_eq!(verdict(&webhooks, &sent).await, Err("expired"));
}
