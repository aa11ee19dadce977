//! Tests the token store on a real Redis: what the store writes, what it rejects, and what it does
//! when Redis fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fintech_auth::{
    ErrorKind, Secret,
    emulator::{delivery_store_contract, store_contract},
    redis,
    token::{
        Block, Claim, Fingerprint, Lease, Notice, Permit, RateLimit, StoreKey, StoredToken, TokenCache,
        TokenOptions, TokenStore,
        redis::{RedisStore, RedisStoreBuilder, SealingKey},
    },
    webhook::RedisDeliveries,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    redis_server::{PROGRAMS, RedisServer, free_port},
    scripted::{Reply, SameTokenSource, Scripted, TestClock, TokenCall, fail, limited},
    support::scopes,
};

const BRIEF: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(20);

fn builder() -> RedisStoreBuilder {
    RedisStore::builder([SealingKey::new(&[7; 32]).unwrap()]).with_namespace("test")
}

fn store(redis: &RedisServer) -> Arc<RedisStore> {
    Arc::new(builder().open(&redis.url()).unwrap())
}

fn options(store: Arc<RedisStore>) -> TokenOptions {
    TokenOptions::default().with_jitter(0.0).with_store(store).with_store_circuit_open_for(BRIEF)
}

fn process(redis: &RedisServer, source: &Scripted) -> TokenCache {
    TokenCache::new(source.clone(), options(store(redis)))
}

fn source(script: impl IntoIterator<Item = Reply>) -> Scripted {
    Scripted::new(Duration::from_millis(20), true, script)
}

fn refused() -> String {
    let credentials = Fingerprint::of(["scripted"]).to_string();
    format!("refused:{:.32}", Fingerprint::of(["credentials", &credentials]).to_string())
}

async fn get(cache: &TokenCache, scope: &str) -> String {
    cache.token(&scopes(&[scope])).await.unwrap().expose_secret().to_owned()
}

async fn kind(cache: &TokenCache, scope: &str) -> ErrorKind {
    cache.token_within(&scopes(&[scope]), BRIEF).await.unwrap_err().kind()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, wait).await.unwrap_or_else(|_| panic!("timed out waiting until {what}"));
}

async fn listening(redis: &RedisServer, count: usize) {
    until("the subscription is active", async || {
        let channels: Vec<String> = redis.run_text("PUBSUB NUMSUB fintech-auth:test").await;
        channels[1].parse::<usize>().unwrap() >= count
    })
    .await;
}

async fn two_with_one_token(redis: &RedisServer, source: &Scripted) -> (TokenCache, TokenCache) {
    let (one, two) = (process(redis, source), process(redis, source));
    get(&one, "a").await;
    get(&two, "a").await;
    listening(redis, 2).await;
    (one, two)
}

async fn keys(redis: &RedisServer, part: &str) -> Vec<String> {
    redis.run_text(&format!("KEYS *:{part}*")).await
}

fn key(scope: &str) -> StoreKey {
    StoreKey::new(Fingerprint::of(["scripted"]), scope)
}

#[tokio::test]
async fn every_installed_redis_server_meets_the_store_contract() {
    let Some(_) = RedisServer::start() else { return };
    for program in PROGRAMS {
        if let Some(redis) = RedisServer::start_program(program, &[]) {
            store_contract::check(store(&redis)).await.unwrap_or_else(|broken| panic!("{program}: {broken}"));
        }
    }
}

#[tokio::test]
async fn fleet_requests_each_token_once_and_sends_each_refresh_token_once() {
    let Some(redis) = RedisServer::start() else { return };
    let (source, clock) = (source([]), TestClock::new());
    let fleet: Vec<_> = (0..20)
        .map(|_| TokenCache::new(source.clone(), options(store(&redis)).with_clock(clock.clone())))
        .collect();
    for number in 1..=3 {
        let mut callers = JoinSet::new();
        for cache in &fleet {
            let cache = cache.clone();
            callers.spawn(async move { get(&cache, "a").await });
        }
        let expected = format!("token-{number}");
        assert!(callers.join_all().await.iter().all(|token| *token == expected));
        clock.wall_forward(Duration::from_secs(3600));
    }
    let expected = [
        TokenCall::Issue("a".to_owned()),
        TokenCall::Refresh("refresh-1".to_owned()),
        TokenCall::Refresh("refresh-2".to_owned()),
    ];
    assert_eq!(source.token_calls(), expected);
}

