//! MoneyKit's webhooks: a JWS under ES256, with a digest of the body among its claims.
//!
//! ```
//! # #[cfg(feature = "emulator")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{moneykit::webhook::EventKind, emulator::Emulator, webhook::Received};
//!
//! let emulator = Emulator::start().await?;
//! let webhooks = emulator.moneykit().build()?.webhooks();
//!
//! let sent = emulator.moneykit_webhook(r#"{"webhook_event":"link.state_changed"}"#).sign()?;
//! let Received::New(webhook, delivery) = webhooks.receive(&sent.headers, &sent.body).await? else {
//!     panic!("it was not sent before");
//! };
//! assert_eq!(webhook.event()?.kind, EventKind::LinkStateChanged);
//! delivery.complete().await?;
//!
//! // The vendor's retry of a handled delivery: response 200 without handling it.
//! assert!(matches!(webhooks.receive(&sent.headers, &sent.body).await?, Received::Done));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "emulator"))]
//! # fn main() {}
//! ```
//!
//! # Security
//!
//! `MoneyKit-Signature` is verified as ES256 and nothing else; what its header says of the algorithm
//! can only agree or be refused (RFC 8725 section 3.1). Then its claims: `iat`, which must be there,
//! `exp` and `nbf` where they are, and `request_body_sha256` of the raw body. What else is verified,
//! what not, and why each limit is what it is: [the module `webhook`](crate::webhook#security).
//!
//! - `MoneyKit-Delivery-Token` and `MoneyKit-Delivery-Attempt` are not signed: they are for logs
//!   ([`UnsignedDelivery`]).
//! - Keys are looked up in the vendor's set alone. `jwk`, `jku`, `x5c` and `x5u` in a JWS header are
//!   never looked at.
//! - A key that the vendor withdrew stops verifying with the next fetch: after an hour, or as soon as
//!   a new key signs. While fetching fails the last set serves, for 24 hours.
//! - For an unknown key id the keys are fetched once for all who wait, then not again for a minute.
//!   What comes meanwhile under an unknown id is answered by 503, as it may be by a new key: the vendor
//!   sends it again, and whoever made it up gains nothing.

mod cache;
mod event;
mod jws;
mod keys;
mod options;
mod verify;

use std::{sync::Arc, time::Duration};

use ring::digest::{SHA256, digest};
use serde_json::Value;

pub(super) use self::cache::KeyCache;
use self::verify::{Unverified, VerifiedClaims};
pub use self::{
    event::{Event, EventKind, UnsignedDelivery},
    keys::VerifyingKeys,
    options::VerifierOptions,
    verify::verify,
};
use super::api::Inner;
use crate::webhook::{Deliveries, DeliveryId, Headers, Received, Tolerance, Verified, VerifyError, one};

const SIGNATURE: &str = "moneykit-signature";

/// Verifies MoneyKit's webhooks. Cheap to clone; it shares its keys with the client it comes from.
#[derive(Clone, Debug)]
pub struct WebhookVerifier {
    inner: Arc<Inner>,
}

impl WebhookVerifier {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// The largest body: as much of a request is worth reading.
    pub fn body_limit(&self) -> usize {
        self.inner.webhook_keys.options().body_limit
    }

    /// How deliveries are deduplicated.
    pub fn deliveries(&self) -> &Deliveries {
        &self.inner.deliveries
    }

