//! The two extractors, one for each vendor. They verify, and leave what to do to the handler.

use axum_core::extract::{FromRef, FromRequest, Request};
use bytes::Bytes;

use super::{Refused, body};
use crate::{
    moneykit::{self, webhook::Event},
    moov,
    webhook::{UnsignedBody, Verified},
};

/// A webhook of MoneyKit's, verified, its body included.
///
/// The state of the router hands over the [`Webhooks`](moneykit::webhook::Webhooks).
///
/// # Errors
///
/// [`Refused`], as [`Webhooks::verify`](moneykit::webhook::Webhooks::verify) refuses it.
///
/// # Security
///
/// It may have come before: act once on an [`idempotency_key`](Event::idempotency_key).
#[derive(Clone, Debug)]
pub struct MoneykitWebhook(pub Verified<Event>);

impl<S> FromRequest<S> for MoneykitWebhook
where
    moneykit::webhook::Webhooks: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Refused;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Refused> {
        let webhooks = moneykit::webhook::Webhooks::from_ref(state);
        let headers = std::mem::take(request.headers_mut());
        let body = body::read(request, webhooks.body_limit()).await?;
        webhooks.verify(&headers, &body).await.map(Self).map_err(Refused::from)
    }
}

/// A webhook of Moov's whose headers are verified, and whose **body nobody signed**.
///
/// The state of the router hands over the [`Webhooks`](moov::webhook::Webhooks).
///
/// Its nonce is taken by then. A handler that cannot deal with it takes the verifier as well
/// (`State<moov::webhook::Webhooks>`) and [releases](moov::webhook::Webhooks::release) it before it
/// answers 5xx, or the vendor's next attempt is taken for a replay.
///
/// # Errors
///
/// [`Refused`], as [`Webhooks::verify`](moov::webhook::Webhooks::verify) refuses it.
///
/// # Security
///
/// Take the body for a hint: see [`UnsignedBody`].
#[derive(Clone, Debug)]
pub struct MoovWebhook(pub UnsignedBody<Bytes>);

impl<S> FromRequest<S> for MoovWebhook
where
    moov::webhook::Webhooks: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Refused;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Refused> {
        let webhooks = moov::webhook::Webhooks::from_ref(state);
        let headers = std::mem::take(request.headers_mut());
        let body = body::read(request, webhooks.body_limit()).await?;
        webhooks.verify(&headers, body).await.map(Self).map_err(Refused::from)
    }
}
