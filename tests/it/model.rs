//! Compares random sequences of events with a simple model of the token cache.

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
    Server(Server),
    Ask(usize),
    /// Requests a token, and cancels the call after half of the response time.
    AskAndLeave(usize),
    Pass(Duration),
    PassToStale(usize),
    Reject(usize),
    /// Revokes the newest access token, or its refresh token if the flag is `true`.
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

#[derive(Default)]
struct History {
    next: Vec<Server>,
    issued: BTreeMap<u32, TokenLife>,
    newest: BTreeMap<String, u32>,
    dead: BTreeSet<u32>,
    revoked: BTreeSet<u32>,
    spent: BTreeSet<u32>,
    in_flight: BTreeSet<String>,
    requests: usize,
    closed_until: Option<Instant>,
    broken: Vec<String>,
}

#[derive(Clone, Copy)]
struct TokenLife {
    asked: Instant,
    answered: Instant,
    seconds: i64,
}

impl TokenLife {
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
struct ModelSource(Arc<Mutex<History>>);

impl ModelSource {
    async fn serve(&self, scope: &str, refresh: Option<u32>) -> Result<IssuedToken, Error> {
        let asked = Instant::now();
        let (number, reply) = {
            let mut history = self.0.lock().unwrap();
            history.requests += 1;
            if history.closed_until.is_some_and(|until| asked < until) {
                history.broken.push(format!("{scope} was asked for during a cool-down"));
            }
            if !history.in_flight.insert(scope.to_owned()) {
                history.broken.push(format!("two requests for {scope} at once"));
            }
            let number = u32::try_from(history.requests).unwrap();
            (number, if history.next.is_empty() { Server::Token(3600) } else { history.next.remove(0) })
        };
        let _in_flight = InFlight(self.0.clone(), scope.to_owned());
        if !matches!(reply, Server::Unreachable)
            && let Some(refresh) = refresh
        {
            let mut history = self.0.lock().unwrap();
            if !history.spent.insert(refresh) {
                history.broken.push(format!("refresh token {refresh} was sent twice"));
            }
            if history.dead.contains(&refresh) {
                history.broken.push(format!("refresh token {refresh} was sent after its end"));
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
        let mut history = self.0.lock().unwrap();
        history.issued.insert(number, TokenLife { asked, answered: Instant::now(), seconds });
        if refresh.is_some_and(|refresh| history.revoked.contains(&refresh)) {
            history.dead.insert(number);
        } else {
            history.newest.insert(scope.to_owned(), number);
        }
        let mut token = IssuedToken::new(format!("access.{scope}.{number}"));
        token.refresh_token = Some(Secret::from(format!("refresh.{scope}.{number}")));
        token.expires_in = Some(seconds.into());
        Ok(token)
    }
}

struct InFlight(Arc<Mutex<History>>, String);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.lock().unwrap().in_flight.remove(&self.1);
    }
}

fn number(token: &str) -> u32 {
    token.rsplit('.').next().unwrap().parse().unwrap()
}

impl TokenSource for ModelSource {
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
    history: Arc<Mutex<History>>,
    cache: TokenCache,
    given: BTreeMap<usize, Token>,
}

impl Run {
    fn history(&self) -> std::sync::MutexGuard<'_, History> {
        self.history.lock().unwrap()
    }

    fn newest(&self, index: usize) -> Option<TokenLife> {
        let history = self.history();
        history.newest.get(["a", "b"][index]).map(|newest| history.issued[newest])
    }

    fn scope(index: usize) -> Vec<Scope> {
        scopes(&[["a", "b"][index]])
    }

    async fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Server(server) => self.history().next.push(server),
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
                let Some(newest) = self.history().newest.get(scope).copied() else { return Ok(()) };
                self.end(index, newest);
                self.history().revoked.insert(newest);
                let kind = if by_refresh { "refresh" } else { "access" };
                self.cache.forget(&Secret::from(format!("{kind}.{scope}.{newest}"))).await.unwrap();
            }
        }
        let broken = self.history().broken.clone();
        prop_assert!(broken.is_empty(), "{broken:?}");
        Ok(())
    }

    fn end(&self, index: usize, number: u32) {
        let mut history = self.history();
        history.dead.insert(number);
        let scope = ["a", "b"][index];
        if history.newest.get(scope) == Some(&number) {
            history.newest.remove(scope);
        }
    }

    async fn ask(&mut self, index: usize) -> Result<(), TestCaseError> {
        let scope = ["a", "b"][index];
        let before = Instant::now();
        let (requests, known) = {
            let history = self.history();
            (history.requests, history.newest.get(scope).map(|newest| (*newest, history.issued[newest])))
        };
        let outcome = self.cache.token_within(&Self::scope(index), Duration::from_secs(2)).await;
        let now = Instant::now();
        let history = self.history.lock().unwrap();
        if let Some((newest, life)) = known {
            let age = before - life.asked;
            if age < life.turns_stale() {
                let given = outcome.as_ref().map(|token| number(token.expose_secret())).ok();
                prop_assert_eq!(given, Some(newest), "the cache must return the newest fresh token");
                prop_assert_eq!(
                    (now, history.requests),
                    (before, requests),
                    "a fresh token must be returned without waiting or a request"
                );
            } else if age < life.ends() {
                prop_assert!(outcome.is_ok(), "a valid token must be returned: {:?}", outcome.as_ref().err());
                prop_assert_eq!(now, before, "a stale token must be returned without waiting");
            }
        }
        if let Ok(token) = outcome {
            let number = number(token.expose_secret());
            let life = history.issued[&number];
            prop_assert!(
                !history.dead.contains(&number),
                "token {} was returned after it was revoked or rejected",
                number
            );
            prop_assert!(
                token.expose_secret().starts_with(&format!("access.{scope}.")),
                "the cache returned a token of another scope"
            );
            let lives = now - life.asked < life.ends().max(LATENCY);
            prop_assert!(lives || life.answered >= before, "token {} was returned after it expired", number);
            drop(history);
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
            let history = Arc::new(Mutex::new(History::default()));
            let cache = TokenCache::new(ModelSource(history.clone()), options(&TestClock::new()));
            let mut run = Run { history, cache, given: BTreeMap::new() };
            for step in steps {
                run.step(step).await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
