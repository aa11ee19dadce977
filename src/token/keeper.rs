//! The state behind a cache, and what is done with it: the same whatever the source, and so
//! compiled once, in this crate, and not again in each that asks for a token.
//!
//! It knows no vendor and no HTTP. Nothing is locked across an await.

use std::{
    hash::BuildHasher as _,
    num::NonZeroU64,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use foldhash::fast::RandomState;
use papaya::HashMap;
use smallvec::SmallVec;
use tokio::{runtime, sync::watch, time};

use super::{
    Scope, Stats, Stop, StoreKey, Token, TokenOptions,
    flight::Flight,
    gate::{Gate, Pass},
    options::millis,
    sharing::Sharing,
    slot::{Ask, Keyed, Now, Outcome, Slot, Wanted},
    source::AnySource,
    stats::Counters,
    store::generation,
};
use crate::{
    Clock as _, Error, ErrorKind, Secret, SystemClock,
    clock::coarse_millis,
    retry::{Repeat, backoff},
};

/// A wait for a token, on the heap: what it needs is large, and rarely needed.
pub(super) type Waiting<'a> = Pin<Box<dyn Future<Output = Result<Token, Error>> + Send + 'a>>;

/// What the clones of a cache share. The last to go ends the tasks.
#[derive(Clone)]
pub(super) struct Keeper {
    pub(super) shared: Arc<Shared>,
    /// Closes when the last clone is gone; the tasks hold the other end.
    alive: Arc<watch::Sender<()>>,
}

pub(super) struct Shared {
    pub(super) source: Arc<dyn AnySource>,
    pub(super) options: TokenOptions,
    pub(super) gate: Gate,
    pub(super) counters: Counters,
    pub(super) sharing: Option<Sharing>,
    slots: HashMap<Keyed, (), RandomState>,
    /// The wall clock as it was read last, and in which tick of the coarse one.
    seen: (AtomicU64, AtomicU64),
}

impl Keeper {
    pub(super) fn new(source: Arc<dyn AnySource>, options: TokenOptions) -> Self {
        let gate = Gate::new(options.rate_limit);
        let slots = HashMap::builder().hasher(RandomState::default()).build();
        let seen = (AtomicU64::new(u64::MAX), AtomicU64::new(0));
        let (counters, sharing) = (Counters::default(), Sharing::new(&options));
        let shared = Arc::new(Shared { source, options, gate, counters, sharing, slots, seen });
        Self { shared, alive: Arc::new(watch::channel(()).0) }
    }

    /// The place of a scope set, made if there is none.
    pub(super) fn slot(&self, scopes: &[Scope]) -> Arc<Slot> {
        let (slot, is_new) = with_wanted(scopes, |wanted| {
            let slots = self.shared.slots.pin();
            if let Some((keyed, ())) = slots.get_key_value(wanted) {
                return (keyed.0.clone(), false);
            }
            let keyed = Keyed(Arc::new(Slot::new(wanted.join())));
            let slot = keyed.0.clone();
            match slots.try_insert(keyed, ()) {
                Ok(_) => (slot, true),
                // Another caller was faster: its slot is the one.
                Err(_) => (slots.get_key_value(wanted).map_or(slot, |(keyed, ())| keyed.0.clone()), false),
            }
        });
        if is_new && self.shared.slots.len() > self.shared.options.capacity {
            self.shared.sweep();
        }
        slot
    }

    /// A token as soon as there is one, but within `max_wait`, or else that of the options.
    pub(super) fn wait(&self, slot: Arc<Slot>, max_wait: Option<Duration>) -> Waiting<'_> {
        let max_wait = max_wait.unwrap_or(self.shared.options.max_wait);
        Box::pin(async move { self.wait_for(&slot, max_wait).await })
    }

    async fn wait_for(&self, slot: &Arc<Slot>, max_wait: Duration) -> Result<Token, Error> {
        let shared = &*self.shared;
        let deadline = time::Instant::now() + max_wait;
        let mut missed = false;
        let mut deaths = 0;
        loop {
            let now = shared.now();
            let flight = match slot.ask(now) {
                Ask::Take(token) => {
                    shared.counters.stale_hits.add(u64::from(!missed));
                    return Ok(token);
                }
                Ask::Fail(error) => return Err(error),
                Ask::Join(flight) => {
                    shared.within(now, max_wait)?;
                    shared.counters.waiters.add(u64::from(!missed));
                    flight
                }
                Ask::Lead(usable) => {
                    match (usable, shared.gate.check(now.tick)) {
                        (Some(token), pass) => {
                            if let Pass::Open = pass {
                                self.begin(slot, max_wait)?;
                            }
                            shared.counters.stale_hits.add(1);
                            return Ok(token);
                        }
                        (None, Pass::Refused(error)) => return Err(error),
                        (None, _) => shared.within(now, max_wait)?,
                    }
                    self.begin(slot, max_wait)?
                }
            };
            shared.counters.misses.add(u64::from(!missed));
            missed = true;
            if let Some(outcome) = join(flight, deadline).await? {
                return outcome;
            }
            // The task went away without an outcome. With its runtime, that is; a source that panics
            // does it every time.
            deaths += 1;
            if deaths == 3 {
                let reason = "the refresh ended without an outcome; the token source may have panicked";
                return Err(Error::new(ErrorKind::Unavailable, reason).with_sent(true));
            }
        }
    }

    /// Tells a task of the cache when to end.
    pub(super) fn alive(&self) -> watch::Receiver<()> {
        self.alive.subscribe()
    }

    /// Begins a refresh in a task of its own, or joins the one that began meanwhile.
    fn begin(&self, slot: &Arc<Slot>, max_wait: Duration) -> Result<watch::Receiver<Outcome>, Error> {
        let runtime = runtime::Handle::try_current().map_err(|_| {
            Error::new(ErrorKind::InvalidConfig, "tokens are fetched on a tokio runtime; call this from one")
        })?;
        let sender = match slot.begin() {
            Ok(sender) => sender,
            Err(running) => return Ok(running),
        };
        let receiver = sender.subscribe();
        // Others may join who have more time than the one who began it.
        let max_wait = max_wait.max(self.shared.options.max_wait);
        let flight = Flight { shared: self.shared.clone(), slot: slot.clone(), max_wait };
        let mut alive = self.alive();
        self.keep_up();
        runtime.spawn(async move {
            tokio::select! {
                // With nobody left to tell, the token is in place all the same.
                outcome = flight.run() => { let _ = sender.send(Some(outcome)); }
                _ = alive.changed() => {}
            }
        });
        Ok(receiver)
    }

    /// Forgets exactly this token, here and in the store.
    pub(super) async fn reject(&self, token: &Token) {
        let issued = token.issued();
        let (Some(slot), Some(generation)) = (issued.slot.upgrade(), issued.generation) else { return };
        if slot.reject(generation) {
            self.shared.counters.rejections.add(1);
        }
        self.evict(&slot, generation).await;
    }

    /// Forgets a token or refresh token that is about to be revoked, here and in the store.
    pub(super) async fn forget(&self, secret: &Secret) {
        let revoked = generation(secret);
        for slot in self.shared.slots() {
            if let Some(forgotten) = slot.revoke(revoked) {
                self.shared.counters.rejections.add(1);
                self.evict(&slot, forgotten).await;
            }
        }
    }

    /// Has the store forget a token, now or when it is back.
    async fn evict(&self, slot: &Slot, generation: NonZeroU64) {
        let Some(sharing) = &self.shared.sharing else { return };
        let key = self.shared.key(slot);
        if sharing.is_ready() && sharing.ask(sharing.store.evict(&key, generation)).await.is_ok() {
            slot.paid(generation);
            return;
        }
        tracing::warn!("the store may still hold a rejected token; it is told when it is back");
        sharing.owe(key, generation);
        self.keep_up();
    }

    /// Sends a token request of a caller's own within the same limits, and learns from it.
    pub(super) async fn gated<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match self.shared.gate.enter(self.shared.now().tick) {
            Pass::Open => {}
            Pass::Closed(left) => return Err(closed(left)),
            Pass::Refused(error) => return Err(error),
        }
        if let Some(stop) = self.shared.admit().await {
            return Err(self.shared.stopped(stop));
        }
        let outcome = call.await;
        match &outcome {
            Ok(_) => self.shared.gate.succeeded(),
            Err(error) => self.shared.learn(error).await,
        }
        outcome
    }

    /// Sends a call again as the policy has it.
    pub(super) async fn repeated<T, F: Future<Output = Result<T, Error>>>(
        &self,
        repeat: Repeat,
        mut call: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let mut made = 0;
        loop {
            let error = match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            made += 1;
            match self.shared.options.retry.next(made, &error, repeat, self.shared.random()) {
                Some(wait) => time::sleep(wait).await,
                None => return Err(error),
            }
        }
    }
}

