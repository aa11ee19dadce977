//! The events that are passed to an observer of webhooks, for metrics.

use super::VerifyError;
use crate::observer::Observer;

/// An event in the processing of a webhook. Contains nothing of the webhook's content.
///
/// Each webhook produces one of `Accepted`, `Duplicate`, `InProgress` and `Rejected`, or none of
/// them if its sender disconnects first. Each accepted webhook that was looked up in the delivery
/// store later produces one of `Completed`, `CompleteFailed` and `Abandoned`, when its
/// [`DeliveryGuard`](super::DeliveryGuard) is dropped. `StoreFailed` may occur in addition.
#[derive(Debug)]
#[non_exhaustive]
pub enum WebhookEvent<'a> {
    /// The webhook is authentic. If a delivery store is used, the webhook is also not a duplicate.
    #[non_exhaustive]
    Accepted {},
    /// The webhook is authentic, but was handled before.
    #[non_exhaustive]
    Duplicate {},
    /// The webhook is authentic, but another attempt to handle it is running.
    #[non_exhaustive]
    InProgress {},
    /// The webhook was rejected: it is invalid, or it could not be verified or looked up.
    #[non_exhaustive]
    Rejected {
        /// The reason. Its [kind](VerifyError::kind) and its [reason](VerifyError::reason) can be
        /// used as metric labels, because senders cannot create new values.
        error: &'a VerifyError,
    },
    /// The delivery store failed to look up the webhook. [`StoreFailure`](super::StoreFailure)
    /// determines whether `Rejected` or `Accepted` follows.
    #[non_exhaustive]
    StoreFailed {},
    /// The handler succeeded. The store has recorded this, unless the lookup of the webhook had
    /// failed.
    #[non_exhaustive]
    Completed {},
    /// The handler succeeded, but the delivery store failed to record this. A retry may be handled
    /// again.
    #[non_exhaustive]
    CompleteFailed {},
    /// The handler failed, panicked or was cancelled. The vendor's retry will be handled.
    #[non_exhaustive]
    Abandoned {},
}

/// The observer of deliveries, if one is set.
pub(super) type WebhookObserver = Observer<dyn Fn(&WebhookEvent<'_>) + Send + Sync>;
