//! Tests processes that share one Redis but run different versions of this crate. Only this version
//! runs: the tests themselves write the data of the other versions.

use std::{sync::Arc, time::Duration};

use fintech_auth::{
    redis::Value,
    token::{
        Fingerprint, StoreKey, TokenCache, TokenOptions, TokenStore as _,
        redis::{RedisStore, SealingKey},
    },
    webhook::{Begin, DeliveryId, DeliveryStore as _, RedisDeliveries},
};
use tokio::time::{sleep, timeout};

use crate::{
    redis_server::RedisServer,
    scripted::{Scripted, TokenCall},
    support::scopes,
};

const LEASE: Duration = Duration::from_secs(60);

fn store(redis: &RedisServer) -> Arc<RedisStore> {
    let store = RedisStore::builder([SealingKey::new(&[7; 32]).unwrap()]).with_namespace("test");
    Arc::new(store.open(&redis.url()).unwrap())
}

fn process(redis: &RedisServer, source: &Scripted) -> TokenCache {
    TokenCache::new(source.clone(), TokenOptions::default().with_jitter(0.0).with_store(store(redis)))
}

fn source() -> Scripted {
    Scripted::new(Duration::from_millis(20), true, [])
}

async fn get(cache: &TokenCache) -> String {
    let token = cache.token(&scopes(&["a"])).await.unwrap();
    assert_eq!(cache.stats().store_failures, 0);
    token.expose_secret().to_owned()
}

fn key() -> StoreKey {
    StoreKey::new(Fingerprint::of(["scripted"]), "a")
}

async fn name(redis: &RedisServer, part: &str) -> String {
    let names: Vec<String> = redis.run_text(&format!("KEYS *:{part}*")).await;
    let [name] = &names[..] else { panic!("one name with {part}: {names:?}") };
    name.clone()
}

async fn dropped(cache: &TokenCache) {
    let gone = async {
        while cache.cached(&scopes(&["a"])).is_some() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), gone).await.expect("the cache drops the token");
}

async fn subscribed(redis: &RedisServer) {
    let subscribed = async {
        while redis.run_text::<Vec<String>>("PUBSUB NUMSUB fintech-auth:test").await[1] == "0" {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), subscribed).await.expect("the cache subscribes");
}

#[tokio::test]
async fn entry_of_another_version_is_overwritten_and_its_refresh_token_not_sent() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source();
    get(&process(&redis, &source)).await;
    let entry = name(&redis, "token:2:").await;
    for version in [0_u8, 1, 3, 255] {
        for field in [&b"t"[..], b"r"] {
            let mut sealed: Vec<u8> = redis.run(&[b"HGET", entry.as_bytes(), field]).await;
            sealed[0] = version;
            redis.run::<i64>(&[b"HSET", entry.as_bytes(), field, &sealed]).await;
        }
        let before = source.count();
        let (one, two) = (process(&redis, &source), process(&redis, &source));
        let token = get(&one).await;
        assert_eq!(get(&two).await, token, "version {version}: the processes must share the token");
        assert_eq!(source.count(), before + 1, "version {version}");
        assert_eq!(source.token_calls().last(), Some(&TokenCall::Issue("a".to_owned())), "version {version}");
        assert!(redis.run_text::<Vec<String>>("KEYS *:lease:*").await.is_empty());
    }
}

#[tokio::test]
async fn tokens_are_shared_only_by_processes_of_the_same_version() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source();
    get(&process(&redis, &source)).await;
    let entry = name(&redis, "token:2:").await;
    for other in [1, 3] {
        let other = entry.replace(":token:2:", &format!(":token:{other}:"));
        for (field, value) in [("t", "sealed"), ("r", "sealed-refresh"), ("g", "0123456789abcdef")] {
            redis.run_text::<i64>(&format!("HSET {other} {field} {value}")).await;
        }
        redis.run_text::<i64>(&format!("PEXPIRE {other} 600000")).await;
        let value = async || {
            let fields: Vec<String> = redis.run_text(&format!("HMGET {other} t r g")).await;
            (fields, redis.run_text::<u64>(&format!("PTTL {other}")).await > 500_000)
        };
        let before = value().await;
        let caches = [process(&redis, &source), process(&redis, &source)];
        let mut last = String::new();
        for cache in &caches {
            last = get(cache).await;
        }
        let rejected = caches[0].token(&scopes(&["a"])).await.unwrap();
        caches[0].invalidate(&rejected).await;
        assert_ne!(get(&caches[0]).await, last);
        assert_eq!(value().await, before);
    }
    assert_eq!(source.count(), 3, "there must be one token call, and one after each rejection");
}

#[tokio::test]
async fn lease_of_another_version_is_respected_until_it_expires() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source();
    let first = process(&redis, &source);
    get(&first).await;
    let entry = name(&redis, "token:2:").await;
    let lease = entry.replace(":token:2:", ":lease:");
    for holder in ["00000000000000000000000000000000:1700000000000000", "another shape", "{\"version\":9}"] {
        redis.run_text::<i64>(&format!("DEL {entry}")).await;
        let set: &[&[u8]] = &[b"SET", lease.as_bytes(), holder.as_bytes(), b"PX", b"600000"];
        redis.run::<Value>(set).await;
        assert!(store(&redis).lease(&key(), LEASE).await.unwrap().is_none(), "{holder}");
        let before = source.count();
        let cache = process(&redis, &source);
        cache.token_within(&scopes(&["a"]), Duration::from_millis(200)).await.unwrap_err();
        assert_eq!(
            source.count(),
            before,
            "{holder}: no request may be sent while another process has the lease"
        );
        redis.run_text::<i64>(&format!("PEXPIRE {lease} 1")).await;
        get(&cache).await;
        assert_eq!(source.count(), before + 1, "{holder}");
    }
}

