//! One scope set: its token, the refresh that may be running for it, and what went wrong lately.
//!
//! All decisions of a token's life are made here and in `gate.rs`. It never sends, never sleeps and
//! never awaits; time is given to it. Its lock is held for a few instructions only.

use std::{
    fmt,
    hash::{Hash, Hasher},
    num::NonZeroU64,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::{
    Scope, Token,
    store::generation,
    token::{Issued, Life},
};
use crate::{Error, Secret};

/// Milliseconds on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) tick: u64,
    pub(super) wall: u64,
}

/// How far a token is into its life.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Age {
    Fresh,
    Stale,
    Expired,
}

impl Life {
    /// As far after `wall_stale` as `end` is after `stale`.
    pub(super) fn wall_end(&self) -> u64 {
        self.wall_stale.saturating_add(self.end.saturating_sub(self.stale))
    }

    /// The later age of the two clocks: the monotonic one does not move in a suspend, the wall clock
    /// may be set back.
    pub(super) fn age(&self, now: Now) -> Age {
        let by = |now: u64, stale: u64, end: u64| match now {
            now if now >= end => Age::Expired,
            now if now >= stale => Age::Stale,
            _ => Age::Fresh,
        };
        by(now.tick, self.stale, self.end).max(by(now.wall, self.wall_stale, self.wall_end()))
    }
}

/// What a shared refresh ended in, once it has.
pub(super) type Outcome = Option<Result<Token, Error>>;

pub(super) struct Slot {
    /// The scopes, sorted, each once, separated by spaces.
    pub(super) scopes: Box<str>,
    pub(super) current: ArcSwap<Issued>,
    /// Asked for again since the last sweep. New ones were not: most scope sets that come once do not
    /// come again, and must not push out those that do.
    pub(super) used: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The one refresh token that was issued last and not yet sent.
    refresh_token: Option<Secret>,
    /// The refresh token that came with the current token, sent or not, as the number that stands
    /// for it: who revokes it means that token too.
    companion: Option<NonZeroU64>,
    /// Chosen to be taken out of the cache.
    is_swept: bool,
    /// What few slots have at any one time, and a hundred thousand should not pay for.
    rare: Option<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    flight: Option<watch::Receiver<Outcome>>,
    /// The token that was rejected or revoked last; it must not come back from a store.
    rejected: Option<NonZeroU64>,
    /// Whether a store has yet to forget it.
    owed: bool,
    /// Counts revocations: a refresh that was begun before one must not deliver after it.
    revocations: u32,
    trouble: Option<Trouble>,
}