    /// Verifies one webhook: its headers and its raw body. It remembers nothing, so a repetition passes:
    /// most callers want [`WebhookVerifier::receive`].
    ///
    /// # Errors
    ///
    /// Each rejection has its own [reason](VerifyError::reason).
    /// [`KeysUnavailable`](crate::webhook::VerifyErrorKind::KeysUnavailable) where keys are needed and
    /// cannot be fetched; the source is the [`Error`](crate::Error) of that call.
    ///
    /// # Cancellation
    ///
    /// Safe: a fetch that began goes on in a task of its own, and its keys are kept.
    ///
    /// # Security
    ///
    /// The body must be the bytes that came, not JSON that was read and written again.
    pub async fn verify<'h, B: AsRef<[u8]>>(
        &self,
        headers: impl Headers<'h>,
        body: B,
    ) -> Result<Verified<B>, VerifyError> {
        let tolerance = self.inner.webhook_keys.options().tolerance.unwrap_or_default();
        let verified = self.verify_within(headers, body, tolerance).await;
        self.deliveries().observe_verified(verified)
    }

    async fn verify_within<'h, B: AsRef<[u8]>>(
        &self,
        headers: impl Headers<'h>,
        body: B,
        tolerance: Tolerance,
    ) -> Result<Verified<B>, VerifyError> {
        let signature = signature(headers)?;
        self.inner.webhook_keys.options().check_body(body.as_ref())?;
        self.verify_signature(signature, tolerance).await?.with_body(body)
    }

    /// Verifies a webhook and looks it up in the delivery store: it is new, in progress or done.
    ///
    /// # Errors
    ///
    /// As [`WebhookVerifier::verify`];
    /// [`DeliveryStoreUnavailable`](crate::webhook::VerifyErrorKind::DeliveryStoreUnavailable) when the
    /// delivery store fails.
    ///
    /// # Cancellation
    ///
    /// The delivery may stay in progress until its lease ends. Nothing is lost: the vendor's retry is
    /// handled after that.
    ///
    /// # Security
    ///
    /// The body must be the bytes that came, not JSON that was read and written again.
    pub async fn receive<'h, B: AsRef<[u8]>>(
        &self,
        headers: impl Headers<'h>,
        body: B,
    ) -> Result<Received<Verified<B>>, VerifyError> {
        let verified = self.verify_within(headers, body, self.window()).await;
        let verified = self.deliveries().observe_rejected(verified)?;
        let id = self.delivery_id(&verified);
        let begun = self.deliveries().begin(id, self.keep()).await?;
        Ok(Received::new(begun, verified))
    }

    /// The window for deliveries that are deduplicated.
    pub(crate) fn window(&self) -> Tolerance {
        self.inner.webhook_keys.options().window()
    }

    /// How long a handled delivery is remembered.
    pub(crate) fn keep(&self) -> Duration {
        self.inner.webhook_keys.options().keep()
    }

    pub(crate) async fn verify_signature(
        &self,
        signature: &str,
        tolerance: Tolerance,
    ) -> Result<VerifiedClaims, VerifyError> {
        let cache = &self.inner.webhook_keys;
        let unverified = Unverified::new(signature)?;
        // Before the keys are fetched: the time that takes is ours, not the vendor's.
        let now = cache.wall();
        let fetch = || {
            let inner = self.inner.clone();
            async move { inner.jwks().await.map(|response| VerifyingKeys::new(&response)) }
        };
        let keys = cache.keys_for(unverified.key_id(), fetch).await?;
        unverified.verify(&keys, now, cache.options(), tolerance)
    }

    /// The id of a delivery: by its idempotency key, which is signed with the body, or else by the body.
    pub(crate) fn delivery_id<B: AsRef<[u8]>>(&self, webhook: &Verified<B>) -> DeliveryId {
        let body = webhook.body().as_ref();
        let account = self.inner.shared.api.auth.account();
        let id = |kind: &str, id: &[u8]| {
            DeliveryId::new([b"moneykit", account.as_bytes(), kind.as_bytes(), id], webhook.signed_at())
        };
        match idempotency_key(body) {
            Some(key) => id("idempotency key", key.as_bytes()),
            None => id("body", digest(&SHA256, body).as_ref()),
        }
    }
}

/// The signature among the headers, for [`verify()`].
///
/// # Errors
///
/// [`InvalidHeader`](crate::webhook::VerifyErrorKind::InvalidHeader) if it is missing, repeated, too long or not
/// visible ASCII.
pub fn signature<'h>(headers: impl Headers<'h>) -> Result<&'h str, VerifyError> {
    one(&headers, SIGNATURE, jws::LIMIT)
}

fn idempotency_key(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct IdempotencyKey {
        webhook_idempotency_key: Value,
    }
    match serde_json::from_slice::<IdempotencyKey>(body).ok()?.webhook_idempotency_key {
        Value::String(key) if !key.is_empty() => Some(key),
        _ => None,
    }
}
