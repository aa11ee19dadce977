//! What all clones of a cache share, and its tasks: every scope set, the clocks as they were read last, what
//! holds for all. It begins no refresh, and asks the source for nothing but its fingerprint.

use std::{
    hash::BuildHasher as _,
    num::NonZeroU64,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    Scope, Stats, Stop, StoreKey, Token, TokenOptions,
    entries::{Entries, ScopeKey},
    gate::{Gate, Pass},
    options::millis,
    sharing::Sharing,
    slot::{Marks, Now, Slot},
    source::AnySource,
    stats::Counters,
    tombstones::Tombstones,
};
use crate::{
    Clock as _, Error, ErrorKind, SystemClock,
    clock::coarse_millis,
    retry::backoff,
    sync::{
        RandomState,
        atomic::{AtomicU64, Ordering},
    },
};

pub(super) struct Shared {
    pub(super) source: Arc<dyn AnySource>,
    pub(super) options: TokenOptions,
    pub(super) gate: Gate,
    pub(super) counters: Counters,
    pub(super) tombstones: Tombstones,
    pub(super) sharing: Option<Sharing>,
    pub(super) entries: Entries,
    /// The wall clock as it was read last, and in which tick of the coarse one.
    seen: (AtomicU64, AtomicU64),
}

impl Shared {
    pub(super) fn new(source: Arc<dyn AnySource>, options: TokenOptions) -> Self {
        let gate = Gate::new(options.rate_limit);
        let entries = Entries::new(options.capacity, options.max_handles);
        let seen = (AtomicU64::new(u64::MAX), AtomicU64::new(0));
        let (counters, sharing) = (Counters::default(), Sharing::new(&options));
        let tombstones = Tombstones::default();
        Self { source, options, gate, counters, tombstones, sharing, entries, seen }
    }

    /// The entry of a scope set, made if there is none.
    pub(super) fn slot(&self, scopes: &[Scope]) -> Arc<Slot> {
        self.entries.get_or_insert(&ScopeKey::new(scopes))
    }

    /// A fresh token for these scopes, if there is one.
    pub(super) fn cached(&self, scopes: &[Scope]) -> Option<Token> {
        self.entries.find(&ScopeKey::new(scopes), |slot| self.fresh(slot))?
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
        slot.place.mark_used();
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
            evictions: self.entries.evictions.get(),
            store_failures: sharing.map_or(0, |sharing| sharing.failures.get()),
            store_aside: sharing.is_some_and(Sharing::is_aside),
            ..self.counters.stats()
        }
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

/// Keeps an entry in the cache for a handle: it can be found, and is not evicted, until this is dropped.
pub(super) struct Hold {
    shared: Arc<Shared>,
    pub(super) slot: Arc<Slot>,
}

impl Hold {
    /// # Errors
    ///
    /// `InvalidConfig` if too many scope sets are held.
    pub(super) fn new(shared: &Arc<Shared>, scopes: &[Scope]) -> Result<Self, Error> {
        let slot = shared.entries.hold(&ScopeKey::new(scopes))?;
        Ok(Self { shared: shared.clone(), slot })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shared.entries.release(&self.slot);
    }
}

pub(super) fn closed(left: Duration) -> Error {
    Error::new(ErrorKind::RateLimited, "not asked during the cool-down").with_retry_after(left)
}