#[tokio::test]
async fn no_secret_is_visible_in_redis_keys_values_log_or_monitor() {
    let Some(redis) = RedisServer::start() else { return };
    let mut monitor = TcpStream::connect(("127.0.0.1", redis.port)).await.unwrap();
    monitor.write_all(b"MONITOR\r\n").await.unwrap();
    let mut seen = vec![0; 5];
    monitor.read_exact(&mut seen).await.unwrap();

    let source = source([]);
    let (one, two) = (process(&redis, &source), process(&redis, &source));
    get(&one, "payments.write").await;
    get(&two, "payments.write").await;
    one.invalidate(&one.token(&scopes(&["payments.write"])).await.unwrap()).await;
    get(&one, "payments.write").await;

    for key in redis.run_text::<Vec<String>>("KEYS *").await {
        seen.extend(key.as_bytes());
        seen.extend(redis.run::<Vec<u8>>(&[b"DUMP", key.as_bytes()]).await);
        if key.contains(":token:") {
            let fields: Vec<Vec<u8>> = redis.run(&[b"HGETALL", key.as_bytes()]).await;
            seen.extend(fields.concat());
        }
    }
    seen.extend(std::fs::read(redis.folder().join("log")).unwrap());
    redis.run_text::<String>("ECHO the-end-of-it").await;
    let mut buffer = [0; 4096];
    while !contains(&seen, "the-end-of-it") {
        let read = timeout(LONG, monitor.read(&mut buffer)).await.unwrap().unwrap();
        seen.extend(&buffer[..read]);
    }
    assert!(contains(&seen, "EVALSHA") && contains(&seen, "{fintech-auth:test:"));
    let scripted = Fingerprint::of(["scripted"]).to_string();
    for secret in ["token-1", "token-2", "refresh-1", "refresh-2", "payments.write", &scripted] {
        assert!(!contains(&seen, secret), "{secret}");
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn entries_expire_with_their_tokens_and_every_key_has_a_ttl() {
    let Some(redis) = RedisServer::start() else { return };
    let options = options(store(&redis)).with_rate_limit(10, Duration::from_secs(60));
    let cache = TokenCache::new(source([Reply::Token(600)]), options);
    get(&cache, "a").await;
    let entry = keys(&redis, "token:").await.remove(0);
    let left: i64 = redis.run_text(&format!("PTTL {entry}")).await;
    assert!((590_000..=600_000).contains(&left), "{left}");
    cache.invalidate(&cache.token(&scopes(&["a"])).await.unwrap()).await;
    for key in redis.run_text::<Vec<String>>("KEYS *").await {
        assert!(redis.run_text::<i64>(&format!("PTTL {key}")).await > 0, "{key}");
    }
}

#[tokio::test]
async fn rotating_encryption_keys_requires_no_new_token() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    let with = |keys: &[u8]| {
        let keys: Vec<_> = keys.iter().map(|key| SealingKey::new(&[*key; 32]).unwrap()).collect();
        let store = RedisStore::builder(keys).open(&redis.url()).unwrap();
        TokenCache::new(source.clone(), options(Arc::new(store)))
    };
    assert_eq!(get(&with(&[1]), "a").await, "token-1");
    assert_eq!(get(&with(&[2, 1]), "a").await, "token-1");
    assert_eq!(get(&with(&[2, 1]), "b").await, "token-2");
    assert_eq!(get(&with(&[2]), "b").await, "token-2");
    assert_eq!(get(&with(&[2]), "a").await, "token-3");
    assert_eq!(get(&with(&[2]), "a").await, "token-3");
}

#[tokio::test]
async fn namespaces_and_credentials_are_isolated() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    for (namespace, token) in [("staging", "token-1"), ("production", "token-2"), ("staging", "token-1")] {
        let store = builder().with_namespace(namespace).open(&redis.url()).unwrap();
        assert_eq!(get(&TokenCache::new(source.clone(), options(Arc::new(store))), "a").await, token);
    }
}

#[tokio::test]
async fn corrupt_entries_are_rejected_and_overwritten() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    let shared = async |scope: &str, expected: &str| {
        let cache = process(&redis, &source);
        assert_eq!(get(&cache, scope).await, expected);
        assert_eq!(cache.stats().store_failures, 0, "{scope} {expected}");
    };
    shared("other", "token-1").await;
    let other = keys(&redis, "token:").await.remove(0);
    shared("a", "token-2").await;
    let entry = keys(&redis, "token:").await.into_iter().find(|key| *key != other).unwrap();
    let sealed: Vec<u8> = redis.run(&[b"HGET", entry.as_bytes(), b"t"]).await;
    let mut flipped = sealed.clone();
    flipped[40] ^= 1;
    let foreign: Vec<u8> = redis.run(&[b"HGET", other.as_bytes(), b"t"]).await;
    let foreign_id: Vec<u8> = redis.run(&[b"HGET", other.as_bytes(), b"g"]).await;
    let (entry, huge) = (entry.as_bytes(), vec![b'x'; 1 << 20]);
    let breakages: [&[&[u8]]; 11] = [
        &[b"HSET", entry, b"t", &foreign, b"g", &foreign_id],
        &[b"SET", entry, b"text"],
        &[b"RPUSH", entry, b"a", b"b"],
        &[b"HSET", entry, b"t", &flipped],
        &[b"HSET", entry, b"t", &foreign],
        &[b"HSET", entry, b"t", &sealed[..20]],
        &[b"HSET", entry, b"t", b""],
        &[b"HSET", entry, b"t", &huge],
        &[b"HSET", entry, b"g", b"0123456789abcdef"],
        &[b"HDEL", entry, b"g"],
        &[b"PERSIST", entry],
    ];
    for (number, breakage) in (3..).zip(breakages) {
        if matches!(breakage[0], b"SET" | b"RPUSH") {
            redis.run::<i64>(&[b"DEL", entry]).await;
        }
        redis.run::<redis::Value>(breakage).await;
        shared("a", &format!("token-{number}")).await;
        shared("a", &format!("token-{number}")).await;
    }
}

