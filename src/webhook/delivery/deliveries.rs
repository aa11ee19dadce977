//! Defines `Deliveries`, which the verifiers use to start handling deliveries.

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

const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Deduplicates the deliveries of webhooks. A `Deliveries` is cheap to clone, and all clones share
/// the store.
#[derive(Clone, Debug)]
pub struct Deliveries(Arc<Shared>);

/// The result of [`Deliveries::begin`]. No variant will be added, because callers must handle every
/// variant.
#[derive(Debug)]
pub enum Begun {
    /// The delivery is new: handle it, then call [`DeliveryGuard::complete`].
    New(DeliveryGuard),
    /// Another attempt to handle the delivery is running. Contains the time until the lease of that
    /// attempt expires. The attempt may renew its lease. Respond with 503 and `Retry-After`.
    InProgress(Duration),
    /// The delivery has already been handled. Respond with 200.
    Done,
}

impl Deliveries {
    /// Creates a `Deliveries` that remembers deliveries in this store.
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

    /// Sets the duration of a lease. If a process dies, its deliveries stay in progress until their
    /// leases expire. While a handler runs, the lease is renewed. Default: 60 s; minimum: 1 s;
    /// maximum: 1 h.
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
    /// The function is called in the task that handles the webhook, so the function must return
    /// quickly. Panics are caught and logged. Both vendors' verifiers also report rejected webhooks
    /// to the function. A second call of this method replaces the function.
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

    /// If the caller then calls [`Self::begin`] for the webhook, use [`Self::observe_rejected`]
    /// instead, because `begin` itself reports an accepted webhook.
    pub(crate) fn observe_verified<T>(&self, result: Result<T, VerifyError>) -> Result<T, VerifyError> {
        if result.is_ok() {
            self.0.observe(&WebhookEvent::Accepted {});
        }
        self.observe_rejected(result)
    }

    pub(crate) fn observe_rejected<T>(&self, result: Result<T, VerifyError>) -> Result<T, VerifyError> {
        result.inspect_err(|error| self.0.observe(&WebhookEvent::Rejected { error }))
    }

    /// Starts to handle a delivery, unless the delivery is done or in progress. The verifiers'
    /// `receive` methods call this method after the verification.
    ///
    /// `keep` is the minimum time to remember the completed delivery. After this time, the verifier
    /// must reject every retry of the delivery as too old.
    ///
    /// # Errors
    ///
    /// Returns
    /// [`DeliveryStoreUnavailable`](crate::webhook::VerifyErrorKind::DeliveryStoreUnavailable)
    /// (503) if the store fails, or if [`Deliveries::shutdown`] has already been called.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the delivery may stay in progress until its lease expires. The
    /// event is not lost, because the vendor retries the delivery later.
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

    /// Waits until the running handlers have ended and the store has recorded the results. Waits
    /// for at most `within`. Call this method before the process ends.
    ///
    /// From this call on, every new delivery is rejected with 503 and `Retry-After`, so that the
    /// vendor sends the delivery again to a running process. Handlers that are already running
    /// continue until they complete or abandon their deliveries. [`Deliveries::complete_failures`]
    /// counts the completed deliveries that the store failed to mark as done.
    ///
    /// Before this call, stop accepting requests in your server. A graceful shutdown of the server
    /// does not wait for all handlers, because `axum::WebhookLayer` runs each handler in a separate
    /// task, which continues if the client disconnects.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) with the number of running
    /// handlers if handlers are still running after `within`. The handlers are not cancelled. If
    /// the process ends before the handlers, the leases of their deliveries expire. Another process
    /// can then handle the vendor's retries.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, new deliveries are still rejected. To continue waiting, call this
    /// method again.
    pub async fn shutdown(&self, within: Duration) -> Result<(), Error> {
        let work = &self.0.work;
        work.close();
        time::timeout(within.min(FOREVER), work.closed_and_idle()).await.map_err(|_| {
            let reason = format!("shutdown timed out: {} webhooks are still being handled", work.running());
            Error::new(ErrorKind::Timeout, reason)
        })
    }

    /// Returns how many times the store failed to look up a delivery.
    pub fn store_failures(&self) -> u64 {
        self.0.counters.store_failures.load(Ordering::Relaxed)
    }

    /// Returns how many handled deliveries the store failed to mark as done.
    pub fn complete_failures(&self) -> u64 {
        self.0.counters.complete_failures.load(Ordering::Relaxed)
    }

    /// Returns how many attempts to handle a delivery were abandoned.
    pub fn abandoned(&self) -> u64 {
        self.0.counters.abandoned.load(Ordering::Relaxed)
    }
}

impl Default for Deliveries {
    /// Remembers deliveries in the memory of this process ([`MemoryDeliveries::default`]).
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
