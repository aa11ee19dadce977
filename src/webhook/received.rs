//! A verified webhook, and whether it is to be handled.

use std::time::Duration;

use http::StatusCode;

use super::{Begun, DeliveryGuard, WebhookResponse};

/// A verified webhook that was looked up in the delivery store. A caller must treat each outcome, so no other will be
/// added.
#[derive(Debug)]
pub enum Received<W> {
    /// Handle the webhook, then complete the guard.
    New(W, DeliveryGuard),
    /// Another attempt to handle it is running, for at most this time unless it is renewed.
    InProgress(Duration),
    /// It was handled.
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

    /// The webhook, if it is to be handled.
    ///
    /// # Errors
    ///
    /// Otherwise the response: 200 for a webhook that is done, and 503 with `Retry-After` for one in progress,
    /// so that the vendor sends it again.
    pub fn into_new(self) -> Result<(W, DeliveryGuard), WebhookResponse> {
        match self {
            Self::New(webhook, guard) => Ok((webhook, guard)),
            Self::InProgress(left) => Err(WebhookResponse::new(StatusCode::SERVICE_UNAVAILABLE, Some(left))),
            Self::Done => Err(WebhookResponse::new(StatusCode::OK, None)),
        }
    }
}
