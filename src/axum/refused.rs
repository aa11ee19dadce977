//! What the sender of a refused webhook is told: a status, and nothing of the reason.

use std::{error::Error, fmt};

use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, header::RETRY_AFTER};

use crate::webhook::VerifyError;

/// A webhook that was not accepted, as an answer to its sender.
///
/// The answer has the status of the error, `Retry-After` where there is one, and no body. The reason goes
/// into a `tracing` event of level `INFO`, which shows no header value, body, secret or key.
#[derive(Clone, Debug)]
pub struct Refused(VerifyError);

impl Refused {
    /// Why.
    pub fn error(&self) -> &VerifyError {
        &self.0
    }

    /// Why.
    pub fn into_error(self) -> VerifyError {
        self.0
    }
}

/// For `?` in a handler, on what else a verifier does.
impl From<VerifyError> for Refused {
    fn from(error: VerifyError) -> Self {
        tracing::info!(%error, status = error.status().as_u16(), "webhook refused");
        Self(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.0.status().into_response();
        if let Some(wait) = self.0.retry_after() {
            // In whole seconds, and not before its end.
            let wait = HeaderValue::from(wait.as_secs().saturating_add(1));
            response.headers_mut().insert(RETRY_AFTER, wait);
        }
        response
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