#[tokio::test]
async fn revocation_by_another_version_is_applied_and_unknown_messages_ignored() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source();
    let cache = process(&redis, &source);
    let token = get(&cache).await;
    subscribed(&redis).await;
    let say =
        async |message: &str| redis.run_text::<i64>(&format!("PUBLISH fintech-auth:test {message}")).await;
    for unknown in ["rotated:0000000000000001", "revoked:x", "revoked2:0000000000000001", "\u{1}", "changed:"]
    {
        say(unknown).await;
    }
    let stored = store(&redis).get(&key()).await.unwrap().expect("the token is in the store");
    assert_eq!(stored.access_token.expose_secret(), token);
    say(&format!("invalidated:{:016x}", stored.id.get())).await;
    dropped(&cache).await;
    let token = get(&cache).await;

    // The test acts as a process with another version: it writes the tombstone and then publishes
    // the `revoked` message.
    let revoked = name(&redis, "fence").await.replace(":fence", ":revoked");
    let stored = store(&redis).get(&key()).await.unwrap().expect("the token is in the store");
    assert_eq!(stored.access_token.expose_secret(), token);
    let [now, _] = &redis.run_text::<Vec<String>>("TIME").await[..] else {
        panic!("the time must have two parts")
    };
    let ends = (now.parse::<u64>().unwrap() + 3600) * 1000;
    redis.run_text::<i64>(&format!("ZADD {revoked} {ends} {:016x}", stored.id.get())).await;
    assert!(
        store(&redis).get(&key()).await.unwrap().is_none(),
        "the store must not return a token that is marked as revoked"
    );
    say(&format!("revoked:{:016x}", stored.id.get())).await;
    dropped(&cache).await;

    let next = cache.token(&scopes(&["a"])).await.unwrap();
    assert_ne!(next.expose_secret(), token);
    let stored = store(&redis).get(&key()).await.unwrap().expect("the token is in the store");
    cache.forget(&next).await.unwrap();
    let score: String = redis.run_text(&format!("ZSCORE {revoked} {:016x}", stored.id.get())).await;
    let day = 24 * 3600 * 1000;
    assert!(
        score.parse::<u64>().unwrap() > ends - 3600 * 1000 + day - 60_000,
        "{score} is not the expected time in milliseconds"
    );
}

#[tokio::test]
async fn cool_downs_and_refusals_stored_by_another_version_are_applied() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source();
    get(&process(&redis, &source)).await;
    let fence = name(&redis, "fence").await;
    let entry = name(&redis, "token:2:").await;
    let credentials = Fingerprint::of(["scripted"]).to_string();
    let refused = Fingerprint::of(["credentials", &credentials]).to_string();
    for (block, kind) in [
        (":closed".to_owned(), fintech_auth::ErrorKind::RateLimited),
        (format!(":refused:{refused:.32}"), fintech_auth::ErrorKind::Unauthorized),
    ] {
        redis.run_text::<i64>(&format!("DEL {entry}")).await;
        let block = fence.replace(":fence", &block);
        redis.run_text::<Value>(&format!("SET {block} whatever PX 600000")).await;
        let error = process(&redis, &source).token_within(&scopes(&["a"]), LEASE).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        redis.run_text::<i64>(&format!("DEL {block}")).await;
    }
    assert_eq!(source.count(), 1);
}

#[tokio::test]
async fn deliveries_recorded_by_another_version_are_not_lost_or_repeated() {
    let Some(redis) = RedisServer::start() else { return };
    let deliveries = RedisDeliveries::new(store(&redis));
    let id = DeliveryId::new([&b"a"[..]], std::time::SystemTime::UNIX_EPOCH);
    deliveries.begin(&id, 0xab, LEASE).await.unwrap();
    let [key] = &redis.run_text::<Vec<String>>("KEYS *").await[..] else { panic!("there must be one key") };
    let digest: String = id.key().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(*key, format!("{{fintech-auth:test:delivery:{digest}}}"));
    assert_eq!(redis.run_text::<String>(&format!("GET {key}")).await, format!("{:032x}", 0xab));
    deliveries.complete(&id, LEASE).await.unwrap();
    assert_eq!(redis.run_text::<String>(&format!("GET {key}")).await, "done");
    redis.run_text::<Value>(&format!("SET {key} done PX 60000")).await;
    assert_eq!(deliveries.begin(&id, 1, LEASE).await.unwrap(), Begin::Done);
    redis.run_text::<Value>(&format!("SET {key} 000000000000000000000000000000cd PX 60000")).await;
    assert!(matches!(deliveries.begin(&id, 1, LEASE).await.unwrap(), Begin::InProgress(_)));
    assert!(!deliveries.renew(&id, 1, LEASE).await.unwrap());
    assert!(deliveries.renew(&id, 0xcd, LEASE).await.unwrap());
}
