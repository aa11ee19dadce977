//! Verifies and deduplicates webhooks before the handler runs, and records whether the handler
//! succeeded.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum_core::{
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument as _;

use super::{Verifier, verifier::sealed::Verified};
use crate::webhook::{DeliveryGuard, Received, WebhookResponse};

/// A tower layer that passes only verified webhooks to the handler, and only those that have not
/// been handled before.
///
/// If the handler responds with a 2xx status, the delivery is complete, and a later retry gets 200
/// without running the handler. If the handler responds with a different status or panics, the
/// delivery is abandoned, and the vendor's retry runs the handler again. While the handler runs, a
/// retry gets 503 with `Retry-After`.
///
/// The handler runs in its own task, so a client that disconnects does not cancel the handler.
#[derive(Clone, Debug)]
pub struct WebhookLayer<V> {
    verifier: V,
}

impl<V: Verifier> WebhookLayer<V> {
    /// Creates a layer with the verifier of [MoneyKit](crate::moneykit::webhook::WebhookVerifier)
    /// or [Moov](crate::moov::webhook::WebhookVerifier).
    pub fn new(verifier: V) -> Self {
        Self { verifier }
    }
}

impl<S, V: Clone> Layer<S> for WebhookLayer<V> {
    type Service = WebhookService<S, V>;

    fn layer(&self, inner: S) -> Self::Service {
        WebhookService { inner, verifier: self.verifier.clone() }
    }
}

/// The service that [`WebhookLayer`] creates.
#[derive(Clone, Debug)]
pub struct WebhookService<S, V> {
    inner: S,
    verifier: V,
}

impl<S, V> Service<Request> for WebhookService<S, V>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    V: Verifier,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // Call this instance, because `poll_ready` has succeeded for this instance, but not for the
        // clone.
        let inner = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, inner);
        let verifier = self.verifier.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let webhook = verifier.verify(&parts.headers, body).await;
            let webhook = verifier.deliveries().observe_rejected(webhook);
            let Verified { webhook, body, id, keep } = match webhook {
                Ok(verified) => verified,
                Err(error) => return Ok(WebhookResponse::from(error).into_response()),
            };
            parts.extensions.insert(webhook);
            let request = Request::from_parts(parts, Body::from(body));
            let handled = tokio::spawn(
                async move {
                    let begun = verifier.deliveries().begin(id, keep).await;
                    let received = begun.map(|begun| Received::new(begun, request));
                    match received.map_err(WebhookResponse::from).and_then(Received::into_new) {
                        Ok((request, guard)) => handle(inner, request, guard).await,
                        Err(response) => response.into_response(),
                    }
                }
                .in_current_span(),
            );
            Ok(handled.await.unwrap_or_else(|error| {
                tracing::error!(%error, "webhook handler panicked: delivery abandoned");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }))
        })
    }
}

async fn handle<S>(mut inner: S, request: Request, guard: DeliveryGuard) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let Ok(response) = inner.call(request).await;
    // Record the outcome before the response is sent. If the store fails, the response is sent
    // unchanged, and the delivery stays in progress until its lease expires.
    let _ = match response.status().is_success() {
        true => guard.complete().await,
        false => guard.abandon().await,
    };
    response
}
