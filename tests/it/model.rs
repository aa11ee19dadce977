//! Compares random sequences of events with a simple model: no order of requests, lost responses,
//! rejections, revocations and cancelled callers breaks a guarantee of the `token` module.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use fintech_auth::{
    Error, ErrorKind, Scope, Secret, Token,
    token::{Fingerprint, IssuedToken, TokenCache, TokenSource},
};
use proptest::prelude::*;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    scripted::{TestClock, options},
    support::scopes,
};

const LATENCY: Duration = Duration::from_millis(100);

#[derive(Clone, Debug)]
enum Step {
    /// What the server does with the next request, instead of issuing a token of one hour.
    Server(Server),
    Ask(usize),
    /// Requests a token and cancels after half of the server's response time.
    AskAndLeave(usize),
    Pass(Duration),
    /// Waits until the newest token is stale, unless it is stale already.
    PassToStale(usize),
    /// Invalidates the token that was last returned, even if there is a newer token.
    Reject(usize),
    /// Revokes the newest token, by its access token or its refresh token.
    Revoke(usize, bool),
}

#[derive(Clone, Copy, Debug)]
enum Server {
    Token(i64),
    Refuse,
    Lose,
    Unreachable,
    WrongCredentials,
    Limit(u64),
    Hang,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let server = prop_oneof![
        4 => (1_i64..5_000).prop_map(Server::Token),
        1 => prop_oneof![Just(0), Just(-3), Just(9_999_999_999)].prop_map(Server::Token),
        1 => Just(Server::Refuse),
        2 => Just(Server::Lose),
        2 => Just(Server::Unreachable),
        1 => Just(Server::WrongCredentials),
        1 => (1_u64..40).prop_map(Server::Limit),
        1 => Just(Server::Hang),
    ];
    let span =
        prop_oneof![0_u64..300, 1_000_u64..20_000, 100_000_u64..4_000_000].prop_map(Duration::from_millis);
    let step = prop_oneof![
        4 => server.prop_map(Step::Server),
        8 => (0..2_usize).prop_map(Step::Ask),
        2 => (0..2_usize).prop_map(Step::AskAndLeave),
        5 => span.prop_map(Step::Pass),
        3 => (0..2_usize).prop_map(Step::PassToStale),
        2 => (0..2_usize).prop_map(Step::Reject),
        2 => (0..2_usize, any::<bool>()).prop_map(|(scope, refresh)| Step::Revoke(scope, refresh)),
    ];
    prop::collection::vec(step, 1..60)
}

/// Everything that happened, as the server and the callers observed it.
#[derive(Default)]
struct World {
    next: Vec<Server>,
    issued: BTreeMap<u32, Life>,
    /// The newest token of each scope that has not been rejected or revoked.
    newest: BTreeMap<String, u32>,
    /// Tokens that must never be returned again.
    dead: BTreeSet<u32>,
    revoked: BTreeSet<u32>,
    spent: BTreeSet<u32>,
    in_flight: BTreeSet<String>,
    requests: usize,
    closed_until: Option<Instant>,
    broken: Vec<String>,
}

#[derive(Clone, Copy)]
struct Life {
    asked: Instant,
    answered: Instant,
    seconds: i64,
}

impl Life {
    /// Returns the time until the documented expiry. A lifetime that is not credible counts as
    /// 300 s.
    fn ends(&self) -> Duration {
        let lifetime = match self.seconds {
            seconds if !(0..=31_536_000).contains(&seconds) => Duration::from_secs(300),
            seconds => Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
        };
        lifetime - Duration::from_secs(10).min(lifetime / 10)
    }

    fn turns_stale(&self) -> Duration {
        let lifetime = match self.seconds {
            seconds if !(0..=31_536_000).contains(&seconds) => Duration::from_secs(300),
            seconds => Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
        };
        self.ends().saturating_sub(Duration::from_secs(300).min(lifetime / 4))
    }
}

#[derive(Clone)]
struct Modelled(Arc<Mutex<World>>);

impl Modelled {
    async fn serve(&self, scope: &str, refresh: Option<u32>) -> Result<IssuedToken, Error> {
        let asked = Instant::now();
        let (number, reply) = {
            let mut world = self.0.lock().unwrap();
            world.requests += 1;
            if world.closed_until.is_some_and(|until| asked < until) {
                world.broken.push(format!("{scope} was asked for during a cool-down"));
            }
            if !world.in_flight.insert(scope.to_owned()) {
                world.broken.push(format!("two requests for {scope} at once"));
            }
            let number = u32::try_from(world.requests).unwrap();
            (number, if world.next.is_empty() { Server::Token(3600) } else { world.next.remove(0) })
        };
        // A cancelled request is no longer in flight.
        let _landing = Landing(self.0.clone(), scope.to_owned());
        if !matches!(reply, Server::Unreachable)
            && let Some(refresh) = refresh
        {
            let mut world = self.0.lock().unwrap();
            if !world.spent.insert(refresh) {
                world.broken.push(format!("refresh token {refresh} was sent twice"));
            }
            if world.dead.contains(&refresh) {
                world.broken.push(format!("refresh token {refresh} was sent after its end"));
            }
        }
        sleep(LATENCY).await;
        let failed = |kind, sent| Error::new(kind, "as the model has it").with_sent(sent);
        let seconds = match reply {
            Server::Token(seconds) => seconds,
            Server::Refuse => return Err(failed(ErrorKind::InvalidRequest, true)),
            Server::Lose => return Err(failed(ErrorKind::Unavailable, true)),
            Server::Unreachable => return Err(failed(ErrorKind::Unavailable, false)),
            Server::WrongCredentials => return Err(failed(ErrorKind::Unauthorized, true)),
            Server::Limit(seconds) => {
                let wait = Duration::from_secs(seconds);
                self.0.lock().unwrap().closed_until = Some(Instant::now() + wait);
                return Err(failed(ErrorKind::RateLimited, true).with_retry_after(wait));
            }
            Server::Hang => std::future::pending().await,
        };
        let mut world = self.0.lock().unwrap();
        world.issued.insert(number, Life { asked, answered: Instant::now(), seconds });
        // Revoking the previous token also revoked this one.
        if refresh.is_some_and(|refresh| world.revoked.contains(&refresh)) {
            world.dead.insert(number);
        } else {
            world.newest.insert(scope.to_owned(), number);
        }
        let mut token = IssuedToken::new(format!("access.{scope}.{number}"));
        token.refresh_token = Some(Secret::from(format!("refresh.{scope}.{number}")));
        token.expires_in = Some(seconds.into());
        Ok(token)
    }
}

