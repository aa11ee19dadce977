//! A verified webhook, and whether it is to be handled.

use std::time::Duration;

use http::StatusCode;

use super::{Begun, DeliveryGuard};

/// A verified webhook that was looked up in the delivery store.
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

    /// The response to a webhook that is not to be handled: 200 for one that is done, 503 for one in
    /// progress, so that the vendor sends it again. `None` for a new one: the handler decides.
    pub fn duplicate_status(&self) -> Option<StatusCode> {
        match self {
            Self::New(..) => None,
            Self::InProgress(_) => Some(StatusCode::SERVICE_UNAVAILABLE),
            Self::Done => Some(StatusCode::OK),
        }
    }
}
