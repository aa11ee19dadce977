//! Checks that your own token store fulfils the contract of [`TokenStore`].
//!
//! Each run uses new store keys, and takes about 3 s.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep, timeout};

use crate::{
    Secret,
    token::{
        Block, Claim, Fingerprint, Lease, Notice, Permit, RateLimit, StoreError, StoreKey, StoredToken,
        TokenId, TokenStore,
    },
};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(30);

/// A rule of the contract that a store violated.
#[derive(Debug)]
pub struct Violation(String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}

impl Violation {
    pub(super) fn failed(error: &dyn std::error::Error) -> Self {
        Self(format!("a call failed: {error}: {:?}", error.source()))
    }
}

impl From<StoreError> for Violation {
    fn from(error: StoreError) -> Self {
        Self::failed(&error)
    }
}

/// Checks that a store fulfils the whole contract of [`TokenStore`].
///
/// # Errors
///
/// Returns the first rule that the store violates.
pub async fn check(store: Arc<dyn TokenStore>) -> Result<(), Violation> {
    let contract = Contract { store };
    contract.a_lease_has_one_holder().await?;
    contract.a_token_is_kept_until_it_expires().await?;
    contract.only_the_last_lease_may_put().await?;
    contract.a_refresh_token_is_given_out_once().await?;
    contract.a_token_grows_older_by_the_clock_of_the_store().await?;
    contract.an_invalidated_token_is_gone_until_it_is_issued_again().await?;
    contract.a_revoked_token_is_never_returned().await?;
    contract.a_revoked_parent_voids_the_put().await?;
    contract.marks_are_told().await?;
    contract.a_permit_is_reserved_within_the_limit().await?;
    contract.a_refusal_concerns_the_same_credentials_alone().await?;
    contract.keys_are_apart().await?;
    contract.those_who_wait_are_woken().await
}

struct Contract {
    store: Arc<dyn TokenStore>,
}

pub(super) fn rule(holds: bool, rule: &str) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation(format!("broken: {rule}"))) }
}

fn key(name: &str) -> StoreKey {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    StoreKey::new(Fingerprint::of([name, &now.as_nanos().to_string()]), name)
}

fn token(text: &str, lifetime: Duration) -> StoredToken {
    let token = StoredToken::new(Secret::from(text), Duration::ZERO, lifetime);
    let mut token = token.with_refresh_token(Some(Secret::from(format!("refresh-{text}"))));
    token.scope = Some("granted".to_owned());
    token
}

impl Contract {
    async fn leased(&self, key: &StoreKey, time: Duration) -> Result<Lease, Violation> {
        self.store
            .lease(key, time)
            .await?
            .ok_or_else(|| Violation("broken: a free lease is granted".to_owned()))
    }

    async fn stored(&self, key: &StoreKey) -> Result<Option<String>, Violation> {
        Ok(self.store.get(key).await?.map(|token| token.access_token.expose_secret().to_owned()))
    }

    async fn a_lease_has_one_holder(&self) -> Result<(), Violation> {
        let key = key("lease");
        let first = self.leased(&key, LONG).await?;
        rule(self.store.lease(&key, LONG).await?.is_none(), "a held lease is not granted again")?;
        self.store.release(&key, &first).await?;
        let second = self.leased(&key, SHORT).await?;
        rule(second.fence > first.fence, "the fence grows with each lease")?;
        self.store.release(&key, &first).await?;
        rule(self.store.lease(&key, LONG).await?.is_none(), "an old holder cannot release another's lease")?;
        sleep(SHORT * 2).await;
        let third = self.leased(&key, LONG).await?;
        rule(third.fence > second.fence, "the fence also grows after a lease expired")
    }

    async fn a_token_is_kept_until_it_expires(&self) -> Result<(), Violation> {
        let key = key("expiry");
        rule(self.stored(&key).await?.is_none(), "an unused key has no token")?;
        let lease = self.leased(&key, LONG).await?;
        let given = token("a", SHORT * 2);
        rule(self.store.put(&key, &given, &lease).await?, "the lease holder can store a token")?;
        let kept = self
            .store
            .get(&key)
            .await?
            .ok_or_else(|| Violation("broken: a stored token can be read".to_owned()))?;
        rule(kept.access_token.expose_secret() == "a", "the stored token is unchanged")?;
        rule(kept.id == given.id, "the stored token id is unchanged")?;
        rule(
            kept.scope == given.scope && kept.lifetime == given.lifetime,
            "the stored scope and lifetime are unchanged",
        )?;
        rule(kept.refresh_token_id == given.refresh_token_id, "the stored refresh token id is unchanged")?;
        sleep(SHORT * 3).await;
        rule(self.stored(&key).await?.is_none(), "an expired token is not returned")
    }

