//! Simulates a fleet of 500 processes and 100,000 merchants that starts without tokens. `cargo
//! bench --bench simulation -- 25 10` runs the simulation at scale 25 and then at scale 10, prints
//! a table, and writes `benches/scale.svg` from the last simulation. Without a scale, the program
//! does nothing.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use fintech_auth::{
    Clock, Error, ErrorKind, Scope,
    token::{
        Block, Claim, Fingerprint, IssuedToken, Lease, Notice, Permit, RateLimit, StoreFuture, StoreKey,
        StoredToken, TokenCache, TokenId, TokenOptions, TokenSource, TokenStore,
    },
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

const PROCESSES: u64 = 500;
const MERCHANTS: u64 = 100_000;
/// The rate limit, in token requests per second.
const LIMIT: u64 = 40;
/// The mean rate at which each process requests tokens from its cache, in requests per second.
const REQUESTS: f64 = 20.0;
const LIFETIME: i64 = 3_600;
const HOURS: u64 = 3;
const SCRIPT: Duration = Duration::from_micros(50);
const LATENCY: Duration = Duration::from_millis(1);
const VENDOR: Duration = Duration::from_millis(200);
const BUCKET: u64 = 60;

#[derive(Clone, Debug)]
struct Paused(SystemTime, Instant);

impl Clock for Paused {
    fn wall(&self) -> SystemTime {
        self.0 + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.1.elapsed()
    }
}

#[derive(Clone)]
struct Vendor(Arc<Counts>);

impl TokenSource for Vendor {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["simulation"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        let number = self.0.token_requests.fetch_add(1, Ordering::Relaxed);
        sleep(VENDOR).await;
        let mut issued = IssuedToken::new(format!("token-{number:058}"));
        issued.expires_in = Some(LIFETIME.into());
        Ok(issued)
    }
}

#[derive(Default)]
struct Counts {
    token_requests: AtomicU64,
    scripts: AtomicU64,
    requests: AtomicU64,
    rate_limited: AtomicU64,
    timed_out: AtomicU64,
}

struct Store {
    counts: Arc<Counts>,
    state: Mutex<State>,
}

struct State {
    entries: HashMap<Box<str>, Entry>,
    sent: VecDeque<Instant>,
    fence: u64,
    busy: Instant,
}

#[derive(Default)]
struct Entry {
    token: Option<(StoredToken, Instant)>,
    lease: Option<(u64, Instant)>,
    changed: Arc<Notify>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Entry {
    fn token(&self) -> Option<StoredToken> {
        let (token, ends) = self.token.as_ref()?;
        let left = ends.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        let mut token = token.clone();
        token.age = token.lifetime.saturating_sub(left);
        Some(token)
    }
}

impl State {
    fn reserve(&mut self, limit: Option<RateLimit>, max_wait: Duration) -> Permit {
        let Some(limit) = limit else { return Permit::Granted(Duration::ZERO) };
        let now = Instant::now();
        let span = limit.per;
        let even = span / u32::try_from(limit.calls).unwrap();
        let last = self.sent.back().copied();
        let full = (self.sent.len() >= limit.calls).then(|| self.sent[0] + span);
        let turn = [Some(now), full, last.filter(|_| full > Some(now)).map(|last| last + even)];
        let turn = turn.into_iter().flatten().max().unwrap();
        let wait = turn - now;
        if wait > max_wait {
            return Permit::Denied(Block::RateLimit(wait - max_wait));
        }
        self.sent.push_back(turn);
        while self.sent.len() > limit.calls {
            self.sent.pop_front();
        }
        Permit::Granted(wait)
    }
}

impl Store {
    async fn script(&self) {
        self.counts.scripts.fetch_add(1, Ordering::Relaxed);
        let done = {
            let mut state = self.state.lock().unwrap();
            state.busy = state.busy.max(Instant::now()) + SCRIPT;
            state.busy
        };
        sleep_until(done + LATENCY).await;
    }

    fn change<T>(&self, key: &StoreKey, change: impl FnOnce(&mut Entry) -> T) -> T {
        change(self.state.lock().unwrap().entries.entry(key.scopes.clone()).or_default())
    }

