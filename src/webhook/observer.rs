//! The events that are passed to an observer of webhooks, for metrics.

use super::VerifyError;
use crate::observer::Observer;

/// An event in the processing of a webhook. Events do not contain the content of the webhook.
///
/// Each webhook produces one of the events `Accepted`, `Duplicate`, `InProgress` and `Rejected`, or
/// no event if the sender disconnects early. If an accepted webhook has a
/// [`DeliveryGuard`](super::DeliveryGuard), completing or dropping the guard produces one of the
/// events `Completed`, `CompleteFailed` and `Abandoned`. If the delivery store fails to look up the
/// webhook, `StoreFailed` occurs in addition.
#[derive(Debug)]
#[non_exhaustive]
pub enum WebhookEvent<'a> {
    /// The webhook is authentic. If a delivery store is used, the webhook is also not a duplicate.
    #[non_exhaustive]
    Accepted {},
    /// The webhook is authentic, but was handled before.
    #[non_exhaustive]
    Duplicate {},
    /// The webhook is authentic, but another attempt to handle the webhook is running.
    #[non_exhaustive]
    InProgress {},
    /// The webhook was rejected. Either the webhook is invalid, or the verification was not
    /// possible, or the delivery store failed or rejected the webhook.
    #[non_exhaustive]
    Rejected {
        /// The error. Its [kind](VerifyError::kind) and its [reason](VerifyError::reason) can be
        /// used as metric labels, because both have a fixed set of values.
        error: &'a VerifyError,
    },
    /// The delivery store failed to look up the webhook. [`StoreFailure`](super::StoreFailure)
    /// determines whether `Rejected` or `Accepted` follows.
    #[non_exhaustive]
    StoreFailed {},
    /// The handler succeeded. The delivery store has recorded the success, unless the webhook also
    /// produced `StoreFailed`.
    #[non_exhaustive]
    Completed {},
    /// The handler succeeded, but the delivery store failed to record the success. A retry may be
    /// handled again.
    #[non_exhaustive]
    CompleteFailed {},
    /// The handler failed, panicked or was cancelled. The vendor's retry will be handled.
    #[non_exhaustive]
    Abandoned {},
}

pub(super) type WebhookObserver = Observer<dyn Fn(&WebhookEvent<'_>) + Send + Sync>;
