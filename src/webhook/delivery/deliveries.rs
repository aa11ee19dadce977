//! Starts deliveries, and holds the options that apply to all of them.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time;

use super::{
    guard::{DeliveryGuard, Record},
    id::DeliveryId,
    memory::MemoryDeliveries,
    shared::{Shared, StoreFailure},
    store::{Begin, ClaimId, DeliveryStore, DeliveryStoreError},
};
use crate::{
    Error, ErrorKind,
    clock::FOREVER,
    webhook::{
        Reason, VerifyError,
        observer::{WebhookEvent, WebhookObserver},
    },
    work::WorkTracker,
};
use ring::rand::{SecureRandom as _, SystemRandom};

/// The `Retry-After` for a webhook that is rejected because the store failed.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Deduplicates the deliveries of webhooks. Cloning is cheap, and clones share the store.
#[derive(Clone, Debug)]
pub struct Deliveries(Arc<Shared>);

/// The result of starting a delivery. No variant will be added, because callers must handle each of
/// them.
#[derive(Debug)]
pub enum Begun {
    /// The delivery is new: handle it, then complete the guard.
    New(DeliveryGuard),
    /// Another attempt is running. Its lease expires after this time, unless the lease is renewed.
    /// Respond with 503 and `Retry-After`.
    InProgress(Duration),
    /// The delivery was handled before. Respond with 200.
    Done,
}

