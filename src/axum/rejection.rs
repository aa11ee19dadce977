//! The response to a webhook that is refused: a status, and nothing of the reason.

use std::{error::Error, fmt, time::Duration};

use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};

use crate::webhook::VerifyError;

/// The response to a webhook that was not accepted.
///
/// It has the status of the error, `Retry-After` where there is one, and no body. The reason goes into a
/// `tracing` event of level `INFO`, which shows no header value, body, secret or key.
#[derive(Clone, Debug)]
pub struct WebhookRejection(VerifyError);

impl WebhookRejection {
    /// The reason.
    pub fn error(&self) -> &VerifyError {
        &self.0
    }

    /// The reason.
    pub fn into_error(self) -> VerifyError {
        self.0
    }
}

/// For `?` in a handler.
impl From<VerifyError> for WebhookRejection {
    fn from(error: VerifyError) -> Self {
        tracing::info!(%error, status = error.status().as_u16(), "webhook refused");
        Self(error)
    }
}

impl IntoResponse for WebhookRejection {
    fn into_response(self) -> Response {
        match self.0.retry_after() {
            Some(wait) => retry_later(self.0.status(), wait),
            None => self.0.status().into_response(),
        }
    }
}

/// A response without a body that says when to send the webhook again.
pub(super) fn retry_later(status: StatusCode, wait: Duration) -> Response {
    let mut response = status.into_response();
    // Whole seconds, rounded up.
    let wait = HeaderValue::from(wait.as_secs().saturating_add(1));
    response.headers_mut().insert(RETRY_AFTER, wait);
    response
}

impl fmt::Display for WebhookRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for WebhookRejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
