//! Tells the metrics of a service what becomes of its webhooks.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::VerifyError;

/// What happened to a webhook. Shows nothing of its content.
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
    /// It was refused, or the delivery store failed.
    #[non_exhaustive]
    Rejected {
        /// Why. Its [kind](VerifyError::kind) and its [reason](VerifyError::reason) are fit for labels: strangers
        /// cannot add values.
        error: &'a VerifyError,
    },
    /// Its handler succeeded, and the delivery store knows.
    #[non_exhaustive]
    Completed {},
    /// Its handler succeeded, but the delivery store could not be told: a retry may be handled again.
    #[non_exhaustive]
    CompleteFailed {},
    /// Its handler failed, panicked or was cancelled: the vendor's retry is handled.
    #[non_exhaustive]
    Abandoned {},
}

/// The observer of a verifier, if it has one.
#[derive(Clone, Default)]
pub(super) struct WebhookObserver(pub(super) Option<Arc<Observe>>);

type Observe = dyn Fn(&WebhookEvent<'_>) + Send + Sync;

impl WebhookObserver {
    /// A panic of the observer must not lose a webhook.
    pub(super) fn observe(&self, event: WebhookEvent<'_>) {
        if let Some(observe) = &self.0
            && catch_unwind(AssertUnwindSafe(|| observe(&event))).is_err()
        {
            tracing::warn!("the webhook observer panicked");
        }
    }
}

impl fmt::Debug for WebhookObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some(..)" } else { "None" })
    }
}