#[tokio::test]
async fn corrupt_redis_entries_do_not_delay_a_refresh() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    let limited = || options(store(&redis)).with_rate_limit(100, Duration::from_secs(60));
    let first = TokenCache::new(source.clone(), limited());
    get(&first, "a").await;
    let fence = keys(&redis, "fence").await.remove(0);
    let of = |name: &str| fence.replace("fence", name);
    let lease = keys(&redis, "token:").await.remove(0).replace(":token:2:", ":lease:");
    for (key, commands) in [
        (&lease, vec!["SET {} text", "SADD {} text", "SET {} x:1 PX 99999999999"]),
        (&of("fence"), vec!["SET {} text", "SET {} 9223372036854775807", "SET {} -5", "SADD {} text"]),
        (&of("closed"), vec!["SET {} text", "SADD {} text", "SET {} text PX 99999999999"]),
        (&of(&refused()), vec!["SET {} text"]),
        (
            &of("sent"),
            vec![
                "SET {} text",
                "SADD {} text",
                "RPUSH {} text",
                "RPUSH {} nan",
                "RPUSH {} 9e99 text",
                "RPUSH {} -1",
            ],
        ),
        (&of("revoked"), vec!["SET {} text", "SADD {} text", "ZADD {} inf text"]),
        (&of("invalid"), vec!["SET {} text", "SADD {} text", "ZADD {} inf text"]),
    ] {
        for command in commands {
            redis.run_text::<i64>(&format!("DEL {key}")).await;
            redis.run_text::<redis::Value>(&command.replace("{}", key)).await;
            let cache = TokenCache::new(source.clone(), limited());
            first.invalidate(&first.token(&scopes(&["a"])).await.unwrap()).await;
            redis.run_text::<i64>(&format!("DEL {key}")).await;
            redis.run_text::<redis::Value>(&command.replace("{}", key)).await;
            get(&cache, "a").await;
            get(&first, "a").await;
            assert_eq!(cache.stats().store_failures, 0, "{command}");
            assert_eq!(first.stats().store_failures, 0, "{command}");
        }
    }
}

#[tokio::test]
async fn new_token_needs_two_redis_calls_and_a_stored_token_needs_one_call() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    let (one, two) = (process(&redis, &source), process(&redis, &source));
    get(&one, "warm").await;
    get(&two, "warm").await;
    listening(&redis, 2).await;
    let calls = async || {
        let stats: String = redis.run_text("INFO commandstats").await;
        let calls = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
        calls.map_or(0, |calls| calls.split(',').next().unwrap().parse::<u32>().unwrap())
    };
    let mut before = calls().await;
    until("the number of calls is constant", async || {
        sleep(BRIEF).await;
        let last = before;
        before = calls().await;
        before == last
    })
    .await;
    assert_eq!(get(&one, "a").await, "token-2");
    let minted = calls().await;
    assert_eq!(get(&two, "a").await, "token-2");
    let shared = calls().await;
    for _ in 0..1000 {
        get(&one, "a").await;
        get(&two, "a").await;
    }
    let cached = calls().await;
    assert_eq!((minted - before, shared - minted, cached - shared), (2, 1, 0));
}

#[tokio::test]
async fn token_invalidated_by_one_process_is_evicted_in_every_process() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    let (one, two) = (process(&redis, &source), process(&redis, &source));
    get(&one, "a").await;
    assert_eq!(get(&two, "a").await, "token-1");
    listening(&redis, 2).await;
    one.invalidate(&one.token(&scopes(&["a"])).await.unwrap()).await;
    until("the token is removed from the cache", async || two.cached(&scopes(&["a"])).is_none()).await;
    assert_eq!(two.stats().evicted_remotely, 1);
    assert_eq!((get(&two, "a").await, get(&one, "a").await), ("token-2".to_owned(), "token-2".to_owned()));
    one.forget(&Secret::from("token-2")).await.unwrap();
    until("the token is removed from the cache", async || two.cached(&scopes(&["a"])).is_none()).await;
    assert_eq!(source.count(), 2);
}

#[tokio::test]
async fn dropping_the_cache_ends_its_redis_subscription() {
    let Some(redis) = RedisServer::start() else { return };
    let cache = process(&redis, &source([]));
    get(&cache, "a").await;
    listening(&redis, 1).await;
    drop(cache);
    until("the connections are closed", async || {
        let clients: String = redis.run_text("CLIENT LIST").await;
        clients.lines().count() == 1
    })
    .await;
}

#[tokio::test]
async fn closed_store_reconnects_when_it_is_called() {
    let Some(redis) = RedisServer::start() else { return };
    let (source, store) = (source([]), store(&redis));
    let cache = TokenCache::new(source.clone(), options(store.clone()));
    let token = get(&cache, "a").await;
    listening(&redis, 1).await;
    let connections = async || redis.run_text::<String>("CLIENT LIST").await.lines().count();
    assert_eq!(connections().await, 3);
    cache.shutdown(LONG).await.unwrap();
    store.close();
    until("the connection is closed", async || connections().await == 1).await;
    cache.forget(&Secret::from(token.as_str())).await.unwrap();
    assert_eq!(connections().await, 2, "the call must open one connection and no subscription");
}

#[tokio::test]
async fn eviction_missed_by_the_subscription_is_applied_later() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    let (one, two) = two_with_one_token(&redis, &source).await;
    sleep(BRIEF).await;
    let token = one.token(&scopes(&["a"])).await.unwrap();
    redis.run_text::<i64>("CLIENT KILL TYPE pubsub").await;
    one.invalidate(&token).await;
    until("the token is removed from the cache", async || two.cached(&scopes(&["a"])).is_none()).await;
}

#[tokio::test]
async fn eviction_during_a_redis_outage_is_published_after_the_outage() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    let (one, two) = two_with_one_token(&redis, &source).await;
    redis.pause();
    one.invalidate(&one.token(&scopes(&["a"])).await.unwrap()).await;
    assert_eq!(one.stats().store_failures, 1);
    assert!(one.stats().store_circuit_open);
    redis.resume();
    until("the token is removed from the cache", async || two.cached(&scopes(&["a"])).is_none()).await;
    assert!(keys(&redis, "token:").await.is_empty());
}