struct Landing(Arc<Mutex<World>>, String);

impl Drop for Landing {
    fn drop(&mut self) {
        self.0.lock().unwrap().in_flight.remove(&self.1);
    }
}

fn number(token: &str) -> u32 {
    token.rsplit('.').next().unwrap().parse().unwrap()
}

impl TokenSource for Modelled {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["model"])
    }

    async fn issue(&self, scopes: &[Scope]) -> Result<IssuedToken, Error> {
        self.serve(scopes[0].as_str(), None).await
    }

    async fn refresh(&self, refresh_token: &Secret) -> Result<IssuedToken, Error> {
        let mut parts = refresh_token.expose_secret().split('.');
        let scope = parts.nth(1).unwrap().to_owned();
        self.serve(&scope, Some(number(refresh_token.expose_secret()))).await
    }
}

struct Run {
    world: Arc<Mutex<World>>,
    cache: TokenCache,
    given: BTreeMap<usize, Token>,
}

impl Run {
    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn newest(&self, index: usize) -> Option<Life> {
        let world = self.world();
        world.newest.get(["a", "b"][index]).map(|newest| world.issued[newest])
    }

    fn scope(index: usize) -> Vec<Scope> {
        scopes(&[["a", "b"][index]])
    }

    async fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Server(server) => self.world().next.push(server),
            Step::Pass(span) => sleep(span).await,
            Step::PassToStale(index) => {
                if let Some(life) = self.newest(index) {
                    let stale = life.asked + life.turns_stale() + Duration::from_millis(1);
                    tokio::time::sleep_until(stale).await;
                }
            }
            Step::Ask(index) => self.ask(index).await?,
            Step::AskAndLeave(index) => {
                let _ = timeout(LATENCY / 2, self.cache.token(&Self::scope(index))).await;
            }
            Step::Reject(index) => {
                if let Some(token) = self.given.get(&index).cloned() {
                    self.end(index, number(token.expose_secret()));
                    self.cache.invalidate(&token).await;
                }
            }
            Step::Revoke(index, by_refresh) => {
                let scope = ["a", "b"][index];
                let Some(newest) = self.world().newest.get(scope).copied() else { return Ok(()) };
                self.end(index, newest);
                self.world().revoked.insert(newest);
                let kind = if by_refresh { "refresh" } else { "access" };
                self.cache.forget(&Secret::from(format!("{kind}.{scope}.{newest}"))).await.unwrap();
            }
        }
        let broken = self.world().broken.clone();
        prop_assert!(broken.is_empty(), "{broken:?}");
        Ok(())
    }

    fn end(&self, index: usize, number: u32) {
        let mut world = self.world();
        world.dead.insert(number);
        let scope = ["a", "b"][index];
        if world.newest.get(scope) == Some(&number) {
            world.newest.remove(scope);
        }
    }

    async fn ask(&mut self, index: usize) -> Result<(), TestCaseError> {
        let scope = ["a", "b"][index];
        let before = Instant::now();
        let (requests, known) = {
            let world = self.world();
            (world.requests, world.newest.get(scope).map(|newest| (*newest, world.issued[newest])))
        };
        let outcome = self.cache.token_within(&Self::scope(index), Duration::from_secs(2)).await;
        let now = Instant::now();
        let world = self.world.lock().unwrap();
        if let Some((newest, life)) = known {
            let age = before - life.asked;
            if age < life.turns_stale() {
                let given = outcome.as_ref().map(|token| number(token.expose_secret())).ok();
                prop_assert_eq!(given, Some(newest), "a fresh token is the one that is given");
                prop_assert_eq!((now, world.requests), (before, requests), "and at once, without a request");
            } else if age < life.ends() {
                prop_assert!(outcome.is_ok(), "a good token survives: {:?}", outcome.as_ref().err());
                prop_assert_eq!(now, before, "a stale token is given at once");
            }
        }
        if let Ok(token) = outcome {
            let number = number(token.expose_secret());
            let life = world.issued[&number];
            prop_assert!(!world.dead.contains(&number), "token {} came back", number);
            prop_assert!(token.expose_secret().starts_with(&format!("access.{scope}.")), "of another scope");
            let lives = now - life.asked < life.ends().max(LATENCY);
            prop_assert!(lives || life.answered >= before, "token {} is over", number);
            drop(world);
            self.given.insert(index, token);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cache_matches_its_model_for_any_order_of_events(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = Arc::new(Mutex::new(World::default()));
            let cache = TokenCache::new(Modelled(world.clone()), options(&TestClock::new()));
            let mut run = Run { world, cache, given: BTreeMap::new() };
            for step in steps {
                run.step(step).await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
