//! What to respond to a webhook, in any framework.

use std::time::Duration;

use http::StatusCode;

use super::{VerifyError, VerifyErrorKind};

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
#[derive(Clone, Debug)]
#[must_use]
pub struct WebhookResponse {
    status: StatusCode,
    retry_after: Option<Duration>,
    error_kind: Option<VerifyErrorKind>,
}

impl WebhookResponse {
    pub(crate) fn new(status: StatusCode, retry_after: Option<Duration>) -> Self {
        Self { status, retry_after, error_kind: None }
    }

    /// The status: 200 for a webhook that was handled before, 503 for one that another attempt handles now,
    /// and [`VerifyError::status`] for one that is refused.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Why the webhook is refused, for your metrics; `None` if it was handled before or is being handled.
    pub fn error_kind(&self) -> Option<VerifyErrorKind> {
        self.error_kind
    }

    /// The value of the header `Retry-After`, in whole seconds.
    pub fn retry_after(&self) -> Option<u64> {
        // Rounded up, so that a retry is never too early.
        self.retry_after.map(|wait| wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)))
    }
}

/// Logs the reason, which the sender does not get: a `tracing` event of level `INFO`, or `WARN` for a failure on this
/// side (503). It shows no header value, body, secret or key.
impl From<VerifyError> for WebhookResponse {
    fn from(error: VerifyError) -> Self {
        let status = error.status();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(
                "error.type" = error.reason(),
                %error,
                http.response.status_code = status.as_u16(),
                "webhook not verified or not recorded: to be sent again"
            );
        } else {
            tracing::info!(
                "error.type" = error.reason(),
                %error,
                http.response.status_code = status.as_u16(),
                "webhook refused"
            );
        }
        Self { error_kind: Some(error.kind()), ..Self::new(status, error.retry_after()) }
    }
}