#[tokio::test]
async fn late_refresh_does_not_restore_a_revoked_token() {
    let Some(redis) = RedisServer::start() else { return };
    let (source, clock) = (Scripted::new(BRIEF, true, []), TestClock::new());
    let process = || TokenCache::new(source.clone(), options(store(&redis)).with_clock(clock.clone()));
    let (one, two) = (process(), process());
    get(&one, "a").await;
    get(&two, "a").await;
    listening(&redis, 2).await;
    clock.wall_forward(Duration::from_secs(3400));
    assert_eq!(get(&one, "a").await, "token-1");
    until("the refresh is sent", async || source.count() == 2).await;
    two.forget(&Secret::from("token-1")).await.unwrap();
    until("a new token is requested", async || source.count() == 3).await;
    assert_eq!(get(&one, "a").await, "token-3");
    assert_eq!(get(&two, "a").await, "token-3");
    assert_eq!(get(&process(), "a").await, "token-3");
    assert_eq!((one.stats().discarded, source.count()), (1, 3));
}

#[tokio::test]
async fn token_is_not_stored_after_it_was_invalidated() {
    let Some(redis) = RedisServer::start() else { return };
    let (store, key) = (store(&redis), key("a"));
    let lease = store.lease(&key, LONG).await.unwrap().unwrap();
    let token = StoredToken::new(Secret::from("x"), Duration::ZERO, LONG);
    store.invalidate(&key, token.id).await.unwrap();
    assert!(!store.put(&key, &token, &lease).await.unwrap());
    let marks = store.marks(&key.source, &[token.id]).await.unwrap();
    assert_eq!(marks, [Notice::Invalidated(token.id)]);
}

#[tokio::test]
async fn refresh_token_is_given_to_only_one_process_even_if_that_process_dies() {
    let Some(redis) = RedisServer::start() else { return };
    let (store, key) = (store(&redis), key("a"));
    let lease = store.lease(&key, LONG).await.unwrap().unwrap();
    let token = StoredToken::new(Secret::from("x"), Duration::ZERO, LONG)
        .with_refresh_token(Some(Secret::from("spend me once")));
    assert!(store.put_and_release(&key, &token, &lease).await.unwrap());
    let claim = async || {
        let except = [token.id];
        match store.claim(&key, &key.source, &except, BRIEF, None, LONG).await.unwrap() {
            Claim::Leased { refresh_token, .. } => {
                Some(refresh_token.map(|text| text.expose_secret().to_owned()))
            }
            _ => None,
        }
    };
    assert_eq!(claim().await, Some(Some("spend me once".to_owned())));
    assert_eq!(claim().await, None);
    sleep(BRIEF * 2).await;
    assert_eq!(claim().await, Some(None));
}

#[tokio::test]
async fn lease_is_lost_after_a_flush_and_fence_numbers_never_decrease() {
    let Some(redis) = RedisServer::start() else { return };
    let (store, key) = (store(&redis), key("a"));
    let token = StoredToken::new(Secret::from("x"), Duration::ZERO, LONG);
    let first = store.lease(&key, LONG).await.unwrap().unwrap();
    redis.run_text::<()>("FLUSHALL").await;
    assert!(!store.put(&key, &token, &first).await.unwrap());
    let second = store.lease(&key, LONG).await.unwrap().unwrap();
    assert!(second.fence > first.fence);
    assert!(!store.put(&key, &token, &first).await.unwrap());
    assert!(!store.renew(&key, &first, LONG).await.unwrap());
    let other = self::store(&redis);
    assert!(!other.put(&key, &token, &second).await.unwrap());
    assert!(!other.put(&key, &token, &Lease::new(0)).await.unwrap());
    assert!(store.put(&key, &token, &second).await.unwrap());
}

#[tokio::test]
async fn cool_downs_and_credential_refusals_are_shared_by_all_processes() {
    let Some(redis) = RedisServer::start() else { return };
    let refused = Reply::Refused(401);
    for (reply, expected) in [(limited(60), ErrorKind::RateLimited), (refused, ErrorKind::Unauthorized)] {
        redis.run_text::<()>("FLUSHALL").await;
        let (asking, idle) = (source([reply]), source([]));
        let (one, two) = (process(&redis, &asking), process(&redis, &idle));
        assert_eq!(kind(&one, "a").await, expected);
        assert_eq!(kind(&two, "b").await, expected);
        let error = two.token_within(&scopes(&["c"]), BRIEF).await.unwrap_err();
        assert!(error.retry_after().is_some() && !error.may_have_been_sent());
        assert_eq!((asking.count(), idle.count()), (1, 0));
    }
}

#[tokio::test]
async fn every_process_can_send_requests_after_a_cool_down() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([limited(1)]);
    let (one, two) = (process(&redis, &source), process(&redis, &source));
    assert_eq!(kind(&one, "a").await, ErrorKind::RateLimited);
    assert_eq!((get(&two, "a").await, get(&one, "a").await), ("token-2".to_owned(), "token-2".to_owned()));
    assert_eq!(source.count(), 2);
}

#[tokio::test]
async fn rate_limit_is_shared_by_the_fleet() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    let fleet: Vec<_> = (0..4)
        .map(|_| {
            let options = options(store(&redis)).with_rate_limit(3, Duration::from_secs(60));
            TokenCache::new(source.clone(), options)
        })
        .collect();
    let mut passed = 0;
    for (cache, scope) in fleet.iter().zip(["a", "b", "c", "d"]) {
        match cache.token_within(&scopes(&[scope]), BRIEF).await {
            Ok(_) => passed += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::RateLimited),
        }
    }
    assert_eq!((passed, source.count()), (3, 3));
    let limit = RateLimit::new(3, Duration::from_secs(60));
    let source = Fingerprint::of(["scripted"]);
    let permit = store(&redis).acquire_permit(&source, &source, Some(limit), BRIEF).await.unwrap();
    assert!(
        matches!(permit, Permit::Denied(Block::RateLimit(_))),
        "a call without the cache must also count: {permit:?}"
    );
}

