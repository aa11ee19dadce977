//! A token source that replies according to a script and records its calls. Its delays use tokio's
//! time, which a test can pause.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use fintech_auth::{
    Clock, Error, ErrorKind, Secret,
    token::{Fingerprint, IssuedToken, Scope, TokenCache, TokenOptions, TokenSource},
};
use tokio::time::{Instant, sleep};

#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A token that is valid for this number of seconds.
    Token(i64),
    /// A token response that does not contain a lifetime.
    Silent,
    Fail(Failure),
    Refused(u16),
    Hang,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) sent: bool,
    pub(crate) retry_after: Option<Duration>,
}

pub(crate) fn fail(kind: ErrorKind) -> Reply {
    Reply::Fail(Failure { kind, sent: true, retry_after: None })
}

pub(crate) fn unsent(kind: ErrorKind) -> Reply {
    Reply::Fail(Failure { kind, sent: false, retry_after: None })
}

pub(crate) fn limited(seconds: u64) -> Reply {
    let retry_after = Some(Duration::from_secs(seconds));
    Reply::Fail(Failure { kind: ErrorKind::RateLimited, sent: true, retry_after })
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum TokenCall {
    Issue(String),
    Refresh(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Scripted(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    script: Mutex<VecDeque<Reply>>,
    log: Mutex<Vec<(Duration, TokenCall)>>,
    start: Instant,
    latency: Duration,
    with_refresh: bool,
    refresh_token: Mutex<Option<String>>,
}

impl Scripted {
    pub(crate) fn new(
        latency: Duration,
        with_refresh: bool,
        script: impl IntoIterator<Item = Reply>,
    ) -> Self {
        Self(Arc::new(Inner {
            script: Mutex::new(script.into_iter().collect()),
            log: Mutex::default(),
            start: Instant::now(),
            latency,
            with_refresh,
            refresh_token: Mutex::default(),
        }))
    }

    pub(crate) fn always_with_refresh_token(&self, refresh_token: &str) {
        *self.0.refresh_token.lock().unwrap() = Some(refresh_token.to_owned());
    }

    pub(crate) fn token_calls(&self) -> Vec<TokenCall> {
        self.0.log.lock().unwrap().iter().map(|(_, call)| call.clone()).collect()
    }

    /// The times are in milliseconds since the start of the test.
    pub(crate) fn times(&self) -> Vec<u128> {
        self.0.log.lock().unwrap().iter().map(|(at, _)| at.as_millis()).collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.log.lock().unwrap().len()
    }

    pub(crate) fn then(&self, replies: impl IntoIterator<Item = Reply>) {
        self.0.script.lock().unwrap().extend(replies);
    }

    async fn reply(&self, call: TokenCall) -> Result<IssuedToken, Error> {
        let number = {
            let mut log = self.0.log.lock().unwrap();
            log.push((self.0.start.elapsed(), call));
            log.len()
        };
        let reply = self.0.script.lock().unwrap().pop_front().unwrap_or(Reply::Token(3600));
        tokio::time::sleep(self.0.latency).await;
        let mut token = IssuedToken::new(format!("token-{number}"));
        let numbered = self.0.with_refresh.then(|| format!("refresh-{number}"));
        token.refresh_token = self.0.refresh_token.lock().unwrap().clone().or(numbered).map(Secret::from);
        match reply {
            Reply::Token(seconds) => token.expires_in = Some(seconds.into()),
            Reply::Silent => {}
            Reply::Hang => std::future::pending().await,
            Reply::Refused(status) => {
                let status = http::StatusCode::from_u16(status).unwrap();
                return Err(Error::new(ErrorKind::Unauthorized, "as the script has it").with_status(status));
            }
            Reply::Fail(Failure { kind, sent, retry_after }) => {
                let error = Error::new(kind, "as the script has it").with_sent(sent);
                return Err(match retry_after {
                    Some(wait) => error.with_retry_after(wait),
                    None => error,
                });
            }
        }
        Ok(token)
    }
}

impl TokenSource for Scripted {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["scripted"])
    }

    async fn issue(&self, scopes: &[Scope]) -> Result<IssuedToken, Error> {
        let scopes: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
        self.reply(TokenCall::Issue(scopes.join(" "))).await
    }

    async fn refresh(&self, refresh_token: &Secret) -> Result<IssuedToken, Error> {
        self.reply(TokenCall::Refresh(refresh_token.expose_secret().to_owned())).await
    }
}

#[derive(Clone, Debug)]
pub(crate) struct TestClock {
    start: Instant,
    wall: Arc<Mutex<SystemTime>>,
}

impl TestClock {
    pub(crate) fn new() -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Self { start: Instant::now(), wall: Arc::new(Mutex::new(wall)) }
    }

    pub(crate) fn wall_forward(&self, by: Duration) {
        *self.wall.lock().unwrap() += by;
    }

    pub(crate) fn wall_back(&self, by: Duration) {
        *self.wall.lock().unwrap() -= by;
    }
}

impl Clock for TestClock {
    fn wall(&self) -> SystemTime {
        *self.wall.lock().unwrap() + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

pub(crate) fn options(clock: &TestClock) -> TokenOptions {
    TokenOptions::default().with_jitter(0.0).with_clock(clock.clone())
}

pub(crate) fn cache(script: impl IntoIterator<Item = Reply>) -> (TokenCache, Scripted) {
    cache_with(script, |options| options)
}

pub(crate) fn cache_with(
    script: impl IntoIterator<Item = Reply>,
    customise: impl FnOnce(TokenOptions) -> TokenOptions,
) -> (TokenCache, Scripted) {
    let source = Scripted::new(Duration::from_millis(100), false, script);
    (TokenCache::new(source.clone(), customise(options(&TestClock::new()))), source)
}

pub(crate) fn refreshing(script: impl IntoIterator<Item = Reply>) -> (TokenCache, Scripted) {
    let source = Scripted::new(Duration::from_millis(100), true, script);
    (TokenCache::new(source.clone(), options(&TestClock::new())), source)
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SameTokenSource(Arc<AtomicUsize>);

impl SameTokenSource {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl TokenSource for SameTokenSource {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["same"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(10)).await;
        let mut token = IssuedToken::new("same");
        token.expires_in = Some(86_400.into());
        Ok(token)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct PanickingSource(Arc<AtomicUsize>);

impl PanickingSource {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl TokenSource for PanickingSource {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["panics"])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        panic!("the source of this test panics")
    }
}
