//! The result of receiving a webhook.

use std::time::Duration;

use http::StatusCode;

use super::{Begun, DeliveryGuard, WebhookResponse};

/// A verified webhook that was looked up in the delivery store.
///
/// This enum is exhaustive: callers can match every variant, and no variant will be added.
#[derive(Debug)]
pub enum Received<W> {
    /// The webhook is new: handle it, then call [`DeliveryGuard::complete`].
    New(W, DeliveryGuard),
    /// Another attempt to handle the webhook is running. Contains the time until the lease of that
    /// attempt expires. The attempt may renew its lease.
    InProgress(Duration),
    /// The webhook was handled before.
    Done,
}

impl<W> Received<W> {
    pub(crate) fn new(begun: Begun, webhook: W) -> Self {
        match begun {
            Begun::New(guard) => Self::New(webhook, guard),
            Begun::InProgress(left) => Self::InProgress(left),
            Begun::Done => Self::Done,
        }
    }

    /// Returns the webhook and its guard if the webhook is new.
    ///
    /// # Errors
    ///
    /// If the webhook is not new, returns the response to send: 200 if the webhook was handled
    /// before, and 503 with `Retry-After` if the webhook is in progress, so that the vendor sends
    /// the webhook again.
    pub fn into_new(self) -> Result<(W, DeliveryGuard), WebhookResponse> {
        match self {
            Self::New(webhook, guard) => Ok((webhook, guard)),
            Self::InProgress(left) => Err(WebhookResponse::new(StatusCode::SERVICE_UNAVAILABLE, Some(left))),
            Self::Done => Err(WebhookResponse::new(StatusCode::OK, None)),
        }
    }
}