#[tokio::test]
async fn waiting_process_continues_when_the_lease_of_a_dead_process_ends() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    let dead = store(&redis).lease(&key("a"), Duration::from_secs(1)).await.unwrap();
    assert!(dead.is_some());
    assert_eq!(get(&process(&redis, &source), "a").await, "token-1");
    assert_eq!(source.count(), 1);
}

#[tokio::test]
async fn slow_lease_holder_renews_its_lease() {
    let Some(redis) = RedisServer::start() else { return };
    let source = Scripted::new(Duration::from_millis(1500), true, []);
    let process =
        || TokenCache::new(source.clone(), options(store(&redis)).with_lease(Duration::from_millis(400)));
    let (one, two) = (process(), process());
    let (first, second) = tokio::join!(get(&one, "a"), get(&two, "a"));
    assert_eq!((first, second, source.count()), ("token-1".to_owned(), "token-1".to_owned(), 1));
}

#[tokio::test]
async fn failed_refresh_does_not_block_other_processes() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([fail(ErrorKind::InvalidRequest)]);
    let (one, two) = (process(&redis, &source), process(&redis, &source));
    assert_eq!(kind(&one, "a").await, ErrorKind::InvalidRequest);
    assert_eq!(get(&two, "a").await, "token-2");
}

#[derive(Clone, Copy, Debug)]
enum RedisFault {
    Absent,
    Paused,
    Full,
    ReadOnly,
    NoRights,
}

impl RedisFault {
    async fn apply(self, redis: &mut RedisServer) {
        match self {
            Self::Absent => redis.stop(),
            Self::Paused => redis.pause(),
            Self::Full => redis.run_text("CONFIG SET maxmemory 1").await,
            Self::ReadOnly => redis.run_text(&format!("REPLICAOF 127.0.0.1 {}", free_port())).await,
            Self::NoRights => redis.run_text("ACL SETUSER default -evalsha -eval").await,
        }
    }

    async fn end(self, redis: &mut RedisServer) {
        match self {
            Self::Absent => redis.start_again(),
            Self::Paused => redis.resume(),
            Self::Full => redis.run_text("CONFIG SET maxmemory 0").await,
            Self::ReadOnly => redis.run_text("REPLICAOF NO ONE").await,
            Self::NoRights => redis.run_text("ACL SETUSER default +evalsha +eval").await,
        }
    }
}

#[tokio::test]
async fn tokens_are_issued_during_a_redis_outage_and_shared_after_it() {
    for fault in
        [RedisFault::Absent, RedisFault::Paused, RedisFault::Full, RedisFault::ReadOnly, RedisFault::NoRights]
    {
        let Some(mut redis) = RedisServer::start() else { return };
        let source = source([]);
        let (one, two) = (process(&redis, &source), process(&redis, &source));
        assert_eq!(get(&one, "a").await, get(&two, "a").await, "{fault:?}");
        listening(&redis, 2).await;
        sleep(BRIEF).await;
        fault.apply(&mut redis).await;
        assert_eq!(get(&one, "a").await, "token-1", "{fault:?}: the token in memory must be returned");
        assert_eq!(get(&one, "b").await, "token-2", "{fault:?}");
        let stats = one.stats();
        assert!(
            stats.store_circuit_open && stats.store_bypassed == 1 && stats.store_failures >= 1,
            "{fault:?}: {stats:?}"
        );
        fault.end(&mut redis).await;
        let mut count = 0;
        until("the processes share tokens again", async || {
            count += 1;
            let scope = format!("c{count}");
            get(&one, &scope).await == get(&two, &scope).await
        })
        .await;
        assert!(!one.stats().store_circuit_open && !two.stats().store_circuit_open, "{fault:?}");
    }
}

#[tokio::test]
async fn rejected_token_is_evicted_even_if_redis_is_full() {
    let Some(redis) = RedisServer::start() else { return };
    let cache = process(&redis, &source([]));
    get(&cache, "a").await;
    redis.run_text::<()>("CONFIG SET maxmemory 1").await;
    cache.invalidate(&cache.token(&scopes(&["a"])).await.unwrap()).await;
    assert!(keys(&redis, "token:").await.is_empty());
}

#[tokio::test]
async fn failing_redis_is_not_called_while_the_circuit_is_open() {
    let closed = free_port();
    let store = Arc::new(builder().open(&format!("redis://127.0.0.1:{closed}")).unwrap());
    let source = source([]);
    let cache =
        TokenCache::new(source.clone(), options(store).with_store_circuit_open_for(Duration::from_secs(60)));
    for scope in ["a", "b", "c"] {
        get(&cache, scope).await;
    }
    let stats = cache.stats();
    assert_eq!((stats.store_failures, stats.store_bypassed, source.count()), (1, 3, 3));
}

#[tokio::test]
async fn token_is_returned_if_redis_fails_before_the_token_is_stored() {
    let Some(mut redis) = RedisServer::start() else { return };
    let source = Scripted::new(BRIEF, true, []);
    let cache = process(&redis, &source);
    let asking = cache.clone();
    let asked = tokio::spawn(async move { get(&asking, "a").await });
    until("the token is requested", async || source.count() == 1).await;
    redis.stop();
    assert_eq!(asked.await.unwrap(), "token-1");
    assert_eq!((source.count(), get(&cache, "a").await.as_str()), (1, "token-1"));
}