    async fn only_the_last_lease_may_put(&self) -> Result<(), Violation> {
        let key = key("fence");
        let first = self.leased(&key, SHORT).await?;
        sleep(SHORT * 2).await;
        let second = self.leased(&key, LONG).await?;
        rule(
            !self.store.put(&key, &token("late", LONG), &first).await?,
            "an expired lease cannot store a token",
        )?;
        rule(self.stored(&key).await?.is_none(), "a refused token is not stored")?;
        rule(self.store.put(&key, &token("b", LONG), &second).await?, "the newest lease can store a token")?;
        rule(
            !self.store.put(&key, &token("late", LONG), &first).await?,
            "the old lease still cannot store a token",
        )?;
        rule(
            self.stored(&key).await?.as_deref() == Some("b"),
            "a refused token does not replace the stored one",
        )
    }

    async fn a_refresh_token_is_given_out_once(&self) -> Result<(), Violation> {
        let key = key("refresh");
        let first = self.leased(&key, LONG).await?;
        self.store.put(&key, &token("c", LONG), &first).await?;
        self.store.release(&key, &first).await?;
        let second = self.leased(&key, LONG).await?;
        let taken = self.store.take_refresh_token(&key, &first).await?;
        rule(taken.is_none(), "only the newest lease can take the refresh token")?;
        let taken = self.store.take_refresh_token(&key, &second).await?;
        rule(
            taken.is_some_and(|taken| taken.expose_secret() == "refresh-c"),
            "the lease holder can take the refresh token",
        )?;
        let taken = self.store.take_refresh_token(&key, &second).await?;
        rule(taken.is_none(), "a refresh token can be taken only once")?;
        rule(
            self.stored(&key).await?.as_deref() == Some("c"),
            "taking the refresh token keeps the access token",
        )
    }

    async fn a_token_grows_older_by_the_clock_of_the_store(&self) -> Result<(), Violation> {
        let key = key("age");
        let lease = self.leased(&key, LONG).await?;
        let mut given = token("age", LONG);
        given.age = LONG / 3;
        rule(self.store.put(&key, &given, &lease).await?, "a token that was issued earlier can be stored")?;
        sleep(SHORT).await;
        let kept = self.store.get(&key).await?;
        let age = kept.map(|token| token.age).unwrap_or_default();
        rule(age >= given.age + SHORT, "a token's age includes the time before it was stored")?;
        rule(age < given.age + SHORT + LONG / 3, "a token's age is not overstated")
    }

    async fn kept(&self, key: &StoreKey, token: &StoredToken) -> Result<bool, Violation> {
        let lease = self.leased(key, LONG).await?;
        let kept = self.store.put_and_release(key, token, &lease).await?;
        if !kept {
            self.store.release(key, &lease).await?;
        }
        Ok(kept)
    }

    async fn claimed(&self, key: &StoreKey) -> Result<Option<String>, Violation> {
        match self.store.claim(key, &key.source, &[], LONG, None, Duration::ZERO).await? {
            Claim::Token(token) => Ok(Some(token.access_token.expose_secret().to_owned())),
            Claim::Leased { lease, refresh_token, .. } => {
                self.store.release(key, &lease).await?;
                Ok(refresh_token.map(|text| text.expose_secret().to_owned()))
            }
            _ => Ok(None),
        }
    }

    async fn an_invalidated_token_is_gone_until_it_is_issued_again(&self) -> Result<(), Violation> {
        let key = key("invalidate");
        let (old, new) = (token("d", LONG), token("e", LONG));
        rule(self.kept(&key, &new).await?, "the lease holder can store a token")?;
        self.store.invalidate(&key, old.id).await?;
        rule(self.stored(&key).await?.as_deref() == Some("e"), "a newer token is not invalidated")?;
        let before = self.leased(&key, LONG).await?;
        self.store.invalidate(&key, new.id).await?;
        rule(self.stored(&key).await?.is_none(), "an invalidated token is not returned")?;
        rule(
            self.store.take_refresh_token(&key, &before).await?.is_none(),
            "the refresh token of an invalidated token is removed",
        )?;
        rule(
            !self.store.put(&key, &new, &before).await?,
            "a lease from before the mark cannot store the token again",
        )?;
        rule(
            self.store.put(&key, &token("f", LONG), &before).await?,
            "a lease from before the mark can store another token",
        )?;
        self.store.release(&key, &before).await?;
        rule(self.kept(&key, &new).await?, "a lease from after the mark can store the token again")?;
        rule(self.stored(&key).await?.as_deref() == Some("e"), "storing the token again clears the mark")?;
        // The caller that invalidates a token may not know the key of the token. So the store must
        // remove the token even if the caller passes a different key.
        let other = StoreKey::new(key.source, "other");
        self.store.invalidate(&other, new.id).await?;
        rule(self.claimed(&key).await?.is_none(), "a mark applies to every key of the source")
    }

