//! Refreshes a token through the store: installs a token that another process requested, or requests
//! one under the lease.

use std::{convert::Infallible, num::NonZeroU64, sync::Arc, time::Duration};

use smallvec::SmallVec;

use super::{
    Claim, Lease, Stop, StoreError, StoreKey, StoredToken, Token, expiry,
    flight::Flight,
    options::millis,
    rate_limiter::Admission,
    sharing::Sharing,
    slot::{Age, Discarded, NewToken, Slot},
    store::{POLL, generation as id_of},
    token::{Expires, Issued},
};
use crate::{
    Error,
    sync::{self, time},
};

/// How often a token is asked for again because the last one was void.
const MAX_VOIDED: u32 = 3;

impl Flight {
    /// Takes the token that another process got, or gets one under the lease.
    ///
    /// # Errors
    ///
    /// Those of the store, while there is no token yet.
    pub(super) async fn share(&self, sharing: &Sharing) -> Result<Result<Token, Error>, StoreError> {
        let key = self.shared.key(&self.slot);
        if let Some(rejected) = self.slot.owed() {
            sharing.ask(sharing.store.evict(&key, rejected)).await?;
            self.slot.paid(rejected);
        }
        let limit = self.shared.options.rate_limit;
        let deadline = time::Instant::now() + self.max_wait;
        let (mut refused, mut voided) = (None, 0);
        while time::Instant::now() < deadline {
            let except: SmallVec<[NonZeroU64; 3]> = self.slot.unwanted().chain(refused).collect();
            match sharing.ask(sharing.store.claim(&key, &except, sharing.lease, limit)).await? {
                Claim::Token(stored) => {
                    let generation = stored.generation;
                    if let Some(token) = self.adopt(stored) {
                        return Ok(Ok(token));
                    }
                    if except.contains(&generation) {
                        return Err(StoreError::new("the store gave out a token that will not do"));
                    }
                    refused = Some(generation);
                }
                Claim::Leased(lease, refresh_token) => {
                    if let Some(refresh_token) = refresh_token {
                        self.slot.keep_refresh_token(refresh_token);
                    }
                    if let Some(outcome) = self.under_lease(sharing, &key, &lease).await {
                        return Ok(outcome);
                    }
                    voided += 1;
                    if voided == MAX_VOIDED {
                        return Err(StoreError::new("the lease was lost again and again"));
                    }
                }
                Claim::Held(changed) => {
                    let _ = time::timeout(POLL, changed).await;
                }
                Claim::Stopped(stop) => {
                    let error = self.shared.stopped(stop);
                    match stop {
                        Stop::CoolDown(left) if time::Instant::now() + left <= deadline => {
                            time::sleep(left).await;
                        }
                        _ => return Ok(Err(error)),
                    }
                }
            }
        }
        Err(StoreError::new("another process holds the lease for too long"))
    }

    /// Gets a token while others wait for it. `None` if it was void before anybody saw it.
    async fn under_lease(
        &self,
        sharing: &Sharing,
        key: &StoreKey,
        lease: &Lease,
    ) -> Option<Result<Token, Error>> {
        let store = &*sharing.store;
        tracing::debug!(fence = lease.fence, "asking under the lease");
        let minted = sync::select! {
            minted = self.mint(Some(Admission::Now), Slot::take_refresh_token) => minted,
            never = renew(sharing, key, lease, self.max_wait) => match never {},
        };
        let minted = match minted {
            Ok(minted) => minted,
            Err(error) => {
                // Its time ends it, should this fail.
                let _ = sharing.ask(store.release(key, lease)).await;
                return Some(Err(error));
            }
        };
        // Nobody has it yet, so that nobody has what the store refuses.
        let generation = minted.stored.generation;
        if let Ok(false) = sharing.ask(store.settle(key, &minted.stored, lease)).await {
            self.shared.counters.voided.add(1);
            tracing::debug!("the token is void: it was evicted, or the lease lost, while it was asked for");
            let _ = sharing.ask(store.release(key, lease)).await;
            return None;
        }
        // A failed store takes no good token away. Whether it has the refresh token is not known then,
        // and only one process may have it.
        match self.publish(minted) {
            Ok(token) => {
                self.slot.drop_refresh_token();
                Some(Ok(token))
            }
            Err(discarded) => {
                self.shared.counters.voided.add(1);
                let _ = sharing.ask(store.evict(key, generation)).await;
                (discarded == Discarded::Revoked).then(|| Err(self.reissued_revoked()))
            }
        }
    }

    /// Puts a stored token in place, if it is fresh and was not rejected here.
    fn adopt(&self, stored: StoredToken) -> Option<Token> {
        let generation = stored.generation;
        if self.slot.is_rejected(generation) {
            return None;
        }
        let refresh_token_id = stored.refresh_token.as_ref().map(id_of);
        let issued = Arc::new(self.read_stored(stored)?);
        let new = NewToken { issued, refresh_token: None, refresh_token_id, request: None };
        let token = self.slot.publish(new, self.shared.marks(), |_| 0).ok()?;
        self.shared.counters.shared.add(1);
        Some(token)
    }

    /// A stored token, if it is fresh.
    pub(super) fn read_stored(&self, stored: StoredToken) -> Option<Issued> {
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
        Issued::new(&stored.access_token, stored.scope, stored.generation, slot, life).ok()
    }
}

/// Renews a lease while it is polled, but not for longer than `most`: a source that hangs does not hold
/// up the fleet for good.
async fn renew(sharing: &Sharing, key: &StoreKey, lease: &Lease, most: Duration) -> Infallible {
    let end = time::Instant::now() + most;
    while time::Instant::now() < end {
        time::sleep(sharing.lease / 3).await;
        let _ = sharing.ask(sharing.store.renew(key, lease, sharing.lease)).await;
    }
    std::future::pending().await
}
