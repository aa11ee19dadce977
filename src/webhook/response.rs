//! What to respond to a webhook, in any framework.

use std::time::Duration;

use http::StatusCode;

use super::VerifyError;

/// The response to a webhook that is not to be handled: a status, in some cases `Retry-After`, and no body.
///
/// It is made from a [`VerifyError`] and by [`Received::into_new`](super::Received::into_new), so that `?`
/// returns early from a handler:
///
/// ```
/// use fintech_auth::{moov::webhook::WebhookVerifier, webhook::WebhookResponse};
/// use http::HeaderMap;
///
/// async fn receive(
///     webhooks: &WebhookVerifier,
///     headers: &HeaderMap,
///     body: &[u8],
/// ) -> Result<(), WebhookResponse> {
///     let (webhook, delivery) = webhooks.receive(headers, body).await?.into_new()?;
///     println!("handle {}", webhook.webhook_id());
///     let _ = delivery.complete().await; // a failure is logged
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct WebhookResponse {
    status: StatusCode,
    retry_after: Option<Duration>,
}

impl WebhookResponse {
    pub(crate) fn new(status: StatusCode, retry_after: Option<Duration>) -> Self {
        Self { status, retry_after }
    }

    /// The status: 200 for a webhook that was handled before, 503 for one that another attempt handles now,
    /// and [`VerifyError::status`] for one that is refused.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The value of the header `Retry-After`, in whole seconds.
    pub fn retry_after(&self) -> Option<u64> {
        // Rounded up, so that a retry is never too early.
        self.retry_after.map(|wait| wait.as_secs().saturating_add(1))
    }
}

/// Logs the reason, which the sender does not get: a `tracing` event of level `INFO`, which shows no header
/// value, body, secret or key.
impl From<VerifyError> for WebhookResponse {
    fn from(error: VerifyError) -> Self {
        tracing::info!(%error, status = error.status().as_u16(), "webhook refused");
        Self::new(error.status(), error.retry_after())
    }
}