    fn keep(&self, key: &StoreKey, token: &StoredToken, lease: &Lease, release: bool) -> bool {
        self.change(key, |entry| {
            let is_held =
                entry.lease.is_some_and(|(fence, ends)| fence == lease.fence && Instant::now() < ends);
            if is_held {
                entry.token = Some((token.clone(), Instant::now() + token.remaining()));
                if release {
                    entry.lease = None;
                }
                entry.changed.notify_waiters();
            }
            is_held
        })
    }
}

impl TokenStore for Store {
    fn get<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredToken>> {
        Box::pin(async {
            self.script().await;
            Ok(self.change(key, |entry| entry.token()))
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async {
            self.script().await;
            Ok(self.keep(key, token, lease, false))
        })
    }

    fn put_and_release<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a StoredToken,
        lease: &'a Lease,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async {
            self.script().await;
            Ok(self.keep(key, token, lease, true))
        })
    }

    fn take_refresh_token<'a>(
        &'a self,
        _: &'a StoreKey,
        _: &'a Lease,
    ) -> StoreFuture<'a, Option<fintech_auth::Secret>> {
        Box::pin(async { Ok(None) })
    }

    fn revoke<'a>(&'a self, _: &'a Fingerprint, _: &'a [TokenId], _: Duration) -> StoreFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn invalidate<'a>(&'a self, _: &'a StoreKey, _: TokenId) -> StoreFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn lease<'a>(&'a self, key: &'a StoreKey, time: Duration) -> StoreFuture<'a, Option<Lease>> {
        Box::pin(async move {
            self.script().await;
            let mut state = self.state.lock().unwrap();
            state.fence += 1;
            let (fence, now) = (state.fence, Instant::now());
            let entry = state.entries.entry(key.scopes.clone()).or_default();
            if entry.lease.is_some_and(|(_, ends)| now < ends) {
                return Ok(None);
            }
            entry.lease = Some((fence, now + time));
            Ok(Some(Lease::new(fence)))
        })
    }

    fn release<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease) -> StoreFuture<'a, ()> {
        Box::pin(async {
            self.script().await;
            self.change(key, |entry| {
                if entry.lease.is_some_and(|(fence, _)| fence == lease.fence) {
                    entry.lease = None;
                    entry.changed.notify_waiters();
                }
            });
            Ok(())
        })
    }

    fn renew<'a>(&'a self, key: &'a StoreKey, lease: &'a Lease, time: Duration) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            self.script().await;
            let ends = Instant::now() + time;
            Ok(self.change(key, |entry| match &mut entry.lease {
                Some((fence, until)) if *fence == lease.fence => {
                    *until = ends;
                    true
                }
                _ => false,
            }))
        })
    }

    fn changed<'a>(&'a self, key: &'a StoreKey, within: Duration) -> StoreFuture<'a, ()> {
        let changed = self.change(key, |entry| entry.changed.clone());
        Box::pin(async move {
            let _ = tokio::time::timeout(within.min(Duration::from_secs(10)), changed.notified()).await;
            Ok(())
        })
    }

    fn claim<'a>(
        &'a self,
        key: &'a StoreKey,
        _: &'a Fingerprint,
        except: &'a [TokenId],
        time: Duration,
        limit: Option<RateLimit>,
        max_wait: Duration,
    ) -> StoreFuture<'a, Claim<'a>> {
        Box::pin(async move {
            self.script().await;
            let now = Instant::now();
            let mut state = self.state.lock().unwrap();
            let entry = state.entries.entry(key.scopes.clone()).or_default();
            if let Some(token) = entry.token().filter(|token| !except.contains(&token.id)) {
                return Ok(Claim::Token(token));
            }
            if let Some((_, ends)) = entry.lease.filter(|(_, ends)| now < *ends) {
                let changed = entry.changed.clone();
                let wait = (ends - now).min(Duration::from_secs(10));
                return Ok(Claim::Held(Box::pin(async move {
                    let _ = tokio::time::timeout(wait, changed.notified()).await;
                })));
            }
            let permit = match state.reserve(limit, max_wait) {
                Permit::Denied(block) => return Ok(Claim::Blocked(block)),
                permit => permit,
            };
            let waits = match permit {
                Permit::Granted(wait) => wait,
                _ => Duration::ZERO,
            };
            state.fence += 1;
            let fence = state.fence;
            let entry = state.entries.entry(key.scopes.clone()).or_default();
            entry.lease = Some((fence, now + waits + time));
            Ok(Claim::Leased { lease: Lease::new(fence), refresh_token: None, permit })
        })
    }

    fn acquire_permit<'a>(
        &'a self,
        _: &'a Fingerprint,
        _: &'a Fingerprint,
        limit: Option<RateLimit>,
        max_wait: Duration,
    ) -> StoreFuture<'a, Permit> {
        Box::pin(async move {
            self.script().await;
            Ok(self.state.lock().unwrap().reserve(limit, max_wait))
        })
    }

    fn block<'a>(&'a self, _: &'a Fingerprint, _: &'a Fingerprint, _: Block) -> StoreFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn marks<'a>(&'a self, _: &'a Fingerprint, _: &'a [TokenId]) -> StoreFuture<'a, Vec<Notice>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The figures of one minute, converted to the full size of the fleet. At scale `s`, there are `s`
