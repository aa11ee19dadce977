//! Tests twenty processes with fifty tasks each, which share one Redis and one emulator, with and
//! without outages. Each process runs this test binary with an environment variable that selects
//! its role.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use fintech_auth::{
    Credentials, Scope, Secret, Token,
    emulator::{self, Emulator, Fault, Operation},
    moneykit, moov,
    token::{
        TokenOptions,
        redis::{RedisStore, SealingKey},
    },
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdin, Command},
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

use crate::redis_server::RedisServer;

const PROCESSES: usize = 20;
const TASKS: usize = 50;
const LEASE: Duration = Duration::from_secs(1);
const STORE_TIMEOUT: Duration = Duration::from_millis(800);
/// Time limits for tests that count token requests. Even a busy machine does not reach these
/// limits.
const LONG_LEASE: Duration = Duration::from_secs(30);
const LONG_STORE_TIMEOUT: Duration = Duration::from_secs(10);
const STORE_REST: Duration = Duration::from_millis(500);
/// A token with this lifetime is stale after 2.35 to 2.6 seconds.
const LIFETIME: Duration = Duration::from_secs(4);
const RUN: Duration = Duration::from_secs(7);
const ROLE: &str = "FINTECH_AUTH_FLEET";
const WORD: &str = "fleet: ";
const NEVER: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Limits {
    Long,
    Short,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Report {
    /// The last time at which a caller received each token, in milliseconds of the wall clock.
    tokens: BTreeMap<String, u64>,
    refused: Vec<(u64, String)>,
    errors: Vec<String>,
    longest_wait: u64,
    store_bypassed: u64,
    discarded: u64,
    evicted_remotely: u64,
    failures: u64,
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap()
}

#[derive(Clone)]
struct Clients {
    moneykit: moneykit::Client,
    moov: moov::Client,
    report: Arc<Mutex<Report>>,
}

impl Clients {
    fn new(emulator: &str, redis: &str, limits: Limits) -> Self {
        let (lease, store_timeout) = match limits {
            Limits::Long => (LONG_LEASE, LONG_STORE_TIMEOUT),
            Limits::Short => (LEASE, STORE_TIMEOUT),
        };
        let store = RedisStore::builder([SealingKey::new(&[3; 32]).unwrap()]).with_timeout(store_timeout);
        let store = Arc::new(store.open(redis).unwrap());
        let tokens = |tokens: TokenOptions| {
            let tokens = tokens.with_lease(lease).with_store_timeout(store_timeout + STORE_TIMEOUT / 4);
            tokens.with_store_circuit_open_for(STORE_REST).with_store(store.clone())
        };
        let credentials = Credentials::new(emulator::moneykit::CLIENT_ID, emulator::moneykit::CLIENT_SECRET);
        let moneykit =
            moneykit::Client::builder(credentials).with_base_url(emulator).with_tokens(tokens).build();
        let credentials = Credentials::new(emulator::moov::CLIENT_ID, emulator::moov::CLIENT_SECRET);
        let moov = moov::Client::builder(credentials).with_base_url(emulator).with_tokens(tokens).build();
        Self { moneykit: moneykit.unwrap(), moov: moov.unwrap(), report: Arc::default() }
    }

    async fn get(&self) -> (Option<Token>, Option<Token>) {
        let scope = scope();
        tokio::join!(self.keep(self.moneykit.token(&[])), self.keep(self.moov.token(&scope)))
    }

    async fn keep(&self, token: impl Future<Output = Result<Token, fintech_auth::Error>>) -> Option<Token> {
        let before = Instant::now();
        let token = token.await;
        let mut report = self.report.lock().unwrap();
        report.longest_wait = report.longest_wait.max(millis(before.elapsed()));
        match token {
            Ok(token) => {
                report.tokens.insert(token.expose_secret().to_owned(), now());
                Some(token)
            }
            Err(error) => {
                report.errors.push(format!("{error:?}"));
                None
            }
        }
    }

    async fn use_one(&self) {
        let Some(token) = self.keep(self.moneykit.token(&[])).await else { return };
        let response = self.moneykit.introspect(&token).await;
        if response.is_err_and(|error| error.status().is_some_and(|status| status.as_u16() == 401)) {
            self.report.lock().unwrap().refused.push((now(), token.expose_secret().to_owned()));
            self.moneykit.invalidate(&token).await;
        }
    }

    async fn each(&self, act: impl AsyncFn(Self) + Clone + Send + Sync + 'static) {
        let tasks: Vec<_> = (0..TASKS).map(|_| act(self.clone())).collect();
        futures_join(tasks).await;
    }

    fn tell(&self) {
        let mut report = self.report.lock().unwrap();
        for stats in [self.moneykit.tokens().stats(), self.moov.tokens().stats()] {
            report.store_bypassed += stats.store_bypassed;
            report.discarded += stats.discarded;
            report.evicted_remotely += stats.evicted_remotely;
            report.failures += stats.store_failures;
        }
        println!("{WORD}{}", serde_json::to_string(&*report).unwrap());
        *report = Report::default();
    }
}

async fn futures_join(futures: Vec<impl Future<Output = ()>>) {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if futures.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

fn scope() -> [Scope; 1] {
    [Scope::new("/accounts.read").unwrap()]
}

#[test]
fn fleet_member_runs_as_a_child_process() {
    let Ok(role) = env::var(ROLE) else { return };
    let [emulator, redis, limits] = role.split(' ').collect::<Vec<_>>()[..] else { panic!("{role}") };
    let limits = if limits == "Long" { Limits::Long } else { Limits::Short };
    if env::var_os("FINTECH_AUTH_FLEET_TRACES").is_some() {
        let traces = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG);
        traces.with_ansi(false).with_writer(std::io::stdout).init();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clients = Clients::new(emulator, redis, limits);
        let mut orders = BufReader::new(tokio::io::stdin()).lines();
        println!("{WORD}ready");
        let mut held = (None, None);
        let mut running: Option<(Arc<AtomicBool>, JoinSet<()>)> = None;
        while let Some(order) = orders.next_line().await.unwrap() {
            match order.as_str() {
                "get" => {
                    clients.each(async |clients: Clients| drop(clients.get().await)).await;
                    held = clients.get().await;
                }
                "reject" => {
                    let before = held;
                    clients
                        .each(move |clients: Clients| {
                            let (one, two) = before.clone();
                            async move {
                                clients.moneykit.invalidate(&one.unwrap()).await;
                                clients.moov.invalidate(&two.unwrap()).await;
                                clients.get().await;
                            }
                        })
                        .await;
                    held = clients.get().await;
                }
                "revoke" => {
                    let token = clients.moov.token(&scope()).await.unwrap().to_secret();
                    let _ = clients.moov.revoke(&token, None).await;
                    println!("{WORD}revoked {} {}", now(), token.expose_secret());
                    continue;
                }
                "token" => {
                    println!("{WORD}{}", clients.moov.token(&scope()).await.unwrap().expose_secret());
                    continue;
                }
                "cached" => {
                    let cached = clients.moov.tokens().cached(&scope());
                    println!("{WORD}{}", cached.as_ref().map_or("none", |token| token.expose_secret()));
                    continue;
                }
                order if order.starts_with("forget ") => {
                    let secret = Secret::from(order.trim_start_matches("forget "));
                    let outcome = clients.moov.revoke(&secret, None).await;
                    println!(
                        "{WORD}{}",
                        outcome.map_or_else(|error| error.to_string(), |_| "done".to_owned())
                    );
                    continue;
                }
                "held" => {
                    println!("{WORD}{}", clients.moneykit.token(&[]).await.unwrap().expose_secret());
                    continue;
                }
                "run" => {
                    let (on, mut tasks) = (Arc::new(AtomicBool::new(true)), JoinSet::new());
                    for task in 0..TASKS {
                        let (clients, on) = (clients.clone(), on.clone());
                        tasks.spawn(async move {
                            sleep(Duration::from_millis(2) * u32::try_from(task).unwrap()).await;
                            while on.load(Ordering::Relaxed) {
                                if task == 0 {
                                    clients.use_one().await
                                } else {
                                    drop(clients.get().await)
                                }
                                sleep(Duration::from_millis(100)).await;
                            }
                        });
                    }
                    running = Some((on, tasks));
                    continue;
                }
                "end" => {
                    let (on, tasks) = running.take().unwrap();
                    on.store(false, Ordering::Relaxed);
                    tasks.join_all().await;
                    sleep(Duration::from_millis(200)).await;
                    let (one, two) = (clients.moneykit.tokens(), clients.moov.tokens());
                    for token in one.cached(&[]).into_iter().chain(two.cached(&scope())) {
                        clients.report.lock().unwrap().tokens.insert(token.expose_secret().to_owned(), now());
                    }
                }
                order => panic!("{order}"),
            }
            clients.tell();
        }
    });
}

