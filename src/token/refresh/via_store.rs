//! Refreshes a token through the store.

use std::{convert::Infallible, sync::Arc, time::Duration};

use smallvec::SmallVec;

use crate::{
    Error, ErrorKind,
    sync::{
        self,
        time::{self, Instant},
    },
    token::{
        cache::{
            entries::Entries,
            entry::{CacheEntry, Discarded, NewToken},
        },
        id::{TokenId, token_id},
        lifetime::{
            age::{Age, Expires, Now},
            expiry::ExpiryRule,
        },
        refresh::{
            expiring_map::after,
            rate_limiter::Admission,
            task::{MAX_DISCARDED, RefreshTask},
        },
        store::{
            Claim, Lease, Notice, Permit, StoreError, StoreKey, StoredToken,
            circuit_breaker::{PendingMark, StoreCircuitBreaker},
            tombstones::Epoch,
        },
        token::{Issued, Token},
    },
};

/// The renewal of a lease must end: otherwise a source that never returns would block the other
/// processes forever. The 60 s are enough for three attempts with the default timeout.
const MIN_RENEWAL: Duration = Duration::from_secs(60);

impl RefreshTask {
    /// The outer error is an error of the store. The inner result is the outcome of the refresh.
    pub(in crate::token) async fn refresh_via_store(
        &self,
        breaker: &StoreCircuitBreaker,
    ) -> Result<Result<Token, Error>, StoreError> {
        let key = self.shared.key(&self.entry);
        if let Some(rejected) = self.entry.pending_eviction() {
            breaker.call(breaker.store.invalidate(&key, rejected)).await?;
            self.entry.clear_pending_eviction(rejected);
        }
        let limit = self.shared.options.fleet_rate_limit();
        let deadline = after(Instant::now(), self.max_wait);
        let (mut unusable, mut discarded, mut has_renewed) = (None, 0, false);
        loop {
            let left = deadline - Instant::now();
            let current = self.entry.current.load().id;
            let except: SmallVec<[TokenId; 2]> = current.into_iter().chain(unusable).collect();
            let (requested_at, epoch) = (self.shared.now(), self.shared.tombstones.epoch());
            let credentials = self.shared.source.credentials_fingerprint();
            let claim = breaker.store.claim(&key, &credentials, &except, breaker.lease, limit, left);
            match breaker.call(claim).await? {
                Claim::Token(stored) => {
                    let id = stored.id;
                    if let Some(token) = self.install_stored(stored, requested_at, epoch) {
                        return Ok(Ok(token));
                    }
                    if except.contains(&id) {
                        return Err(StoreError::new(
                            "the store returned a token that was already rejected or revoked",
                        ));
                    }
                    unusable = Some(id);
                }
                Claim::Leased { lease, refresh_token, permit } => {
                    if let Some(refresh_token) = refresh_token {
                        self.entry.keep_refresh_token(refresh_token);
                    }
                    if let Some(outcome) = self.under_lease(breaker, &key, lease, permit).await {
                        return Ok(outcome);
                    }
                    discarded += 1;
                    if discarded == MAX_DISCARDED {
                        return Err(StoreError::new("the store refused each new token"));
                    }
                }
                Claim::Held(changed) => {
                    let changed = async {
                        time::timeout_at(deadline, changed).await.map_err(|_| {
                            let reason = "timed out waiting for another process to request the token";
                            Error::new(ErrorKind::Timeout, reason)
                        })
                    };
                    if let Err(error) = self.until_shutdown(changed).await {
                        return Ok(Err(error));
                    }
                }
                Claim::Blocked(block) => {
                    let error = self.shared.blocked(block, &credentials);
                    if has_renewed || !self.shared.renew_credentials(&error, &credentials, false).await {
                        return Ok(Err(error));
                    }
                    has_renewed = true;
                }
            }
        }
    }

