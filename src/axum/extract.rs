//! Extractors for webhooks that a [`WebhookLayer`](super::WebhookLayer) has verified.

use axum_core::{extract::FromRequestParts, response::IntoResponse as _, response::Response};
use bytes::Bytes;
use http::{StatusCode, request::Parts};

use crate::webhook::{UnsignedBody, Verified};

/// Extracts a verified MoneyKit webhook. The body is signed. Read the body with
/// [`Verified::event`](crate::webhook::Verified::event).
///
/// The route needs a [`WebhookLayer`](super::WebhookLayer) with MoneyKit's verifier. Without such a
/// layer, every request gets a 500.
#[derive(Clone, Debug)]
pub struct MoneykitWebhook(pub Verified<Bytes>);

/// Extracts a Moov webhook whose headers are verified. **The body is not signed.**
///
/// The route needs a [`WebhookLayer`](super::WebhookLayer) with Moov's verifier. Without such a
/// layer, every request gets a 500.
///
/// # Security
///
/// Treat the body only as a hint: see [`UnsignedBody`].
#[derive(Clone, Debug)]
pub struct MoovWebhook(pub UnsignedBody<Bytes>);

macro_rules! extractor {
    ($webhook:ident) => {
        impl<S: Sync> FromRequestParts<S> for $webhook {
            type Rejection = Response;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
                parts.extensions.get::<Self>().cloned().ok_or_else(|| {
                    tracing::error!(
                        fintech_auth.extractor = stringify!($webhook),
                        "webhook extractor without a WebhookLayer on its route"
                    );
                    StatusCode::INTERNAL_SERVER_ERROR.into_response()
                })
            }
        }
    };
}

extractor!(MoneykitWebhook);
extractor!(MoovWebhook);