    async fn a_revoked_token_is_never_returned(&self) -> Result<(), Violation> {
        let by_id = |token: &StoredToken, refresh: bool| {
            if refresh { token.refresh_token_id } else { Some(token.id) }
        };
        for refresh in [false, true] {
            let key = key("revoke");
            let revoked = token(&format!("revoked-{refresh}"), LONG);
            let ids: Vec<TokenId> = by_id(&revoked, refresh).into_iter().collect();
            rule(self.kept(&key, &revoked).await?, "the lease holder can store a token")?;
            self.store.revoke(&key.source, &ids, LONG).await?;
            rule(self.stored(&key).await?.is_none(), "a revoked token is not returned")?;
            rule(self.claimed(&key).await?.is_none(), "a claim does not return a revoked token")?;
            let lease = self.leased(&key, LONG).await?;
            let taken = self.store.take_refresh_token(&key, &lease).await?;
            rule(taken.is_none(), "the refresh token of a revoked token cannot be taken")?;
            rule(!self.store.put(&key, &revoked, &lease).await?, "a revoked token cannot be stored")?;
            rule(
                !self.store.put_and_release(&key, &revoked, &lease).await?,
                "put_and_release does not store a revoked token",
            )?;
            self.store.invalidate(&key, revoked.id).await?;
            self.store.release(&key, &lease).await?;
            rule(!self.kept(&key, &revoked).await?, "no later lease can store a revoked token")?;
            rule(self.kept(&key, &token("next", LONG)).await?, "another token can replace a revoked one")?;
        }
        let key = key("revoked for a while");
        let revoked = token("brief", LONG);
        self.store.revoke(&key.source, &[revoked.id], SHORT).await?;
        rule(!self.kept(&key, &revoked).await?, "a token can be revoked before it is stored")?;
        sleep(SHORT * 2).await;
        rule(self.kept(&key, &revoked).await?, "a mark ends after its duration")
    }

    async fn a_revoked_parent_voids_the_put(&self) -> Result<(), Violation> {
        for refresh in [false, true] {
            let key = key("parent");
            let parent = token("parent", LONG);
            rule(self.kept(&key, &parent).await?, "the lease holder can store a token")?;
            let Claim::Leased { lease, refresh_token, .. } =
                self.store.claim(&key, &key.source, &[parent.id], LONG, None, Duration::ZERO).await?
            else {
                return Err(Violation("broken: a claim grants a free lease".to_owned()));
            };
            rule(refresh_token.is_some(), "a claim returns the refresh token of the entry")?;
            let revoked = if refresh { parent.refresh_token_id } else { Some(parent.id) };
            let revoked: Vec<TokenId> = revoked.into_iter().collect();
            self.store.revoke(&key.source, &revoked, LONG).await?;
            // Some stores remove a revoked entry when the entry is read. So read the entry first.
            // The store must reject the `put` even if the entry no longer exists.
            self.claimed(&key).await?;
            rule(
                !self.store.put(&key, &token("child", LONG), &lease).await?,
                "a token refreshed from a revoked one cannot be stored",
            )?;
            self.store.release(&key, &lease).await?;
            rule(
                self.kept(&key, &token("unrelated", LONG)).await?,
                "a later lease is not affected by the revoked parent",
            )?;
        }
        Ok(())
    }

    async fn marks_are_told(&self) -> Result<(), Violation> {
        let key = key("marks");
        let [one, two, three] = ["m1", "m2", "m3"].map(|text| token(text, LONG).id);
        let Some(mut notices) = self.store.notices() else { return Ok(()) };
        // A subscription may need some time to start.
        sleep(SHORT * 2).await;
        self.store.revoke(&key.source, &[one], LONG).await?;
        self.store.invalidate(&key, two).await?;
        let mut marks = self.store.marks(&key.source, &[one, two, three]).await?;
        marks.sort_by_key(|mark| matches!(mark, Notice::Invalidated(_)));
        rule(
            marks == [Notice::Revoked(one), Notice::Invalidated(two)],
            "a store with subscriptions returns the marks of the given tokens",
        )?;
        let mut wanted = vec![Notice::Revoked(one), Notice::Invalidated(two)];
        let all = async {
            while !wanted.is_empty() {
                match notices.recv().await {
                    Ok(notice) => wanted.retain(|wanted| *wanted != notice),
                    Err(_) => break,
                }
            }
        };
        let in_time = timeout(LONG / 2, all).await.is_ok();
        rule(in_time && wanted.is_empty(), "every subscriber is notified of a mark")
    }