impl Shared {
    /// A fresh token for these scopes, if there is one.
    pub(super) fn cached(&self, scopes: &[Scope]) -> Option<Token> {
        with_wanted(scopes, |wanted| {
            let slots = self.slots.pin();
            let (keyed, ()) = slots.get_key_value(wanted)?;
            self.fresh(&keyed.0)
        })
    }

    /// The token of a slot if it is fresh by both clocks. This runs on every request of a user's
    /// service: no lock, no allocation, no write that cores would fight over.
    #[inline]
    pub(super) fn fresh(&self, slot: &Slot) -> Option<Token> {
        let current = slot.current.load();
        let tick = self.tick();
        if tick >= current.life.stale || self.coarse_wall(tick) >= current.life.wall_stale {
            return None;
        }
        if !slot.used.load(Ordering::Relaxed) {
            slot.used.store(true, Ordering::Relaxed);
        }
        self.counters.hit();
        Some(Token::new(current))
    }

    #[inline]
    fn tick(&self) -> u64 {
        match &self.options.clock {
            None => coarse_millis(),
            Some(clock) => millis(clock.monotonic()),
        }
    }

    /// The wall clock is dear, so it is read once in each tick of the coarse one. That suffices to
    /// notice a suspend or a jump: the next tick is milliseconds away.
    #[inline]
    fn coarse_wall(&self, tick: u64) -> u64 {
        let (at, seen) = &self.seen;
        // Who sees a tick sees the reading that was made in it. One of another tick may slip in
        // between the two; it is gone with the next tick.
        if at.load(Ordering::Acquire) == tick {
            return seen.load(Ordering::Relaxed);
        }
        let wall = self.wall();
        seen.store(wall, Ordering::Relaxed);
        at.store(tick, Ordering::Release);
        wall
    }

