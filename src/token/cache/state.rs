//! The state that the clones and tasks of a cache share.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    Clock as _, Error, ErrorKind, SystemClock,
    catch_panic::catch_panic,
    clock::{coarse_millis, millis},
    retry::{backoff, random},
    sync::{
        atomic::{AtomicU64, Ordering},
        time::Instant,
    },
    token::{
        cache::{
            entries::Entries,
            entry::{CacheEntry, Marks},
            key::ScopeKey,
            options::TokenOptions,
            stats::{Counters, Stats},
        },
        fingerprint::Fingerprint,
        id::TokenId,
        lifetime::{
            age::{Age, Now},
            expiry::ExpiryRule,
        },
        observer::TokenEvent,
        refresh::{
            cool_down::CoolDown,
            negative_cache::NegativeCache,
            rate_limiter::{Admission, RateLimiter},
        },
        scope::Scope,
        source::AnySource,
        store::{Block, StoreKey, circuit_breaker::StoreCircuitBreaker, tombstones::Tombstones},
        token::Token,
    },
    work::WorkTracker,
};

pub(in crate::token) struct CacheState {
    pub(in crate::token) source: Arc<dyn AnySource>,
    pub(in crate::token) options: TokenOptions,
    pub(in crate::token) limiter: Arc<RateLimiter>,
    pub(in crate::token) cool_down: CoolDown,
    negative: NegativeCache,
    pub(in crate::token) counters: Counters,
    pub(in crate::token) tombstones: Tombstones,
    pub(in crate::token) breaker: Option<StoreCircuitBreaker>,
    pub(in crate::token) entries: Entries,
    pub(in crate::token) work: WorkTracker,
    /// The last reading of the wall clock: the tick of the coarse clock, and the wall-clock time.
    seen: (AtomicU64, AtomicU64),
}

impl CacheState {
    pub(in crate::token) fn new(source: Arc<dyn AnySource>, options: TokenOptions) -> Self {
        let limiter = Arc::new(RateLimiter::new(options.rate_limit()));
        let cool_down = CoolDown::new(options.max_cool_down);
        let negative = NegativeCache::new(options.negative_cache_ttl);
        let entries = Entries::new(options.capacity, options.max_handles);
        let seen = (AtomicU64::new(u64::MAX), AtomicU64::new(0));
        let (counters, breaker) = (Counters::default(), StoreCircuitBreaker::new(&options));
        let (tombstones, work) = (Tombstones::default(), WorkTracker::new());
        Self {
            source,
            options,
            limiter,
            cool_down,
            negative,
            counters,
            tombstones,
            breaker,
            entries,
            work,
            seen,
        }
    }

    pub(in crate::token) fn entry(&self, scopes: &[Scope]) -> Result<Arc<CacheEntry>, Error> {
        ScopeKey::with(scopes, |key| self.entries.get_or_insert(key))
    }

    pub(in crate::token) fn cached(&self, scopes: &[Scope]) -> Option<Token> {
        ScopeKey::find(scopes, |key| self.entries.find(key, |entry| self.fresh(entry))?)
    }

    pub(in crate::token) fn cached_entry(&self, scopes: &[Scope]) -> Option<(Arc<CacheEntry>, Token)> {
        let look = |entry: &Arc<CacheEntry>| Some((entry.clone(), self.fresh(entry)?));
        ScopeKey::find(scopes, |key| self.entries.find(key, look)?)
    }

    /// This function runs on every request of the user's service. So it takes no lock, does not
    /// allocate, and does not write to a shared cache line.
    #[inline]
    pub(in crate::token) fn fresh(&self, entry: &CacheEntry) -> Option<Token> {
        let current = entry.current.load();
        let tick = self.tick();
        if tick >= current.life.stale || self.coarse_wall(tick) >= current.life.wall_stale {
            return None;
        }
        entry.place.mark_used();
        self.counters.hit();
        Some(Token::from_guard(current))
    }

    /// Works like [`Self::fresh`], but reads the precise clock and does not count as a use.
    pub(in crate::token) fn peek(&self, entry: &CacheEntry) -> Option<Token> {
        let current = entry.current.load();
        (current.life.age(self.now()) == Age::Fresh).then(|| Token::from_guard(current))
    }

    #[inline]
    fn tick(&self) -> u64 {
        match &self.options.clock {
            None => coarse_millis(),
            Some(clock) => millis(clock.monotonic()),
        }
    }

