//! Renews a token after a request with it came back with a 401, and bounds how often that happens.
//!
//! A 401 does not always mean that the token is at fault, so a good token must not be lost by it:
//!
//! - If the server names the token ([`Rejection::InvalidToken`]), exactly that token is invalidated, here
//!   and in the store, and the request is repeated with a new one.
//! - If the server gives no cause ([`Rejection::Unexplained`]), a candidate is fetched beside the current
//!   token, and the request is repeated with it. The candidate replaces the current token, here and in the
//!   store, once a repetition comes back with anything but a 401. Otherwise the current token stays.
//!
//! All requests that fail with one token share one token call. No new renewal of a scope set begins for
//! 30 s after the last one, and for twice as long after each one that did not help, up to 10 min. Until
//! then a 401 is passed on as it is.

use std::sync::Arc;

use crate::{
    Error, ErrorKind,
    catch_panic::catch_panic,
    single_flight::{Flight, SingleFlight, Waiter},
    sync::time::{self, Instant},
    token::{
        cache::{
            entry::{CacheEntry, NewToken, TakenRefreshToken},
            inner::CacheInner,
        },
        id::TokenId,
        refresh::{
            renewal::{Candidate, Replacement, Step},
            task::{RefreshTask, panicked},
        },
        rejection::Rejection,
        store::StoredToken,
        token::Token,
    },
};

impl RefreshTask {
    /// Gets a token beside the current one, `replaces`, and leaves that in place.
    ///
    /// Another process may have replaced the current token already; its token is taken then, unless it is
    /// `except`. Otherwise the client credentials are used: the refresh token belongs to the current token.
    async fn candidate(&self, replaces: TokenId, except: Option<TokenId>) -> Result<Candidate, Error> {
        if let Some(breaker) = self.shared.ready() {
            let key = self.shared.key(&self.entry);
            let (requested_at, epoch) = (self.shared.now(), self.shared.tombstones.epoch());
            let stored = breaker.call(breaker.store.get(&key)).await.ok().flatten();
            let current = self.entry.current.load().id;
            let unwanted = [Some(replaces), current, self.entry.pending_eviction(), except];
            let stored = stored.filter(|token| !unwanted.contains(&Some(token.id)));
            let refresh_token_id = stored.as_ref().and_then(|token| token.refresh_token_id);
            if let Some(issued) = stored.and_then(|token| self.read_stored(token, requested_at)) {
                self.shared.counters.shared.add(1);
                let issued = Arc::new(issued);
                return Ok(Candidate { replaces, issued, refresh_token_id, epoch, requested: None });
            }
        }
        let requested = self.request_token(None, |_, _| TakenRefreshToken::none()).await?;
        if requested.stored.id == replaces {
            return Err(Error::new(ErrorKind::InvalidResponse, "the server issued the same token again"));
        }
        Ok(Candidate {
            replaces,
            issued: Arc::new(requested.issued),
            refresh_token_id: requested.stored.refresh_token_id,
            epoch: requested.epoch,
            requested: Some((requested.stored, time::Instant::now())),
        })
    }
}

impl CacheInner {
    /// A token to repeat a request with, after one with `rejected` came back with a 401. `None` if the 401
    /// stands.
    pub(in crate::token) async fn renew(
        &self,
        entry: &Arc<CacheEntry>,
        rejected: &Token,
        rejection: Rejection,
    ) -> Option<Replacement> {
        let rejected = rejected.issued().id?;
        match self.step(entry, rejected, rejection) {
            Step::Suppressed => None,
            Step::UseCurrent => self.current(entry).await,
            Step::Invalidate => {
                self.invalidate_entry(entry, rejected).await;
                self.current(entry).await
            }
            Step::Use(candidate) => Some(Replacement::new(candidate)),
            Step::Wait(fetch) => self.fetched(fetch).await,
            Step::Fetch(flight) => {
                let waiter = flight.waiter();
                self.fetch(entry, rejected, flight);
                self.fetched(waiter).await
            }
        }
    }

    /// The same for a request that cannot be repeated: only what the server says expressly counts.
    pub(in crate::token) async fn renew_for_next(
        &self,
        entry: &Arc<CacheEntry>,
        rejected: &Token,
        rejection: Rejection,
    ) {
        if rejection == Rejection::InvalidToken
            && let Some(rejected) = rejected.issued().id
            && let Step::Invalidate = self.step(entry, rejected, rejection)
        {
            self.invalidate_entry(entry, rejected).await;
        }
    }

    /// Notes whether a repetition came back with anything but a 401.
    pub(in crate::token) async fn conclude(
        &self,
        entry: &Arc<CacheEntry>,
        replacement: &Replacement,
        accepted: bool,
    ) {
        let Some(id) = replacement.token.issued().id else { return };
        let candidate = replacement.candidate.as_ref().filter(|_| accepted);
        // First this: a request that fails with the old token meanwhile uses the new one.
        let replaced = candidate.filter(|candidate| self.replace(entry, candidate));
        let now = self.shared.now().tick;
        entry.renewal(|renewal, _| renewal.conclude(id, accepted, now));
        if !accepted {
            tracing::warn!(
                fintech_auth.scopes = %entry.scopes,
                "a new token was rejected as well; the 401 may have another cause than the token"
            );
        }
        if let Some(candidate) = replaced
            && self.shared.breaker.is_some()
        {
            self.store_replaced(entry, candidate).await;
        }
    }