struct Process {
    child: Child,
    orders: ChildStdin,
    words: mpsc::UnboundedReceiver<String>,
    holds: Arc<AtomicBool>,
}

impl Process {
    async fn start(emulator: &str, redis: &str, limits: Limits, traces: bool) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "fleet::fleet_member_runs_as_a_child_process", "--nocapture"]);
        command.env(ROLE, format!("{emulator} {redis} {limits:?}")).env("RUST_BACKTRACE", "0");
        if traces {
            command.env("FINTECH_AUTH_FLEET_TRACES", "1");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let orders = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, words) = mpsc::unbounded_channel();
        let holds = Arc::new(AtomicBool::new(false));
        let held = holds.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains("lease acquired: requesting a token") {
                    held.store(true, Ordering::Relaxed);
                } else if line.contains("refresh succeeded") || line.contains("token request failed") {
                    held.store(false, Ordering::Relaxed);
                } else if let Some((_, word)) = line.split_once(WORD) {
                    let _ = sender.send(word.to_owned());
                }
            }
        });
        let mut process = Self { child, orders, words, holds };
        assert_eq!(process.word().await, "ready");
        process
    }

    async fn order(&mut self, order: &str) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
    }

    async fn word(&mut self) -> String {
        timeout(NEVER, self.words.recv())
            .await
            .expect("the process responds in time")
            .expect("the process is running")
    }

    async fn ask(&mut self, order: &str) -> String {
        self.order(order).await;
        self.word().await
    }

    async fn has_dropped(&mut self) {
        let dropped = async {
            while self.ask("cached").await != "none" {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(NEVER, dropped).await.expect("the token is dropped");
    }

    async fn report(&mut self) -> Report {
        serde_json::from_str(&self.word().await).unwrap()
    }
}

struct Fleet {
    processes: Vec<Process>,
    at: (String, String),
    limits: Limits,
    traces: bool,
}

impl Fleet {
    async fn start(emulator: &str, redis: &str, limits: Limits, traces: bool) -> Self {
        let mut processes = Vec::new();
        for _ in 0..PROCESSES {
            processes.push(Process::start(emulator, redis, limits, traces).await);
        }
        Self { processes, at: (emulator.to_owned(), redis.to_owned()), limits, traces }
    }

    async fn order(&mut self, order: &str) {
        for process in &mut self.processes {
            process.order(order).await;
        }
    }

    async fn all(&mut self, order: &str) -> Report {
        self.order(order).await;
        let mut all = Report::default();
        for process in &mut self.processes {
            all.add(process.report().await);
        }
        all
    }

    async fn kill_a_holder(&mut self) {
        let holder = async {
            loop {
                if let Some(found) =
                    self.processes.iter().position(|process| process.holds.load(Ordering::Relaxed))
                {
                    return found;
                }
                sleep(Duration::from_millis(1)).await;
            }
        };
        let holder = timeout(NEVER, holder).await.expect("a process holds the lease in time");
        self.processes[holder].child.kill().await.unwrap();
        let mut process = Process::start(&self.at.0, &self.at.1, self.limits, self.traces).await;
        process.order("run").await;
        self.processes[holder] = process;
    }
}

impl Report {
    fn add(&mut self, other: Self) {
        for (token, last) in other.tokens {
            let known = self.tokens.entry(token).or_default();
            *known = last.max(*known);
        }
        self.refused.extend(other.refused);
        self.errors.extend(other.errors);
        self.longest_wait = self.longest_wait.max(other.longest_wait);
        self.store_bypassed += other.store_bypassed;
        self.discarded += other.discarded;
        self.evicted_remotely += other.evicted_remotely;
        self.failures += other.failures;
    }
}

fn calls(emulator: &Emulator) -> (usize, usize) {
    (emulator.count(Operation::MoneykitToken), emulator.count(Operation::MoovToken))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_processes_share_one_token_call_for_each_token() {
    let Some(redis) = RedisServer::start() else { return };
    let emulator = Emulator::builder().with_system_clock().start().await.unwrap();
    let mut fleet = Fleet::start(emulator.url(), &redis.url(), Limits::Long, false).await;

    let cold = fleet.all("get").await;
    assert_eq!((calls(&emulator), cold.tokens.len()), ((1, 1), 2), "{:?}", cold.errors);
    let mut before: BTreeSet<String> = cold.tokens.into_keys().collect();

    for number in 2..=4 {
        let new = fleet.all("reject").await;
        assert!(new.errors.is_empty(), "{:?}", new.errors);
        let why = format!(
            "{} without the store, {} discarded, {} failures",
            new.store_bypassed, new.discarded, new.failures
        );
        assert_eq!(calls(&emulator), (number, number), "{why}");
        let new: BTreeSet<String> = new.tokens.into_keys().collect();
        assert!(new.len() == 2 && new.is_disjoint(&before), "{new:?}");
        assert!(new.iter().all(|token| emulator.is_live(token)));
        before = new;
    }
    assert_eq!(emulator.double_spends(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revocation_reaches_every_process() {
    let Some(mut redis) = RedisServer::start() else { return };
    let emulator = Emulator::builder().with_system_clock().start().await.unwrap();
    let url = redis.url();
    let start = async || Process::start(emulator.url(), &url, Limits::Long, false).await;
    let (mut holder, mut revoker) = (start().await, start().await);

    let first = holder.ask("token").await;
    assert_eq!(revoker.ask("cached").await, "none");
    assert_eq!(revoker.ask(&format!("forget {first}")).await, "done");
    holder.has_dropped().await;
    let second = holder.ask("token").await;
    assert_ne!(second, first);

    let mut taker = start().await;
    assert_eq!(taker.ask("token").await, second);
    assert_eq!(revoker.ask(&format!("forget {second}")).await, "done");
    for process in [&mut holder, &mut taker] {
        process.has_dropped().await;
    }
    let third = taker.ask("token").await;
    assert_eq!((holder.ask("token").await, third != second), (third.clone(), true));

    holder.child.kill().await.unwrap();
    taker.child.kill().await.unwrap();
    assert_eq!(revoker.ask(&format!("forget {third}")).await, "done");
    let mut new = start().await;
    let fourth = new.ask("token").await;
    assert!(fourth != third && emulator.is_live(&fourth));
    assert_eq!(revoker.ask("token").await, fourth);

    redis.pause();
    let outcome = revoker.ask(&format!("forget {fourth}")).await;
    assert!(outcome.contains("token store"), "{outcome}");
    assert_eq!(revoker.ask("cached").await, "none");
    redis.resume();
    new.has_dropped().await;
    let fifth = new.ask("token").await;
    assert!(fifth != fourth && emulator.is_live(&fifth));
    redis.stop();
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum FleetFault {
    None,
    Slow,
    Killing,
    Paused,
    Restarted,
    Flushed,
}

const KILLS: usize = 3;

impl FleetFault {
    fn allowance(self) -> usize {
        match self {
            Self::None | Self::Slow => 0,
            // A process that is killed loses the token that it has just requested. So each kill
            // causes at most one additional token.
            Self::Killing => KILLS,
            // While Redis fails, each process requests its own tokens: at most two from each
            // vendor.
            Self::Paused | Self::Restarted => 2 * PROCESSES * 2,
            // There are three flushes. After each flush, the previous and the next lease holder
            // both request a token, so each flush causes one additional token per vendor.
            Self::Flushed => 2 * 3,
        }
    }

    async fn apply(self, redis: &mut RedisServer, fleet: &mut Fleet) {
        let pause = Duration::from_millis(1500);
        match self {
            Self::None | Self::Slow => sleep(RUN / 3).await,
            Self::Killing => {
                for _ in 0..KILLS {
                    fleet.kill_a_holder().await;
                }
            }
            Self::Paused => {
                redis.pause();
                sleep(pause).await;
                redis.resume();
            }
            Self::Restarted => {
                redis.stop();
                sleep(pause / 2).await;
                redis.start_again();
            }
            Self::Flushed => {
                for _ in 0..3 {
                    sleep(pause / 2).await;
                    redis.run_text::<()>("FLUSHALL").await;
                }
            }
        }
    }
}

struct Proxy(u16, AbortHandle);

impl Proxy {
    async fn start(to: u16, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await else { continue };
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::spawn(pass(near_in, far_out, delay / 2));
                tokio::spawn(pass(far_in, near_out, delay / 2));
            }
        });
        Self(port, task.abort_handle())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.1.abort();
    }
}

/// Each chunk has its own delay, so the proxy adds latency but does not limit the throughput.
async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    delay: Duration,
) {
    use tokio::io::AsyncReadExt as _;
    let (sender, mut pieces) = mpsc::unbounded_channel::<(tokio::time::Instant, Vec<u8>)>();
    tokio::spawn(async move {
        while let Some((at, piece)) = pieces.recv().await {
            tokio::time::sleep_until(at).await;
            if to.write_all(&piece).await.is_err() {
                break;
            }
        }
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let _ = sender.send((tokio::time::Instant::now() + delay, buffer[..read].to_vec()));
    }
}

async fn run_with_fault(fault: FleetFault) -> Option<String> {
    let mut redis = RedisServer::start()?;
    let emulator = Emulator::builder().with_system_clock().with_lifetime(LIFETIME).start().await.unwrap();
    if fault == FleetFault::Killing {
        for operation in [Operation::MoneykitToken, Operation::MoovToken] {
            emulator.fault_times(operation, Fault::delay(Duration::from_millis(150)), 10_000);
        }
    }
    let proxy = Proxy::start(redis.port, Duration::from_millis(100)).await;
    let url = if fault == FleetFault::Slow { format!("redis://127.0.0.1:{}", proxy.0) } else { redis.url() };
    let mut fleet = Fleet::start(emulator.url(), &url, Limits::Short, fault == FleetFault::Killing).await;

    let started = Instant::now();
    fleet.order("run").await;
    sleep(Duration::from_secs(2)).await;
    fault.apply(&mut redis, &mut fleet).await;
    fleet.processes[0].order("revoke").await;
    let revoked = fleet.processes[0].word().await;
    let [_, revoked_at, revoked] = revoked.split(' ').collect::<Vec<_>>()[..] else { panic!("{revoked}") };
    let ended_at = now();
    for process in &mut fleet.processes {
        process.order("held").await;
    }
    for process in &mut fleet.processes {
        emulator.revoke(&process.word().await);
    }
    sleep(RUN.saturating_sub(started.elapsed()).max(Duration::from_secs(2))).await;
    let mut seen = fleet.all("end").await;
    let ran = started.elapsed();

    let (moneykit, moov) = calls(&emulator);
    let bound = millis(LEASE + 2 * STORE_TIMEOUT + STORE_REST);
    seen.refused.retain(|(at, _)| *at > ended_at + bound || *at < ended_at);
    let last = seen.tokens.get(revoked).copied().unwrap_or_default();
    let late = last.saturating_sub(revoked_at.parse::<u64>().unwrap());
    let line = format!(
        "| {:<9} | {:>8} | {:>4} | {:>6} | {:>8} | {:>9} | {:>7} | {:>8} | {:>6} | {:>7} | {:>6} |",
        format!("{fault:?}").to_lowercase(),
        moneykit,
        moov,
        seen.tokens.len(),
        seen.store_bypassed,
        seen.discarded,
        seen.evicted_remotely,
        seen.longest_wait,
        late,
        emulator.double_spends(),
        seen.errors.len(),
    );
    // A token is replaced after 2.35 seconds at the earliest. The revocation causes one additional
    // token.
    let tokens = 2 * (ran.as_millis() as usize / 2350 + 2);
    let kills = if fault == FleetFault::Killing { KILLS } else { 0 };
    assert!(moneykit + moov <= tokens + fault.allowance(), "too many calls\n{line}");
    assert!(
        moneykit + moov <= seen.tokens.len() + kills + seen.discarded as usize,
        "a token was lost\n{line}"
    );
    assert_eq!(seen.refused, [], "a token that the vendor rejects was returned\n{line}");
    assert_eq!(emulator.double_spends(), 0, "{line}");
    assert_eq!(seen.errors, [] as [&str; 0], "{line}");
    assert!(late <= bound, "a revoked token was returned\n{line}");
    assert!(seen.longest_wait <= bound + 3000, "a caller waited for too long\n{line}");
    if matches!(fault, FleetFault::None | FleetFault::Slow) {
        assert_eq!((moneykit + moov, seen.store_bypassed), (seen.tokens.len(), 0), "{line}");
    }
    Some(line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fleet_stays_within_its_limits_during_outages() {
    let mut table = vec![
        "| fault     | MoneyKit | Moov | tokens | bypassed | discarded | evicted | wait, ms | late   | doubles | errors |"
            .to_owned(),
        "| --------- | -------: | ---: | -----: | -------: | --------: | ------: | -------: | -----: | ------: | -----: |"
            .to_owned(),
    ];
    for fault in [
        FleetFault::None,
        FleetFault::Slow,
        FleetFault::Killing,
        FleetFault::Paused,
        FleetFault::Restarted,
        FleetFault::Flushed,
    ] {
        let Some(line) = run_with_fault(fault).await else { return };
        table.push(line);
    }
    // The test runner captures `eprintln!`, so the line is written directly to standard error.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("\n{}\n", table.join("\n")).as_bytes());
}
