//! Checks that a token store keeps its contract, for whoever writes one.
//!
//! It uses keys of its own making, real time of about a second, and no network but the store's.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep, timeout};

use crate::{
    Secret,
    token::{Fingerprint, Lease, StoreError, StoreKey, StoredToken, TokenStore},
};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(30);

/// A rule that a store broke.
#[derive(Debug)]
pub struct Violation(String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}

impl From<StoreError> for Violation {
    fn from(error: StoreError) -> Self {
        Self(format!("a call failed: {error}: {:?}", std::error::Error::source(&error)))
    }
}

/// Runs the whole contract of [`TokenStore`] against a store.
///
/// # Errors
///
/// The first rule that it breaks.
pub async fn check(store: Arc<dyn TokenStore>) -> Result<(), Violation> {
    let contract = Contract { store };
    contract.a_lease_has_one_holder().await?;
    contract.a_token_is_kept_until_it_expires().await?;
    contract.only_the_last_lease_may_put().await?;
    contract.a_refresh_token_is_given_out_once().await?;
    contract.an_eviction_is_of_one_generation_and_ends_the_lease().await?;
    contract.keys_are_apart().await?;
    contract.those_who_wait_are_woken().await
}

struct Contract {
    store: Arc<dyn TokenStore>,
}

fn rule(holds: bool, rule: &str) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation(format!("broken: {rule}"))) }
}

/// A key that no earlier run has used.
fn key(name: &str) -> StoreKey {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    StoreKey { source: Fingerprint::of([name, &now.as_nanos().to_string()]), scopes: name.into() }
}

fn token(text: &str, lifetime: Duration) -> StoredToken {
    let mut token = StoredToken::new(Secret::from(text), SystemTime::now(), lifetime);
    token.refresh_token = Some(Secret::from(format!("refresh-{text}")));
    token.scope = Some("granted".to_owned());
    token
}

impl Contract {
    async fn leased(&self, key: &StoreKey, time: Duration) -> Result<Lease, Violation> {
        self.store
            .lease(key, time)
            .await?
            .ok_or_else(|| Violation("broken: a free lease is given out".to_owned()))
    }

    /// What is stored, as text.
    async fn stored(&self, key: &StoreKey) -> Result<Option<String>, Violation> {
        Ok(self.store.get(key).await?.map(|token| token.access_token.expose().to_owned()))
    }

    async fn a_lease_has_one_holder(&self) -> Result<(), Violation> {
        let key = key("lease");
        let first = self.leased(&key, LONG).await?;
        rule(self.store.lease(&key, LONG).await?.is_none(), "a lease that is held is not given out")?;
        self.store.release(&key, &first).await?;
        let second = self.leased(&key, SHORT).await?;
        rule(second.fence > first.fence, "the fence grows with each lease")?;
        self.store.release(&key, &first).await?;
        rule(self.store.lease(&key, LONG).await?.is_none(), "an old holder cannot release another's lease")?;
        sleep(SHORT * 2).await;
        let third = self.leased(&key, LONG).await?;
        rule(third.fence > second.fence, "the fence grows when a lease runs out as well")
    }

    async fn a_token_is_kept_until_it_expires(&self) -> Result<(), Violation> {
        let key = key("expiry");
        rule(self.stored(&key).await?.is_none(), "nothing is stored at first")?;
        let lease = self.leased(&key, LONG).await?;
        let given = token("a", SHORT * 2);
        rule(self.store.put(&key, &given, &lease).await?, "the holder of the lease may put")?;
        let kept = self
            .store
            .get(&key)
            .await?
            .ok_or_else(|| Violation("broken: what was put is there".to_owned()))?;
        rule(kept.access_token.expose() == "a", "the token is as it was put")?;
        rule(kept.generation == given.generation, "its generation is as it was put")?;
        rule(
            kept.scope == given.scope && kept.lifetime == given.lifetime,
            "scope and lifetime are as they were put",
        )?;
        let drift = kept.sent_at.duration_since(given.sent_at).unwrap_or_else(|earlier| earlier.duration());
        rule(drift < Duration::from_millis(1), "the time is as it was put, to the millisecond")?;
        sleep(SHORT * 3).await;
        rule(self.stored(&key).await?.is_none(), "an expired token is gone")
    }