    async fn under_lease(
        &self,
        breaker: &StoreCircuitBreaker,
        key: &StoreKey,
        mut lease: Lease,
        permit: Permit,
    ) -> Option<Result<Token, Error>> {
        let store = &*breaker.store;
        tracing::debug!(fintech_auth.fence = lease.fence, "lease acquired: requesting a token");
        let own = self.entry.current.load().id;
        let requested = async {
            let admitted = match permit {
                Permit::Granted(wait) => self.until_shutdown(self.shared.await_permit(wait)).await?,
                Permit::Denied(_) | Permit::Unlimited => false,
            };
            let requested = async {
                self.request_token(admitted.then_some(Admission::Now), CacheEntry::take_refresh_token).await
            };
            sync::select! {
                requested = requested => requested,
                never = renew(breaker, key, &lease, self.max_wait.max(MIN_RENEWAL)) => match never {},
            }
        };
        let requested = match requested.await {
            Ok(requested) => requested,
            Err(error) => {
                // If this call fails, the other processes wait until the lease expires.
                let _ = breaker.call(store.release(key, &lease)).await;
                return Some(Err(error));
            }
        };
        match &requested.taken.refresh_token {
            Some(refresh_token) => lease.parents.extend(own.into_iter().chain([token_id(refresh_token)])),
            // The token was requested with the client credentials, so the revocation of another
            // token does not affect this token.
            None => lease.parents.clear(),
        }
        // Publish only after the store has accepted the token, so that no caller gets a token that
        // the store rejects.
        if let Ok(false) = breaker.call(store.put_and_release(key, &requested.stored, &lease)).await {
            self.shared.counters.discarded.add(1);
            tracing::debug!("discarding new token: revoked, or lease lost during refresh");
            let _ = breaker.call(store.release(key, &lease)).await;
            let id = requested.stored.id;
            let marks = breaker.call(store.marks(&key.source, &[id])).await.unwrap_or_default();
            if marks.contains(&Notice::Revoked(id)) {
                self.shared.mark_revoked(id);
            }
            let is_revoked = self.shared.tombstones.is_revoked(id, self.shared.now().tick);
            return is_revoked.then(|| Err(self.reissued_revoked()));
        }
        let ids: Vec<TokenId> =
            [requested.stored.id].into_iter().chain(requested.stored.refresh_token_id).collect();
        match self.publish(requested) {
            Ok(token) => {
                // Only one process may have the refresh token. The store may have kept the refresh
                // token even if `put_and_release` failed, so this process drops its copy.
                self.entry.drop_refresh_token();
                Some(Ok(token))
            }
            Err(discarded) => {
                self.shared.counters.discarded.add(1);
                // No process may use these tokens. The store already has a mark for one of them,
                // unless the server re-issued a revoked token, or the tokens were requested with a
                // revoked token.
                let is_marked =
                    ids.iter().any(|id| self.shared.tombstones.is_marked(*id, self.shared.now().tick));
                if discarded == Discarded::Revoked || !is_marked {
                    let mark = PendingMark::Revoked(ids);
                    // This task may be aborted while it writes to the store, so the revocation is
                    // recorded in memory first.
                    breaker.keep_pending(mark.clone());
                    if breaker.write_mark(&key.source, &mark).await.is_ok() {
                        breaker.remove_pending(&mark);
                    }
                }
                (discarded == Discarded::Revoked).then(|| Err(self.reissued_revoked()))
            }
        }
    }

    fn install_stored(&self, stored: StoredToken, requested_at: Now, epoch: Epoch) -> Option<Token> {
        let id = stored.id;
        if self.entry.pending_eviction() == Some(id) {
            return None;
        }
        let refresh_token_id = stored.refresh_token_id;
        let issued = Arc::new(self.read_stored(stored, requested_at)?);
        let new = NewToken { issued, refresh_token: None, refresh_token_id, request: None, epoch };
        let token = self.entry.publish(new, self.shared.marks(), |_| 0).ok()?;
        self.shared.counters.shared.add(1);
        Some(token)
    }

    pub(in crate::token) fn read_stored(&self, stored: StoredToken, requested_at: Now) -> Option<Issued> {
        // `requested_at` is earlier than the time at which the store measured the age. So the
        // computed expiry is never later than the real expiry.
        let age = u64::try_from(stored.age.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        let expires = Expires {
            lifetime: stored.lifetime.min(self.shared.options.limits.max),
            rule: ExpiryRule::Stored,
            sent: requested_at.tick.saturating_sub(age),
            sent_wall: requested_at.wall.saturating_sub(age),
        };
        let lifetime =
            expires.lifetime.saturating_sub(Duration::from_millis(age.saturating_sub(requested_at.tick)));
        let life = self.shared.options.life(Expires { lifetime, ..expires }, self.shared.random());
        if life.age(self.shared.now()) != Age::Fresh {
            return None;
        }
        let scopes_hash = Entries::hash(&self.entry.scopes);
        Issued::new(&stored.access_token, stored.scope, stored.id, scopes_hash, life).ok()
    }
}

/// This future never completes, so `select!` always waits for the token request.
async fn renew(breaker: &StoreCircuitBreaker, key: &StoreKey, lease: &Lease, most: Duration) -> Infallible {
    let end = after(Instant::now(), most);
    while Instant::now() < end {
        time::sleep(breaker.lease / 3).await;
        let _ = breaker.call(breaker.store.renew(key, lease, breaker.lease)).await;
    }
    std::future::pending().await
}
