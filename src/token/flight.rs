//! One refresh: by the store if there is one, by the refresh token if it is worth it, else by the
//! client credentials. It runs in a task of its own and shares its outcome.

use std::{num::NonZeroU64, sync::Arc, time::Duration};

use tokio::time;
use tracing::Instrument as _;

use super::{
    IssuedToken, StoreError, StoreKey, StoredToken, Token, TokenSource, TokenStore,
    cache::{Shared, closed},
    expiry::{self, Facts},
    gate::Pass,
    options::millis,
    slot::{Age, Now, Slot},
    store::{Lease, StoreFuture, generation},
    token::{Expires, Issued},
};
use crate::{
    Error, ErrorKind,
    retry::{Repeat, backoff},
};

/// How long a lease is held at the most: longer than a call with its retries takes by default.
const LEASE: Duration = Duration::from_secs(30);
/// How long one call to the store may take before this process goes on alone.
const STORE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long to wait for word of another's refresh before looking again.
const STORE_POLL: Duration = Duration::from_millis(250);

pub(super) struct Flight<S> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) slot: Arc<Slot>,
    pub(super) max_wait: Duration,
}

impl<S: TokenSource> Flight<S> {
    pub(super) async fn run(self) -> Result<Token, Error> {
        let span = tracing::debug_span!("refresh", scopes = %self.slot.scopes);
        let outcome = self.obtain().instrument(span.clone()).await;
        let _entered = span.enter();
        match &outcome {
            Ok(token) => tracing::debug!(
                rule = token.expiry_rule().as_str(),
                generation = token.issued().generation.map_or(0, NonZeroU64::get),
                "token in place"
            ),
            Err(error) => tracing::warn!(kind = ?error.kind(), %error, "no token"),
        }
        self.slot.end();
        outcome
    }

    async fn obtain(&self) -> Result<Token, Error> {
        if let Some(store) = &self.shared.options.store {
            match self.share(&**store).await {
                Ok(outcome) => return outcome,
                Err(error) => {
                    self.shared.counters.store_failures.add(1);
                    tracing::warn!(error = &error as &dyn std::error::Error, "going on without the store");
                }
            }
        }
        self.mint().await.map(|(token, _)| token)
    }

    /// Takes the token that another process got, or gets one under the lease.
    async fn share(&self, store: &dyn TokenStore) -> Result<Result<Token, Error>, StoreError> {
        let key = StoreKey { source: self.shared.source.fingerprint(), scopes: self.slot.scopes.clone() };
        if let Some(rejected) = self.slot.rejected() {
            bounded(store.evict(&key, rejected)).await?;
        }
        let deadline = time::Instant::now() + LEASE;
        while time::Instant::now() < deadline {
            if let Some(token) = self.adopt(bounded(store.get(&key)).await?) {
                return Ok(Ok(token));
            }
            if let Some(lease) = bounded(store.lease(&key, LEASE)).await? {
                let outcome = self.under_lease(store, &key, &lease).await;
                // Its time ends it, should this fail.
                let _ = bounded(store.release(&key, &lease)).await;
                return outcome;
            }
            bounded(store.changed(&key, STORE_POLL)).await?;
        }
        Err(StoreError::new("another process holds the lease for too long"))
    }

    async fn under_lease(
        &self,
        store: &dyn TokenStore,
        key: &StoreKey,
        lease: &Lease,
    ) -> Result<Result<Token, Error>, StoreError> {
        // The one before may have put a token between our look and our lease.
        if let Some(token) = self.adopt(bounded(store.get(key)).await?) {
            return Ok(Ok(token));
        }
        if let Some(refresh_token) = bounded(store.take_refresh_token(key, lease)).await? {
            self.slot.keep_refresh_token(refresh_token);
        }
        Ok(match self.mint().await {
            Ok((token, stored)) => {
                if bounded(store.put(key, &stored, lease)).await? {
                    // The store has the refresh token now, and gives it to one process.
                    self.slot.grant();
                }
                Ok(token)
            }
            Err(error) => Err(error),
        })
    }

    /// Puts a stored token in place, if it is fresh and was not rejected here.
    fn adopt(&self, stored: Option<StoredToken>) -> Option<Token> {
        let stored = stored.filter(|stored| !self.slot.is_rejected(stored.generation))?;
        let now = self.shared.now();
        let sent_wall = stored.sent_at.duration_since(std::time::SystemTime::UNIX_EPOCH).map(millis).ok()?;
        // A token from the future is of a clock that is off: it counts as asked for now.
        let age = now.wall.saturating_sub(sent_wall);
        let expires = Expires {
            lifetime: stored.lifetime.min(self.shared.options.limits.max),
            rule: expiry::ExpiryRule::Stored,
            sent: now.tick.saturating_sub(age),
            sent_wall: sent_wall.min(now.wall),
        };
        let lifetime = expires.lifetime.saturating_sub(Duration::from_millis(age.saturating_sub(now.tick)));
        let life = self.shared.options.life(Expires { lifetime, ..expires }, self.shared.random());
        if life.age(now) != Age::Fresh {
            return None;
        }
        let slot = Arc::downgrade(&self.slot);
        let issued = Issued::new(&stored.access_token, stored.scope, stored.generation, slot, life).ok()?;
        let token = self.slot.publish(Arc::new(issued), None, None)?;
        self.shared.counters.shared.add(1);
        Some(token)
    }

