//! Checks that a Redis server supports everything that the store needs.

use std::time::Duration;

use ring::rand::{self, SystemRandom};

use super::{RedisStore, link::redact_error, listen::subscribe, names::OfSource, script};
use crate::{
    Secret,
    token::{
        TokenStore as _,
        fingerprint::Fingerprint,
        store::{Claim, Permit, RateLimit, StoreError, StoreKey, StoredToken},
    },
};

const LIFE: Duration = Duration::from_secs(60);

impl RedisStore {
    /// Checks that the Redis server supports everything that the store needs.
    ///
    /// The check takes a lease for a random key. The check stores, reads, invalidates and revokes a
    /// dummy token under this key, and then removes the data. The check also subscribes to the
    /// channel of the namespace. The check detects missing permissions, a server that is read-only
    /// or full, and a server that is not Redis. Run the check when a program starts, or in a health
    /// check.
    ///
    /// Each call to Redis takes at most
    /// [`RedisStoreBuilder::with_timeout`](super::RedisStoreBuilder::with_timeout).
    ///
    /// # Errors
    ///
    /// Returns the error of the first failed step. The source of the error describes the cause, for
    /// example `redis: NOPERM` or `redis: READONLY`.
    ///
    /// # Cancellation
    ///
    /// Cancel safe: data that the check has not removed expires within one minute, except for two
    /// small keys, which expire within one day.
    pub async fn check(&self) -> Result<(), StoreError> {
        let random: [u8; 16] = rand::generate(&SystemRandom::new())
            .map_err(|_| StoreError::new("cannot read random bytes from the system"))?
            .expose();
        let source = Fingerprint::of(["check", &u128::from_ne_bytes(random).to_string()]);
        let key = StoreKey { source, scopes: "check".into() };
        let used = self.use_token(&key).await;
        let removed = self.remove(&self.names.of(&key.source)).await;
        used.and(removed)?;
        self.subscribe().await
    }

    async fn use_token(&self, key: &StoreKey) -> Result<(), StoreError> {
        let step = |holds: bool, failure: &'static str| match holds {
            true => Ok(()),
            false => Err(StoreError::new(failure)),
        };
        let token = StoredToken::new(Secret::from("check"), Duration::ZERO, LIFE)
            .with_refresh_token(Some(Secret::from("check")));
        let limit = RateLimit { calls: 1, per: LIFE };
        let claim = self.claim(key, &key.source, &[], LIFE, Some(limit), Duration::ZERO).await?;
        let Claim::Leased { lease, .. } = claim else {
            return Err(StoreError::new("the store did not grant a free lease"));
        };
        step(self.put(key, &token, &lease).await?, "the store did not store a token")?;
        step(self.take_refresh_token(key, &lease).await?.is_some(), "the store did not find a stored token")?;
        let permit = self.acquire_permit(&key.source, &key.source, Some(limit), Duration::ZERO).await?;
        step(permit != Permit::Granted(Duration::ZERO), "the store allowed a call beyond the rate limit")?;
        let id = token.id;
        self.invalidate(key, id).await?;
        self.release(key, &lease).await?;
        let lease = self.lease(key, LIFE).await?;
        let lease = lease.ok_or_else(|| StoreError::new("the store did not grant a released lease again"))?;
        let kept = self.put_and_release(key, &token, &lease).await?;
        step(kept, "the store did not store an invalidated token that was issued again")?;
        self.invalidate(key, id).await?;
        self.revoke(&key.source, &[id], LIFE).await?;
        step(
            !self.marks(&key.source, &[id]).await?.is_empty(),
            "the store did not record the revocation of a token",
        )
    }

    async fn remove(&self, names: &OfSource) -> Result<(), StoreError> {
        let keys = [names.fence(), names.sent(), names.revoked(), names.invalid()];
        self.link.call(&script::REMOVE, &keys, &[]).await.map(drop)
    }

    async fn subscribe(&self) -> Result<(), StoreError> {
        let subscribed = subscribe(&self.server, &self.names.channel);
        match tokio::time::timeout(self.link.timeout(), subscribed).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(redact_error(&error)),
            Err(_) => Err(StoreError::new("redis: response timed out")),
        }
    }
}
