//! Renews a token after a 401.
//!
//! After a 401 without a reason, the cache keeps the current token until the server has accepted a
//! new token (the candidate).

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
    /// Does not use the refresh token: the server issued the refresh token together with the
    /// current token, so the refresh token may be invalid too.
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

    pub(in crate::token) async fn conclude(
        &self,
        entry: &Arc<CacheEntry>,
        replacement: &Replacement,
        accepted: bool,
    ) {
        let Some(id) = replacement.token.issued().id else { return };
        let candidate = replacement.candidate.as_ref().filter(|_| accepted);
        // Replace the token before `conclude` drops the candidate, so that a concurrent request
        // that fails with the old token still finds the new token.
        let replaced = candidate.filter(|candidate| self.replace(entry, candidate));
        let now = self.shared.now().tick;
        entry.renewal(|renewal, _| renewal.conclude(id, accepted, now));
        if !accepted {
            tracing::warn!(
                fintech_auth.scopes = %entry.scopes,
                "the new token was rejected too; the token may not be the cause of the 401"
            );
        }
        if let Some(candidate) = replaced
            && self.shared.breaker.is_some()
        {
            self.store_replaced(entry, candidate).await;
        }
    }

    /// Runs in its own task, so that the lease is released even if the caller stops waiting. After
    /// a shutdown, no task can start, so the task of the caller does the work.
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
        let token = self.wait(entry, None).await.ok()?;
        Some(Replacement { token, candidate: None })
    }

    async fn fetched(&self, waiter: Waiter<Option<Candidate>>) -> Option<Replacement> {
        let deadline = time::Instant::now() + self.shared.options.max_wait;
        waiter.outcome_by(deadline).await.ok()??.map(Replacement::new)
    }

    /// If no task can start (after a shutdown or without a runtime), the flight ends without a
    /// candidate. The caller then gets the 401.
    fn fetch(&self, entry: &Arc<CacheEntry>, replaces: TokenId, flight: Flight<Option<Candidate>>) {
        let max_wait = self.shared.options.max_wait;
        let task = RefreshTask { shared: self.shared.clone(), entry: entry.clone(), max_wait };
        let entry = entry.clone();
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
            candidate
        });
        let _ = flight.spawn(work);
    }

    fn replace(&self, entry: &Arc<CacheEntry>, candidate: &Candidate) -> bool {
        let (shared, entry) = (self.shared.clone(), entry.clone());
        let task = RefreshTask { max_wait: shared.options.max_wait, shared, entry };
        let taken = TakenRefreshToken::none();
        let refresh_token = candidate.requested.as_ref().and_then(|(stored, _)| stored.refresh_token.clone());
        let new = NewToken {
            issued: candidate.issued.clone(),
            refresh_token_id: candidate.refresh_token_id,
            // With a store, only one process may send the refresh token, so do not keep the refresh
            // token in memory.
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

    async fn put(&self, entry: &CacheEntry, stored: &StoredToken) {
        let Some(breaker) = self.shared.ready() else { return };
        let key = self.shared.key(entry);
        if let Ok(Some(mut lease)) = breaker.call(breaker.store.lease(&key, breaker.lease)).await {
            // The token was requested with the client credentials, so the revocation of another
            // token does not affect this token.
            lease.parents.clear();
            let _ = breaker.call(breaker.store.put_and_release(&key, stored, &lease)).await;
        }
    }
}
