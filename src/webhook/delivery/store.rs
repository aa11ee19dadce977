//! The trait of stores that remember deliveries.

use std::{error::Error, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use super::DeliveryId;

/// The future that the methods of a [`DeliveryStore`] return. The future is boxed, so that stores
/// can be trait objects.
pub type DeliveryFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, DeliveryStoreError>> + Send + 'a>>;

/// A random number that identifies one attempt to handle a delivery, across all processes.
pub type ClaimId = u128;

/// The state in which [`DeliveryStore::begin`] found a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Begin {
    /// The delivery is new, its last attempt was abandoned, or the lease of its last attempt has
    /// expired. The caller's claim now holds the delivery.
    New,
    /// Another attempt to handle the delivery is running. Contains the time until the lease of that
    /// attempt expires. The attempt may renew its lease.
    InProgress(Duration),
    /// The delivery has already been handled.
    Done,
}

/// Remembers which deliveries are in progress and which are done.
///
/// Each method must be atomic. If the store uses the same database as your handlers, one
/// transaction can record both a delivery and the effect of its handler.
pub trait DeliveryStore: fmt::Debug + Send + Sync {
    /// Starts an attempt by recording that `claim` holds the delivery for `lease`. Records nothing
    /// if the delivery is done or another claim holds the delivery.
    ///
    /// # Errors
    ///
    /// Returns [`DeliveryStoreError`] if the store fails or is full. A store that has dropped
    /// completed deliveries to make room must also return this error for an unknown delivery,
    /// because the unknown delivery may be a retry of a dropped delivery. The only exception is an
    /// unknown delivery that was signed ([`DeliveryId::signed_at`]) after all dropped deliveries.
    fn begin<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId, lease: Duration) -> DeliveryFuture<'a, Begin>;

    /// Renews the lease that `claim` holds, so that the lease expires `lease` from now.
    /// Returns `false` if `claim` no longer holds the delivery.
    fn renew<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId, lease: Duration) -> DeliveryFuture<'a, bool>;

    /// Marks the delivery as done for at least `keep`. This method must also succeed after the
    /// lease of the attempt has expired, because the delivery has been handled.
    fn complete<'a>(&'a self, id: &'a DeliveryId, keep: Duration) -> DeliveryFuture<'a, ()>;

    /// Ends the attempt that `claim` identifies, so that the next retry counts as a new delivery.
    /// Does nothing if `claim` no longer holds the delivery.
    fn abandon<'a>(&'a self, id: &'a DeliveryId, claim: ClaimId) -> DeliveryFuture<'a, ()>;
}

/// The error of a delivery store. If [`DeliveryGuard::complete`](super::DeliveryGuard::complete)
/// returns this error, respond with 2xx, because the event has been handled. If any other method
/// returns this error, respond with 503, so that the vendor sends the webhook again.
///
/// # Security
///
/// The cause must not contain a secret, because the cause is logged.
#[derive(Clone, Debug)]
pub struct DeliveryStoreError(Arc<dyn Error + Send + Sync>);

impl DeliveryStoreError {
    /// Creates an error with its cause.
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