    /// Asks the source, with its retries, within the gate.
    async fn mint(&self) -> Result<(Token, StoredToken), Error> {
        let scopes = self.slot.scopes();
        let deadline = time::Instant::now() + self.max_wait;
        let mut made = 0;
        loop {
            self.enter(deadline).await?;
            let grant = self.slot.grant();
            let asked = self.shared.now();
            let result = match &grant.refresh_token {
                Some(refresh_token) => self.shared.source.refresh(refresh_token).await,
                None => self.shared.source.issue(&scopes).await,
            };
            let error = match result {
                Ok(issued) => match self.place(issued, asked, &grant) {
                    Ok(Some(placed)) => return Ok(placed),
                    // What it was made from has been revoked meanwhile, and so has this.
                    Ok(None) => continue,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            let refreshing = grant.refresh_token.is_some();
            // A refused refresh token says nothing of the credentials.
            if !refreshing || error.kind() != ErrorKind::Unauthorized {
                self.shared.learn(&error);
            }
            let unsent = !error.may_have_been_sent();
            if refreshing && unsent {
                self.slot.give_back(grant);
            } else if refreshing && error.kind() != ErrorKind::RateLimited {
                // Spent, refused or lost: whichever it is, it is never sent again.
                tracing::debug!(%error, "the refresh token is of no use; asking by the client credentials");
                continue;
            }
            made += 1;
            let repeat = if refreshing { Repeat::OnlyUnsent } else { Repeat::Harmless };
            match self.shared.options.retry.next(made, &error, repeat, self.shared.random()) {
                Some(wait) => time::sleep(wait).await,
                None => return Err(self.give_up(error)),
            }
        }
    }

    /// Waits until the gate lets a request pass.
    async fn enter(&self, deadline: time::Instant) -> Result<(), Error> {
        loop {
            match self.shared.gate.enter(self.shared.now().tick) {
                Pass::Open => return Ok(()),
                Pass::Refused(error) => return Err(error),
                Pass::Closed(left) if time::Instant::now() + left > deadline => return Err(closed(left)),
                Pass::Closed(left) => time::sleep(left).await,
            }
        }
    }

    /// Puts an issued token in place. `None` if what it was made from was revoked meanwhile.
    fn place(
        &self,
        issued: IssuedToken,
        asked: Now,
        grant: &super::slot::Grant,
    ) -> Result<Option<(Token, StoredToken)>, Error> {
        let received = self.shared.now();
        let wall = |millis| std::time::SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let facts = Facts {
            expires_in: issued.expires_in,
            access_token: issued.access_token.expose(),
            date: issued.date,
            sent: wall(asked.wall),
            received: wall(received.wall),
        };
        let expiry = expiry::resolve(&facts, &self.shared.options.limits);
        tracing::debug!(
            rule = expiry.rule.as_str(),
            lifetime_seconds = expiry.lifetime.as_secs(),
            skew_seconds = expiry.skew_seconds,
            "token issued"
        );
        let expires =
            Expires { lifetime: expiry.lifetime, rule: expiry.rule, sent: asked.tick, sent_wall: asked.wall };
        let life = self.shared.options.life(expires, self.shared.random());
        let sent_at = facts.sent;
        let mut stored = StoredToken::new(issued.access_token, sent_at, expiry.lifetime);
        stored.refresh_token.clone_from(&issued.refresh_token);
        stored.scope.clone_from(&issued.scope);
        let slot = Arc::downgrade(&self.slot);
        let kept =
            Issued::new(&stored.access_token, issued.scope, generation(&stored.access_token), slot, life)?;
        self.shared.gate.succeeded();
        self.shared.counters.refreshes.add(1);
        let token = self.slot.publish(Arc::new(kept), issued.refresh_token, Some(grant));
        Ok(token.map(|token| (token, stored)))
    }

    /// Ends in a failure. What the gate keeps for all is not kept for the slot as well.
    fn give_up(&self, error: Error) -> Error {
        self.shared.counters.failures.add(1);
        if !matches!(error.kind(), ErrorKind::RateLimited | ErrorKind::Unauthorized) {
            let options = &self.shared.options;
            let (now, random) = (self.shared.now().tick, self.shared.random());
            self.slot.fail(error.clone(), |failures| {
                let wait = backoff(options.backoff, options.max_backoff, failures, random);
                now.saturating_add(millis(wait))
            });
        }
        error
    }
}

impl<S: TokenSource> Shared<S> {
    /// Has the store forget a token.
    pub(super) async fn evict(&self, slot: &Slot, generation: NonZeroU64) {
        let Some(store) = &self.options.store else { return };
        let key = StoreKey { source: self.source.fingerprint(), scopes: slot.scopes.clone() };
        if let Err(error) = bounded(store.evict(&key, generation)).await {
            self.counters.store_failures.add(1);
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the store may still hold a rejected token"
            );
        }
    }
}

/// A call to the store within its time.
async fn bounded<T>(call: StoreFuture<'_, T>) -> Result<T, StoreError> {
    match time::timeout(STORE_TIMEOUT, call).await {
        Ok(result) => result,
        Err(_) => Err(StoreError::new("the store took too long")),
    }
}
