//! Keeps a delivery in progress while its handler runs.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    task::AbortHandle,
    time::{self, Instant},
};

use super::{
    id::DeliveryId,
    shared::Shared,
    store::{ClaimId, DeliveryStoreError},
};
use crate::{webhook::observer::WebhookEvent, work::Running};

/// An attempt to handle a delivery. Call [`Self::complete`] when the event has been handled.
///
/// If the guard is dropped before `complete` is called, the delivery is abandoned. The vendor's
/// next retry is then handled. For example, the guard is dropped if the handler panics.
///
/// While the guard exists, the lease of the delivery is renewed, but not for longer than
/// [`Deliveries::with_max_handling_time`](super::Deliveries::with_max_handling_time).
#[must_use = "a delivery whose guard is dropped is abandoned"]
pub struct DeliveryGuard {
    undecided: Option<Arc<Shared>>,
    record: Option<Record>,
    renewal: Option<AbortHandle>,
    /// A shutdown waits until this value is dropped. The task that writes the result to the store
    /// owns this value, so that the shutdown also waits for the write.
    running: Option<Running>,
}

#[derive(Clone)]
pub(super) struct Record {
    pub(super) shared: Arc<Shared>,
    pub(super) id: DeliveryId,
    pub(super) claim: ClaimId,
    pub(super) keep: Duration,
}

impl DeliveryGuard {
    pub(super) fn new(record: Record, running: Running) -> Self {
        let runtime = Handle::try_current().ok();
        let renewal = runtime.map(|runtime| runtime.spawn(renew(record.clone())).abort_handle());
        let undecided = Some(record.shared.clone());
        Self { undecided, record: Some(record), renewal, running: Some(running) }
    }

    pub(super) fn without_record(shared: Arc<Shared>, running: Running) -> Self {
        Self { undecided: Some(shared), record: None, renewal: None, running: Some(running) }
    }

    /// Marks the delivery as done, so that later retries count as duplicates.
    ///
    /// # Errors
    ///
    /// Returns [`DeliveryStoreError`] if the store fails. Respond with 2xx even then, because the
    /// event has been handled. If the vendor retries the delivery, the event may be handled again.
    ///
    /// # Cancellation
    ///
    /// This method is cancel safe. On a tokio runtime, the call to the store continues in its own
    /// task.
    pub async fn complete(mut self) -> Result<(), DeliveryStoreError> {
        self.stop_renewal();
        let shared = self.undecided.take();
        let Some(record) = self.record.take() else {
            shared.inspect(|shared| shared.observe(&WebhookEvent::Completed {}));
            return Ok(());
        };
        let task = Handle::try_current().map(|runtime| {
            let (record, running) = (record.clone(), self.running.take());
            runtime.spawn(async move {
                let _running = running;
                record.complete().await
            })
        });
        match task {
            Ok(task) => task.await.unwrap_or_else(|error| Err(DeliveryStoreError::new(error))),
            Err(_) => record.complete().await,
        }
    }

    /// Abandons the delivery, so that the vendor's next retry is handled. Dropping the guard also
    /// abandons the delivery, but does not wait for the store.
    ///
    /// # Errors
    ///
    /// Returns [`DeliveryStoreError`] if the store fails. The delivery then stays in progress until
    /// its lease expires.
    pub async fn abandon(mut self) -> Result<(), DeliveryStoreError> {
        self.end_undecided();
        match self.record.take() {
            Some(record) => record.abandon().await,
            None => Ok(()),
        }
    }

    fn end_undecided(&mut self) {
        self.stop_renewal();
        if let Some(shared) = self.undecided.take() {
            shared.abandoned();
        }
    }

    fn stop_renewal(&mut self) {
        if let Some(renewal) = self.renewal.take() {
            renewal.abort();
        }
    }
}

impl Record {
    async fn complete(&self) -> Result<(), DeliveryStoreError> {
        let result = self.shared.within_timeout(self.shared.store.complete(&self.id, self.keep)).await;
        match &result {
            Ok(()) => self.shared.observe(&WebhookEvent::Completed {}),
            Err(error) => self.shared.complete_failed(&self.id, error),
        }
        result
    }

    async fn abandon(&self) -> Result<(), DeliveryStoreError> {
        self.shared.within_timeout(self.shared.store.abandon(&self.id, self.claim)).await
    }
}

impl Drop for DeliveryGuard {
    fn drop(&mut self) {
        self.end_undecided();
        if let (Some(record), Ok(runtime)) = (self.record.take(), Handle::try_current()) {
            let running = self.running.take();
            runtime.spawn(async move {
                let _running = running;
                // If this call fails, the delivery stays in progress until its lease expires.
                let _ = record.abandon().await;
            });
        }
    }
}

impl fmt::Debug for DeliveryGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.record.as_ref().map(|record| record.id);
        f.debug_struct("DeliveryGuard").field("id", &id).finish_non_exhaustive()
    }
}

async fn renew(record: Record) {
    let shared = &record.shared;
    let deadline = time::sleep(shared.max_handling_time);
    tokio::pin!(deadline);
    let mut next = Instant::now();
    loop {
        next += shared.lease / 3;
        tokio::select! {
            () = time::sleep_until(next) => {}
            () = &mut deadline => {
                tracing::warn!(fintech_auth.delivery = %record.id, "webhook handler runs too long: lease no longer renewed");
                return;
            }
        }
        match shared.within_timeout(shared.store.renew(&record.id, record.claim, shared.lease)).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(fintech_auth.delivery = %record.id, "webhook delivery lease lost while handling");
                return;
            }
            Err(error) => {
                tracing::debug!(fintech_auth.delivery = %record.id, %error, "webhook delivery lease not renewed")
            }
        }
    }
}