    /// Reading the wall clock is expensive, so this function reads the wall clock at most once per
    /// tick of the coarse clock. A suspend or a jump of the clock is noticed at the next tick,
    /// a few milliseconds later.
    #[inline]
    fn coarse_wall(&self, tick: u64) -> u64 {
        let (at, seen) = &self.seen;
        // The wall-clock time is stored before its tick, so a call that loads the tick also loads
        // the time. In rare cases, a concurrent call stores the time of a different tick. The next
        // tick corrects this error.
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

    pub(in crate::token) fn now(&self) -> Now {
        Now { tick: self.tick(), wall: self.wall() }
    }

    pub(in crate::token) fn marks(&self) -> Marks<'_> {
        let now = self.tick();
        let revoked_until = now.saturating_add(millis(self.options.limits.max));
        Marks { tombstones: &self.tombstones, now, revoked_until }
    }

    pub(in crate::token) fn mark_revoked(&self, token: TokenId) {
        let Marks { tombstones, now, revoked_until } = self.marks();
        tombstones.mark_revoked(token, now, revoked_until);
    }

    pub(in crate::token) fn mark_invalidated(&self, token: TokenId) {
        let now = self.tick();
        self.tombstones.mark_invalidated(token, now, now.saturating_add(millis(self.options.max_backoff)));
    }

    pub(in crate::token) fn is_revoked(&self, token: &Token) -> bool {
        token.issued().id.is_some_and(|id| self.tombstones.is_revoked(id, self.tick()))
    }

    pub(in crate::token) fn admit_refresh(
        &self,
        scopes: &str,
        now: Now,
        max_wait: Duration,
        has_token: bool,
    ) -> Result<Option<Admission>, Error> {
        // A caller with a stale token does not wait for the refresh, so the refresh may take as
        // long as the options allow.
        let max_wait = if has_token { max_wait.max(self.options.max_wait) } else { max_wait };
        self.negative().check(scopes, now.tick, self.options.max_wait)?;
        let admitted = if self.breaker.as_ref().is_some_and(|breaker| !breaker.is_open()) {
            self.within(now, max_wait, None).map(|()| None)
        } else {
            self.reserve(now.tick, now.tick.saturating_add(millis(max_wait))).map(Some)
        };
        admitted.inspect_err(|_| self.negative().failed(scopes, now.tick, Duration::ZERO))
    }

    pub(in crate::token) fn reserve(&self, now: u64, deadline: u64) -> Result<Admission, Error> {
        match self.limiter.reserve(now, self.cool_down.until(), deadline) {
            Admission::TooLate(left) => Err(self.limited(now, left)),
            admission => Ok(admission),
        }
    }

    pub(in crate::token) fn within(
        &self,
        now: Now,
        max_wait: Duration,
        ticket: Option<u64>,
    ) -> Result<(), Error> {
        let turn = ticket.and_then(|ticket| self.limiter.turn_of(ticket)).unwrap_or_default();
        let left = Duration::from_millis(turn.max(self.cool_down.until()).saturating_sub(now.tick));
        if left > max_wait { Err(self.limited(now.tick, left)) } else { Ok(()) }
    }

    pub(in crate::token) fn limited(&self, now: u64, left: Duration) -> Error {
        if now < self.cool_down.until() {
            return cooling_down(left);
        }
        let reason = "rate limit reached: the wait would exceed max_wait";
        Error::new(ErrorKind::RateLimited, reason).with_retry_after(left)
    }

    pub(in crate::token) fn stats(&self) -> Stats {
        let breaker = self.breaker.as_ref();
        Stats {
            evictions: self.entries.evictions.get(),
            store_failures: breaker.map_or(0, |breaker| breaker.failures.get()),
            store_circuit_open: breaker.is_some_and(StoreCircuitBreaker::is_open),
            ..self.counters.stats()
        }
    }

    pub(in crate::token) fn drop_token(&self, entry: &CacheEntry, id: TokenId) {
        if entry.invalidate(id) {
            self.counters.evicted_remotely.add(1);
            tracing::debug!(
                fintech_auth.token_id = id.get(),
                "dropped a token that another process rejected or revoked"
            );
        }
        entry.clear_pending_eviction(id);
    }

    pub(in crate::token) fn random(&self) -> f64 {
        self.options.jitter * random()
    }

    pub(in crate::token) fn key(&self, entry: &CacheEntry) -> StoreKey {
        StoreKey { source: self.source.fingerprint(), scopes: entry.scopes.clone() }
    }

