//! Counts how many times an event is handled when a failure occurs, and compares the counts with a
//! snapshot. Each process runs this test binary with an environment variable that selects its role.

use std::{
    collections::HashMap,
    env,
    fmt::Write as _,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode},
    routing::post,
};
use fintech_auth::{
    Clock, SystemClock,
    axum::{MoneykitWebhook, MoovWebhook, WebhookLayer},
    emulator::{Emulator, SignedWebhook},
    moneykit,
    moov::webhook::WebhookVerifier,
    token::redis::{RedisStore, SealingKey},
    webhook::{Deliveries, RedisDeliveries},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    process::{Child, ChildStdin, Command},
    sync::{Notify, mpsc},
    time::{sleep, timeout},
};

use crate::{redis_server::RedisServer, support::post_webhook};

const ROLE: &str = "FINTECH_AUTH_WEBHOOK_SERVER";
const WORD: &str = "webhook server: ";
const LEASE: Duration = Duration::from_secs(2);
const TOO_LONG: Duration = Duration::from_secs(60);
const JUMP: Duration = Duration::from_secs(48 * 3600);

const BEHAVIOUR: &str = "x-behaviour";

#[derive(Clone, Debug, Default)]
struct JumpingClock(Arc<AtomicU64>);

impl Clock for JumpingClock {
    fn wall(&self) -> SystemTime {
        SystemClock.wall() + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

async fn handle(go_on: Arc<Notify>, headers: HeaderMap) -> StatusCode {
    let behaviour = headers.get(BEHAVIOUR).map(|value| value.to_str().unwrap().to_owned());
    let behaviour = behaviour.unwrap_or_default();
    println!("{WORD}started");
    if behaviour == "wait" {
        go_on.notified().await;
    }
    match behaviour.as_str() {
        "500" => return StatusCode::INTERNAL_SERVER_ERROR,
        "panic" => panic!("the handler of this test panics before the effect"),
        _ => println!("{WORD}handled"),
    }
    match behaviour.as_str() {
        "effect, wait" => go_on.notified().await,
        "effect, 500" => return StatusCode::INTERNAL_SERVER_ERROR,
        "effect, panic" => panic!("the handler of this test panics after the effect"),
        _ => {}
    }
    StatusCode::NO_CONTENT
}

#[test]
fn webhook_server_runs_as_a_child_process() {
    let Ok(role) = env::var(ROLE) else { return };
    let [emulator, secret, redis] = role.split(' ').collect::<Vec<_>>()[..] else { panic!("{role}") };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = RedisStore::builder([SealingKey::new(&[7; 32]).unwrap()]).open(redis).unwrap();
        let deliveries = Deliveries::new(RedisDeliveries::new(Arc::new(store)));
        let deliveries = deliveries.with_lease(LEASE);
        let clock = JumpingClock::default();
        let moneykit = moneykit::ClientBuilder::for_webhooks(None).with_base_url(emulator);
        let moneykit = moneykit.with_tokens(|tokens| tokens.with_clock(clock.clone()));
        let moneykit = moneykit.with_deliveries(deliveries.clone()).build().unwrap().webhooks();
        let moov = WebhookVerifier::new([secret.into()]).unwrap().with_clock(clock.clone());
        let moov = moov.with_deliveries(deliveries);
        let go_on = Arc::new(Notify::new());
        let (one, other) = (go_on.clone(), go_on.clone());
        let router = Router::new()
            .route(
                "/moneykit",
                post(async move |_: MoneykitWebhook, headers| handle(one, headers).await)
                    .layer(WebhookLayer::new(moneykit)),
            )
            .route(
                "/moov",
                post(async move |_: MoovWebhook, headers| handle(other, headers).await)
                    .layer(WebhookLayer::new(moov)),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{WORD}{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut orders = BufReader::new(tokio::io::stdin()).lines();
        while let Some(order) = orders.next_line().await.unwrap() {
            match order.as_str() {
                "go on" => go_on.notify_one(),
                seconds => clock.0.store(seconds.parse().unwrap(), Ordering::SeqCst),
            }
            println!("{WORD}obeyed");
        }
    });
}

struct Server {
    child: Child,
    orders: ChildStdin,
    words: mpsc::UnboundedReceiver<String>,
    address: String,
    handled: usize,
}

impl Server {
    async fn start(role: &str) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "webhook_outcomes::webhook_server_runs_as_a_child_process", "--nocapture"]);
        command.env(ROLE, role).env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let orders = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, words) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((_, word)) = line.split_once(WORD) {
                    let _ = sender.send(word.to_owned());
                }
            }
        });
        let mut server = Self { child, orders, words, address: String::new(), handled: 0 };
        server.address = server.word().await;
        server
    }

    async fn word(&mut self) -> String {
        let word = timeout(TOO_LONG, self.words.recv())
            .await
            .expect("the process responds in time")
            .expect("a word");
        self.handled += usize::from(word == "handled");
        word
    }

    async fn until(&mut self, expected: &str) {
        while self.word().await != expected {}
    }

    async fn order(&mut self, order: &str) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        self.until("obeyed").await;
    }

    async fn kill(mut self) -> usize {
        self.child.kill().await.unwrap();
        while let Some(word) = self.words.recv().await {
            self.handled += usize::from(word == "handled");
        }
        self.handled
    }
}

