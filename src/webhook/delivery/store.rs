//! The contract of a store that remembers deliveries.

use std::{error::Error, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use super::DeliveryId;

/// What the methods of a [`DeliveryStore`] return: boxed, so that any store can be used as `dyn`.
pub type DeliveryFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, DeliveryStoreError>> + Send + 'a>>;

/// Identifies one attempt to handle a delivery, across all processes. Random.
pub type ClaimId = u128;

/// The state in which [`DeliveryStore::begin`] found a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Begin {
    /// The delivery is new, or its last attempt was abandoned or timed out. The caller has it now.
    New,
    /// Another attempt is running. Its lease ends after this time, unless it is renewed.
    InProgress(Duration),
    /// The delivery was handled.
    Done,
}

/// Remembers which deliveries are in progress and which are done.
///
/// Each method acts in one atomic step. Implement it on the database that your handlers write to, and
/// a delivery and its effect can be recorded together.
pub trait DeliveryStore: fmt::Debug + Send + Sync {
    /// Starts an attempt: records that `claim` has the delivery for `lease`, unless it is done or another
    /// claim's lease is running.
    ///
    /// # Errors
    ///
    /// [`DeliveryStoreError`] when the store fails, is full, or has dropped records as new as this
    /// delivery and so cannot tell whether it was handled.
    fn begin<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId, lease: Duration) -> DeliveryFuture<'a, Begin>;

    /// Extends the lease of `claim` to `lease` from now. Returns `false` if `claim` no longer has it.
    fn renew<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId, lease: Duration) -> DeliveryFuture<'a, bool>;

    /// Marks the delivery as done and keeps the mark for at least `keep`. This also holds if the lease
    /// of the attempt ran out: the delivery was handled.
    fn complete<'a>(&'a self, id: &'a DeliveryId, keep: Duration) -> DeliveryFuture<'a, ()>;

    /// Ends the attempt of `claim`, so that the next delivery is new. Does nothing if `claim` no longer
    /// has the delivery.
    fn abandon<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId) -> DeliveryFuture<'a, ()>;
}

/// A delivery store failed. Response 503, and the vendor sends the webhook again.
///
/// # Security
///
/// The cause must show no secret: it is logged.
#[derive(Clone, Debug)]
pub struct DeliveryStoreError(Arc<dyn Error + Send + Sync>);

impl DeliveryStoreError {
    /// An error with its cause.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }
}

impl fmt::Display for DeliveryStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the delivery store failed")
    }
}

impl Error for DeliveryStoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}