    pub(in crate::token) fn ready(&self) -> Option<&StoreCircuitBreaker> {
        self.breaker.as_ref().filter(|breaker| breaker.try_acquire())
    }

    pub(in crate::token) fn negative(&self) -> &NegativeCache {
        self.negative.retain(self.source.credentials_fingerprint());
        &self.negative
    }

    pub(in crate::token) fn refused(&self, credentials: &Fingerprint, left: Duration, error: Error) {
        if *credentials == self.source.credentials_fingerprint() {
            self.negative().refused(self.now().tick, left, error);
        }
    }

    /// A call with a refresh token is sent once more only if the error names the credentials as the
    /// cause. After any other error, the server may have consumed the refresh token.
    pub(in crate::token) async fn renew_credentials(
        &self,
        error: &Error,
        sent: &Fingerprint,
        is_refresh: bool,
    ) -> bool {
        let is_refusal = error.kind() == ErrorKind::Unauthorized;
        is_refusal
            && (!is_refresh || error.is_about_credentials())
            && catch_panic(self.source.renew_credentials(sent)).await.unwrap_or(false)
    }

    /// The caller must hold no lock, because this function calls the observer.
    pub(in crate::token) fn invalidated(&self) {
        self.counters.invalidations.add(1);
        self.options.observer.call(|observe| observe(&TokenEvent::Invalidated {}));
    }

    pub(in crate::token) fn observe_outcome(
        &self,
        scopes: &str,
        began: Instant,
        rule: Result<ExpiryRule, &Error>,
    ) {
        let latency = Instant::now() - began;
        let event = match rule {
            Ok(rule) => TokenEvent::Obtained { scopes, latency, rule },
            Err(error) => TokenEvent::Failed { scopes, latency, error },
        };
        self.options.observer.call(|observe| observe(&event));
    }

    pub(in crate::token) fn succeeded(&self, scopes: Option<&str>) {
        self.cool_down.succeeded();
        self.negative().succeeded(scopes);
    }

    pub(in crate::token) async fn learn(&self, error: &Error, sent: &Fingerprint, scopes: Option<&str>) {
        let random = self.random();
        let least = |begun| backoff(self.options.backoff, self.options.max_backoff, begun, random);
        let now = self.now().tick;
        let mut block = None;
        if self.cool_down.failed(now, error, least) {
            self.counters.cool_downs.add(1);
            tracing::warn!("error.type" = error.kind().as_str(), %error, "cool-down: no token is requested until it ends");
            let until = self.cool_down.until();
            self.limiter.postpone(now, until);
            let length = Duration::from_millis(until.saturating_sub(now));
            self.options.observer.call(|observe| observe(&TokenEvent::CoolDown { length }));
            block = Some(Block::CoolDown(length));
        }
        let mut refused = None;
        match scopes {
            Some(scopes) if error.kind() == ErrorKind::Unauthorized => {
                let (ttl, kept) = (self.options.negative_cache_ttl, error.without_details());
                if error.is_about_credentials() {
                    self.refused(sent, ttl, kept);
                    refused = (!ttl.is_zero()).then_some(Block::Refused(ttl));
                } else if *sent == self.source.credentials_fingerprint() {
                    self.negative().suspected(scopes, now, kept);
                }
            }
            Some(scopes) => self.negative().failed(scopes, now, self.options.backoff),
            // A request without scopes used a refresh token. If the server refuses a refresh
            // token, the credentials are not blocked.
            None => {}
        }
        for block in block.into_iter().chain(refused) {
            if let Some(breaker) = self.ready() {
                let _ = breaker.call(breaker.store.block(&self.source.fingerprint(), sent, block)).await;
            }
        }
    }
}

pub(in crate::token) struct Hold {
    shared: Arc<CacheState>,
    pub(in crate::token) entry: Arc<CacheEntry>,
}

impl Hold {
    pub(in crate::token) fn new(shared: &Arc<CacheState>, scopes: &[Scope]) -> Result<Self, Error> {
        let entry = ScopeKey::with(scopes, |key| shared.entries.hold(key))?;
        Ok(Self { shared: shared.clone(), entry })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shared.entries.release(&self.entry);
    }
}

pub(in crate::token) fn cooling_down(left: Duration) -> Error {
    Error::new(ErrorKind::RateLimited, "no token is requested during the cool-down").with_retry_after(left)
}