#[tokio::test]
async fn broken_idle_connection_is_replaced_without_an_error() {
    let Some(redis) = RedisServer::start() else { return };
    let cache = process(&redis, &source([]));
    get(&cache, "a").await;
    redis.run_text::<i64>("CLIENT KILL TYPE normal").await;
    sleep(Duration::from_millis(50)).await;
    get(&cache, "b").await;
    assert_eq!(cache.stats().store_failures, 0);
}

fn documented_rights(mode: &str) -> String {
    let docs = include_str!("../../src/token/store/redis/mod.rs");
    let lines = docs.lines().map(|line| line.trim_start_matches("//!").trim());
    let block = lines.skip_while(|line| *line != format!("# {mode}")).skip(1);
    let rights: Vec<&str> =
        block.take_while(|line| !line.is_empty() && !line.starts_with(['#', '`'])).collect();
    assert!(!rights.is_empty(), "{mode}");
    let rights = rights.join(" ").replace(" \\ ", " ");
    rights.replace("NAMESPACE", "test").replace("PASSWORD", "pass-word")
}

async fn assert_least_rights(redis: &RedisServer, user: &str) {
    redis.run_text::<()>("SET other value").await;
    let client = redis::Client::open(user).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for refused in [
        "FLUSHALL",
        "FLUSHDB",
        "SWAPDB 0 1",
        "KEYS *",
        "SCAN 0",
        "RANDOMKEY",
        "DBSIZE",
        "CONFIG GET *",
        "ACL LIST",
        "MONITOR",
        "SHUTDOWN",
        "REPLICAOF NO ONE",
        "CLIENT KILL TYPE normal",
        "SCRIPT FLUSH",
        "FUNCTION LIST",
        "GET other",
        "SET other x",
        "DEL other",
        "RENAME {fintech-auth:test:x other",
        "PUBLISH other x",
        "SUBSCRIBE other",
        "PSUBSCRIBE *",
        "EVAL return(redis.call('GET','other')) 0",
        "EVAL return(redis.call('FLUSHALL')) 0",
        "EVAL return(redis.call('KEYS','*')) 0",
    ] {
        let mut command = redis::Cmd::new();
        command.arg(refused.split(' ').collect::<Vec<_>>());
        let response: redis::RedisResult<redis::Value> = command.query_async(&mut connection).await;
        assert!(response.is_err(), "{refused}: {response:?}");
    }
    assert_eq!(redis.run_text::<String>("GET other").await, "value");
}

#[tokio::test]
async fn store_check_reports_missing_permissions_and_leaves_no_keys() {
    let Some(redis) = RedisServer::start() else { return };
    let store = store(&redis);
    store.check().await.unwrap();
    assert_eq!(redis.run_text::<Vec<String>>("KEYS *").await, [""; 0]);
    for right in ["subscribe", "evalsha", "publish", "zadd", "lpush", "hset"] {
        redis.run_text::<()>(&format!("ACL SETUSER default -{right}")).await;
        store.check().await.expect_err(right);
        redis.run_text::<()>(&format!("ACL SETUSER default +{right}")).await;
    }
    store.check().await.unwrap();
}

#[tokio::test]
async fn documented_redis_rights_are_sufficient_and_necessary() {
    let Some(redis) = RedisServer::start() else { return };
    redis.run_text::<()>(&documented_rights("One server")).await;
    let at = |password: &str| format!("redis://tokens:{password}@127.0.0.1:{}", redis.port);
    let store = Arc::new(builder().open(&at("pass-word")).unwrap());
    store_contract::check(store.clone()).await.unwrap();
    let deliveries = Arc::new(RedisDeliveries::new(store.clone()));
    delivery_store_contract::check(deliveries).await.unwrap();
    store.check().await.unwrap();
    listening(&redis, 1).await;
    assert!(!format!("{store:?}{:?}", options(store.clone())).contains("pass-word"));
    assert_least_rights(&redis, &at("pass-word")).await;

    let database = at("pass-word") + "/2";
    let second = Arc::new(builder().open(&database).unwrap());
    assert!(second.get(&key("a")).await.is_err(), "the user has no right to select another database");
    redis.run_text::<()>("ACL SETUSER tokens +select").await;
    store_contract::check(Arc::new(builder().open(&database).unwrap())).await.unwrap();

    let wrong = Arc::new(builder().open(&at("wrong-word")).unwrap());
    let error = wrong.get(&key("a")).await.unwrap_err();
    let shown = format!("{error:?} {error} {:?}", std::error::Error::source(&error));
    assert!(!shown.contains("wrong-word") && !shown.contains("127.0.0.1"), "{shown}");
    for url in ["http://user:pass-word@host", "redis://us er:pass-word@:x/", "pass-word"] {
        let error = builder().open(url).unwrap_err();
        let shown = format!("{error:?} {error} {:?}", std::error::Error::source(&error));
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{url}");
        assert!(!shown.contains("pass-word"), "{shown}");
    }
}

