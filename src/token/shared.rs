//! What all clones of a cache share, and its tasks: every scope set, the clocks as they were read last, what
//! holds for all. It begins no refresh, and asks the source for nothing but its fingerprint.

use std::{
    hash::BuildHasher as _,
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use foldhash::fast::RandomState;
use papaya::HashMap;
use smallvec::SmallVec;

use super::{
    Scope, Stats, Stop, StoreKey, Token, TokenOptions,
    gate::{Gate, Pass},
    options::millis,
    sharing::Sharing,
    slot::{Keyed, Marks, Now, Slot, Wanted},
    source::AnySource,
    stats::Counters,
    tombstones::Tombstones,
};
use crate::{Clock as _, Error, ErrorKind, SystemClock, clock::coarse_millis, retry::backoff};

pub(super) struct Shared {
    pub(super) source: Arc<dyn AnySource>,
    pub(super) options: TokenOptions,
    pub(super) gate: Gate,
    pub(super) counters: Counters,
    pub(super) tombstones: Tombstones,
    pub(super) sharing: Option<Sharing>,
    slots: HashMap<Keyed, (), RandomState>,
    /// Beyond how many slots the next sweep is.
    sweep_at: AtomicUsize,
    /// The wall clock as it was read last, and in which tick of the coarse one.
    seen: (AtomicU64, AtomicU64),
}

impl Shared {
    pub(super) fn new(source: Arc<dyn AnySource>, options: TokenOptions) -> Self {
        let gate = Gate::new(options.rate_limit);
        let slots = HashMap::builder().hasher(RandomState::default()).build();
        let seen = (AtomicU64::new(u64::MAX), AtomicU64::new(0));
        let (counters, sharing) = (Counters::default(), Sharing::new(&options));
        let sweep_at = AtomicUsize::new(options.capacity);
        let tombstones = Tombstones::default();
        Self { source, options, gate, counters, tombstones, sharing, slots, sweep_at, seen }
    }

    /// The place of a scope set, made if there is none.
    pub(super) fn slot(&self, scopes: &[Scope]) -> Arc<Slot> {
        let (slot, is_new) = with_wanted(scopes, |wanted| {
            let slots = self.slots.pin();
            loop {
                if let Some((keyed, ())) = slots.get_key_value(wanted) {
                    return (keyed.0.clone(), false);
                }
                let slot = Arc::new(Slot::new(wanted.join()));
                // Else another caller was faster, and its slot is the one.
                if slots.try_insert(Keyed(slot.clone()), ()).is_ok() {
                    return (slot, true);
                }
            }
        });
        if is_new && self.slots.len() > self.sweep_at.load(Ordering::Relaxed) {
            self.sweep();
        }
        slot
    }

    /// The same for a handle, which keeps it: it stays in the cache, or who revokes its token would not
    /// find it.
    pub(super) fn held(&self, scopes: &[Scope]) -> Arc<Slot> {
        loop {
            let slot = self.slot(scopes);
            if !slot.is_swept() {
                return slot;
            }
            // Another thread takes it out in a moment.
            std::thread::yield_now();
        }
    }

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

    /// What a slot needs to know which tokens must not be handed out.
    pub(super) fn marks(&self) -> Marks<'_> {
        let now = self.tick();
        let revoked_until = now.saturating_add(millis(self.options.limits.max));
        Marks { tombstones: &self.tombstones, now, revoked_until }
    }

    /// Remembers that a token is revoked, for as long as any token is believed.
    pub(super) fn mark_revoked(&self, token: NonZeroU64) {
        let Marks { tombstones, now, revoked_until } = self.marks();
        tombstones.mark_revoked(token, now, revoked_until);
    }

    /// Remembers that a token was rejected, until a request that begins from now on brings it again.
    pub(super) fn mark_invalidated(&self, token: NonZeroU64) {
        let now = self.tick();
        self.tombstones.mark_invalidated(token, now, now.saturating_add(millis(self.options.max_backoff)));
    }

    pub(super) fn is_revoked(&self, token: &Token) -> bool {
        token.issued().generation.is_some_and(|id| self.tombstones.is_revoked(id, self.tick()))
    }

    /// Whether a refresh may begin now for a caller that waits so long.
    pub(super) fn may_refresh(&self, now: Now, max_wait: Duration) -> Result<(), Error> {
        match self.gate.check(now.tick) {
            Pass::Refused(error) => Err(error),
            Pass::Closed(left) if left > max_wait => Err(closed(left)),
            _ => Ok(()),
        }
    }

    /// Refuses a wait that is known to be too long.
    pub(super) fn within(&self, now: Now, max_wait: Duration) -> Result<(), Error> {
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

    /// Looks at every scope set there is now. Nobody has them for longer: a sweep would find none to take.
    pub(super) fn each_slot(&self, mut look: impl FnMut(&Arc<Slot>)) {
        self.slots.pin().keys().for_each(|keyed| look(&keyed.0));
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
    /// token others who revoke it would not find. Those do not count: however many handles there are, what is
    /// asked for without one is remembered as well.
    fn sweep(&self) {
        let capacity = self.options.capacity;
        let slots = self.slots.pin();
        // One of them is the newcomer, for whom this is done.
        let held = slots.keys().filter(|keyed| Arc::strong_count(&keyed.0) > 1).count().saturating_sub(1);
        self.sweep_at.store(capacity.saturating_add(held), Ordering::Relaxed);
        let target = held + (capacity - capacity / 8).max(1);
        for any in [false, true] {
            for keyed in slots.keys() {
                if slots.len() <= target {
                    return;
                }
                let idle = keyed.0.is_idle();
                if (idle || any) && keyed.0.sweep() {
                    // Not one that came in its place meanwhile.
                    let removed = slots.remove_if(keyed, |there, ()| Arc::ptr_eq(&there.0, &keyed.0));
                    self.counters.evictions.add(u64::from(matches!(removed, Ok(Some(_)))));
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

pub(super) fn closed(left: Duration) -> Error {
    Error::new(ErrorKind::RateLimited, "not asked during the cool-down").with_retry_after(left)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::token::{Fingerprint, source::AnySource};

    #[derive(Debug)]
    struct Nobody;

    impl crate::token::TokenSource for Nobody {
        fn fingerprint(&self) -> Fingerprint {
            Fingerprint::of([""])
        }

        async fn issue(&self, _: &[Scope]) -> Result<crate::token::IssuedToken, Error> {
            Err(Error::new(ErrorKind::Unavailable, "nobody is there"))
        }
    }

    #[test]
    fn what_one_sweep_chose_another_does_not_give_back() {
        let slot = Arc::new(Slot::new("a".into()));
        assert!(slot.sweep());
        let asker = slot.clone();
        assert!(slot.sweep() && asker.is_swept());
    }

    #[test]
    fn what_a_handle_has_is_never_swept() {
        let source: Arc<dyn AnySource> = Arc::new(Nobody);
        let shared = Shared::new(source, TokenOptions::default().with_capacity(4));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for number in 0..50_000_u32 {
                        let name = format!("scope-{}", number % 8);
                        let held = shared.held(&[name.parse().expect("a scope")]);
                        let found = shared.slot_of(&name).expect("it is there");
                        assert!(Arc::ptr_eq(&held, &found), "{name} at {number}");
                    }
                });
            }
        });
        assert!(shared.stats().evictions > 0);
    }
}
