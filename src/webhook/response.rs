//! The response to send if a webhook must not reach your handler.

use std::time::Duration;

use http::StatusCode;

use super::{VerifyError, VerifyErrorKind};

/// The response to send if a webhook must not reach your handler, because it was rejected, was
/// handled before, or is being handled. The response has a status, sometimes `Retry-After`, and no
/// body.
///
/// [`Received::into_new`](super::Received::into_new) returns this type as its error, and a
/// [`VerifyError`] converts into this type, so that a handler can use `?`:
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

    /// Returns the status: 200 for a webhook that was handled before, 503 for a webhook that
    /// another attempt is handling, and [`VerifyError::status`] for a rejected webhook.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns why the webhook was rejected, for metrics. Returns `None` if the webhook was handled
    /// or is being handled.
    pub fn error_kind(&self) -> Option<VerifyErrorKind> {
        self.error_kind
    }

    /// Returns the value of the header `Retry-After`, in seconds.
    pub fn retry_after(&self) -> Option<u64> {
        // Round up, so that a retry is never too early.
        self.retry_after.map(|wait| wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)))
    }
}

/// Converts an error into a response, and logs the reason. The response does not contain the
/// reason.
///
/// The `tracing` event has the level `WARN` if the status is 503, and `INFO` otherwise. The event
/// shows no header value, body, secret or key.
impl From<VerifyError> for WebhookResponse {
    fn from(error: VerifyError) -> Self {
        let status = error.status();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(
                "error.type" = error.reason(),
                %error,
                http.response.status_code = status.as_u16(),
                "webhook not verified or not recorded: requesting redelivery"
            );
        } else {
            tracing::info!(
                "error.type" = error.reason(),
                %error,
                http.response.status_code = status.as_u16(),
                "webhook rejected"
            );
        }
        Self { error_kind: Some(error.kind()), ..Self::new(status, error.retry_after()) }
    }
}
