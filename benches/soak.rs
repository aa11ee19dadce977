//! Runs both vendors' clients for a long time while their servers fail, and checks the results.
//! `cargo bench --all-features --bench soak -- MINUTES [SEED]` starts the program. Without minutes,
//! the program does nothing, so that a plain `cargo bench` does not take half an hour.

use std::{
    collections::{BTreeMap, HashMap},
    net::{TcpListener, TcpStream},
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use fintech_auth::{
    Scope, Token,
    emulator::{Emulator, Fault, Operation, TokenState},
    moneykit, moov,
    token::{
        Stats, TokenCache, TokenOptions,
        redis::{RedisStore, SealingKey},
    },
    webhook::{Deliveries, Received, RedisDeliveries, VerifyError},
};
use http::{HeaderValue, StatusCode, header};
use tokio::{runtime::Handle, task::JoinSet, time::sleep};

const TOKEN_TASKS: usize = 150;
const CALL_TASKS: usize = 10;
const REVOKE_TASKS: usize = 10;
const WEBHOOK_TASKS: usize = 30;
const LIFETIME: Duration = Duration::from_secs(20);
const CAPACITY: usize = 256;
const ATTEMPTS: u32 = 3;
const REMEMBER: Duration = Duration::from_secs(90);
/// If Redis has worked without a fault for longer than this, a revocation must reach every process.
/// A process detects a dead subscription after 7 s, and replaces it within 10 s.
const PROPAGATION: Duration = Duration::from_secs(18);
const CALM: Duration = Duration::from_secs(60);
const SETTLE: Duration = Duration::from_secs(15);

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        Some(Self { child: Self::spawn(port)?, port })
    }

    fn spawn(port: u16) -> Option<Child> {
        let arguments = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"];
        let mut server = Command::new("redis-server");
        let server = server.args(arguments).arg(port.to_string()).stdout(Stdio::null()).spawn().ok()?;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(server)
    }

    fn signal(&self, signal: &str) {
        let _ = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
    }

    async fn trouble(&mut self, random: &mut Random) -> &'static str {
        if random.below(2) == 0 {
            self.signal("-STOP");
            sleep(random.millis(200, 4_000)).await;
            self.signal("-CONT");
            "stopped"
        } else {
            let _ = self.child.kill();
            let _ = self.child.wait();
            sleep(random.millis(0, 2_000)).await;
            let port = self.port;
            self.child = tokio::task::spawn_blocking(move || Self::spawn(port)).await.unwrap().unwrap();
            "killed"
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Default)]
struct Truth {
    /// The time at which the revocation returned, and the number of the client that revoked the
    /// token.
    revoked: HashMap<String, (Instant, usize)>,
    ended: HashMap<String, (SystemTime, Instant)>,
    broken: BTreeMap<&'static str, u64>,
    first: Option<String>,
}

impl Truth {
    fn broken(&mut self, promise: &'static str, detail: impl FnOnce() -> String) {
        *self.broken.entry(promise).or_default() += 1;
        self.first.get_or_insert_with(|| format!("{promise}: {}", detail()));
    }
}

struct Webhook {
    handled: u32,
    excused: bool,
}

struct World {
    emulator: RwLock<Arc<Emulator>>,
    moov: Vec<moov::Client>,
    moneykit: Vec<moneykit::Client>,
    moov_webhooks: Vec<moov::webhook::WebhookVerifier>,
    truth: Mutex<Truth>,
    errors: Mutex<BTreeMap<String, u64>>,
    trouble: Mutex<Instant>,
    losses: AtomicU64,
    calm: AtomicBool,
    stop: AtomicBool,
    webhooks: AtomicU64,
    handed_out: AtomicU64,
    requests: AtomicU64,
    double_spends: AtomicU64,
    emulator_tokens: AtomicU64,
    begun: Instant,
}

impl World {
    fn emulator(&self) -> Arc<Emulator> {
        self.emulator.read().unwrap().clone()
    }

    fn requests(&self) -> u64 {
        let emulator = self.emulator();
        let now = emulator.count(Operation::MoovToken) + emulator.count(Operation::MoneykitToken);
        self.requests.load(Ordering::Relaxed) + now as u64
    }

    fn caches(&self) -> impl Iterator<Item = &TokenCache> {
        let moov = self.moov.iter().map(moov::Client::tokens);
        moov.chain(self.moneykit.iter().map(moneykit::Client::tokens))
    }