#[tokio::test]
async fn tokens_are_sent_over_tls_only_to_a_trusted_server() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = std::env::temp_dir().join(format!("fintech-auth-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let certificate = write("cert.pem", certified.cert.pem());
    let key = write("key.pem", certified.signing_key.serialize_pem());
    let port = free_port();
    let arguments = [
        ["--tls-port", &port.to_string()],
        ["--tls-cert-file", &certificate],
        ["--tls-key-file", &key],
        ["--tls-auth-clients", "no"],
        ["--tls-ca-cert-file", &certificate],
    ];
    let Some(_redis) = RedisServer::start_with(arguments.as_flattened()) else { return };
    let url = format!("rediss://localhost:{port}");
    let trusting =
        redis::TlsCertificates { client_tls: None, root_cert: Some(certified.cert.pem().into_bytes()) };
    let client = redis::Client::build_with_tls(url.as_str(), trusting).unwrap();
    let slow = builder().with_timeout(LONG);
    store_contract::check(Arc::new(slow.with_client(client).unwrap())).await.unwrap();
    let strict = builder().with_timeout(LONG).open(&url).unwrap();
    assert!(strict.get(&self::key("a")).await.is_err());
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn redis_cluster_meets_the_store_contract() {
    let Some(redis) = RedisServer::start_with(&["--cluster-enabled", "yes"]) else { return };
    redis.run_text::<()>("CLUSTER ADDSLOTSRANGE 0 16383").await;
    until("the cluster is ready", async || {
        redis.run_text::<String>("CLUSTER INFO").await.contains("cluster_state:ok")
    })
    .await;
    redis.run_text::<()>(&documented_rights("A cluster, on each node")).await;
    let user = format!("redis://tokens:pass-word@127.0.0.1:{}", redis.port);
    let store = || Arc::new(builder().with_timeout(LONG).open_cluster([user.as_str()]).unwrap());
    store_contract::check(store()).await.unwrap();
    delivery_store_contract::check(Arc::new(RedisDeliveries::new(store()))).await.unwrap();
    assert_least_rights(&redis, &user).await;
    let source = source([]);
    let process = || TokenCache::new(source.clone(), options(store()));
    let (one, two) = (process(), process());
    assert_eq!(get(&one, "a").await, get(&two, "a").await);
    listening(&redis, 2).await;
    one.invalidate(&one.token(&scopes(&["a"])).await.unwrap()).await;
    until("the token is removed from the cache", async || two.cached(&scopes(&["a"])).is_none()).await;
}

#[tokio::test]
async fn store_follows_a_sentinel_failover() {
    let (Some(mut old), Some(new)) = (RedisServer::start(), RedisServer::start()) else { return };
    new.run_text::<()>(&format!("REPLICAOF 127.0.0.1 {}", old.port)).await;
    let conf = std::env::temp_dir().join(format!("fintech-auth-sentinel-{}.conf", std::process::id()));
    let text = format!(
        "sentinel monitor main 127.0.0.1 {} 1\nsentinel down-after-milliseconds main 500\n\
         sentinel failover-timeout main 2000\n",
        old.port
    );
    std::fs::write(&conf, text).unwrap();
    let Some(sentinel) = RedisServer::start_with(&[conf.to_str().unwrap(), "--sentinel"]) else { return };
    until("the replica is known", async || {
        let replicas: Vec<redis::Value> = sentinel.run_text("SENTINEL REPLICAS main").await;
        let info: String = new.run_text("INFO replication").await;
        replicas.len() == 1 && info.contains("master_link_status:up")
    })
    .await;
    for server in [&old, &new] {
        server.run_text::<()>(&documented_rights("Sentinels, on each data server")).await;
    }
    sentinel.run_text::<()>(&documented_rights("Sentinels, on each sentinel")).await;
    let user = redis::RedisConnectionInfo::default().set_username("tokens").set_password("pass-word");
    let node = redis::sentinel::SentinelNodeConnectionInfo::default().set_redis_connection_info(user);
    let store = || {
        let sentinels = redis::sentinel::SentinelClient::build(
            vec![format!("redis://tokens:pass-word@127.0.0.1:{}", sentinel.port)],
            "main",
            Some(node.clone()),
            redis::sentinel::SentinelServerType::Master,
        );
        Arc::new(builder().with_sentinels(sentinels.unwrap()).unwrap())
    };
    let source = source([]);
    let (one, two) = (
        TokenCache::new(source.clone(), options(store())),
        TokenCache::new(source.clone(), options(store())),
    );
    assert_eq!(get(&one, "a").await, get(&two, "a").await);
    assert_eq!(one.stats().store_failures, 0);
    old.stop();
    let count = AtomicUsize::new(0);
    until("the processes share tokens again", async || {
        let scope = format!("b{}", count.fetch_add(1, Ordering::Relaxed));
        let same = get(&one, &scope).await == get(&two, &scope).await;
        sleep(BRIEF).await;
        same
    })
    .await;
    std::fs::remove_file(conf).unwrap();
}

#[tokio::test]
async fn server_that_reissues_a_rejected_token_gets_at_most_five_calls() {
    let Some(redis) = RedisServer::start() else { return };
    let source = SameTokenSource::default();
    let process = || TokenCache::new(source.clone(), options(store(&redis)));
    let (one, two) = (process(), process());
    let get = async |cache: &TokenCache| cache.token(&scopes(&["a"])).await.unwrap();
    get(&one).await;
    get(&two).await;
    listening(&redis, 2).await;
    one.invalidate(&get(&one).await).await;
    for cache in [&one, &two, &one, &two] {
        assert_eq!(get(cache).await.expose_secret(), "same");
    }
    let count = source.count();
    assert!((2..=5).contains(&count), "{count} calls");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(source.count(), count, "without callers, no request may be sent");
}

#[tokio::test]
async fn token_call_that_outlasts_its_callers_is_sent_once() {
    let Some(redis) = RedisServer::start() else { return };
    let source = Scripted::new(Duration::from_secs(6), true, []);
    let process = || {
        let store = Arc::new(builder().with_timeout(LONG).open(&redis.url()).unwrap());
        let options = options(store).with_store_timeout(2 * LONG).with_lease(Duration::from_secs(3));
        TokenCache::new(source.clone(), options.with_max_wait(Duration::from_secs(1)))
    };
    let (one, two) = (process(), process());
    let wanted = scopes(&["a"]);
    let (first, second) = tokio::join!(one.token(&wanted), two.token(&wanted));
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Timeout);
    until("a process has the token", async || {
        [&one, &two].iter().any(|cache| cache.cached(&wanted).is_some())
    })
    .await;
    for cache in [&one, &two] {
        assert_eq!(cache.token_within(&wanted, LONG).await.unwrap().expose_secret(), "token-1");
    }
    assert_eq!(source.count(), 1);
}

#[tokio::test]
async fn process_can_revoke_a_token_held_only_by_another_process_or_redis() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    let new = || process(&redis, &source);
    for (round, revoked) in ["token-1", "refresh-2"].into_iter().enumerate() {
        let (holder, taker, revoker) = (new(), new(), new());
        assert_eq!(get(&holder, "a").await, format!("token-{}", round + 1));
        assert_eq!(get(&taker, "a").await, format!("token-{}", round + 1));
        listening(&redis, 2).await;
        revoker.forget(&Secret::from(revoked)).await.unwrap();
        for cache in [&holder, &taker] {
            until("the token is removed from the cache", async || cache.cached(&scopes(&["a"])).is_none())
                .await;
        }
        let next = format!("token-{}", round + 2);
        for cache in [&holder, &taker, &revoker, &new()] {
            assert_eq!(get(cache, "a").await, next);
        }
    }
    new().forget(&Secret::from("token-3")).await.unwrap();
    assert_eq!(get(&new(), "a").await, "token-4");
    assert!(
        source.token_calls().iter().all(|asked| matches!(asked, TokenCall::Issue(_))),
        "{:?}",
        source.token_calls()
    );
}

