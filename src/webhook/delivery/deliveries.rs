//! Starts deliveries, with the options that hold for all of them.

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

/// When to try again after the store failed.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Deduplicates webhooks. Cheap to clone; clones share the store.
#[derive(Clone, Debug)]
pub struct Deliveries(Arc<Shared>);

/// Whether a delivery is to be handled. A caller must treat each outcome, so no other will be added.
#[derive(Debug)]
pub enum Begun {
    /// Handle it, then complete the guard.
    New(DeliveryGuard),
    /// Another attempt is running. Respond with 503 and `Retry-After`: this is when its lease ends.
    InProgress(Duration),
    /// It was handled. Respond with 200.
    Done,
}

impl Deliveries {
    /// Deduplicates with this store.
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

    /// How long a delivery stays in progress after its process died. It is renewed while the handler
    /// runs. Default: 60 s; at least 1 s.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        self.with(|shared| shared.lease = lease.clamp(Duration::from_secs(1), Duration::from_secs(3600)))
    }

    /// How long the lease is renewed for one handler. A handler that runs for longer than this and one lease
    /// may see its delivery handled again. Default: 15 min; at most a day.
    #[must_use]
    pub fn with_max_handling_time(self, time: Duration) -> Self {
        self.with(|shared| shared.max_handling_time = time.min(Duration::from_secs(86_400)))
    }

    /// How long one call to the store may take. Default: 2 s; at most a minute.
    #[must_use]
    pub fn with_store_timeout(self, timeout: Duration) -> Self {
        self.with(|shared| shared.store_timeout = timeout.min(Duration::from_secs(60)))
    }

    /// What happens to a delivery when the store fails. Default: [`StoreFailure::Refuse`].
    #[must_use]
    pub fn with_store_failure(self, action: StoreFailure) -> Self {
        self.with(|shared| shared.on_failure = action)
    }

    /// Calls this with everything that happens to a webhook, for metrics: in the task that handles the webhook, so it
    /// must return at once. A panic is caught and logged. Both vendors' verifiers report here what they refuse. A second
    /// call replaces the first one's function. Default: none.
    ///
    /// An event does not name the vendor: give each verifier deliveries of its own, and the function knows.
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

    /// Reports a webhook that was verified and is not looked up.
    pub(crate) fn observe_verified<T>(&self, result: Result<T, VerifyError>) -> Result<T, VerifyError> {
        if result.is_ok() {
            self.0.observe(&WebhookEvent::Accepted {});
        }
        self.observe_rejected(result)
    }

    /// Reports a webhook that was refused. One that was not is looked up next.
    pub(crate) fn observe_rejected<T>(&self, result: Result<T, VerifyError>) -> Result<T, VerifyError> {
        result.inspect_err(|error| self.0.observe(&WebhookEvent::Rejected { error }))
    }

    /// Starts to handle a delivery, unless it is done or in progress. Once it is completed it is remembered
    /// for at least `keep`: for as long as the verifier accepts its timestamp, and that of each retry.
    ///
    /// The verifiers' `receive` does this after the verification.
    ///
    /// # Errors
    ///
    /// [`DeliveryStoreUnavailable`](crate::webhook::VerifyErrorKind::DeliveryStoreUnavailable) (503) when the store
    /// fails, and after [`Deliveries::shutdown`].
    ///
    /// # Cancellation
    ///
    /// The delivery may stay in progress until its lease ends. Nothing is lost.
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

    /// Waits for the handlers that are running and for their records, for the end of a process. It takes no longer
    /// than `within`.
    ///
    /// From now on every delivery is refused with 503 and `Retry-After`, so that the vendor sends it to another
    /// process. A delivery whose guard is alive goes on: its handler completes or abandons it, and the store is told.
    /// [`Deliveries::complete_failures`] counts those that the store did not take.
    ///
    /// Call this after your server has stopped accepting requests: `axum::WebhookLayer` runs handlers in tasks of their
    /// own, which a server does not wait for once their client has gone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) with how many are still running when the time is over. They
    /// are not cancelled. If the process ends before they do, their leases end by themselves, and the vendor's retries
    /// are handled.
    ///
    /// # Cancellation
    ///
    /// Deliveries are still refused. Call it again to wait for those that are running.
    pub async fn shutdown(&self, within: Duration) -> Result<(), Error> {
        let work = &self.0.work;
        work.close();
        time::timeout(within.min(FOREVER), work.closed_and_idle()).await.map_err(|_| {
            let reason = format!("shutdown timed out: {} webhooks are still handled", work.running());
            Error::new(ErrorKind::Timeout, reason)
        })
    }

    /// How many calls to start a delivery failed because of the store.
    pub fn store_failures(&self) -> u64 {
        self.0.counters.store_failures.load(Ordering::Relaxed)
    }

    /// How many handled deliveries could not be marked as done.
    pub fn complete_failures(&self) -> u64 {
        self.0.counters.complete_failures.load(Ordering::Relaxed)
    }

    /// How many attempts were abandoned.
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
        .map_err(|_| DeliveryStoreError::new("the system provides no randomness"))?;
    Ok(ClaimId::from_be_bytes(bytes))
}