    async fn only_the_last_lease_may_put(&self) -> Result<(), Violation> {
        let key = key("fence");
        let first = self.leased(&key, SHORT).await?;
        sleep(SHORT * 2).await;
        let second = self.leased(&key, LONG).await?;
        rule(
            !self.store.put(&key, &token("late", LONG), &first).await?,
            "a lease that ran out puts nothing",
        )?;
        rule(self.stored(&key).await?.is_none(), "what was refused is not stored")?;
        rule(self.store.put(&key, &token("b", LONG), &second).await?, "the last lease puts")?;
        rule(!self.store.put(&key, &token("late", LONG), &first).await?, "the first one still puts nothing")?;
        rule(self.stored(&key).await?.as_deref() == Some("b"), "the refused token replaced nothing")
    }

    async fn a_refresh_token_is_given_out_once(&self) -> Result<(), Violation> {
        let key = key("refresh");
        let first = self.leased(&key, LONG).await?;
        self.store.put(&key, &token("c", LONG), &first).await?;
        self.store.release(&key, &first).await?;
        let second = self.leased(&key, LONG).await?;
        let taken = self.store.take_refresh_token(&key, &first).await?;
        rule(taken.is_none(), "only the last lease takes the refresh token")?;
        let taken = self.store.take_refresh_token(&key, &second).await?;
        rule(taken.is_some_and(|taken| taken.expose() == "refresh-c"), "the holder takes the refresh token")?;
        let taken = self.store.take_refresh_token(&key, &second).await?;
        rule(taken.is_none(), "a refresh token is given out once")?;
        rule(self.stored(&key).await?.as_deref() == Some("c"), "the access token stays meanwhile")
    }

    async fn an_eviction_is_of_one_generation_and_ends_the_lease(&self) -> Result<(), Violation> {
        let key = key("evict");
        let lease = self.leased(&key, LONG).await?;
        let (old, new) = (token("d", LONG), token("e", LONG));
        self.store.put(&key, &new, &lease).await?;
        self.store.evict(&key, old.generation).await?;
        rule(self.stored(&key).await?.as_deref() == Some("e"), "a newer token is not evicted")?;
        self.store.evict(&key, new.generation).await?;
        rule(self.stored(&key).await?.is_none(), "an evicted token is gone")?;
        rule(!self.store.put(&key, &new, &lease).await?, "an eviction ends the lease: nothing comes back")?;
        let next = self.leased(&key, LONG).await?;
        rule(self.store.take_refresh_token(&key, &next).await?.is_none(), "its refresh token is gone as well")
    }

    async fn keys_are_apart(&self) -> Result<(), Violation> {
        let (one, two) = (key("one"), key("two"));
        let other_source = StoreKey { source: two.source, scopes: one.scopes.clone() };
        let lease = self.leased(&one, LONG).await?;
        self.store.put(&one, &token("f", LONG), &lease).await?;
        rule(self.stored(&two).await?.is_none(), "another key has another token")?;
        rule(self.stored(&other_source).await?.is_none(), "another source has another token")?;
        self.leased(&two, LONG).await.map(drop)
    }

    async fn those_who_wait_are_woken(&self) -> Result<(), Violation> {
        let key = key("wake");
        let before = Instant::now();
        timeout(LONG, self.store.changed(&key, SHORT))
            .await
            .map_err(|_| Violation("broken: a wait ends".to_owned()))??;
        rule(before.elapsed() < LONG / 2, "a wait ends by its time")?;
        let lease = self.leased(&key, LONG).await?;
        let (store, waited) = (self.store.clone(), key.clone());
        let waiter = tokio::spawn(async move { store.changed(&waited, LONG).await });
        sleep(SHORT).await;
        self.store.put(&key, &token("g", LONG), &lease).await?;
        let woken = timeout(LONG / 2, waiter).await;
        rule(woken.is_ok(), "a put wakes those who wait")
    }
}