impl State {
    /// The refresh that runs. One whose task is gone, as with its runtime, runs no more.
    fn flight(&self) -> Option<&watch::Receiver<Outcome>> {
        self.rare.as_ref()?.flight.as_ref().filter(|flight| flight.has_changed().is_ok())
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn trouble(&self) -> Option<&Trouble> {
        self.rare.as_ref()?.trouble.as_ref()
    }

    fn revocations(&self) -> u32 {
        self.rare.as_ref().map_or(0, |rare| rare.revocations)
    }
}

struct Trouble {
    failures: u32,
    retry_at: u64,
    error: Error,
}

/// What a caller does, as its slot has it.
pub(super) enum Ask {
    /// Take this.
    Take(Token),
    /// Wait for the refresh that runs.
    Join(watch::Receiver<Outcome>),
    /// Nothing runs, so one may begin; what still serves meanwhile.
    Lead(Option<Token>),
    /// An earlier attempt failed, and it is too soon for another.
    Fail(Error),
}

/// How a refresh may be asked for.
pub(super) struct Grant {
    pub(super) refresh_token: Option<Secret>,
    revocations: u32,
}

impl Slot {
    /// A slot without a token.
    pub(super) fn new(scopes: Box<str>) -> Self {
        let current = ArcSwap::from_pointee(Issued::none());
        Self { scopes, current, used: AtomicBool::new(false), state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scopes one by one. They were checked when the slot was made.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        self.scopes.split(' ').filter_map(|scope| Scope::new(scope).ok()).collect()
    }

    pub(super) fn ask(&self, now: Now) -> Ask {
        let state = self.lock();
        // Under the lock, for a refresh may have ended since the caller looked.
        let current = self.current.load();
        let usable = match current.life.age(now) {
            Age::Fresh => return Ask::Take(Token::new(current)),
            Age::Stale => Some(Token::new(current)),
            Age::Expired => None,
        };
        let flying = state.flight();
        match (usable, flying, state.trouble()) {
            (Some(token), Some(_), _) => Ask::Take(token),
            (None, Some(flight), _) => Ask::Join(flight.clone()),
            (Some(token), None, Some(trouble)) if now.tick < trouble.retry_at => Ask::Take(token),
            (None, None, Some(trouble)) if now.tick < trouble.retry_at => {
                let left = Duration::from_millis(trouble.retry_at - now.tick);
                Ask::Fail(trouble.error.clone().held_for(left))
            }
            (usable, None, _) => Ask::Lead(usable),
        }
    }

    /// Begins a refresh, unless one has begun since. The sender tells those who join.
    pub(super) fn begin(&self) -> Result<watch::Sender<Outcome>, watch::Receiver<Outcome>> {
        let mut state = self.lock();
        if let Some(flight) = state.flight() {
            return Err(flight.clone());
        }
        let (sender, receiver) = watch::channel(None);
        state.rare().flight = Some(receiver);
        Ok(sender)
    }

    /// Takes the refresh token out, so that nobody else sends it.
    pub(super) fn grant(&self) -> Grant {
        let mut state = self.lock();
        Grant { refresh_token: state.refresh_token.take(), revocations: state.revocations() }
    }

    /// Puts back a refresh token that certainly was not sent, unless its end has come meanwhile.
    pub(super) fn give_back(&self, grant: Grant) {
        let mut state = self.lock();
        if state.companion.is_some() && state.companion == grant.refresh_token.as_ref().map(generation) {
            state.refresh_token = grant.refresh_token;
        }
    }

    /// Whether a token was rejected here, so that a store's copy must not be taken.
    pub(super) fn is_rejected(&self, generation: NonZeroU64) -> bool {
        self.rejected() == Some(generation)
    }

    fn rejected(&self) -> Option<NonZeroU64> {
        self.lock().rare.as_ref()?.rejected
    }

    /// The last rejected token, if a store has yet to forget it.
    pub(super) fn owed(&self) -> Option<NonZeroU64> {
        let state = self.lock();
        let rare = state.rare.as_ref().filter(|rare| rare.owed)?;
        rare.rejected
    }

    /// A store has forgotten this token, or heard of it first.
    pub(super) fn paid(&self, generation: NonZeroU64) {
        if let Some(rare) = &mut self.lock().rare
            && rare.rejected == Some(generation)
        {
            rare.owed = false;
        }
    }

    /// The tokens that will not do: the one that is to be replaced, and the one that was rejected.
    pub(super) fn unwanted(&self) -> impl Iterator<Item = NonZeroU64> {
        [self.current.load().generation, self.rejected()].into_iter().flatten()
    }

    /// Puts a new token in place. `None` if `grant` was made void meanwhile.
    pub(super) fn publish(
        &self,
        issued: Arc<Issued>,
        refresh_token: Option<Secret>,
        grant: Option<&Grant>,
    ) -> Option<Token> {
        let mut state = self.lock();
        if grant
            .is_some_and(|grant| grant.refresh_token.is_some() && state.revocations() != grant.revocations)
        {
            return None;
        }
        state.companion = refresh_token.as_ref().map(generation);
        state.refresh_token = refresh_token;
        if let Some(rare) = &mut state.rare {
            rare.trouble = None;
        }
        self.current.store(issued.clone());
        Some(Token::from_arc(issued))
    }

    /// Ends the refresh in a failure: no other begins before `retry_at`, given the failures so far.
    pub(super) fn fail(&self, error: Error, retry_at: impl FnOnce(u32) -> u64) {
        let mut state = self.lock();
        let failures = state.trouble().map_or(0, |trouble| trouble.failures).saturating_add(1);
        state.rare().trouble = Some(Trouble { failures, retry_at: retry_at(failures), error });
    }

    /// Ends the refresh.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.rare = state
            .rare
            .take()
            .filter(|rare| rare.trouble.is_some() || rare.rejected.is_some() || rare.revocations > 0);
        if let Some(rare) = &mut state.rare {
            rare.flight = None;
        }
    }