    async fn a_permit_is_reserved_within_the_limit(&self) -> Result<(), Violation> {
        let source = key("permit").source;
        let limit = Some(RateLimit { calls: 2, per: LONG });
        let mut waits = Vec::new();
        for _ in 0..5 {
            match self.store.acquire_permit(&source, &source, limit, LONG * 10).await? {
                Permit::Granted(wait) => waits.push(wait),
                Permit::Unlimited => return Ok(()),
                Permit::Denied(_) => {
                    return Err(Violation("broken: a permit within the wait is granted".into()));
                }
            }
        }
        rule(waits[..2] == [Duration::ZERO; 2], "the first calls do not wait")?;
        let near = |wait: Duration, whole: f64| {
            let expected = LONG.mul_f64(whole);
            wait <= expected + Duration::from_millis(1) && wait + LONG / 10 > expected
        };
        rule(
            near(waits[2], 1.0) && near(waits[3], 1.5) && near(waits[4], 2.0),
            "later calls wait in order of arrival, evenly spaced",
        )?;
        let denied = self.store.acquire_permit(&source, &source, limit, LONG).await?;
        rule(
            matches!(denied, Permit::Denied(Block::RateLimit(wait)) if near(wait, 2.5)),
            "a permit whose wait is too long is denied and reports the wait",
        )?;
        let next = self.store.acquire_permit(&source, &source, limit, LONG * 10).await?;
        rule(matches!(next, Permit::Granted(wait) if near(wait, 2.5)), "a denied permit reserves nothing")?;
        self.store.block(&source, &source, Block::CoolDown(LONG * 5)).await?;
        let checked = self.store.acquire_permit(&source, &source, None, Duration::ZERO).await?;
        rule(matches!(checked, Permit::Denied(Block::CoolDown(_))), "a check reports a cool-down")?;
        let after = self.store.acquire_permit(&source, &source, limit, LONG * 10).await?;
        rule(
            matches!(after, Permit::Granted(wait) if near(wait, 5.0)),
            "a permit during a cool-down waits until it ends",
        )
    }

    async fn a_refusal_concerns_the_same_credentials_alone(&self) -> Result<(), Violation> {
        let key = key("refused");
        let [wrong, right] = ["wrong", "right"].map(|secret| Fingerprint::of([secret]));
        let source = &key.source;
        let permit = async |credentials| self.store.acquire_permit(source, credentials, None, LONG).await;
        if permit(&wrong).await? == Permit::Unlimited {
            return Ok(());
        }
        self.store.block(source, &wrong, Block::Refused(LONG)).await?;
        rule(
            matches!(permit(&wrong).await?, Permit::Denied(Block::Refused(_))),
            "rejected credentials are blocked in every process",
        )?;
        rule(permit(&right).await? == Permit::Granted(Duration::ZERO), "other credentials are not blocked")?;
        let claim = self.store.claim(&key, &wrong, &[], LONG, None, LONG).await?;
        rule(
            matches!(claim, Claim::Blocked(Block::Refused(_))),
            "a claim with rejected credentials is blocked",
        )?;
        let claim = self.store.claim(&key, &right, &[], LONG, None, LONG).await?;
        rule(matches!(claim, Claim::Leased { .. }), "a claim with other credentials is not blocked")
    }

    async fn keys_are_apart(&self) -> Result<(), Violation> {
        let (one, two) = (key("one"), key("two"));
        let other_source = StoreKey::new(two.source, one.scopes.clone());
        let lease = self.leased(&one, LONG).await?;
        self.store.put(&one, &token("f", LONG), &lease).await?;
        rule(self.stored(&two).await?.is_none(), "tokens of different keys are separate")?;
        rule(self.stored(&other_source).await?.is_none(), "tokens of different sources are separate")?;
        self.leased(&two, LONG).await.map(drop)
    }

    async fn those_who_wait_are_woken(&self) -> Result<(), Violation> {
        let key = key("wake");
        let before = Instant::now();
        timeout(LONG, self.store.changed(&key, SHORT))
            .await
            .map_err(|_| Violation("broken: a wait ends".to_owned()))??;
        rule(before.elapsed() < LONG / 2, "a wait ends within its timeout")?;
        let lease = self.leased(&key, LONG).await?;
        let (store, waited) = (self.store.clone(), key.clone());
        let waiter = tokio::spawn(async move { store.changed(&waited, LONG).await });
        sleep(SHORT).await;
        self.store.put(&key, &token("g", LONG), &lease).await?;
        let woken = timeout(LONG / 2, waiter).await;
        rule(woken.is_ok(), "storing a token wakes the waiting callers")
    }
}