    fn stats(&self) -> Vec<Stats> {
        self.caches().map(TokenCache::stats).collect()
    }

    fn error(&self, what: &str, error: impl std::fmt::Debug) {
        *self.errors.lock().unwrap().entry(format!("{what}: {error:?}")).or_default() += 1;
    }

    fn is_running(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    fn scopes(&self, random: &mut Random) -> Vec<Scope> {
        let number = match random.below(5) {
            0 => 1_000 + self.begun.elapsed().as_secs() / 5 * 4 + random.below(8),
            _ => random.below(40),
        };
        vec![format!("/accounts/{number:08}/transfers.write").parse().unwrap()]
    }

    fn check(&self, token: &Token, start: Instant, client: usize) {
        let now = SystemTime::now();
        self.handed_out.fetch_add(1, Ordering::Relaxed);
        let text = token.expose_secret();
        let trouble = *self.trouble.lock().unwrap();
        let mut truth = self.truth.lock().unwrap();
        if let Some((at, by)) = truth.revoked.get(text).copied()
            && at < start
        {
            let after = start - at;
            let quiet = trouble + PROPAGATION < at && after > Duration::from_secs(1);
            if by == client {
                truth.broken("no process hands out a token that it revoked", || format!("{after:?} later"));
            } else if quiet {
                truth.broken("a revocation reaches every process", || format!("{after:?} later"));
            }
        }
        let ended = truth.ended.get(text).map(|(end, _)| *end);
        drop(truth);
        let end = match ended {
            Some(end) => Some(end),
            None => {
                let emulator = self.emulator();
                if emulator.is_live(text) {
                    return;
                }
                let listed = emulator.tokens().into_iter().find(|it| it.text.expose_secret() == text);
                listed.filter(|it| it.state != TokenState::Revoked).and_then(|it| it.expires_at)
            }
        };
        if let Some(late) = end.and_then(|end| now.duration_since(end).ok()) {
            let mut truth = self.truth.lock().unwrap();
            truth.broken("no expired token is handed out", || format!("{late:?} late"));
        }
    }
}

async fn start_emulator(port: Option<u16>, secret: &str) -> Emulator {
    loop {
        let builder = Emulator::builder().with_system_clock().with_lifetime(LIFETIME);
        let builder = builder.with_moov_webhook_secret(secret).with_port(port.unwrap_or(0));
        match builder.start().await {
            Ok(emulator) => return emulator,
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

fn options(tokens: TokenOptions, store: &Arc<RedisStore>) -> TokenOptions {
    tokens
        .with_store(store.clone())
        .with_capacity(CAPACITY)
        .with_max_wait(Duration::from_secs(5))
        .with_negative_cache_ttl(Duration::from_secs(1))
        .with_max_cool_down(Duration::from_secs(2))
        .with_retry(|retry| retry.with_attempts(ATTEMPTS))
}

async fn request_tokens(world: Arc<World>, mut random: Random) {
    while world.is_running() {
        let scopes = world.scopes(&mut random);
        let client = random.below(4) as usize;
        let cache = world.caches().nth(client).unwrap();
        let start = Instant::now();
        match cache.token(&scopes).await {
            Ok(token) => {
                world.check(&token, start, client);
                if !world.is_calm() && random.below(2_000) == 0 {
                    cache.invalidate(&token).await;
                }
            }
            Err(error) => world.error("token", error.kind()),
        }
        sleep(random.millis(100, 400)).await;
    }
}

async fn send_calls(world: Arc<World>, mut random: Random, http: reqwest::Client) {
    let scopes = ["/accounts.read".parse::<Scope>().unwrap()];
    while world.is_running() {
        let auth = world.moov[random.below(2) as usize].bearer(&scopes).unwrap();
        let request = http.get(format!("{}/accounts", world.emulator().url()));
        match auth.send(&http, request.timeout(Duration::from_secs(3)).build().unwrap()).await {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => world.error("call", response.status().as_u16()),
            Err(_) => world.error("call", "not sent"),
        }
        sleep(random.millis(200, 600)).await;
    }
}

async fn revoke_tokens(world: Arc<World>, mut random: Random) {
    while world.is_running() {
        sleep(random.millis(1_000, 3_000)).await;
        if world.is_calm() {
            continue;
        }
        let (scopes, client) = (world.scopes(&mut random), random.below(4) as usize);
        let cache = world.caches().nth(client).unwrap();
        let Ok(token) = cache.token(&scopes).await else { continue };
        let done = match client {
            0 | 1 => world.moov[client].revoke(&token, None).await.map(drop),
            _ => cache.forget(&token).await,
        };
        match done {
            Ok(()) => {
                let record = (Instant::now(), client);
                world.truth.lock().unwrap().revoked.insert(token.expose_secret().to_owned(), record);
            }
            Err(error) => world.error("revoke", error.kind()),
        }
    }
}

async fn deliver(world: Arc<World>, mut random: Random, is_moov: bool) {
    while world.is_running() {
        sleep(random.millis(200, 800)).await;
        let number = world.webhooks.fetch_add(1, Ordering::Relaxed);
        let emulator = world.emulator();
        let signed = if is_moov {
            emulator
                .moov_webhook(format!(r#"{{"type":"transfer.updated","data":{{"n":"{number}"}}}}"#))
                .sign()
        } else {
            let body = format!(
                r#"{{"webhook_event":"link.state_changed","webhook_idempotency_key":"{number}","webhook_major_version":1,"webhook_minor_version":0,"webhook_timestamp":"2026-01-01T00:00:00Z","link_id":"l","state":"x"}}"#
            );
            emulator.moneykit_webhook(body).sign()
        };
        let Ok(signed) = signed else { continue };
        let mut webhook = Webhook { handled: 0, excused: false };
        // A MoneyKit webhook cannot be verified after its emulator has been replaced, because the
        // new emulator has different keys.
        let is_verifiable = || is_moov || Arc::ptr_eq(&emulator, &world.emulator());
        let (losses, mut accepted, mut left) = (world.losses.load(Ordering::SeqCst), 0, 100);
        while accepted < 2 && left > 0 && is_verifiable() {
            left -= 1;
            let client = random.below(2) as usize;
            let received = if is_moov {
                receive(world.moov_webhooks[client].receive(&signed.headers, &signed.body).await)
            } else {
                receive(world.moneykit[client].webhooks().receive(&signed.headers, &signed.body).await)
            };
            match received {
                Ok(Received::New((), delivery)) => {
                    sleep(random.millis(0, 30)).await;
                    match random.below(10) {
                        0 => drop(delivery.abandon().await),
                        1 => drop(delivery),
                        _ => {
                            webhook.handled += 1;
                            match delivery.complete().await {
                                Ok(()) => accepted += 1,
                                Err(_) => webhook.excused = true,
                            }
                        }
                    }
                }
                Ok(Received::Done) => accepted += 1,
                Ok(Received::InProgress(_)) => {}
                Err(error) => world.error("webhook", error.kind()),
            }
            if accepted < 2 {
                sleep(random.millis(50, 1_500)).await;
            }
        }
        webhook.excused |= world.losses.load(Ordering::SeqCst) != losses;
        let mut truth = world.truth.lock().unwrap();
        if webhook.handled == 0 && is_verifiable() && world.is_running() {
            truth.broken("every webhook is handled", || format!("webhook {number}, moov: {is_moov}"));
        } else if webhook.handled > 1 && !webhook.excused {
            let times = webhook.handled;
            truth.broken("no webhook is handled twice", || format!("webhook {number}: {times} times"));
        }
    }
}

fn receive<W>(received: Result<Received<W>, VerifyError>) -> Result<Received<()>, VerifyError> {
    received.map(|received| match received {
        Received::New(_, delivery) => Received::New((), delivery),
        Received::InProgress(left) => Received::InProgress(left),
        Received::Done => Received::Done,
    })
}

fn fault(random: &mut Random) -> Fault {
    let status = |status| Fault::response(StatusCode::from_u16(status).unwrap());
    let fault = match random.below(15) {
        0 => status(400),
        1 => status(401),
        2 => status(403),
        3 => status(429).with_header(header::RETRY_AFTER, HeaderValue::from_static("1")),
        4 => status(500),
        5 => status(502).with_body("text/html", "<h1>502</h1>"),
        6 => status(503),
        7 => status(200).with_body("text/html", "<h1>a captive portal</h1>"),
        8 => status(200).with_body("application/json", "{\"access_token\": 7}"),
        9 => Fault::cdn_block(),
        10 => Fault::delay(random.millis(50, 3_000)),
        11 => Fault::truncate(),
        12 => Fault::close(),
        13 => Fault::reset(),
        _ => Fault::hang(),
    };
    if random.below(4) == 0 { fault.after_serving() } else { fault }
}

async fn order_faults(world: Arc<World>, mut random: Random) {
    while world.is_running() {
        if world.is_calm() {
            world.emulator().clear_faults();
        } else {
            let operation = Operation::ALL[random.below(Operation::ALL.len() as u64) as usize];
            let emulator = world.emulator();
            emulator.fault_times(operation, fault(&mut random), 1 + random.below(3) as usize);
            if random.below(60) == 0 {
                emulator.rotate_moneykit_key().unwrap();
            }
        }
        sleep(random.millis(200, 2_000)).await;
    }
}

async fn replace_emulator(world: Arc<World>, port: u16, secret: &'static str) {
    loop {
        for _ in 0..60 {
            sleep(Duration::from_secs(1)).await;
            if !world.is_running() || world.is_calm() {
                return;
            }
        }
        let old = world.emulator();
        old.shutdown(Duration::ZERO).await;
        let tokens = old.tokens();
        let token_requests = old.count(Operation::MoovToken) + old.count(Operation::MoneykitToken);
        world.emulator_tokens.fetch_max(tokens.len() as u64, Ordering::Relaxed);
        {
            let mut truth = world.truth.lock().unwrap();
            let now = Instant::now();
            for token in tokens {
                if let Some(end) = token.expires_at.filter(|_| token.state != TokenState::Revoked) {
                    truth.ended.insert(token.text.expose_secret().to_owned(), (end, now));
                }
            }
            truth.ended.retain(|_, (_, at)| at.elapsed() < REMEMBER);
            truth.revoked.retain(|_, (at, _)| at.elapsed() < REMEMBER);
        }
        let new = Arc::new(start_emulator(Some(port), secret).await);
        world.requests.fetch_add(token_requests as u64, Ordering::Relaxed);
        world.double_spends.fetch_add(old.double_spends() as u64, Ordering::Relaxed);
        *world.emulator.write().unwrap() = new;
    }
}

async fn trouble_redis(world: Arc<World>, mut redis: Redis, mut random: Random) {
    while world.is_running() {
        sleep(random.millis(15_000, 45_000)).await;
        if world.is_calm() {
            continue;
        }
        world.losses.fetch_add(1, Ordering::SeqCst);
        *world.trouble.lock().unwrap() = Instant::now() + Duration::from_secs(3_600);
        let what = redis.trouble(&mut random).await;
        if what == "killed" {
            world.losses.fetch_add(1, Ordering::SeqCst);
        }
        *world.trouble.lock().unwrap() = Instant::now();
        world.error("redis", what);
    }
}

#[derive(Clone, Copy)]
struct Sample {
    resident: u64,
    files: u64,
    tasks: u64,
    entries: u64,
}

fn sample(world: &World) -> Sample {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    Sample {
        resident: pages * 4,
        files: std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64),
        tasks: Handle::current().metrics().num_alive_tasks() as u64,
        entries: world.caches().map(|cache| cache.len() as u64).sum(),
    }
}

type Measure = (&'static str, fn(&Sample) -> u64, u64);

fn growth(samples: &[Sample]) -> Vec<String> {
    let (one, two) = samples.split_at(samples.len() / 2);
    let median = |samples: &[Sample], of: fn(&Sample) -> u64| {
        let mut values: Vec<u64> = samples.iter().map(of).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or(0)
    };
    let measures: [Measure; 4] = [
        ("RSS, KiB", |it| it.resident, 8 * 1024),
        ("files", |it| it.files, 16),
        ("tasks", |it| it.tasks, 32),
        ("entries", |it| it.entries, 64),
    ];
    let mut grown = Vec::new();
    for (name, of, slack) in measures {
        let (first, second) = (median(one, of), median(two, of));
        println!("{name}: median {first} in the first half, {second} in the second");
        if second > first + first / 10 + slack {
            grown.push(format!("{name} grew from {first} to {second}"));
        }
    }
    grown
}

fn check_calm(world: &World, from: SystemTime, before: (u64, &[Stats])) {
    let sum = |stats: &[Stats], of: fn(&Stats) -> u64| stats.iter().map(of).sum::<u64>();
    let (requests, stats) = (world.requests() - before.0, world.stats());
    let refreshes = sum(&stats, |it| it.refreshes) - sum(before.1, |it| it.refreshes);
    let failures = sum(&stats, |it| it.failures) - sum(before.1, |it| it.failures);
    println!("calm: {requests} token requests, {refreshes} refreshes, {failures} failures");
    let mut issued: HashMap<(Operation, String), Vec<SystemTime>> = HashMap::new();
    let tokens = world.emulator().tokens();
    for token in tokens.into_iter().filter(|it| !it.is_refresh_token && it.issued_at >= from) {
        issued.entry((token.operation, token.scope)).or_default().push(token.issued_at);
    }
    let mut truth = world.truth.lock().unwrap();
    let mut pairs = 0;
    for times in issued.values() {
        for pair in times.windows(2) {
            pairs += 1;
            let apart = pair[1].duration_since(pair[0]).unwrap_or_default();
            if apart < LIFETIME / 2 - Duration::from_secs(1) {
                truth.broken("one token request for each generation", || format!("{apart:?} apart"));
            }
        }
    }
    println!("calm: {pairs} successions of tokens compared");
    // A refresh that is in flight at the start or at the end of the minute may be counted in only
    // one of `requests` and `refreshes`, so the two numbers may differ slightly.
    if requests.abs_diff(refreshes) > 8 + requests / 20 || failures > 0 {
        let detail = || format!("{requests} requests, {refreshes} refreshes, {failures} failures");
        truth.broken("without faults each request issues a token", detail);
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let Some(minutes) = arguments.next() else {
        println!("soak: name the minutes, such as `cargo bench --all-features --bench soak -- 30`");
        return ExitCode::SUCCESS;
    };
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = arguments.next().unwrap_or(since.as_secs());
    println!("soak: {minutes} minutes, seed {seed}");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(soak(Duration::from_secs(minutes.max(3) * 60), seed))
}

async fn soak(span: Duration, seed: u64) -> ExitCode {
    let Some(redis) = Redis::start() else {
        println!("soak: no redis-server is installed (Debian: apt-get install redis-server)");
        return ExitCode::FAILURE;
    };
    let secret = "a webhook secret of the soak";
    let emulator = start_emulator(None, secret).await;
    let port = emulator.url().rsplit(':').next().unwrap().parse().unwrap();
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let open = || Arc::new(RedisStore::builder([SealingKey::new(&[1; 32]).unwrap()]).open(&url).unwrap());
    let stores = [open(), open()];
    let deliveries = |store: &Arc<RedisStore>| {
        Deliveries::new(RedisDeliveries::new(store.clone())).with_lease(Duration::from_secs(3))
    };
    let timeout = Duration::from_secs(2);
    let moov = stores.iter().map(|store| {
        let client =
            emulator.moov().with_origin(emulator.origin()).with_http(|http| http.with_timeout(timeout));
        client.with_tokens(|tokens| options(tokens, store)).build().unwrap()
    });
    let moneykit = stores.iter().map(|store| {
        let client = emulator.moneykit().with_http(|http| http.with_timeout(timeout));
        let client = client.with_deliveries(deliveries(store)).with_webhooks(|webhooks| {
            // The cool-down must be short, because the keys change every minute in this program.
            webhooks.with_cool_down(Duration::from_secs(2))
        });
        client.with_tokens(|tokens| options(tokens, store)).build().unwrap()
    });
    let verifiers = stores.iter().map(|store| {
        let verifier = moov::webhook::WebhookVerifier::new([secret.into()]).unwrap();
        verifier.with_deliveries(deliveries(store))
    });
    let (moov, moneykit, moov_webhooks) = (moov.collect(), moneykit.collect(), verifiers.collect());
    let begun = Instant::now();
    let world = Arc::new(World {
        emulator: RwLock::new(Arc::new(emulator)),
        moov,
        moneykit,
        moov_webhooks,
        truth: Mutex::default(),
        errors: Mutex::default(),
        trouble: Mutex::new(begun),
        losses: AtomicU64::new(0),
        calm: AtomicBool::new(false),
        stop: AtomicBool::new(false),
        webhooks: AtomicU64::new(0),
        handed_out: AtomicU64::new(0),
        requests: AtomicU64::new(0),
        double_spends: AtomicU64::new(0),
        emulator_tokens: AtomicU64::new(0),
        begun,
    });

    let mut seeds = Random(seed);
    let mut random = || Random(seeds.next());
    let mut tasks = JoinSet::new();
    let http = reqwest::Client::new();
    (0..TOKEN_TASKS).for_each(|_| drop(tasks.spawn(request_tokens(world.clone(), random()))));
    (0..CALL_TASKS).for_each(|_| drop(tasks.spawn(send_calls(world.clone(), random(), http.clone()))));
    (0..REVOKE_TASKS).for_each(|_| drop(tasks.spawn(revoke_tokens(world.clone(), random()))));
    (0..WEBHOOK_TASKS).for_each(|number| {
        tasks.spawn(deliver(world.clone(), random(), number % 2 == 0));
    });
    tasks.spawn(order_faults(world.clone(), random()));
    tasks.spawn(replace_emulator(world.clone(), port, secret));
    tasks.spawn(trouble_redis(world.clone(), redis, random()));

    println!(
        "{:>6} {:>9} {:>6} {:>6} {:>8} {:>9} {:>10} {:>9} {:>7}",
        "s", "RSS, KiB", "files", "tasks", "entries", "requests", "handed out", "webhooks", "broken"
    );
    let mut samples = Vec::new();
    let mut calm_from = None;
    while begun.elapsed() < span {
        sleep(Duration::from_secs(10)).await;
        let (at, now) = (begun.elapsed(), sample(&world));
        println!(
            "{:>6} {:>9} {:>6} {:>6} {:>8} {:>9} {:>10} {:>9} {:>7}",
            at.as_secs(),
            now.resident,
            now.files,
            now.tasks,
            now.entries,
            world.requests(),
            world.handed_out.load(Ordering::Relaxed),
            world.webhooks.load(Ordering::Relaxed),
            world.truth.lock().unwrap().broken.values().sum::<u64>(),
        );
        if at + CALM < span {
            if at > Duration::from_secs(60) {
                samples.push(now);
            }
        } else if !world.calm.swap(true, Ordering::Relaxed) {
            sleep(SETTLE).await;
            calm_from = Some((SystemTime::now(), world.requests(), world.stats()));
        }
    }
    if let Some((from, requests, stats)) = calm_from {
        check_calm(&world, from, (requests, &stats));
    }
    world.stop.store(true, Ordering::Relaxed);
    tasks.join_all().await;
    verdict(&world, &samples)
}

fn verdict(world: &World, samples: &[Sample]) -> ExitCode {
    let mut problems = growth(samples);
    let stats = world.stats();
    for stats in &stats {
        println!("{stats:?}");
    }
    for (error, count) in &*world.errors.lock().unwrap() {
        println!("{count:>7} {error}");
    }
    let tokens = world.emulator_tokens.load(Ordering::Relaxed);
    println!("the emulator held up to {tokens} tokens when it was replaced; it forgets none by itself");
    let double = world.double_spends.load(Ordering::Relaxed) + world.emulator().double_spends() as u64;
    if double > 0 {
        problems.push(format!("{double} refresh tokens were sent twice"));
    }
    // A refresh can send the refresh token and then the credentials. Each of these two requests is
    // sent at most `ATTEMPTS` times, so a refresh sends at most `2 * ATTEMPTS` requests.
    let refreshes: u64 = stats.iter().map(|it| it.refreshes + it.failures + it.discarded).sum();
    let (requests, most) = (world.requests(), 2 * u64::from(ATTEMPTS) * refreshes);
    println!(
        "{requests} token requests for {refreshes} refreshes and failures, at most {most} are documented"
    );
    if requests > most {
        problems.push(format!("{requests} token requests, at most {most} are documented"));
    }
    let truth = world.truth.lock().unwrap();
    problems.extend(truth.broken.iter().map(|(promise, count)| format!("broken {count} times: {promise}")));
    problems.extend(truth.first.iter().map(|first| format!("the first: {first}")));
    for problem in &problems {
        println!("soak: {problem}");
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine at the end: {}", load.trim());
    if problems.is_empty() {
        println!("soak: nothing grew and no promise was broken");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