struct Fleet {
    emulator: Emulator,
    redis: RedisServer,
    role: String,
    servers: Vec<Server>,
    vendor: &'static str,
    events: usize,
}

const FAULTS: [&str; 13] = [
    "none",
    "the sender disconnects while the handler runs",
    "the 2xx is lost",
    "500 before the effect",
    "500 after the effect",
    "panic before the effect",
    "panic after the effect",
    "kill -9 before the effect",
    "kill -9 after the effect",
    "Redis is down",
    "Redis is down when the handler is done, and the 2xx is lost",
    "Redis loses its records",
    "the clock jumps two days forward and back",
];

impl Fleet {
    async fn start(redis: RedisServer, vendor: &'static str, processes: usize) -> Self {
        let emulator = Emulator::builder().with_system_clock().start().await.unwrap();
        let secret = emulator.moov_webhook_secret();
        let role = format!("{} {} {}", emulator.url(), secret.expose_secret(), redis.url());
        let mut servers = Vec::new();
        for _ in 0..processes {
            servers.push(Server::start(&role).await);
        }
        Self { emulator, redis, role, servers, vendor, events: 0 }
    }

    fn sign(&self, behaviour: &str) -> SignedWebhook {
        let event = self.events;
        let mut webhook = match self.vendor {
            "moneykit" => {
                let body = format!(r#"{{"webhook_event":"x","webhook_idempotency_key":"k-{event}"}}"#);
                self.emulator.moneykit_webhook(body).sign()
            }
            _ => self.emulator.moov_webhook("{}").with_nonce(format!("nonce-{event}")).sign(),
        }
        .unwrap();
        webhook.headers.insert(BEHAVIOUR, HeaderValue::from_str(behaviour).unwrap());
        webhook
    }

    async fn status(&self, server: usize, webhook: &SignedWebhook) -> Option<u16> {
        let mut response = String::new();
        let mut stream = post_webhook(&self.servers[server].address, self.vendor, webhook).await;
        stream.read_to_string(&mut response).await.ok()?;
        response.split(' ').nth(1)?.parse().ok()
    }

    async fn retry(&self, first: &SignedWebhook) {
        let same = {
            let mut same = first.clone();
            same.headers.remove(BEHAVIOUR);
            same
        };
        let mut accepted = 0;
        for attempt in 0.. {
            let webhook = if attempt % 2 == 0 { same.clone() } else { self.sign("") };
            match self.status(attempt % self.servers.len(), &webhook).await {
                Some(200 | 204) => accepted += 1,
                _ => sleep(Duration::from_millis(20)).await,
            }
            if accepted == 2 * self.servers.len() {
                return;
            }
        }
    }

    async fn handled(&mut self) -> usize {
        for server in &mut self.servers {
            server.order("0").await;
        }
        self.servers.iter_mut().map(|server| std::mem::take(&mut server.handled)).sum()
    }

    async fn run(&mut self, fault: &str) -> usize {
        self.events += 1;
        let mut killed = 0;
        let behaviour = match fault {
            "the sender disconnects while the handler runs" | "kill -9 before the effect" => "wait",
            "500 before the effect" => "500",
            "500 after the effect" => "effect, 500",
            "panic before the effect" => "panic",
            "panic after the effect" => "effect, panic",
            "kill -9 after the effect" | "Redis is down when the handler is done, and the 2xx is lost" => {
                "effect, wait"
            }
            _ => "",
        };
        let first = self.sign(behaviour);
        match fault {
            "the sender disconnects while the handler runs" => {
                let stream = post_webhook(&self.servers[0].address, self.vendor, &first).await;
                self.servers[0].until("started").await;
                drop(stream);
                self.servers[0].order("go on").await;
            }
            "the 2xx is lost" => {
                let stream = post_webhook(&self.servers[0].address, self.vendor, &first).await;
                self.servers[0].until("handled").await;
                drop(stream);
            }
            "kill -9 before the effect" | "kill -9 after the effect" => {
                let _stream = post_webhook(&self.servers[0].address, self.vendor, &first).await;
                self.servers[0].until(if behaviour == "wait" { "started" } else { "handled" }).await;
                let server = Server::start(&self.role).await;
                killed = std::mem::replace(&mut self.servers[0], server).kill().await;
            }
            "Redis is down" => {
                self.redis.pause();
                assert_eq!(self.status(0, &first).await, Some(503));
                self.redis.resume();
            }
            "Redis is down when the handler is done, and the 2xx is lost" => {
                let mut stream = post_webhook(&self.servers[0].address, self.vendor, &first).await;
                self.servers[0].until("handled").await;
                self.redis.pause();
                self.servers[0].order("go on").await;
                let mut response = String::new();
                stream.read_to_string(&mut response).await.unwrap();
                assert!(response.starts_with("HTTP/1.1 204"), "{response}");
                self.redis.stop();
                self.redis.start_again();
            }
            "Redis loses its records" => {
                assert_eq!(self.status(0, &first).await, Some(204));
                self.redis.stop();
                self.redis.start_again();
            }
            "the clock jumps two days forward and back" => {
                assert_eq!(self.status(0, &first).await, Some(204));
                for server in &mut self.servers {
                    server.order(&JUMP.as_secs().to_string()).await;
                }
                assert_eq!(self.status(0, &first).await, Some(401));
                for server in &mut self.servers {
                    server.order("0").await;
                }
            }
            _ => drop(self.status(0, &first).await),
        }
        self.retry(&first).await;
        killed + self.handled().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_is_handled_at_least_once_despite_failures() {
    const COLUMNS: [(&str, usize); 4] = [("moneykit", 1), ("moneykit", 3), ("moov", 1), ("moov", 3)];
    let mut runs = Vec::new();
    for (vendor, processes) in COLUMNS {
        let Some(redis) = RedisServer::start() else { return };
        runs.push(tokio::spawn(async move {
            let mut fleet = Fleet::start(redis, vendor, processes).await;
            let mut handled = HashMap::new();
            for fault in FAULTS {
                let run = timeout(TOO_LONG, fleet.run(fault)).await;
                handled.insert(fault, run.unwrap_or_else(|_| panic!("{vendor} {processes} {fault}")));
            }
            handled
        }));
    }
    let mut columns = Vec::new();
    for run in runs {
        columns.push(run.await.unwrap());
    }
    let mut table = format!("{:60} MoneyKit: 1, 3 processes   Moov: 1, 3 processes\n", "fault");
    for fault in FAULTS {
        let handled: Vec<usize> = columns.iter().map(|column| column[fault]).collect();
        let [a, b, c, d] = handled[..] else { panic!("{handled:?}") };
        writeln!(table, "{fault:60} {a:11}, {b:<13} {c:8}, {d}").unwrap();
    }
    println!("{table}");
    insta::assert_snapshot!(table);
}
