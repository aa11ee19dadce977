//! Tells the metrics of a service what becomes of its webhooks.

use super::VerifyError;
use crate::observer::Observer;

/// What happened to a webhook. Shows nothing of its content.
///
/// Each webhook leads to one of `Accepted`, `Duplicate`, `InProgress` and `Rejected`, or to none if its sender
/// disconnects first. Each accepted one that was looked up in the delivery store leads to one of `Completed`,
/// `CompleteFailed` and `Abandoned` once its [`DeliveryGuard`](super::DeliveryGuard) is gone. `StoreFailed` comes in
/// addition.
#[derive(Debug)]
#[non_exhaustive]
pub enum WebhookEvent<'a> {
    /// It is authentic, and new if it was looked up in the delivery store.
    #[non_exhaustive]
    Accepted {},
    /// It is authentic and was handled before.
    #[non_exhaustive]
    Duplicate {},
    /// It is authentic, and another attempt to handle it is running.
    #[non_exhaustive]
    InProgress {},
    /// It was refused, because of what it is or because it could not be verified or looked up.
    #[non_exhaustive]
    Rejected {
        /// Why. Its [kind](VerifyError::kind) and its [reason](VerifyError::reason) are fit for labels: strangers
        /// cannot add values.
        error: &'a VerifyError,
    },
    /// The delivery store failed to look it up. [`StoreFailure`](super::StoreFailure) decides whether `Rejected` or
    /// `Accepted` follows.
    #[non_exhaustive]
    StoreFailed {},
    /// Its handler succeeded. The delivery store knows, unless it had failed to look it up.
    #[non_exhaustive]
    Completed {},
    /// Its handler succeeded, but the delivery store could not be told: a retry may be handled again.
    #[non_exhaustive]
    CompleteFailed {},
    /// Its handler failed, panicked or was cancelled: the vendor's retry is handled.
    #[non_exhaustive]
    Abandoned {},
}

/// The observer of deliveries, if they have one.
pub(super) type WebhookObserver = Observer<dyn Fn(&WebhookEvent<'_>) + Send + Sync>;
