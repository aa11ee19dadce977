//! A token endpoint that records its requests.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use fintech_auth_shuttle::{
    Clock, Error, ErrorKind, Scope, Secret, Token,
    sync::{switch_point, time},
    token::{Fingerprint, IssuedToken, TokenCache, TokenOptions, TokenSource},
};

const LIFETIME: Duration = Duration::from_secs(3600);
pub(crate) const STALE: Duration = Duration::from_secs(3400);
pub(crate) const EXPIRED: Duration = Duration::from_secs(3595);

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) at: Duration,
    pub(crate) scopes: String,
    pub(crate) refresh_token: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reply {
    Token,
    Panic,
    Silence,
    Failure,
}

#[derive(Clone)]
pub(crate) struct Server(Arc<Inner>);

struct Inner {
    requests: Mutex<Vec<Request>>,
    reply: fn(usize) -> Reply,
}

/// The first tokens of grant `g1` are `g1-a1` and `g1-r1`. After the first refresh, they are
/// `g1-a2` and `g1-r2`.
pub(crate) fn grant_of(token: &Token) -> String {
    token.expose_secret().split('-').next().unwrap_or_default().to_owned()
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::replying(|_| Reply::Token)
    }

    pub(crate) fn replying(reply: fn(usize) -> Reply) -> Self {
        Self(Arc::new(Inner { requests: Mutex::default(), reply }))
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.0.requests.lock().expect("no panic").clone()
    }

    pub(crate) fn cache(&self, options: TokenOptions) -> TokenCache {
        let options = options.with_clock(VirtualClock).with_jitter(0.0);
        TokenCache::new(self.clone(), options)
    }

    async fn respond(&self, scopes: &[Scope], refresh_token: Option<&Secret>) -> Result<IssuedToken, Error> {
        switch_point();
        let scopes: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
        let request = Request {
            at: time::elapsed(),
            scopes: scopes.join(" "),
            refresh_token: refresh_token.map(|token| token.expose_secret().to_owned()),
        };
        let before = {
            let mut requests = self.0.requests.lock().expect("no panic");
            requests.push(request);
            requests.len() - 1
        };
        switch_point();
        match (self.0.reply)(before) {
            Reply::Token => {}
            // `panic!` would run the panic hook, and shuttle would report a failed test.
            Reply::Panic => std::panic::resume_unwind(Box::new("the source panics")),
            Reply::Silence => std::future::pending().await,
            Reply::Failure => return Err(Error::new(ErrorKind::Unavailable, "test").with_sent(true)),
        }
        let (grant, number) =
            match refresh_token.map(Secret::expose_secret).and_then(|token| token.split_once("-r")) {
                Some((grant, number)) => (grant.to_owned(), number.parse::<u32>().expect("a number") + 1),
                None => (format!("g{}", before + 1), 1),
            };
        let mut issued = IssuedToken::new(format!("{grant}-a{number}"));
        issued.expires_in = Some((LIFETIME.as_secs() as i64).into());
        issued.refresh_token = Some(format!("{grant}-r{number}").into());
        switch_point();
        Ok(issued)
    }
}

impl TokenSource for Server {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["server"])
    }

    async fn issue(&self, scopes: &[Scope]) -> Result<IssuedToken, Error> {
        self.respond(scopes, None).await
    }

    async fn refresh(&self, refresh_token: &Secret) -> Result<IssuedToken, Error> {
        self.respond(&[], Some(refresh_token)).await
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.requests()).finish()
    }
}

#[derive(Debug)]
pub(crate) struct VirtualClock;

impl Clock for VirtualClock {
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + time::elapsed()
    }

    fn monotonic(&self) -> Duration {
        time::elapsed()
    }
}

pub(crate) fn scopes(name: &str) -> Vec<Scope> {
    vec![name.parse().expect("a scope")]
}
