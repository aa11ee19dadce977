//! Measures the time and the number of Redis script calls that processes need to get tokens through
//! Redis. `cargo bench --bench fleet -- limit 200 800` counts the token calls of fleets that have a
//! rate limit.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use fintech_auth::{
    Error, Scope, redis,
    token::{
        Fingerprint, IssuedToken, TokenCache, TokenOptions, TokenSource,
        redis::{RedisStore, SealingKey},
    },
};
use tokio::task::JoinSet;

const SCOPE_SETS: usize = 10_000;
const AT_A_TIME: usize = 64;

#[derive(Clone, Default)]
struct Local(Arc<AtomicU64>, Arc<Mutex<Vec<Instant>>>);

impl TokenSource for Local {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["local"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        self.1.lock().unwrap().push(Instant::now());
        let mut issued = IssuedToken::new(format!("{number:0900}"));
        issued.expires_in = Some(86_400.into());
        Ok(issued)
    }
}

struct Redis(Child, u16);

impl Redis {
    fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let arguments = ["--bind", "127.0.0.1", "--save", "", "--port"];
        let server =
            Command::new("redis-server").args(arguments).arg(port.to_string()).stdout(Stdio::null()).spawn();
        let server = server.ok()?;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(Self(server, port))
    }

    fn process(&self, source: &Local) -> TokenCache {
        self.process_with(source, |tokens| tokens)
    }

    fn process_with(
        &self,
        source: &Local,
        customise: impl FnOnce(TokenOptions) -> TokenOptions,
    ) -> TokenCache {
        let store =
            RedisStore::builder([SealingKey::new(&[1; 32]).unwrap()]).with_timeout(Duration::from_secs(10));
        let store = store.open(&format!("redis://127.0.0.1:{}", self.1)).unwrap();
        let options = TokenOptions::default().with_store_timeout(Duration::from_secs(20));
        TokenCache::new(source.clone(), customise(options).with_store(Arc::new(store)))
    }

    async fn run<T: redis::FromRedisValue>(&self, command: &str) -> T {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.1)).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut cmd = redis::Cmd::new();
        cmd.arg(command.split(' ').collect::<Vec<_>>());
        cmd.query_async(&mut connection).await.unwrap()
    }

    async fn calls(&self) -> u64 {
        let stats: String = self.run("INFO commandstats").await;
        let of = |name: &str| {
            let calls = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
            calls.and_then(|calls| calls.split(',').next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        of("evalsha") + of("eval")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn warm(fleet: &[TokenCache]) -> Duration {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for (number, cache) in fleet.iter().enumerate() {
        for lane in 0..AT_A_TIME {
            let (cache, offset) = (cache.clone(), number * SCOPE_SETS / fleet.len());
            tasks.spawn(async move {
                for index in (lane..SCOPE_SETS).step_by(AT_A_TIME) {
                    let index = (index + offset) % SCOPE_SETS;
                    let scope = Scope::new(&format!("/accounts/{index:036}/transfers.read")).unwrap();
                    cache.token(&[scope]).await.unwrap();
                }
            });
        }
    }
    tasks.join_all().await;
    start.elapsed()
}

fn most_within(arrivals: &[Instant], span: Duration) -> usize {
    let end = |start: usize| arrivals.partition_point(|at| *at - arrivals[start] < span);
    (0..arrivals.len()).map(|start| end(start) - start).max().unwrap_or(0)
}

fn processor_time(redis: &Redis) -> f64 {
    let of = |process: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
    };
    of("self") + of(&redis.0.id().to_string())
}

async fn limit(redis: &Redis, processes: usize, scope_sets: usize) {
    redis.run::<()>("FLUSHALL").await;
    let source = Local::default();
    let fleet: Vec<_> = (0..processes)
        .map(|_| {
            redis.process_with(&source, |tokens| {
                tokens.with_rate_limit(40, Duration::from_secs(1)).with_max_wait(Duration::from_secs(900))
            })
        })
        .collect();
    let (calls, used, start) = (redis.calls().await, processor_time(redis), Instant::now());
    let mut tasks = JoinSet::new();
    for cache in &fleet {
        for index in 0..scope_sets {
            let cache = cache.clone();
            tasks.spawn(async move {
                let scope = Scope::new(&format!("/accounts/{index:036}/transfers.read")).unwrap();
                cache.token(&[scope]).await.unwrap();
            });
        }
    }
    let waiters = tasks.len();
    tasks.join_all().await;
    let took = start.elapsed();
    let (calls, used) = (redis.calls().await - calls, processor_time(redis) - used);
    let arrivals = std::mem::take(&mut *source.1.lock().unwrap());
    println!(
        "| {processes:>9} | {scope_sets:>10} | {:>11} | {:>17} | {:>18.2} | {:>7.1} | {used:>6.1} |",
        arrivals.len(),
        most_within(&arrivals, Duration::from_millis(900)),
        calls as f64 / waiters as f64,
        took.as_secs_f64(),
    );
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let Some(redis) = Redis::start() else {
        println!(
            "no redis-server is installed, so nothing was measured (Debian: apt-get install redis-server)"
        );
        return;
    };
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(limited) = arguments.iter().position(|argument| argument == "limit") {
        println!(
            "| processes | scope sets | token calls | most in any 0.9 s | scripts per waiter | seconds | CPU, s |"
        );
        println!(
            "| --------: | ---------: | ----------: | ----------------: | -----------------: | ------: | -----: |"
        );
        for sets in arguments[limited + 1..].iter().filter_map(|number| number.parse().ok()) {
            for processes in [1, 2, 8, 20] {
                limit(&redis, processes, sets).await;
            }
        }
        return;
    }
    println!("{SCOPE_SETS} scope sets, warmed:");
    for _ in 0..3 {
        let source = Local::default();
        let alone = warm(&[TokenCache::new(source.clone(), TokenOptions::default())]).await;
        println!(
            "  in memory alone:            {alone:>10.1?}, {} token calls",
            source.0.load(Ordering::Relaxed)
        );
        for processes in [1, 4] {
            redis.run::<()>("FLUSHALL").await;
            let source = Local::default();
            let fleet: Vec<_> = (0..processes).map(|_| redis.process(&source)).collect();
            let (before, took) = (redis.calls().await, warm(&fleet).await);
            let (calls, asked) = (redis.calls().await - before, source.0.load(Ordering::Relaxed));
            println!(
                "  by Redis, {processes} client(s):      {took:>10.1?}, {asked} token calls, {calls} round trips"
            );
            if processes == 1 {
                let shared = redis.process(&source);
                let (before, took) = (redis.calls().await, warm(std::slice::from_ref(&shared)).await);
                let calls = redis.calls().await - before;
                println!("  first token of a new client:  {took:>10.1?}, 0 token calls, {calls} round trips");
                let (before, took) = (redis.calls().await, warm(&[shared]).await);
                let calls = redis.calls().await - before;
                println!("  once more, from memory:     {took:>10.1?}, 0 token calls, {calls} round trips");
            }
        }
    }

    println!("one caller, one scope set after the other:");
    let source = Local::default();
    let (one, two) = (redis.process(&source), redis.process(&source));
    for (what, cache) in [("a token request", &one), ("a shared hit", &two), ("a local hit", &two)] {
        let (before, start) = (redis.calls().await, Instant::now());
        for index in 0..1000 {
            cache.token(&[Scope::new(&format!("one-by-one-{index}")).unwrap()]).await.unwrap();
        }
        let (took, calls) = (start.elapsed() / 1000, redis.calls().await - before);
        println!("  {what:<13} {took:>10.1?}, {:.3} round trips", calls as f64 / 1000.0);
    }
}
