//! Verifies the requests of each vendor.

use std::{future::Future, time::Duration};

use axum_core::body::Body;
use bytes::Bytes;
use http::HeaderMap;

use super::{MoneykitWebhook, MoovWebhook, body};
use crate::{
    moneykit, moov,
    webhook::{Deliveries, DeliveryId, VerifyError},
};

/// A verifier that a [`WebhookLayer`](super::WebhookLayer) can use: MoneyKit's or Moov's.
pub trait Verifier: sealed::Verifier {}

impl<V: sealed::Verifier> Verifier for V {}

pub(super) mod sealed {
    use super::{Body, Bytes, Deliveries, DeliveryId, Duration, Future, HeaderMap, VerifyError};

    #[derive(Debug)]
    pub struct Verified<W> {
        pub(crate) webhook: W,
        pub(crate) body: Bytes,
        pub(crate) id: DeliveryId,
        pub(crate) keep: Duration,
    }

    pub trait Verifier: Clone + Send + Sync + 'static {
        type Webhook: Clone + Send + Sync + 'static;

        fn verify(
            &self,
            headers: &HeaderMap,
            body: Body,
        ) -> impl Future<Output = Result<Verified<Self::Webhook>, VerifyError>> + Send;

        fn deliveries(&self) -> &Deliveries;
    }
}

use self::sealed::Verified;

impl sealed::Verifier for moneykit::webhook::WebhookVerifier {
    type Webhook = MoneykitWebhook;

    async fn verify(
        &self,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Verified<MoneykitWebhook>, VerifyError> {
        let signature = moneykit::webhook::signature(headers)?;
        let claims = self.verify_signature(signature, self.window()).await?;
        let body = body::read(body, self.body_limit()).await?;
        let webhook = claims.with_body(body.clone())?;
        let id = self.delivery_id(&webhook);
        Ok(Verified { webhook: MoneykitWebhook(webhook), body, id, keep: self.keep() })
    }

    fn deliveries(&self) -> &Deliveries {
        self.deliveries()
    }
}

impl sealed::Verifier for moov::webhook::WebhookVerifier {
    type Webhook = MoovWebhook;

    async fn verify(&self, headers: &HeaderMap, body: Body) -> Result<Verified<MoovWebhook>, VerifyError> {
        let verified = self.verify_headers(headers, self.window())?;
        let body = body::read(body, self.body_limit()).await?;
        let webhook = MoovWebhook(verified.with_body(body.clone()));
        Ok(Verified { webhook, body, id: verified.delivery_id(), keep: self.keep() })
    }

    fn deliveries(&self) -> &Deliveries {
        self.deliveries()
    }
}
