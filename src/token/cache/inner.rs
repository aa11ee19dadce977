//! The part of a cache that its clones share, and the code that waits for a token.
//!
//! No lock is held across an await.

use std::{pin::pin, sync::Arc, time::Duration};

use crate::{
    Error, ErrorKind, Secret,
    clock::FOREVER,
    resend,
    retry::Idempotency,
    single_flight::Flight,
    sync::{time, watch},
    token::{
        cache::{
            entry::{CacheEntry, Lookup, Outcome},
            guard::TaskGuard,
            key::ScopeKey,
            options::TokenOptions,
            state::CacheState,
        },
        fingerprint::Fingerprint,
        id::{TokenId, token_id},
        refresh::{rate_limiter::Admission, task::RefreshTask},
        scope::Scope,
        source::AnySource,
        token::Token,
    },
};

const MAX_LOOKUPS: u32 = 3;

#[derive(Clone)]
pub(in crate::token) struct CacheInner {
    pub(in crate::token) shared: Arc<CacheState>,
    /// The tasks of the cache end when this channel closes or receives a value. The channel closes
    /// when the last clone of the cache is dropped. A shutdown sends a value just before it
    /// returns.
    pub(super) alive: Arc<watch::Sender<()>>,
}

impl CacheInner {
    pub(in crate::token) fn new(source: Arc<dyn AnySource>, options: TokenOptions) -> Self {
        let shared = Arc::new(CacheState::new(source, options));
        Self { shared, alive: Arc::new(watch::channel(()).0) }
    }

    pub(in crate::token) async fn wait(
        &self,
        entry: &Arc<CacheEntry>,
        max_wait: Option<Duration>,
    ) -> Result<Token, Error> {
        let shared = &*self.shared;
        let max_wait = max_wait.unwrap_or(shared.options.max_wait).min(FOREVER);
        let deadline = time::Instant::now() + max_wait;
        let mut missed = false;
        for _ in 0..MAX_LOOKUPS {
            let now = shared.now();
            let admit = |has_token| {
                let task = self.task_guard()?;
                Ok((shared.admit_refresh(&entry.scopes, now, max_wait, has_token)?, task))
            };
            let waiter = match entry.lookup(now, || shared.source.credentials_fingerprint(), admit) {
                Lookup::Hit(token) => {
                    shared.counters.stale_hits.add(u64::from(!missed));
                    return Ok(token);
                }
                Lookup::BackingOff(error) => return Err(error),
                Lookup::Wait(waiter, ticket) => {
                    shared.within(now, max_wait, ticket)?;
                    shared.counters.waiters.add(u64::from(!missed));
                    waiter
                }
                Lookup::StartRefresh(usable, flight, (admission, task)) => {
                    let waiter = flight.waiter();
                    let started = self.start(entry, flight, admission, task, max_wait);
                    if let Some(token) = usable {
                        shared.counters.stale_hits.add(u64::from(!missed));
                        return Ok(token);
                    }
                    started?;
                    waiter
                }
            };
            shared.counters.misses.add(u64::from(!missed));
            missed = true;
            waiter.ended_by(deadline).await.map_err(|_| {
                Error::new(
                    ErrorKind::Timeout,
                    "timed out waiting for a token; see TokenOptions::with_max_wait",
                )
            })?;
            // All callers wake at the same time, and contend for the outcome and for the marks of
            // revoked tokens. So they read the entry first. It has no fresh token if the lifetime
            // of the new token is very short.
            if let Some(token) = shared.peek(entry) {
                return Ok(token);
            }
            match waiter.known_outcome() {
                Some(Ok(token)) if shared.is_revoked(&token) => {}
                Some(outcome) => return outcome,
                // The task was aborted by a shutdown of the cache or of its runtime.
                None => {}
            }
        }
        let reason = "no refresh produced a usable token";
        Err(Error::new(ErrorKind::Unavailable, reason).with_sent(true))
    }

    pub(in crate::token) fn alive(&self) -> watch::Receiver<()> {
        self.alive.subscribe()
    }

    pub(in crate::token) fn task_guard(&self) -> Result<TaskGuard, Error> {
        // Subscribe before `TaskGuard::new` registers the task. Otherwise a shutdown that ends
        // between the registration and the subscription would not end the task.
        TaskGuard::new(self.alive(), &self.shared.work)
    }

