//! Tests the rate limit of a fleet with a real Redis.

use std::{sync::Arc, time::Duration};

use fintech_auth::token::{
    TokenCache, TokenOptions,
    redis::{RedisStore, SealingKey},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    redis_server::RedisServer,
    scripted::{Scripted, limited},
    support::scopes,
};

const LONG: Duration = Duration::from_secs(120);
const SCOPE_SETS: &str = "FLEET_SCOPE_SETS";

async fn fleet(
    redis: &RedisServer,
    source: &Scripted,
    size: usize,
    limit: (usize, Duration),
    long: Duration,
) -> Vec<TokenCache> {
    let mut fleet = Vec::new();
    for _ in 0..size {
        let store = RedisStore::builder([SealingKey::new(&[7; 32]).unwrap()]).with_timeout(long / 4);
        let store = store.with_namespace(format!("fleet-{size}")).open(&redis.url()).unwrap();
        // On a machine under load, connecting may take too long. Without a connection, the process
        // would request its tokens without the store. So wait for the connection.
        timeout(LONG, async { while store.check().await.is_err() {} }).await.unwrap();
        let options = TokenOptions::default()
            .with_rate_limit(limit.0, limit.1)
            .with_max_wait(long)
            .with_store_timeout(long / 2)
            // The lease is long. If the lease ended before a late response, the token would be
            // discarded and a second call would be sent.
            .with_lease(long);
        fleet.push(TokenCache::new(source.clone(), options.with_store(Arc::new(store))));
    }
    fleet
}

/// A token request that Redis has admitted. `at` is the time at which the request may be sent, in
/// microseconds on the clock of the Redis server.
#[derive(Clone, Copy)]
struct Admission {
    at: u64,
    waits: bool,
}

struct Monitor(mpsc::UnboundedReceiver<String>);

impl Monitor {
    async fn start(redis: &RedisServer) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", redis.port)).await.unwrap();
        stream.write_all(b"MONITOR\r\n").await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        assert_eq!(lines.next_line().await.unwrap().unwrap(), "+OK");
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let is_wanted =
                    ["\"LPUSH\"", "\"EVALSHA\"", "\"ECHO\""].iter().any(|word| line.contains(word));
                if is_wanted && sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self(receiver)
    }

    async fn seen(&mut self, redis: &RedisServer) -> (Vec<Admission>, usize) {
        redis.run_text::<String>("ECHO the-end").await;
        let (mut admitted, mut scripts) = (Vec::new(), 0);
        loop {
            let line = timeout(LONG, self.0.recv()).await.unwrap().unwrap();
            if line.contains("the-end") {
                return (admitted, scripts);
            }
            match line.split('"').collect::<Vec<_>>()[..] {
                [_, "LPUSH", _, key, _, time, _] if key.ends_with(":sent") => {
                    let at = time.parse().unwrap();
                    let seconds = line.split(' ').next().unwrap().trim_start_matches('+');
                    let now: u64 = seconds.replace('.', "").parse().unwrap();
                    admitted.push(Admission { at, waits: at > now });
                }
                _ => scripts += 1,
            }
        }
    }
}

async fn ask(fleet: &[TokenCache], wanted: impl Fn(usize) -> Vec<usize>) -> usize {
    let mut callers = JoinSet::new();
    for (number, cache) in fleet.iter().enumerate() {
        for scope in wanted(number) {
            let cache = cache.clone();
            callers.spawn(async move { cache.token(&scopes(&[&format!("scope-{scope}")])).await.map(drop) });
        }
    }
    let count = callers.len();
    callers.join_all().await.into_iter().for_each(|outcome| outcome.expect("each caller gets a token"));
    count
}

fn assert_within(admitted: &[Admission], calls: usize, per: u64) {
    assert!(
        admitted.windows(calls + 1).all(|span| span[calls].at - span[0].at >= per),
        "the fleet exceeded the limit"
    );
    let even = per / u64::try_from(calls).unwrap();
    let mut waited = 0;
    for span in admitted.windows(calls + 1).filter(|span| span[calls].waits) {
        let earliest = (span[0].at + per).max(span[calls - 1].at + even);
        assert!(span[calls].at >= earliest, "waiting calls were not spread evenly");
        waited += usize::from(span[calls].at <= earliest + 1);
    }
    let all = admitted.iter().skip(calls).filter(|admission| admission.waits).count();
    assert!(waited + 1 >= all, "{} calls waited longer than the limit requires", all - waited);
}