    /// Forgets exactly this token; its refresh token is of no use any more. Tells whether it was the
    /// current one.
    pub(super) fn reject(&self, generation: NonZeroU64) -> bool {
        let mut state = self.lock();
        let current = self.current.load();
        let is_current = current.generation == Some(generation);
        if is_current {
            let rare = state.rare();
            (rare.rejected, rare.owed) = (Some(generation), true);
            state.refresh_token = None;
            state.companion = None;
            self.current.store(Arc::new(Issued::none()));
        }
        is_current
    }

    /// Forgets a token that is being revoked, or the token of a refresh token that is, and makes void
    /// any refresh that was begun with either. Tells which token is forgotten.
    pub(super) fn revoke(&self, revoked: NonZeroU64) -> Option<NonZeroU64> {
        let current = self.current.load().generation;
        let mut state = self.lock();
        if ![current, state.companion].contains(&Some(revoked)) {
            return None;
        }
        let rare = state.rare();
        rare.revocations = rare.revocations.wrapping_add(1);
        drop(state);
        let current = current?;
        self.reject(current);
        Some(current)
    }

    /// Keeps a refresh token that a store gave out to this process.
    pub(super) fn keep_refresh_token(&self, refresh_token: Secret) {
        if !refresh_token.is_refresh_token() {
            return;
        }
        let mut state = self.lock();
        state.companion = Some(generation(&refresh_token));
        state.refresh_token = Some(refresh_token);
    }

    /// Whether nobody has asked for it since the last sweep.
    pub(super) fn is_idle(&self) -> bool {
        !self.used.swap(false, Ordering::Relaxed)
    }

    /// Chooses it to be taken out of the cache, if only the cache has it: no caller, refresh or handle. Once
    /// chosen it stays so, for whoever chose it is about to take it out.
    pub(super) fn sweep(self: &Arc<Self>) -> bool {
        let mut state = self.lock();
        state.is_swept |= Arc::strong_count(self) == 1;
        state.is_swept
    }

    /// Whether it was chosen before the asker had it. If not, it will not be while the asker does: the
    /// lock orders the two.
    pub(super) fn is_swept(&self) -> bool {
        self.lock().is_swept
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// Slots are found by their scopes.
#[derive(Debug)]
pub(super) struct Keyed(pub(super) Arc<Slot>);

impl Hash for Keyed {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.scopes.split(' ').for_each(|scope| hash_scope(scope, hasher));
    }
}

impl PartialEq for Keyed {
    fn eq(&self, other: &Self) -> bool {
        self.0.scopes == other.0.scopes
    }
}

impl Eq for Keyed {}

/// A scope set to look for: sorted, each once. Nothing is allocated for it.
pub(super) struct Wanted<'a>(pub(super) &'a [&'a str]);

impl Wanted<'_> {
    pub(super) fn join(&self) -> Box<str> {
        self.0.join(" ").into()
    }
}

impl Hash for Wanted<'_> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        if self.0.is_empty() {
            hash_scope("", hasher);
        }
        self.0.iter().for_each(|scope| hash_scope(scope, hasher));
    }
}

fn hash_scope<H: Hasher>(scope: &str, hasher: &mut H) {
    hasher.write(scope.as_bytes());
    hasher.write_u8(b' ');
}

impl papaya::Equivalent<Keyed> for Wanted<'_> {
    fn equivalent(&self, keyed: &Keyed) -> bool {
        let mut rest = &*keyed.0.scopes;
        for (index, scope) in self.0.iter().enumerate() {
            let after = if index == 0 { Some(rest) } else { rest.strip_prefix(' ') };
            let Some(after) = after.and_then(|rest| rest.strip_prefix(scope)) else { return false };
            rest = after;
        }
        rest.is_empty()
    }
}
