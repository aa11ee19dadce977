//! Caches the keys that verify webhooks, and decides when to fetch new keys.

use std::{
    fmt,
    sync::{Arc, PoisonError},
    time::{Duration, SystemTime},
};

use super::{keys::VerifyingKeys, options::VerifierOptions};
use crate::{
    Clock, Error, ErrorKind,
    retry::backoff,
    single_flight::{Flight, SingleFlight, Waiter},
    sync::{Mutex, MutexGuard, time},
    webhook::{Reason, VerifyError},
};

/// How long a webhook waits for a fetch if stale keys can verify the webhook. The time is short,
/// because the sender of the webhook waits for the response.
const STALE_WAIT: Duration = Duration::from_secs(1);
const BACKOFF: Duration = Duration::from_secs(1);
/// The cache respects the vendor's `Retry-After` only up to this time, because webhooks that are
/// signed with a new key cannot be verified until the next fetch.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

pub(crate) struct KeyCache {
    options: VerifierOptions,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fetched: Option<Fetched>,
    flight: SingleFlight<Result<(), Error>>,
    /// Before this time, an unknown key id starts no fetch, because anyone can make up a key id.
    cool_until: Duration,
    failure: Option<Failure>,
}

struct Fetched {
    keys: Arc<VerifyingKeys>,
    asked: Now,
}

struct Failure {
    error: Error,
    times: u32,
    until: Duration,
}

#[derive(Clone, Copy)]
struct Now {
    tick: Duration,
    wall: SystemTime,
}

impl Now {
    /// Returns the longer of the times that the monotonic clock and the wall clock measured. The
    /// monotonic clock may stop while the machine sleeps, and the wall clock may be set back.
    fn since(self, earlier: Self) -> Duration {
        let by_wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        by_wall.max(self.tick.saturating_sub(earlier.tick))
    }
}

enum Step {
    Use(Arc<VerifyingKeys>),
    Refuse(VerifyError),
    Wait(Waiter<Result<(), Error>>, Option<Arc<VerifyingKeys>>),
    Start(Flight<Result<(), Error>>, Fetch, Option<Arc<VerifyingKeys>>),
}

struct Fetch {
    asked: Now,
    /// The key id of the webhook that started the fetch. Set only if the cache had no usable keys
    /// when the fetch started.
    cold: Option<String>,
}

impl KeyCache {
    pub(crate) fn new(options: VerifierOptions, clock: Arc<dyn Clock>) -> Self {
        Self { options, clock, state: Mutex::default() }
    }

    pub(super) fn options(&self) -> &VerifierOptions {
        &self.options
    }

    pub(super) fn wall(&self) -> SystemTime {
        self.clock.wall()
    }

