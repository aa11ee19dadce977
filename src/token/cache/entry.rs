//! The state of one scope set: its token, a running refresh, and recent failures.
//!
//! Each `pub(in crate::token)` function is one short critical section, and never sends, sleeps or
//! awaits.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, PoisonError},
    time::Duration,
};

use crate::{
    Error, ErrorKind, Secret,
    single_flight::{Flight, SingleFlight, Waiter},
    sync::{ArcSwap, Mutex, MutexGuard},
    token::{
        cache::place::Place,
        fingerprint::Fingerprint,
        id::{TokenId, token_id},
        lifetime::age::{Age, Now},
        refresh::renewal::Renewal,
        scope::Scope,
        store::tombstones::{Epoch, Tombstones, Verdict},
        syntax::is_kept_refresh_token,
        token::{Issued, Token},
    },
};

pub(in crate::token) type Outcome = Result<Token, Error>;

pub(in crate::token) struct CacheEntry {
    pub(in crate::token) scopes: Box<str>,
    pub(in crate::token) current: ArcSwap<Issued>,
    pub(in crate::token) place: Place,
    state: Mutex<LazyState>,
}

/// The ids of an access token and of the refresh token issued with it. Revoking either token
/// revokes both tokens.
type GrantIds = [Option<TokenId>; 2];

/// `None` if the state is empty, to keep idle entries small. Mutable access allocates the state.
#[derive(Default)]
struct LazyState(Option<Box<State>>);

#[derive(Default)]
struct State {
    refresh_token: Option<Secret>,
    /// The id is kept even after the refresh token has been used in a request, so that a revocation
    /// of the refresh token still finds this entry.
    refresh_token_id: Option<TokenId>,
    /// The tokens with which the current token was requested. Revoking one of these tokens also
    /// revokes the current token.
    parents: GrantIds,
    cold: Option<Box<ColdState>>,
}

impl LazyState {
    fn existing_cold(&mut self) -> Option<&mut ColdState> {
        self.0.as_mut()?.cold.as_deref_mut()
    }

    fn join(&mut self) -> Option<(Waiter<Outcome>, Option<u64>)> {
        let cold = self.existing_cold()?;
        Some((cold.flight.join()?, cold.refresh.ticket))
    }
}

impl Deref for LazyState {
    type Target = State;

    fn deref(&self) -> &State {
        static DEFAULT: State =
            State { refresh_token: None, refresh_token_id: None, parents: [None; 2], cold: None };
        self.0.as_deref().unwrap_or(&DEFAULT)
    }
}

impl DerefMut for LazyState {
    fn deref_mut(&mut self) -> &mut State {
        self.0.get_or_insert_default()
    }
}

#[derive(Default)]
struct ColdState {
    flight: SingleFlight<Outcome>,
    refresh: Refresh,
    rejected: Option<TokenId>,
    eviction_pending: bool,
    failure: Option<FailureBackoff>,
    renewal: Option<Box<Renewal>>,
}

#[derive(Default)]
struct Refresh {
    ticket: Option<u64>,
    from: GrantIds,
    is_void: bool,
}

impl State {
    fn refreshed_from(&self) -> GrantIds {
        self.cold.as_ref().map_or([None; 2], |cold| cold.refresh.from)
    }

    fn cold(&mut self) -> &mut ColdState {
        self.cold.get_or_insert_default()
    }

    fn failure(&self) -> Option<&FailureBackoff> {
        self.cold.as_ref()?.failure.as_ref()
    }

    fn fail(&mut self, error: Error, refused: Option<Fingerprint>, retry_at: impl FnOnce(u32) -> u64) {
        let failures = self.failure().map_or(0, |failure| failure.failures).saturating_add(1);
        let (retry_at, error) = (retry_at(failures), error.without_details());
        self.cold().failure = Some(FailureBackoff { failures, retry_at, error, refused });
    }

    fn is_default(&self) -> bool {
        self.refresh_token.is_none()
            && self.refresh_token_id.is_none()
            && self.parents == [None; 2]
            && self.cold.is_none()
    }