/// times fewer processes, and each process sends `s` times fewer requests. So the conversion
/// multiplies the rate of scripts by `s²`. It multiplies the rate of token requests only by `s`,
/// because the number of merchants and the rate limit are divided by `s`.
#[derive(Clone, Copy, Default)]
struct Minute {
    warm: f64,
    rate_limited: f64,
    scripts_per_second: f64,
    token_requests_per_second: f64,
    timed_out: f64,
}

async fn simulate(scale: u64) -> Vec<Minute> {
    let (processes, merchants) = (PROCESSES / scale, MERCHANTS / scale);
    let counts = Arc::new(Counts::default());
    let begun = Instant::now();
    let state = State { entries: HashMap::new(), sent: VecDeque::new(), fence: 0, busy: begun };
    let store = Arc::new(Store { counts: counts.clone(), state: Mutex::new(state) });
    let clock = Paused(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000), begun);
    // If the divided rate limit is not a whole number, multiply the period by `scale` instead.
    let (calls, per) = match LIMIT % scale {
        0 => (LIMIT / scale, 1),
        _ => (LIMIT, scale),
    };
    for number in 0..processes {
        let options = TokenOptions::default()
            .with_rate_limit(usize::try_from(calls).unwrap(), Duration::from_secs(per))
            .with_clock(clock.clone())
            .with_store(store.clone());
        let (cache, counts) = (TokenCache::new(Vendor(counts.clone()), options), counts.clone());
        let mut random = Random(number + 1);
        tokio::spawn(async move {
            loop {
                let pause = -(1.0 - random.next()).ln() * scale as f64 / REQUESTS;
                sleep(Duration::from_secs_f64(pause)).await;
                let merchant = (random.next() * merchants as f64) as u64;
                let (cache, counts) = (cache.clone(), counts.clone());
                tokio::spawn(async move {
                    let scope = Scope::new(&format!("/accounts/{merchant:08}/transfers.read")).unwrap();
                    counts.requests.fetch_add(1, Ordering::Relaxed);
                    match cache.token(&[scope]).await {
                        Ok(_) => {}
                        Err(error) if error.kind() == ErrorKind::RateLimited => {
                            counts.rate_limited.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
                            counts.timed_out.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
    }
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64;
    let read = || {
        [&counts.requests, &counts.rate_limited, &counts.scripts, &counts.token_requests, &counts.timed_out]
            .map(of)
    };
    let (mut minutes, mut before) = (Vec::new(), [0.0; 5]);
    for _ in 0..HOURS * 3_600 / BUCKET {
        sleep(Duration::from_secs(BUCKET)).await;
        let after = read();
        let [requests, rate_limited, scripts, token_requests, timed_out] =
            std::array::from_fn(|index| after[index] - before[index]);
        before = after;
        let state = store.state.lock().unwrap();
        let warm = state.entries.values().filter(|entry| entry.token().is_some()).count();
        let (scale, bucket) = (scale as f64, BUCKET as f64);
        minutes.push(Minute {
            warm: warm as f64 / merchants as f64,
            rate_limited: rate_limited / requests.max(1.0),
            scripts_per_second: scripts / bucket * scale * scale,
            token_requests_per_second: token_requests / bucket * scale,
            timed_out: timed_out / requests.max(1.0),
        });
    }
    minutes
}

fn mean(minutes: &[Minute], of: impl Fn(&Minute) -> f64) -> f64 {
    minutes.iter().map(of).sum::<f64>() / minutes.len().max(1) as f64
}

fn print(scale: u64, minutes: &[Minute], took: Duration) {
    let until = |share: f64| {
        let at = minutes.iter().position(|minute| minute.warm >= share);
        at.map_or_else(|| "never".to_owned(), |at| ((at as u64 + 1) * BUCKET / 60).to_string())
    };
    let peak = minutes.iter().map(|minute| minute.scripts_per_second).fold(0.0, f64::max);
    let (cold, steady) = (&minutes[..30], &minutes[minutes.len() - 60..]);
    println!(
        "| 1/{scale} | {} | {} | {} | {:.1} % | {:.0} | {:.0} | {:.1} | {:.1} | {:.2} % | {:.1} % | {:.0} |",
        PROCESSES / scale,
        MERCHANTS / scale,
        until(0.95),
        mean(cold, |it| it.rate_limited) * 100.0,
        peak,
        mean(steady, |it| it.scripts_per_second),
        mean(cold, |it| it.token_requests_per_second),
        mean(steady, |it| it.token_requests_per_second),
        mean(steady, |it| it.rate_limited) * 100.0,
        mean(minutes, |it| it.timed_out) * 100.0,
        took.as_secs_f64(),
    );
}

fn plot(minutes: &[Minute]) -> String {
    const WIDTH: f64 = 640.0;
    const HEIGHT: f64 = 130.0;
    let line = |top: f64, most: f64, of: &dyn Fn(&Minute) -> f64| {
        let mut points = String::new();
        for (index, minute) in minutes.iter().enumerate() {
            let x = 60.0 + WIDTH * (index + 1) as f64 / minutes.len() as f64;
            let y = top + HEIGHT * (1.0 - of(minute) / most);
            let _ = write!(points, "{x:.0},{y:.1} ");
        }
        points.trim_end().to_owned()
    };
    let peak = minutes.iter().map(|minute| minute.scripts_per_second).fold(0.0, f64::max);
    let most = (peak / 1_000.0).ceil().max(1.0) * 1_000.0;
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 740 390\" fill=\"none\" stroke=\"currentColor\" \
         font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n\
         <title>500 processes and 100,000 merchants from a cold start</title>\n\
         <style>:root{color:#24292f}@media(prefers-color-scheme:dark){:root{color:#e6edf3}}text{fill:currentColor;stroke:none}</style>\n",
    );
    for (top, title, high) in [
        (
            40.0,
            "Share of merchants with a token (line), of requests over the limit (dashes)",
            "100 %".to_owned(),
        ),
        (220.0, "Scripts in Redis a second", format!("{most:.0}")),
    ] {
        let bottom = top + HEIGHT;
        let _ = writeln!(
            svg,
            "<text x=\"60\" y=\"{}\">{title}</text>\n<path d=\"M60 {top}V{bottom}H700\" stroke-width=\"1\"/>\n\
             <text x=\"54\" y=\"{}\" text-anchor=\"end\">{high}</text>\n\
             <text x=\"54\" y=\"{bottom}\" text-anchor=\"end\">0</text>",
            top - 12.0,
            top + 8.0,
        );
    }
    for hour in 0..=HOURS * 2 {
        let x = 60.0 + WIDTH * hour as f64 / (HOURS * 2) as f64;
        let _ = writeln!(svg, "<text x=\"{x:.0}\" y=\"370\" text-anchor=\"middle\">{} min</text>", hour * 30);
    }
    for (points, dashes) in [
        (line(40.0, 1.0, &|it| it.warm), ""),
        (line(40.0, 1.0, &|it| it.rate_limited), " stroke-dasharray=\"5 4\""),
        (line(220.0, most, &|it| it.scripts_per_second), ""),
    ] {
        let _ = writeln!(svg, "<polyline points=\"{points}\" stroke-width=\"2\"{dashes}/>");
    }
    svg + "</svg>\n"
}

fn main() {
    let scales: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    if scales.is_empty() {
        println!("simulation: name scales, such as `cargo bench --bench simulation -- 25 10`");
        return;
    }
    println!(
        "| scale | processes | merchants | minutes until 95 % have a token | over the limit, first 30 min | most \
         scripts/s | scripts/s, last hour | token requests/s, first 30 min | the same, last hour | over the limit, last \
         hour | timed out | seconds |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |");
    let mut last = Vec::new();
    for scale in scales {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let start = std::time::Instant::now();
        last = runtime.block_on(simulate(scale));
        print(scale, &last, start.elapsed());
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/scale.svg");
    std::fs::write(file, plot(&last)).expect("the plot is written");
}