impl Deliveries {
    /// Deduplicates deliveries with this store.
    pub fn new(store: impl DeliveryStore + 'static) -> Self {
        Self(Arc::new(Shared {
            store: Arc::new(store),
            lease: Duration::from_secs(60),
            max_handling_time: Duration::from_secs(15 * 60),
            store_timeout: Duration::from_secs(2),
            on_failure: StoreFailure::default(),
            counters: Arc::default(),
            observer: WebhookObserver::default(),
            work: WorkTracker::new(),
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Sets the duration of a lease. If a process dies, its deliveries stay in progress for this
    /// time. While a handler runs, the lease is renewed. Default: 60 s; minimum: 1 s; maximum: 1 h.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        self.with(|shared| shared.lease = lease.clamp(Duration::from_secs(1), Duration::from_secs(3600)))
    }

    /// Sets how long the lease is renewed while a handler runs. If a handler runs longer than this
    /// time plus one lease, the delivery may be handled again. Default: 15 min; maximum: 1 day.
    #[must_use]
    pub fn with_max_handling_time(self, time: Duration) -> Self {
        self.with(|shared| shared.max_handling_time = time.min(Duration::from_secs(86_400)))
    }

    /// Sets the timeout of one call to the store. Default: 2 s; maximum: 1 min.
    #[must_use]
    pub fn with_store_timeout(self, timeout: Duration) -> Self {
        self.with(|shared| shared.store_timeout = timeout.min(Duration::from_secs(60)))
    }

    /// Sets what happens to a delivery if the store fails. Default: [`StoreFailure::Refuse`].
    #[must_use]
    pub fn with_store_failure(self, action: StoreFailure) -> Self {
        self.with(|shared| shared.on_failure = action)
    }

    /// Sets a function that is called with every [`WebhookEvent`], for metrics. Default: none.
    ///
    /// The function is called in the task that handles the webhook, so it must return quickly.
    /// Panics are caught and logged. Both vendors' verifiers also report rejected webhooks to the
    /// function. A second call of this method replaces the function.
    ///
    /// Events do not name the vendor. If your function needs the vendor, give each verifier its own
    /// `Deliveries`.
    ///
    /// ```
    /// use fintech_auth::webhook::{Deliveries, WebhookEvent};
    ///
    /// let deliveries = Deliveries::default().with_observer(|event| match event {
    ///     WebhookEvent::Accepted { .. } => println!("webhooks_accepted_total += 1"),
    ///     WebhookEvent::Rejected { error, .. } => {
    ///         println!("webhooks_rejected_total{{reason={:?}}} += 1", error.reason());
    ///     }
    ///     _ => {}
    /// });
    /// ```
    #[must_use]
    pub fn with_observer(self, observer: impl Fn(&WebhookEvent<'_>) + Send + Sync + 'static) -> Self {
        self.with(|shared| shared.observer = WebhookObserver::new(Arc::new(observer)))
    }

    /// Reports the result of a verification to the observer. Used for webhooks that are not looked
    /// up in the store.
    pub(crate) fn observe_verified<T>(&self, result: Result<T, VerifyError>) -> Result<T, VerifyError> {
        if result.is_ok() {
            self.0.observe(&WebhookEvent::Accepted {});
        }
        self.observe_rejected(result)
    }

    /// Reports a webhook to the observer only if it was rejected. A verified webhook is reported
    /// after the lookup in the store.
    pub(crate) fn observe_rejected<T>(&self, result: Result<T, VerifyError>) -> Result<T, VerifyError> {
        result.inspect_err(|error| self.0.observe(&WebhookEvent::Rejected { error }))
    }

    /// Starts to handle a delivery, unless it is done or in progress.
    ///
    /// `keep` is the minimum time to remember the delivery after its completion. As long as the
    /// verifier accepts a timestamp of the delivery or of its retries, the delivery must be
    /// remembered.
    ///
    /// The verifiers' `receive` methods call `begin` after the verification.
    ///
    /// # Errors
    ///
    /// Returns
    /// [`DeliveryStoreUnavailable`](crate::webhook::VerifyErrorKind::DeliveryStoreUnavailable)
    /// (503) if the store fails, and after [`Deliveries::shutdown`] was called.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the delivery may stay in progress until its lease expires. The
    /// event is not lost: a later retry of the vendor is handled.
    pub async fn begin(&self, id: DeliveryId, keep: Duration) -> Result<Begun, VerifyError> {
        let begun = self.look_up(id, keep).await;
        if let Ok(begun) = &begun {
            self.0.observe(match begun {
                Begun::New(_) => &WebhookEvent::Accepted {},
                Begun::InProgress(_) => &WebhookEvent::InProgress {},
                Begun::Done => &WebhookEvent::Duplicate {},
            });
        }
        self.observe_rejected(begun)
    }

    async fn look_up(&self, id: DeliveryId, keep: Duration) -> Result<Begun, VerifyError> {
        let shared = &self.0;
        let unavailable = |error| {
            VerifyError::from(Reason::DeliveryStoreUnavailable)
                .with_retry_after(RETRY_AFTER)
                .with_source(error)
        };
        let Some(running) = shared.work.begin() else {
            return Err(unavailable(DeliveryStoreError::new("the deliveries were shut down")));
        };
        let begin = async {
            let claim = random_claim()?;
            let begun = shared.within_timeout(shared.store.begin(&id, claim, shared.lease)).await?;
            Ok::<_, DeliveryStoreError>((begun, claim))
        };
        match begin.await {
            Ok((Begin::New, claim)) => {
                let record = Record { shared: shared.clone(), id, claim, keep };
                Ok(Begun::New(DeliveryGuard::new(record, running)))
            }
            Ok((Begin::InProgress(left), _)) => Ok(Begun::InProgress(left)),
            Ok((Begin::Done, _)) => Ok(Begun::Done),
            Err(error) => {
                shared.counters.store_failures.fetch_add(1, Ordering::Relaxed);
                shared.observe(&WebhookEvent::StoreFailed {});
                match shared.on_failure {
                    StoreFailure::HandleWithoutRecord => {
                        tracing::warn!(
                            fintech_auth.delivery = %id,
                            %error,
                            "delivery store failed: webhook handled without a record"
                        );
                        Ok(Begun::New(DeliveryGuard::without_record(shared.clone(), running)))
                    }
                    StoreFailure::Refuse => Err(unavailable(error)),
                }
            }
        }
    }

    /// Waits until the running handlers have ended and the store has recorded their outcomes. Waits
    /// at most `within`. Call this before the process ends.
    ///
    /// From this call on, every new delivery is rejected with 503 and `Retry-After`, so that the
    /// vendor sends it to another process. Running deliveries continue until their handlers
    /// complete or abandon them, and the store records the outcome.
    /// [`Deliveries::complete_failures`] counts the outcomes that the store failed to record.
    ///
    /// Stop accepting requests in your server first. `axum::WebhookLayer` runs handlers in separate
    /// tasks, and a server does not wait for such a task if the client has disconnected.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) with the number of running
    /// handlers if handlers are still running after `within`. The handlers are not cancelled. If
    /// the process ends before them, their leases expire, and the vendor's retries are handled.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, new deliveries are still rejected. To wait again, call this method
    /// again.
    pub async fn shutdown(&self, within: Duration) -> Result<(), Error> {
        let work = &self.0.work;
        work.close();
        time::timeout(within.min(FOREVER), work.closed_and_idle()).await.map_err(|_| {
            let reason = format!("shutdown timed out: {} webhooks are still being handled", work.running());
            Error::new(ErrorKind::Timeout, reason)
        })
    }

    /// Returns how many deliveries could not be started because the store failed.
    pub fn store_failures(&self) -> u64 {
        self.0.counters.store_failures.load(Ordering::Relaxed)
    }

    /// Returns how many handled deliveries could not be marked as done.
    pub fn complete_failures(&self) -> u64 {
        self.0.counters.complete_failures.load(Ordering::Relaxed)
    }

    /// Returns how many attempts were abandoned.
    pub fn abandoned(&self) -> u64 {
        self.0.counters.abandoned.load(Ordering::Relaxed)
    }
}

impl Default for Deliveries {
    /// Remembers deliveries in this process: [`MemoryDeliveries::default`].
    fn default() -> Self {
        Self::new(MemoryDeliveries::default())
    }
}

fn random_claim() -> Result<ClaimId, DeliveryStoreError> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| DeliveryStoreError::new("cannot read random bytes from the system"))?;
    Ok(ClaimId::from_be_bytes(bytes))
}