#[tokio::test]
async fn process_can_revoke_and_invalidate_a_token_that_it_has_evicted() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    let small = TokenCache::new(source.clone(), options(store(&redis)).with_capacity(1));
    let other = process(&redis, &source);
    let fill = async || {
        for number in 0..20 {
            get(&small, &format!("filler-{number}")).await;
        }
    };
    let revoked = small.token(&scopes(&["a"])).await.unwrap().to_secret();
    fill().await;
    small.forget(&revoked).await.unwrap();
    assert_ne!(get(&other, "a").await, revoked.expose_secret());
    assert_ne!(get(&small, "a").await, revoked.expose_secret());

    let rejected = small.token(&scopes(&["b"])).await.unwrap();
    fill().await;
    small.invalidate(&rejected).await;
    assert_ne!(get(&process(&redis, &source), "b").await, rejected.expose_secret());
}

#[tokio::test]
async fn revocation_during_a_redis_outage_fails_and_is_applied_later() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    let (one, two) = two_with_one_token(&redis, &source).await;
    redis.pause();
    let error = one.forget(&Secret::from("token-1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(one.cached(&scopes(&["a"])).is_none(), "the token must be removed from the cache");
    redis.resume();
    assert_ne!(get(&one, "a").await, "token-1");
    until("the token is removed from the cache", async || two.cached(&scopes(&["a"])).is_none()).await;
    assert_ne!(get(&two, "a").await, "token-1");
}

#[tokio::test]
async fn revocation_missed_by_the_subscription_is_applied_later() {
    let Some(redis) = RedisServer::start() else { return };
    let source = source([]);
    let (_one, two) = two_with_one_token(&redis, &source).await;
    sleep(BRIEF).await;
    redis.run_text::<i64>("CLIENT KILL TYPE pubsub").await;
    store(&redis)
        .revoke(
            &Fingerprint::of(["scripted"]),
            &[StoredToken::new(Secret::from("refresh-1"), LONG, LONG).id],
            LONG,
        )
        .await
        .unwrap();
    until("the token is removed from the cache", async || two.cached(&scopes(&["a"])).is_none()).await;
}

#[tokio::test]
async fn longer_redis_ttl_does_not_extend_the_lifetime_of_a_token() {
    let Some(redis) = RedisServer::start() else { return };
    let (store, key) = (store(&redis), key("a"));
    let lease = store.lease(&key, LONG).await.unwrap().unwrap();
    let token = StoredToken::new(Secret::from("x"), Duration::ZERO, Duration::from_secs(2));
    assert!(store.put_and_release(&key, &token, &lease).await.unwrap());
    let entry = keys(&redis, "token:").await.remove(0);
    redis.run_text::<i64>(&format!("PEXPIRE {entry} 3600000")).await;
    sleep(Duration::from_secs(1)).await;
    let read = store.get(&key).await.unwrap().unwrap();
    assert!(read.remaining() <= Duration::from_secs(1), "{read:?}");
}

#[tokio::test]
async fn calls_sent_before_a_redis_outage_count_in_the_local_rate_limit() {
    let Some(mut redis) = RedisServer::start() else { return };
    let source = source([]);
    let options = options(store(&redis)).with_rate_limit(10, Duration::from_secs(60));
    let cache = TokenCache::new(source.clone(), options);
    for number in 0..10 {
        cache.token(&scopes(&[&format!("scope-{number}")])).await.unwrap();
    }
    redis.stop();
    let error = cache.token_within(&scopes(&["late"]), Duration::from_secs(5)).await.unwrap_err();
    assert_eq!((error.kind(), source.count()), (ErrorKind::RateLimited, 10), "{error}");
}
