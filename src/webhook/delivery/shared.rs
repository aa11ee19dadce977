//! The state that all deliveries of a verifier share: the store, the options and the counters.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time;

use super::{
    id::DeliveryId,
    store::{DeliveryFuture, DeliveryStore, DeliveryStoreError},
};
use crate::{
    webhook::observer::{WebhookEvent, WebhookObserver},
    work::WorkTracker,
};

#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) store: Arc<dyn DeliveryStore>,
    pub(super) lease: Duration,
    pub(super) max_handling_time: Duration,
    pub(super) store_timeout: Duration,
    pub(super) on_failure: StoreFailure,
    pub(super) counters: Arc<Counters>,
    pub(super) observer: WebhookObserver,
    pub(super) work: WorkTracker,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) store_failures: AtomicU64,
    pub(super) complete_failures: AtomicU64,
    pub(super) abandoned: AtomicU64,
}

/// Determines what happens to a delivery if the store fails.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum StoreFailure {
    /// Reject the delivery with 503, so that the vendor sends the delivery again. No event is lost,
    /// and every delivery is looked up in the store before its event is handled.
    #[default]
    Refuse,
    /// Handle the delivery without a record in the store. Use this only if your handlers are
    /// idempotent, because a retry of the delivery is handled like a new delivery.
    HandleWithoutRecord,
}

impl Shared {
    pub(super) async fn within_timeout<T>(
        &self,
        call: DeliveryFuture<'_, T>,
    ) -> Result<T, DeliveryStoreError> {
        time::timeout(self.store_timeout, call)
            .await
            .unwrap_or_else(|_| Err(DeliveryStoreError::new("timed out")))
    }

    pub(super) fn observe(&self, event: &WebhookEvent<'_>) {
        self.observer.call(|observe| observe(event));
    }

    pub(super) fn complete_failed(&self, id: &DeliveryId, error: &DeliveryStoreError) {
        self.counters.complete_failures.fetch_add(1, Ordering::Relaxed);
        self.observe(&WebhookEvent::CompleteFailed {});
        tracing::warn!(fintech_auth.delivery = %id, %error, "webhook handled but not marked as done: a retry may repeat it");
    }

    pub(super) fn abandoned(&self) {
        self.counters.abandoned.fetch_add(1, Ordering::Relaxed);
        self.observe(&WebhookEvent::Abandoned {});
    }
}