    fn now(&self) -> Now {
        Now { tick: self.clock.monotonic(), wall: self.clock.wall() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn keys_for<F>(
        self: &Arc<Self>,
        key_id: &str,
        fetch: impl Fn() -> F,
    ) -> Result<Arc<VerifyingKeys>, VerifyError>
    where
        F: Future<Output = Result<VerifyingKeys, Error>> + Send + 'static,
    {
        let (mut waited, mut led) = (false, false);
        // Each of the first three rounds waits for one fetch, and the last round returns. At most
        // three fetches are needed: a fetch that another caller has started, a fetch that this
        // caller starts, and one more if a fetch has no result, because its runtime was shut down.
        for _ in 0..4 {
            let (waiter, stale) = match self.step(key_id, waited, led) {
                Step::Use(keys) => return Ok(keys),
                Step::Refuse(error) => return Err(error),
                Step::Wait(waiter, stale) => (waiter, stale),
                Step::Start(flight, started, stale) => {
                    led = true;
                    let waiter = flight.waiter();
                    self.start(flight, started, fetch())?;
                    (waiter, stale)
                }
            };
            let outcome = match stale {
                None => waiter.outcome().await,
                Some(stale) => match waiter.outcome_by(time::Instant::now() + STALE_WAIT).await {
                    Ok(outcome) => outcome,
                    Err(_) => return Ok(stale),
                },
            };
            let Some(outcome) = outcome else { continue };
            waited = true;
            if let Err(error) = outcome {
                let usable = self.state().usable(self.now(), &self.options).map(|(keys, _)| keys);
                let usable = usable.filter(|keys| keys.contains(key_id));
                return usable.ok_or_else(|| unavailable(error, None));
            }
        }
        Err(unavailable(
            Error::new(ErrorKind::Unavailable, "webhook keys changed repeatedly while waiting"),
            None,
        ))
    }

    fn step(&self, key_id: &str, waited: bool, led: bool) -> Step {
        let now = self.now();
        let mut state = self.state();
        let usable = state.usable(now, &self.options);
        let failing = state.failure.as_ref().filter(|failure| now.tick < failure.until);
        let has_keys = usable.is_some();
        let mut is_unknown = false;
        let mut stale = None;
        if let Some((keys, is_fresh)) = usable {
            is_unknown = !keys.contains(key_id);
            if !is_unknown && (is_fresh || waited || failing.is_some()) {
                return Step::Use(keys);
            }
            // The keys that were just fetched do not contain the key id. They may be outdated,
            // because the response may come from an HTTP cache. So the webhook gets a 503, and the
            // vendor sends the webhook again.
            if is_unknown && waited && led {
                let left = state.cool_until.saturating_sub(now.tick);
                return Step::Refuse(VerifyError::from(Reason::KeysCoolingDown).with_retry_after(left));
            }
            stale = (!is_unknown).then_some(keys);
        }
        if let Some(failure) = failing {
            let left = failure.until.saturating_sub(now.tick);
            return Step::Refuse(unavailable(failure.error.clone(), Some(left)));
        }
        if let Some(waiter) = state.flight.running() {
            return Step::Wait(waiter, stale);
        }
        if is_unknown {
            let left = state.cool_until.saturating_sub(now.tick);
            if !left.is_zero() {
                return Step::Refuse(VerifyError::from(Reason::KeysCoolingDown).with_retry_after(left));
            }
            state.cool_until = now.tick.saturating_add(self.options.cool_down);
        }
        let cold = (!has_keys).then(|| key_id.to_owned());
        Step::Start(state.flight.start(), Fetch { asked: now, cold }, stale)
    }

    /// Fetches in a separate task, so that the fetch continues if the caller is cancelled.
    fn start(
        self: &Arc<Self>,
        flight: Flight<Result<(), Error>>,
        started: Fetch,
        fetch: impl Future<Output = Result<VerifyingKeys, Error>> + Send + 'static,
    ) -> Result<(), VerifyError> {
        let cache = self.clone();
        let spawned = flight.spawn(async move {
            let fetched = fetch.await;
            Some(cache.end(started, fetched))
        });
        spawned.map_err(|_| {
            let reason = "no tokio runtime; call this inside one";
            unavailable(Error::new(ErrorKind::InvalidConfig, reason), None)
        })
    }

    fn end(&self, started: Fetch, fetched: Result<VerifyingKeys, Error>) -> Result<(), Error> {
        let mut state = self.state();
        state.flight.clear();
        match fetched {
            Ok(keys) => {
                tracing::debug!(fintech_auth.keys = keys.len(), "webhook keys fetched");
                if started.cold.is_some_and(|key_id| !keys.contains(&key_id)) {
                    state.cool_until = started.asked.tick.saturating_add(self.options.cool_down);
                }
                state.failure = None;
                state.fetched = Some(Fetched { keys: Arc::new(keys), asked: started.asked });
                Ok(())
            }
            Err(error) => {
                tracing::warn!("error.type" = error.kind().as_str(), %error, "webhook keys cannot be fetched");
                let times = state.failure.as_ref().map_or(0, |failure| failure.times).saturating_add(1);
                let wait = backoff(BACKOFF, self.options.cool_down, times, 0.0);
                let wait = error.retry_after().unwrap_or_default().min(LONGEST_WAIT).max(wait);
                let until = self.clock.monotonic().saturating_add(wait);
                state.failure = Some(Failure { error: error.without_details(), times, until });
                Err(error)
            }
        }
    }
}

impl State {
    fn usable(&self, now: Now, options: &VerifierOptions) -> Option<(Arc<VerifyingKeys>, bool)> {
        let fetched = self.fetched.as_ref()?;
        let age = now.since(fetched.asked);
        (age < options.max_age).then(|| (fetched.keys.clone(), age < options.refresh_after))
    }
}

fn unavailable(error: Error, left: Option<Duration>) -> VerifyError {
    let wait = left.or(error.retry_after());
    let refused = VerifyError::from(Reason::KeysUnavailable).with_source(error);
    match wait {
        Some(wait) => refused.with_retry_after(wait),
        None => refused,
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache").field("options", &self.options).finish_non_exhaustive()
    }
}