    fn wall(&self) -> u64 {
        let wall = match &self.options.clock {
            None => SystemClock.wall(),
            Some(clock) => clock.wall(),
        };
        millis(wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }

    pub(super) fn now(&self) -> Now {
        Now { tick: self.tick(), wall: self.wall() }
    }

    /// Refuses a wait that is known to be too long.
    fn within(&self, now: Now, max_wait: Duration) -> Result<(), Error> {
        match self.gate.check(now.tick) {
            Pass::Closed(left) if left > max_wait => Err(closed(left)),
            _ => Ok(()),
        }
    }

    pub(super) fn stats(&self) -> Stats {
        let sharing = self.sharing.as_ref();
        Stats {
            store_failures: sharing.map_or(0, |sharing| sharing.failures.get()),
            store_aside: sharing.is_some_and(Sharing::is_aside),
            ..self.counters.stats()
        }
    }

    /// How many scope sets there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Every scope set there is now.
    pub(super) fn slots(&self) -> Vec<Arc<Slot>> {
        self.slots.pin().keys().map(|keyed| keyed.0.clone()).collect()
    }

    /// The scope set of these sorted scopes.
    pub(super) fn slot_of(&self, scopes: &str) -> Option<Arc<Slot>> {
        let scopes: SmallVec<[&str; 8]> = scopes.split(' ').filter(|scope| !scope.is_empty()).collect();
        self.slots.pin().get_key_value(&Wanted(&scopes)).map(|(keyed, ())| keyed.0.clone())
    }

    /// Drops a token that another process evicted.
    pub(super) fn drop_token(&self, slot: &Slot, generation: NonZeroU64) {
        if slot.reject(generation) {
            self.counters.dropped.add(1);
            tracing::debug!(
                generation = generation.get(),
                "dropped a token that another process rejected or revoked"
            );
        }
        slot.paid(generation);
    }

    /// Random, in 0..=1, as far as the options allow.
    pub(super) fn random(&self) -> f64 {
        let random = RandomState::default().hash_one(0_u8) >> 11;
        self.options.jitter * (random as f64 / (1_u64 << 53) as f64)
    }

    /// Forgets scope sets until an eighth of the capacity is free: first those not asked for since
    /// the last sweep, then any, but none that somebody has: a refresh in flight, a caller, or a handle, whose
    /// token others who revoke it would not find.
    fn sweep(&self) {
        let target = self.options.capacity - self.options.capacity / 8;
        let slots = self.slots.pin();
        for any in [false, true] {
            for keyed in slots.keys() {
                if slots.len() <= target.max(1) {
                    return;
                }
                let idle = keyed.0.is_idle();
                if (idle || any) && Arc::strong_count(&keyed.0) == 1 {
                    slots.remove(keyed);
                    self.counters.evictions.add(1);
                }
            }
        }
    }

    /// A scope set as the store knows it.
    pub(super) fn key(&self, slot: &Slot) -> StoreKey {
        StoreKey { source: self.source.fingerprint(), scopes: slot.scopes.clone() }
    }

    /// The store, if there is one and it may be asked.
    pub(super) fn ready(&self) -> Option<&Sharing> {
        self.sharing.as_ref().filter(|sharing| sharing.is_ready())
    }

    /// Learns from a failure what holds for all, and tells the other processes.
    pub(super) async fn learn(&self, error: &Error) {
        let random = self.random();
        let wait = |times| backoff(self.options.backoff, self.options.max_backoff, times, random);
        let now = self.now().tick;
        let mut stop = None;
        if self.gate.failed(now, error, self.options.refusal_memory, wait) {
            self.counters.cool_downs.add(1);
            tracing::warn!(%error, "cool-down: no token is asked for until it ends");
            stop = self.gate.cool_down(now).map(Stop::CoolDown);
        }
        let refused = error.kind() == ErrorKind::Unauthorized && !self.options.refusal_memory.is_zero();
        let refused = refused.then_some(Stop::Refused(self.options.refusal_memory));
        for stop in stop.into_iter().chain(refused) {
            if let Some(sharing) = self.ready() {
                let _ = sharing.ask(sharing.store.stop(&self.source.fingerprint(), stop)).await;
            }
        }
    }

    /// Takes the place of one call in the fleet, or tells why there is none. A store that fails stops
    /// nobody.
    pub(super) async fn admit(&self) -> Option<Stop> {
        let sharing = self.ready()?;
        let source = self.source.fingerprint();
        sharing.ask(sharing.store.admit(&source, self.options.rate_limit)).await.ok()?
    }

    /// Takes over what stops the fleet, as the error to tell those who cannot wait.
    pub(super) fn stopped(&self, stop: Stop) -> Error {
        let now = self.now().tick;
        match stop {
            Stop::CoolDown(left) => {
                self.gate.close(now, left);
                closed(left)
            }
            Stop::Refused(left) => {
                let error =
                    Error::new(ErrorKind::Unauthorized, "another process was refused with these credentials");
                self.gate.refuse(now, left, error.clone());
                error.held_for(left)
            }
        }
    }
}

/// Sorts the scopes, and drops repetitions, without allocating for as many as are usual.
fn with_wanted<T>(scopes: &[Scope], then: impl FnOnce(&Wanted<'_>) -> T) -> T {
    let mut sorted: SmallVec<[&str; 8]> = scopes.iter().map(Scope::as_str).collect();
    sorted.sort_unstable();
    sorted.dedup();
    then(&Wanted(&sorted))
}

/// Waits for a shared refresh. `None` if its task went away without an outcome.
async fn join(
    mut flight: watch::Receiver<Outcome>,
    deadline: time::Instant,
) -> Result<Option<Result<Token, Error>>, Error> {
    match time::timeout_at(deadline, flight.wait_for(Option::is_some)).await {
        Ok(Ok(outcome)) => Ok(outcome.clone()),
        Ok(Err(_)) => Ok(None),
        Err(_) => Err(Error::new(ErrorKind::Timeout, "no token within the time that the caller waits")),
    }
}

pub(super) fn closed(left: Duration) -> Error {
    Error::new(ErrorKind::RateLimited, "not asked during the cool-down").with_retry_after(left)
}
