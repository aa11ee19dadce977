//! Checks that your own delivery store fulfils the contract of [`DeliveryStore`].
//!
//! Each run of the checks uses new delivery ids, and takes about 2 s.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{task::JoinSet, time::sleep};

use super::store_contract::{Violation, rule};
use crate::webhook::{Begin, DeliveryId, DeliveryStore, DeliveryStoreError};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(30);

impl From<DeliveryStoreError> for Violation {
    fn from(error: DeliveryStoreError) -> Self {
        Self::failed(&error)
    }
}

/// Checks that a store fulfils the whole contract of [`DeliveryStore`].
///
/// # Errors
///
/// Returns the first rule that the store violates.
pub async fn check(store: Arc<dyn DeliveryStore>) -> Result<(), Violation> {
    an_attempt_has_one_claim(&*store).await?;
    of_many_attempts_at_once_one_is_new(&store).await?;
    a_completed_delivery_is_done_until_it_is_forgotten(&*store).await?;
    an_abandoned_delivery_is_new(&*store).await?;
    a_lease_that_ran_out_is_given_up(&*store).await?;
    an_attempt_whose_lease_ran_out_can_complete(&*store).await
}

fn id(name: &str) -> DeliveryId {
    let now = SystemTime::now();
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    DeliveryId::new([name.as_bytes(), &since.as_nanos().to_be_bytes()], now)
}

fn is_in_progress(begin: Begin, lease: Duration) -> bool {
    matches!(begin, Begin::InProgress(left) if left <= lease)
}

async fn an_attempt_has_one_claim(store: &dyn DeliveryStore) -> Result<(), Violation> {
    let (id, other) = (id("claim"), id("other"));
    rule(store.begin(&id, 1, LONG).await? == Begin::New, "an unknown delivery is new")?;
    rule(is_in_progress(store.begin(&id, 2, LONG).await?, LONG), "a delivery in progress cannot be claimed")?;
    rule(store.begin(&other, 2, LONG).await? == Begin::New, "deliveries do not affect each other")?;
    rule(!store.renew(&id, 2, LONG).await?, "only the claim that holds the lease can renew it")?;
    store.abandon(&id, 2).await?;
    rule(
        is_in_progress(store.begin(&id, 3, LONG).await?, LONG),
        "only the claim that began an attempt can abandon it",
    )?;
    rule(store.renew(&id, 1, LONG).await?, "a claim can renew its own lease")
}

async fn of_many_attempts_at_once_one_is_new(store: &Arc<dyn DeliveryStore>) -> Result<(), Violation> {
    let id = id("many");
    let mut attempts = JoinSet::new();
    for claim in 1..=20 {
        let store = store.clone();
        attempts.spawn(async move { store.begin(&id, claim, LONG).await });
    }
    let mut new = 0;
    for begin in attempts.join_all().await {
        new += usize::from(begin? == Begin::New);
    }
    rule(new == 1, "of many concurrent attempts, exactly one is new")
}

async fn a_completed_delivery_is_done_until_it_is_forgotten(
    store: &dyn DeliveryStore,
) -> Result<(), Violation> {
    let id = id("complete");
    store.begin(&id, 1, LONG).await?;
    store.complete(&id, LONG).await?;
    rule(store.begin(&id, 2, LONG).await? == Begin::Done, "a completed delivery is done")?;
    rule(!store.renew(&id, 1, LONG).await?, "a completed attempt has no lease")?;
    store.abandon(&id, 1).await?;
    rule(store.begin(&id, 2, LONG).await? == Begin::Done, "a completed delivery cannot be abandoned")
}

async fn an_abandoned_delivery_is_new(store: &dyn DeliveryStore) -> Result<(), Violation> {
    let id = id("abandon");
    store.begin(&id, 1, LONG).await?;
    store.abandon(&id, 1).await?;
    rule(store.begin(&id, 2, LONG).await? == Begin::New, "an abandoned delivery is new again")?;
    rule(!store.renew(&id, 1, LONG).await?, "an abandoned attempt has no lease")
}

async fn a_lease_that_ran_out_is_given_up(store: &dyn DeliveryStore) -> Result<(), Violation> {
    let id = id("lease");
    store.begin(&id, 1, SHORT).await?;
    rule(store.renew(&id, 1, SHORT * 3).await?, "a claim can renew its own lease")?;
    sleep(SHORT * 2).await;
    rule(
        is_in_progress(store.begin(&id, 2, LONG).await?, LONG),
        "a renewed lease lasts for the new duration",
    )?;
    sleep(SHORT * 2).await;
    rule(store.begin(&id, 2, LONG).await? == Begin::New, "a delivery is new again after its lease expired")?;
    rule(!store.renew(&id, 1, LONG).await?, "an old claim cannot renew the lease of a newer claim")
}

async fn an_attempt_whose_lease_ran_out_can_complete(store: &dyn DeliveryStore) -> Result<(), Violation> {
    let id = id("late");
    store.begin(&id, 1, SHORT).await?;
    sleep(SHORT * 2).await;
    store.complete(&id, LONG).await?;
    rule(store.begin(&id, 2, LONG).await? == Begin::Done, "a completion after the lease expired is recorded")
}
