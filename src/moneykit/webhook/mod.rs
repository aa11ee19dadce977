//! Verifies MoneyKit's webhooks: a JWS with ES256 whose claims contain a digest of the body.
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
//! // The vendor's retry of a handled delivery: respond with 200, and do not handle it.
//! assert!(matches!(webhooks.receive(&sent.headers, &sent.body).await?, Received::Done));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "emulator"))]
//! # fn main() {}
//! ```
//!
//! # Security
//!
//! `MoneyKit-Signature` is always verified as ES256. Any other algorithm in its header is rejected
//! (RFC 8725 section 3.1). Then the claims are checked: `iat`, which is required, `exp` and `nbf`
//! if present, and `request_body_sha256` against the raw body. For the other checks, for what is
//! not checked, and for the reason of each limit, see [the module
//! `webhook`](crate::webhook#security).
//!
//! - `MoneyKit-Delivery-Token` and `MoneyKit-Delivery-Attempt` are not signed. Use them only for
//!   logs ([`UnsignedDelivery`]).
//! - Keys are taken only from the vendor's key set. `jwk`, `jku`, `x5c` and `x5u` in a JWS header
//!   are ignored.
//! - A key that the vendor has withdrawn is rejected after the next fetch: after one hour, or when
//!   a webhook is signed with a new key. If fetching fails, the last keys are used for up to 24
//!   hours.
//! - For an unknown key id, keys are fetched once for all waiting webhooks, and then not again for
//!   one minute. During that minute, webhooks with an unknown key id get a 503, because the key may
//!   be new: the vendor sends the webhook again, and a forged webhook is never accepted.

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

/// Verifies MoneyKit's webhooks. A verifier is cheap to clone, and shares its keys with the client
/// that created the verifier.
#[derive(Clone, Debug)]
pub struct WebhookVerifier {
    inner: Arc<Inner>,
}

impl WebhookVerifier {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Returns the maximum size of a body, in bytes. Do not read more of a request than this.
    pub fn body_limit(&self) -> usize {
        self.inner.webhook_keys.options().body_limit
    }

    /// Returns the object that deduplicates deliveries.
    pub fn deliveries(&self) -> &Deliveries {
        &self.inner.deliveries
    }

    /// Verifies one webhook: its headers and its raw body.
    ///
    /// Does not detect repetitions, so most callers need [`WebhookVerifier::receive`] instead.
    ///
    /// # Errors
    ///
    /// Each rejection has its own [reason](VerifyError::reason). Fails with
    /// [`KeysUnavailable`](crate::webhook::VerifyErrorKind::KeysUnavailable) if keys are needed and
    /// cannot be fetched. The source of that error is the [`Error`](crate::Error) of the fetch.
    ///
    /// # Cancellation
    ///
    /// Cancel safe: a running fetch continues in its own task, and its keys are cached.
    ///
    /// # Security
    ///
    /// Pass the received bytes unchanged. JSON that was parsed and serialized again has a different
    /// digest.
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

    /// Verifies a webhook, looks it up in the delivery store, and returns whether its delivery is
    /// new, in progress or done.
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`WebhookVerifier::verify`], and
    /// [`DeliveryStoreUnavailable`](crate::webhook::VerifyErrorKind::DeliveryStoreUnavailable) if
    /// the delivery store fails.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the delivery may stay in progress until its lease expires. The
    /// event is not lost: a later retry of the vendor is handled.
    ///
    /// # Security
    ///
    /// Pass the received bytes unchanged. JSON that was parsed and serialized again has a different
    /// digest.
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

    /// Returns the tolerance for deliveries that are deduplicated.
    pub(crate) fn window(&self) -> Tolerance {
        self.inner.webhook_keys.options().window()
    }

    /// Returns how long a handled delivery is remembered.
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
        // Read the clock before fetching keys, so that the duration of the fetch does not make the
        // webhook older.
        let now = cache.wall();
        let fetch = || {
            let inner = self.inner.clone();
            async move { inner.jwks().await.map(|response| VerifyingKeys::new(&response)) }
        };
        let keys = cache.keys_for(unverified.key_id(), fetch).await?;
        unverified.verify(&keys, now, cache.options(), tolerance)
    }

    /// Returns the id of a delivery. The id is derived from the idempotency key in the signed body,
    /// or from the whole body if it contains no idempotency key.
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

/// Returns the value of the signature header, for [`verify()`].
///
/// # Errors
///
/// Fails with [`InvalidHeader`](crate::webhook::VerifyErrorKind::InvalidHeader) if the header is
/// missing, repeated, too long or not visible ASCII.
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