    fn discard_refresh_token(&mut self) {
        self.refresh_token = None;
        self.refresh_token_id = None;
    }
}

struct FailureBackoff {
    failures: u32,
    retry_at: u64,
    error: Error,
    refused: Option<Fingerprint>,
}

pub(in crate::token) enum Lookup<P> {
    Hit(Token),
    Wait(Waiter<Outcome>, Option<u64>),
    StartRefresh(Option<Token>, Flight<Outcome>, P),
    BackingOff(Error),
}

pub(in crate::token) struct TakenRefreshToken {
    pub(in crate::token) refresh_token: Option<Secret>,
    from: GrantIds,
}

impl TakenRefreshToken {
    pub(in crate::token) fn none() -> Self {
        Self { refresh_token: None, from: [None; 2] }
    }
}

pub(in crate::token) struct NewToken<'a> {
    pub(in crate::token) issued: Arc<Issued>,
    pub(in crate::token) refresh_token: Option<Secret>,
    pub(in crate::token) refresh_token_id: Option<TokenId>,
    pub(in crate::token) request: Option<&'a TakenRefreshToken>,
    pub(in crate::token) epoch: Epoch,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::token) enum Discarded {
    /// The token was rejected after the request that returned it had started, or a token that was
    /// used in this request was revoked. A token from a store is also void if its refresh token was
    /// revoked.
    Void,
    /// The token itself was revoked.
    Revoked,
}

#[derive(Clone, Copy)]
pub(in crate::token) struct Marks<'a> {
    pub(in crate::token) tombstones: &'a Tombstones,
    pub(in crate::token) now: u64,
    /// The end of the revocation mark, in milliseconds of the monotonic clock.
    pub(in crate::token) revoked_until: u64,
}