    fn start(
        &self,
        entry: &Arc<CacheEntry>,
        flight: Flight<Outcome>,
        admission: Option<Admission>,
        guard: TaskGuard,
        max_wait: Duration,
    ) -> Result<(), Error> {
        // Other callers may join this refresh and wait longer than the first caller. So the refresh
        // must not stop at the time limit of the first caller.
        let max_wait = max_wait.max(self.shared.options.max_wait);
        let task = RefreshTask { shared: self.shared.clone(), entry: entry.clone(), max_wait };
        if let Some(Admission::Queued(ticket)) = &admission {
            entry.set_ticket(ticket.number());
        }
        self.sync_with_store();
        let started = flight.spawn(async move { guard.run(task.run(admission)).await });
        started.map_err(|_| Error::new(ErrorKind::InvalidConfig, "no tokio runtime; call this inside one"))
    }

    pub(in crate::token) async fn invalidate(&self, token: &Token) {
        let issued = token.issued();
        let Some(id) = issued.id else { return };
        let entries = &self.shared.entries;
        // The search by id is slow. It is needed only if the hash finds no entry, for example for a
        // token of `IssuedToken::into_token`, which has no hash.
        let entry = entries.find_by_hash(issued.scopes_hash).or_else(|| entries.find_by_token(id));
        match entry {
            Some(entry) => self.invalidate_entry(&entry, id).await,
            None => {
                self.shared.mark_invalidated(id);
                self.invalidate_in_store(None, id).await;
            }
        }
    }

    pub(in crate::token) async fn invalidate_entry(&self, entry: &CacheEntry, id: TokenId) {
        self.shared.mark_invalidated(id);
        if entry.invalidate(id) {
            self.shared.invalidated();
        }
        self.invalidate_in_store(Some(entry), id).await;
    }

    /// Marks the token as revoked before checking the entries. If a refresh publishes the token
    /// after the check, the entry then sees the mark and discards the token.
    pub(in crate::token) async fn forget(&self, secret: &Secret) -> Result<(), Error> {
        let revoked = token_id(secret);
        self.shared.mark_revoked(revoked);
        let (mut ids, mut forgotten) = (vec![revoked], Vec::new());
        self.shared.entries.each(|entry| {
            let held = entry.ids();
            let Some(token) = entry.revoke(revoked, self.shared.marks()) else { return };
            ids.extend(held);
            forgotten.extend(token.map(|token| (entry.clone(), token)));
        });
        forgotten.iter().for_each(|_| self.shared.invalidated());
        ids.sort_unstable();
        ids.dedup();
        self.revoke_in_store(ids).await?;
        forgotten.iter().for_each(|(entry, token)| entry.clear_pending_eviction(*token));
        Ok(())
    }

    pub(in crate::token) async fn rate_limited<T, F: Future<Output = Result<T, Error>>>(
        &self,
        scopes: Option<&[Scope]>,
        call: impl Fn() -> F,
    ) -> Result<T, Error> {
        let shared = &*self.shared;
        let scopes = scopes.map(|scopes| ScopeKey::with(scopes, |key| key.join())).transpose()?;
        let scopes = scopes.as_deref();
        let mut has_renewed = false;
        loop {
            self.admit(scopes).await?;
            let sent = shared.source.credentials_fingerprint();
            let error = match call().await {
                Ok(response) => {
                    shared.succeeded(scopes);
                    return Ok(response);
                }
                Err(error) => error,
            };
            let sent = error.credentials().map_or(sent, Fingerprint::from_bytes);
            if !has_renewed && shared.renew_credentials(&error, &sent, scopes.is_none()).await {
                has_renewed = true;
                continue;
            }
            shared.learn(&error, &sent, scopes).await;
            return Err(error);
        }
    }

    async fn admit(&self, scopes: Option<&str>) -> Result<(), Error> {
        let shared = &*self.shared;
        let now = shared.now().tick;
        match scopes {
            Some(scopes) => shared.negative().check(scopes, now, shared.options.max_wait)?,
            None => shared.negative().peek(now)?,
        }
        let admitted = match shared.acquire_permit(Duration::ZERO).await {
            Ok(true) => Ok(()),
            Ok(false) => shared.reserve(now, now).map(drop),
            Err(error) => Err(error),
        };
        admitted.inspect_err(|_| {
            if let Some(scopes) = scopes {
                shared.negative().failed(scopes, now, Duration::ZERO);
            }
        })
    }

    pub(in crate::token) async fn with_retry<T, F: Future<Output = Result<T, Error>>>(
        &self,
        idempotency: Idempotency,
        mut call: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let mut made = 0;
        loop {
            let attempt = pin!(call());
            let error = match resend::scope(made, attempt).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            made += 1;
            match self.shared.options.retry.next(made, &error, idempotency, self.shared.random()) {
                Some(wait) => time::sleep(wait).await,
                None => return Err(error),
            }
        }
    }
}
