//! Verifies MoneyKit's webhooks. MoneyKit signs each webhook with a JWS (ES256). The claims of the
//! JWS contain a digest of the body.
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
//! // If the vendor retries a handled delivery, respond with 200 and do nothing.
//! assert!(matches!(webhooks.receive(&sent.headers, &sent.body).await?, Received::Done));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "emulator"))]
//! # fn main() {}
//! ```
//!
//! # Security
//!
//! The verifier accepts only ES256 and rejects every other algorithm in the JWS header (RFC 8725
//! section 3.1). The verifier then checks the claims: `iat` is required, `exp` and `nbf` are
//! optional, and `request_body_sha256` must match the raw body. [The module
//! `webhook`](crate::webhook#security) describes the remaining checks, what is not checked, and the
//! reason for each limit.
//!
//! - `MoneyKit-Delivery-Token` and `MoneyKit-Delivery-Attempt` are not signed. Use these headers
//!   only for logs ([`UnsignedDelivery`]).
//! - The verifier takes keys only from the vendor's key set, and ignores `jwk`, `jku`, `x5c` and
//!   `x5u` in a JWS header.
//! - The verifier rejects a withdrawn key after it has fetched the keys again. By default, it
//!   fetches the keys again when a webhook arrives and the cached keys are at least one hour old,
//!   or when a webhook names an unknown key. If fetching fails, the verifier uses the cached keys
//!   until they are 24 hours old.
//! - If a webhook names an unknown key, the verifier fetches the keys once for all waiting
//!   webhooks, and does not fetch again for one minute. During this minute, every webhook with an
//!   unknown key id gets a 503, so that the vendor sends the webhook again.

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

    /// Returns the maximum size of a body, in bytes. Read at most this many bytes of a request
    /// body.
    pub fn body_limit(&self) -> usize {
        self.inner.webhook_keys.options().body_limit
    }

    /// Returns the object that deduplicates deliveries.
    pub fn deliveries(&self) -> &Deliveries {
        &self.inner.deliveries
    }

    /// Verifies the headers and the raw body of one webhook.
    ///
    /// This method does not detect repeated webhooks, so most callers need
    /// [`WebhookVerifier::receive`] instead.
    ///
    /// # Errors
    ///
    /// Fails if the webhook is rejected. [`VerifyError::reason`] returns the reason. Fails with
    /// [`KeysUnavailable`](crate::webhook::VerifyErrorKind::KeysUnavailable) if new keys are needed
    /// but cannot be fetched. The source of this error is the [`Error`](crate::Error) of the fetch.
    ///
    /// # Cancellation
    ///
    /// This method is cancel safe. A running fetch continues in its own task, and the fetched keys
    /// are cached.
    ///
    /// # Security
    ///
    /// Pass the body exactly as received. If the body is parsed and serialized again, its digest no
    /// longer matches.
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

    /// Verifies a webhook and looks up its delivery in the delivery store. The result says whether
    /// the delivery is new, in progress or done.
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`WebhookVerifier::verify`]. Also fails with
    /// [`DeliveryStoreUnavailable`](crate::webhook::VerifyErrorKind::DeliveryStoreUnavailable) if
    /// the delivery store fails.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the delivery may stay in progress until its lease expires. The
    /// event is not lost, because the vendor retries the delivery later.
    ///
    /// # Security
    ///
    /// Pass the body exactly as received. If the body is parsed and serialized again, its digest no
    /// longer matches.
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

    pub(crate) fn window(&self) -> Tolerance {
        self.inner.webhook_keys.options().window()
    }

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
        // Read the clock before fetching keys, so that the duration of the fetch does not count
        // towards the age of the webhook.
        let now = cache.wall();
        let fetch = || {
            let inner = self.inner.clone();
            async move { inner.jwks().await.map(|response| VerifyingKeys::new(&response)) }
        };
        let keys = cache.keys_for(unverified.key_id(), fetch).await?;
        unverified.verify(&keys, now, cache.options(), tolerance)
    }

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

/// Returns the value of the header `MoneyKit-Signature`, which [`verify()`] needs.
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
