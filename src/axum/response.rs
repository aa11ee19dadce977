//! Converts a [`WebhookResponse`] into an axum response.

use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, header::RETRY_AFTER};

use crate::webhook::WebhookResponse;

impl IntoResponse for WebhookResponse {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