    /// Puts an accepted candidate in the store in place of the token that it replaces: in a task of its own, because
    /// a lease that is taken must be given back even if the caller leaves.
    async fn store_replaced(&self, entry: &Arc<CacheEntry>, candidate: &Candidate) {
        let (cache, entry, candidate) = (self.clone(), entry.clone(), candidate.clone());
        let work = async move {
            cache.invalidate_in_store(Some(&entry), candidate.replaces).await;
            if let Some((mut stored, at)) = candidate.requested {
                stored.age += time::Instant::now() - at;
                cache.put(&entry, &stored).await;
            }
        };
        let Ok(guard) = self.task_guard() else {
            // After a shutdown no task begins.
            return work.await;
        };
        let flight = SingleFlight::default().start();
        let done = flight.waiter();
        if flight.spawn(guard.run(work)).is_ok() {
            done.outcome().await;
        }
    }

    fn step(&self, entry: &CacheEntry, rejected: TokenId, rejection: Rejection) -> Step {
        if !matches!(rejection, Rejection::InvalidToken | Rejection::Unexplained) {
            return Step::Suppressed;
        }
        let now = self.shared.now();
        entry.renewal(|renewal, current| renewal.step(current, rejected, rejection, now))
    }

    async fn current(&self, entry: &Arc<CacheEntry>) -> Option<Replacement> {
        let token = self.wait(entry.clone(), None).await.ok()?;
        Some(Replacement { token, candidate: None })
    }

    async fn fetched(&self, waiter: Waiter<Option<Candidate>>) -> Option<Replacement> {
        let deadline = time::Instant::now() + self.shared.options.max_wait;
        waiter.outcome_by(deadline).await.ok()??.map(Replacement::new)
    }

    /// Fetches a candidate in a task of its own, so that it goes on when the request that asked is given up.
    fn fetch(&self, entry: &Arc<CacheEntry>, replaces: TokenId, flight: Flight<Option<Candidate>>) {
        let max_wait = self.shared.options.max_wait;
        let task = RefreshTask { shared: self.shared.clone(), entry: entry.clone(), max_wait };
        let entry = entry.clone();
        // After a shutdown the 401 stands.
        let Ok(guard) = self.task_guard() else { return };
        self.sync_with_store();
        let began = Instant::now();
        let work = guard.run(async move {
            let except = entry.renewal(|renewal, _| renewal.concluded);
            let fetched = catch_panic(task.candidate(replaces, except)).await;
            let fetched = fetched.unwrap_or_else(|| Err(panicked()));
            let rule = fetched.as_ref().map(|candidate| candidate.issued.life.rule);
            task.shared.observe_outcome(&entry.scopes, began, rule);
            let candidate = fetched
                .inspect_err(|error| tracing::warn!("error.type" = error.kind().as_str(), %error, "no new token after a 401"))
                .ok();
            entry.renewal(|renewal, _| {
                renewal.candidate.clone_from(&candidate);
                renewal.fetch.clear();
            });
            // The candidate stays for the next request even if no caller waits any more.
            candidate
        });
        // Without a runtime the 401 stands.
        let _ = flight.spawn(work);
    }

    /// Puts a candidate in place of the token that it was fetched for, unless another has been meanwhile.
    fn replace(&self, entry: &Arc<CacheEntry>, candidate: &Candidate) -> bool {
        let (shared, entry) = (self.shared.clone(), entry.clone());
        let task = RefreshTask { max_wait: shared.options.max_wait, shared, entry };
        let taken = TakenRefreshToken::none();
        let refresh_token = candidate.requested.as_ref().and_then(|(stored, _)| stored.refresh_token.clone());
        let new = NewToken {
            issued: candidate.issued.clone(),
            refresh_token_id: candidate.refresh_token_id,
            // Only one process may send a refresh token; a store decides which.
            refresh_token: refresh_token.filter(|_| self.shared.breaker.is_none()),
            request: candidate.requested.is_some().then_some(&taken),
            epoch: candidate.epoch,
        };
        let marks = self.shared.marks();
        let replaced = task.entry.replace(candidate.replaces, new, marks, |failures| task.retry_at(failures));
        if replaced {
            self.shared.mark_invalidated(candidate.replaces);
            self.shared.invalidated();
        }
        replaced
    }

    /// Gives a token to the other processes, unless one of them is fetching another.
    async fn put(&self, entry: &CacheEntry, stored: &StoredToken) {
        let Some(breaker) = self.shared.ready() else { return };
        let key = self.shared.key(entry);
        if let Ok(Some(mut lease)) = breaker.call(breaker.store.lease(&key, breaker.lease)).await {
            // The token was requested by the client credentials.
            lease.parents.clear();
            // A store that fails leaves the token to this process alone.
            let _ = breaker.call(breaker.store.put_and_release(&key, stored, &lease)).await;
        }
    }
}