async fn a_fleet_is_admitted_within_the_limit(size: usize, sets: usize, part: usize) {
    let Some(redis) = RedisServer::start() else { return };
    let source = Scripted::new(Duration::ZERO, false, []);
    let fleet = fleet(
        &redis,
        &source,
        size,
        (40, Duration::from_secs(1)),
        LONG.max(Duration::from_millis(50) * sets as u32),
    )
    .await;
    let mut monitor = Monitor::start(&redis).await;
    let wanted = |number: usize| (0..sets).filter(|scope| scope % part == number % part).collect::<Vec<_>>();
    let callers = ask(&fleet, wanted).await;
    let (admitted, scripts) = monitor.seen(&redis).await;
    let discarded: u64 = fleet.iter().map(|cache| cache.stats().discarded).sum();
    assert_eq!((admitted.len(), source.count(), discarded), (sets, sets, 0), "one call for each scope set");
    assert_within(&admitted, 40, 1_050_000);
    // Each caller runs at most four Redis scripts. In addition, a waiting caller reads its key in
    // Redis every 10 s. A caller waits `seconds / 2` on average, so it reads its key `seconds / 20`
    // times.
    let seconds = sets / 40;
    assert!(scripts <= (4 + seconds / 20) * callers, "{scripts} script calls for {callers} waiting callers");
    for cache in &fleet {
        assert_eq!((cache.stats().store_bypassed, cache.stats().store_failures), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fleet_of_any_size_requests_200_tokens_within_the_limit() {
    tokio::join!(
        a_fleet_is_admitted_within_the_limit(1, 200, 1),
        a_fleet_is_admitted_within_the_limit(2, 200, 1),
        a_fleet_is_admitted_within_the_limit(8, 200, 1),
        a_fleet_is_admitted_within_the_limit(20, 200, 1),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fleet_of_any_size_requests_many_tokens_within_the_limit() {
    let sets = std::env::var(SCOPE_SETS).map_or(800, |sets| sets.parse().expect("a number"));
    tokio::join!(
        a_fleet_is_admitted_within_the_limit(1, sets, 1),
        a_fleet_is_admitted_within_the_limit(2, sets, 1),
        a_fleet_is_admitted_within_the_limit(8, sets, 4),
        a_fleet_is_admitted_within_the_limit(20, sets, 10),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cool_down_delays_waiting_calls_and_they_stay_within_the_limit() {
    let Some(redis) = RedisServer::start() else { return };
    let source = Scripted::new(Duration::ZERO, false, (0..12).map(|_| crate::scripted::Reply::Token(3600)));
    source.then([limited(2)]);
    let fleet = fleet(&redis, &source, 3, (10, Duration::from_millis(500)), LONG).await;
    let mut monitor = Monitor::start(&redis).await;
    let mut callers = JoinSet::new();
    for number in 0..60 {
        let cache = fleet[number % 3].clone();
        callers.spawn(async move { cache.token(&scopes(&[&format!("scope-{number}")])).await.is_ok() });
    }
    let succeeded = callers.join_all().await.into_iter().filter(|ok| *ok).count();
    assert_eq!((succeeded, source.count()), (59, 60));
    let (admitted, _) = monitor.seen(&redis).await;
    assert_within(&admitted, 10, 525_000);
    let times = source.times();
    let refused = times[12];
    let during = times.iter().filter(|at| (refused + 300..refused + 1_900).contains(at)).count();
    assert_eq!(during, 0, "a call was sent during the cool-down");
}

#[tokio::test]
async fn caller_that_cannot_wait_fails_at_once_and_does_not_delay_others() {
    let Some(redis) = RedisServer::start() else { return };
    let source = Scripted::new(Duration::ZERO, false, []);
    let fleet = fleet(&redis, &source, 1, (1, Duration::from_secs(1)), LONG).await;
    let hurried = TokenCache::new(
        source.clone(),
        TokenOptions::default()
            .with_rate_limit(1, Duration::from_secs(1))
            .with_max_wait(Duration::from_millis(100))
            .with_store({
                let store =
                    RedisStore::builder([SealingKey::new(&[7; 32]).unwrap()]).with_namespace("fleet-1");
                Arc::new(store.open(&redis.url()).unwrap())
            }),
    );
    fleet[0].token(&scopes(&["a"])).await.unwrap();
    let error = hurried.token(&scopes(&["b"])).await.unwrap_err();
    assert_eq!(error.kind(), fintech_auth::ErrorKind::RateLimited);
    assert!(error.retry_after().is_some_and(|wait| wait <= Duration::from_millis(1_050)), "{error:?}");
    assert_eq!(hurried.stats().cool_downs, 0);
    let (waiting, scope) = (fleet[0].clone(), scopes(&["c"]));
    let waiting = tokio::spawn(async move { waiting.token(&scope).await });
    sleep(Duration::from_millis(50)).await;
    assert!(waiting.await.unwrap().is_ok());
    assert!(
        hurried.token_within(&scopes(&["d"]), LONG).await.is_ok(),
        "the process must be able to request another token"
    );
}
