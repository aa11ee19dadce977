//! Tests the deduplication of webhooks across processes through a real Redis.

use std::{sync::Arc, time::Duration};

use fintech_auth::{
    emulator::{Emulator, delivery_store_contract},
    moov::webhook::WebhookVerifier,
    token::redis::{RedisStore, SealingKey},
    webhook::{Begin, Deliveries, DeliveryId, DeliveryStore as _, Received, RedisDeliveries},
};

use crate::{
    redis_server::{PROGRAMS, RedisServer},
    support::emulator,
};

const LEASE: Duration = Duration::from_secs(60);

fn store(redis: &RedisServer, namespace: &str) -> RedisDeliveries {
    let store = RedisStore::builder([SealingKey::new(&[7; 32]).unwrap()]).with_namespace(namespace);
    RedisDeliveries::new(Arc::new(store.open(&redis.url()).unwrap()))
}

fn process(redis: &RedisServer, emulator: &Emulator) -> WebhookVerifier {
    let verifier = WebhookVerifier::new([emulator.moov_webhook_secret()]).unwrap();
    let verifier = verifier.with_clock(emulator.clock().clone());
    verifier.with_deliveries(Deliveries::new(store(redis, "test")))
}

fn id(name: &str) -> DeliveryId {
    DeliveryId::new([name.as_bytes()], std::time::SystemTime::UNIX_EPOCH)
}

#[tokio::test]
async fn every_installed_redis_server_meets_the_store_contract() {
    let Some(_) = RedisServer::start() else { return };
    for program in PROGRAMS {
        if let Some(redis) = RedisServer::start_program(program, &[]) {
            let checked = delivery_store_contract::check(Arc::new(store(&redis, "test"))).await;
            checked.unwrap_or_else(|broken| panic!("{program}: {broken}"));
        }
    }
}

#[tokio::test]
async fn event_is_handled_again_only_if_the_first_process_abandons_it() {
    let Some(redis) = RedisServer::start() else { return };
    let emulator = emulator().await;
    let fleet = [(); 3].map(|()| process(&redis, &emulator));
    let sent = emulator.moov_webhook("{}").sign().unwrap();
    let received = async |process: usize| fleet[process].receive(&sent.headers, &sent.body).await.unwrap();

    let Received::New(_, delivery) = received(0).await else { panic!("the delivery must be new") };
    assert!(matches!(received(1).await, Received::InProgress(left) if left <= LEASE));
    delivery.abandon().await.unwrap();
    let Received::New(_, delivery) = received(1).await else {
        panic!("the delivery must be new after the first process abandoned it")
    };
    delivery.complete().await.unwrap();
    for process in 0..3 {
        assert!(matches!(received(process).await, Received::Done), "{process}");
    }
}

#[tokio::test]
async fn webhook_is_refused_with_retry_after_if_redis_is_down() {
    let Some(mut redis) = RedisServer::start() else { return };
    let emulator = emulator().await;
    let verifier = process(&redis, &emulator);
    let sent = emulator.moov_webhook("{}").sign().unwrap();
    redis.stop();
    let error = verifier.receive(&sent.headers, &sent.body).await.unwrap_err();
    assert_eq!((error.reason(), error.status().as_u16()), ("delivery_store_unavailable", 503));
    assert!(error.retry_after().is_some());
    redis.start_again();
    assert!(matches!(verifier.receive(&sent.headers, &sent.body).await, Ok(Received::New(..))));
}

#[tokio::test]
async fn begin_returns_the_same_result_if_it_is_repeated_with_the_same_claim() {
    let Some(redis) = RedisServer::start() else { return };
    let store = store(&redis, "test");
    for _ in 0..2 {
        assert_eq!(store.begin(&id("a"), 1, LEASE).await.unwrap(), Begin::New);
    }
    assert!(matches!(store.begin(&id("a"), 2, LEASE).await.unwrap(), Begin::InProgress(_)));
}

#[tokio::test]
async fn completed_delivery_is_kept_for_twice_the_retention_time() {
    let Some(redis) = RedisServer::start() else { return };
    let store = store(&redis, "test");
    store.complete(&id("a"), Duration::from_secs(1_000)).await.unwrap();
    let [key] = &redis.run_text::<Vec<String>>("KEYS *").await[..] else { panic!("there must be one key") };
    let left: u64 = redis.run(&[b"PTTL", key.as_bytes()]).await;
    assert!((1_990_000..=2_000_000).contains(&left), "{left}");
    let bytes: u64 = redis.run(&[b"MEMORY", b"USAGE", key.as_bytes()]).await;
    store.complete(&id("b"), Duration::MAX).await.unwrap();
    assert_eq!(store.begin(&id("b"), 1, LEASE).await.unwrap(), Begin::Done);
    assert!(bytes <= 250, "{bytes} bytes, and the documentation says about 200");
}

#[tokio::test]
async fn deliveries_in_different_namespaces_are_isolated() {
    let Some(redis) = RedisServer::start() else { return };
    let (one, two) = (store(&redis, "one"), store(&redis, "two"));
    one.complete(&id("a"), LEASE).await.unwrap();
    assert_eq!(one.begin(&id("a"), 1, LEASE).await.unwrap(), Begin::Done);
    assert_eq!(two.begin(&id("a"), 1, LEASE).await.unwrap(), Begin::New);
}

#[tokio::test]
async fn value_of_another_program_in_redis_is_ignored() {
    let Some(redis) = RedisServer::start() else { return };
    let store = store(&redis, "test");
    store.complete(&id("a"), LEASE).await.unwrap();
    let [key] = &redis.run_text::<Vec<String>>("KEYS *").await[..] else { panic!("there must be one key") };
    let long = "x".repeat(33);
    for command in [
        &[&b"SET"[..], key.as_bytes(), b"a-claim-that-never-ends"][..],
        &[b"SET", key.as_bytes(), b"a-claim", b"PX", b"3660000"],
        &[b"SET", key.as_bytes(), long.as_bytes(), b"PX", b"60000"],
        &[b"LPUSH", key.as_bytes(), b"x"],
        &[b"HSET", key.as_bytes(), b"x", b"y"],
    ] {
        redis.run::<()>(&[b"DEL", key.as_bytes()]).await;
        redis.run::<fintech_auth::redis::Value>(command).await;
        assert_eq!(store.begin(&id("a"), 1, LEASE).await.unwrap(), Begin::New, "{command:?}");
        assert!(store.renew(&id("a"), 1, LEASE).await.unwrap());
    }
}