impl CacheEntry {
    pub(in crate::token) fn new(scopes: Box<str>) -> Self {
        let current = ArcSwap::from_pointee(Issued::none());
        Self { scopes, current, place: Place::default(), state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, LazyState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::token) fn scopes(&self) -> Vec<Scope> {
        self.scopes.split(' ').filter_map(|scope| Scope::new(scope).ok()).collect()
    }

    pub(in crate::token) fn lookup<P>(
        &self,
        now: Now,
        credentials: impl FnOnce() -> Fingerprint,
        admit: impl FnOnce(bool) -> Result<P, Error>,
    ) -> Lookup<P> {
        let mut state = self.lock();
        // A refresh may have ended since the caller's first look-up, so load the token under the
        // lock.
        let current = self.current.load();
        let usable = match current.life.age(now) {
            Age::Fresh => return Lookup::Hit(Token::from_guard(current)),
            Age::Stale => Some(Token::from_guard(current)),
            Age::Expired => None,
        };
        if let Some((waiter, ticket)) = state.join() {
            return match usable {
                Some(token) => Lookup::Hit(token),
                None => Lookup::Wait(waiter, ticket),
            };
        }
        let counts = |failure: &FailureBackoff| {
            now.tick < failure.retry_at && failure.refused.is_none_or(|refused| refused == credentials())
        };
        let admitted = match state.failure() {
            Some(failure) if counts(failure) => {
                Err(failure.error.clone().held_for(Duration::from_millis(failure.retry_at - now.tick)))
            }
            _ => admit(usable.is_some()),
        };
        match (admitted, usable) {
            (Ok(admitted), usable) => {
                let cold = state.cold();
                cold.refresh = Refresh::default();
                Lookup::StartRefresh(usable, cold.flight.start(), admitted)
            }
            (Err(_), Some(token)) => Lookup::Hit(token),
            (Err(error), None) => Lookup::BackingOff(error),
        }
    }

    pub(in crate::token) fn set_ticket(&self, ticket: u64) {
        if let Some(cold) = self.lock().existing_cold() {
            cold.refresh.ticket = Some(ticket);
        }
    }

    pub(in crate::token) fn take_refresh_token(&self, marks: Marks<'_>) -> TakenRefreshToken {
        let mut state = self.lock();
        let taken = state.0.as_mut().and_then(|state| state.refresh_token.take());
        let id = taken.as_ref().map(token_id);
        let is_revoked = id.is_some_and(|id| marks.tombstones.is_revoked(id, marks.now));
        let refresh_token = taken.filter(|_| !is_revoked);
        let from = match refresh_token {
            Some(_) => [self.current.load().id, id],
            None => [None; 2],
        };
        if let Some(cold) = state.existing_cold() {
            (cold.refresh.from, cold.refresh.is_void) = (from, false);
        }
        TakenRefreshToken { refresh_token, from }
    }

    pub(in crate::token) fn has_refresh_token(&self) -> bool {
        self.lock().refresh_token.is_some()
    }

    pub(in crate::token) fn drop_refresh_token(&self) {
        self.lock().refresh_token = None;
    }

    pub(in crate::token) fn put_back(&self, taken: TakenRefreshToken) {
        let mut state = self.lock();
        // If the refresh token was revoked, or the access token issued with it was rejected,
        // `refresh_token_id` no longer contains the id of the refresh token. In this case, do not
        // store the refresh token again.
        if state.refresh_token_id.is_some()
            && state.refresh_token_id == taken.refresh_token.as_ref().map(token_id)
        {
            state.refresh_token = taken.refresh_token;
        }
    }

    pub(in crate::token) fn pending_eviction(&self) -> Option<TokenId> {
        let state = self.lock();
        let cold = state.cold.as_ref().filter(|cold| cold.eviction_pending)?;
        cold.rejected
    }

    pub(in crate::token) fn clear_pending_eviction(&self, id: TokenId) {
        if let Some(cold) = self.lock().existing_cold()
            && cold.rejected == Some(id)
        {
            cold.eviction_pending = false;
        }
    }

    pub(in crate::token) fn ids(&self) -> impl Iterator<Item = TokenId> + use<> {
        let state = self.lock();
        [self.current.load().id, state.refresh_token_id].into_iter().flatten()
    }

    /// Checks under the lock whether the token was revoked. A revocation first marks the token and
    /// then takes the lock. So either this check sees the mark, or the revocation sees the token.
    pub(in crate::token) fn publish(
        &self,
        new: NewToken<'_>,
        marks: Marks<'_>,
        retry_at: impl FnOnce(u32) -> u64,
    ) -> Result<Token, Discarded> {
        self.put(&mut self.lock(), new, marks, retry_at)
    }

    pub(in crate::token) fn replace(
        &self,
        old: TokenId,
        new: NewToken<'_>,
        marks: Marks<'_>,
        retry_at: impl FnOnce(u32) -> u64,
    ) -> bool {
        let mut state = self.lock();
        let replaced =
            self.current.load().id == Some(old) && self.put(&mut state, new, marks, retry_at).is_ok();
        if replaced {
            let cold = state.cold();
            (cold.rejected, cold.eviction_pending) = (Some(old), true);
        }
        replaced
    }

    pub(in crate::token) fn renewal<T>(&self, step: impl FnOnce(&mut Renewal, &Issued) -> T) -> T {
        let mut state = self.lock();
        let current = self.current.load();
        step(state.cold().renewal.get_or_insert_default(), &current)
    }

    fn put(
        &self,
        state: &mut LazyState,
        new: NewToken<'_>,
        marks: Marks<'_>,
        retry_at: impl FnOnce(u32) -> u64,
    ) -> Result<Token, Discarded> {
        let parents = new.request.map_or([None; 2], |taken| taken.from);
        let is_void = parents != [None; 2] && state.cold.as_ref().is_some_and(|cold| cold.refresh.is_void);
        if is_void {
            return Err(Discarded::Void);
        }
        let id = new.issued.id;
        let is_from_store = new.request.is_none();
        let is_revoked = |id| marks.tombstones.is_revoked(id, marks.now);
        let is_refresh_token_revoked = new.refresh_token_id.is_some_and(is_revoked);
        if parents.into_iter().flatten().any(is_revoked) || (is_from_store && is_refresh_token_revoked) {
            return Err(Discarded::Void);
        }
        let verdict =
            id.map_or(Verdict::Usable, |id| marks.tombstones.verdict(id, Some(new.epoch), marks.now));
        let is_reissued = match verdict {
            Verdict::Usable => {
                !is_from_store
                    && state.cold.as_ref().is_some_and(|cold| cold.rejected.is_some() && cold.rejected == id)
            }
            // The server issued a rejected token again, which counts as a failure. If the token is
            // from a store, do not count the failure here, because the process that requested the
            // token counts it.
            Verdict::Reissued => !is_from_store,
            Verdict::Invalidated => return Err(Discarded::Void),
            Verdict::Revoked => return Err(Discarded::Revoked),
        };
        state.refresh_token = new.refresh_token.filter(|_| !is_refresh_token_revoked);
        state.refresh_token_id = new.refresh_token_id;
        state.parents = parents;
        if is_reissued {
            let error = Error::new(ErrorKind::InvalidResponse, "the server re-issued a rejected token");
            state.fail(error, None, retry_at);
            let cold = state.cold();
            (cold.rejected, cold.eviction_pending) = (None, false);
        } else if let Some(cold) = state.existing_cold() {
            cold.failure = None;
        }
        self.current.store(new.issued.clone());
        Ok(Token::from_arc(new.issued))
    }

    pub(in crate::token) fn fail(
        &self,
        error: Error,
        refused: Option<Fingerprint>,
        retry_at: impl FnOnce(u32) -> u64,
    ) {
        self.lock().fail(error, refused, retry_at);
    }

    pub(in crate::token) fn end(&self) {
        let mut state = self.lock();
        state.cold = state
            .cold
            .take()
            .filter(|cold| cold.failure.is_some() || cold.rejected.is_some() || cold.renewal.is_some());
        if let Some(cold) = state.existing_cold() {
            cold.flight.clear();
            cold.refresh = Refresh::default();
        }
        if state.is_default() {
            state.0 = None;
        }
    }

    pub(in crate::token) fn invalidate(&self, id: TokenId) -> bool {
        let mut state = self.lock();
        let is_current = self.current.load().id == Some(id);
        if is_current {
            self.forget_current(&mut state, id);
        }
        is_current
    }

    fn forget_current(&self, state: &mut LazyState, id: TokenId) {
        let cold = state.cold();
        (cold.rejected, cold.eviction_pending) = (Some(id), true);
        state.discard_refresh_token();
        self.current.store(Arc::new(Issued::none()));
    }

    /// Returns `None` if the revocation does not affect this entry. Otherwise returns the id of the
    /// removed access token, or `Some(None)` if the entry had no access token.
    pub(in crate::token) fn revoke(&self, revoked: TokenId, marks: Marks<'_>) -> Option<Option<TokenId>> {
        let mut state = self.lock();
        let current = self.current.load().id;
        let from = state.refreshed_from();
        let held = [current, state.refresh_token_id];
        if ![held, state.parents, from].concat().contains(&Some(revoked)) {
            return None;
        }
        for id in [held, from].into_iter().flatten().flatten() {
            marks.tombstones.mark_revoked(id, marks.now, marks.revoked_until);
        }
        if let Some(cold) = state.existing_cold() {
            cold.refresh.is_void = true;
        }
        state.discard_refresh_token();
        state.parents = [None; 2];
        if let Some(current) = current {
            self.forget_current(&mut state, current);
        }
        Some(current)
    }

    pub(in crate::token) fn keep_refresh_token(&self, refresh_token: Secret) {
        if !is_kept_refresh_token(&refresh_token) {
            return;
        }
        let mut state = self.lock();
        state.refresh_token_id = Some(token_id(&refresh_token));
        state.refresh_token = Some(refresh_token);
    }
}

impl fmt::Debug for CacheEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheEntry").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}
