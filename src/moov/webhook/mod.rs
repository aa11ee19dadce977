//! Verifies Moov's webhooks: an HMAC over three headers. **The body is not signed.**
//!
//! ```
//! # #[cfg(feature = "emulator")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{
//!     moov::webhook::{EventKind, WebhookVerifier}, emulator::Emulator, webhook::Received,
//! };
//!
//! let emulator = Emulator::start().await?;
//! // In your service: the secret from the vendor's dashboard.
//! let webhooks = WebhookVerifier::new([emulator.moov_webhook_secret()])?;
//!
//! let sent = emulator.moov_webhook(r#"{"type":"transfer.updated"}"#).sign()?;
//! let Received::New(webhook, delivery) = webhooks.receive(&sent.headers, &sent.body).await? else {
//!     panic!("it was not sent before");
//! };
//! // The body is a hint: fetch the object (`UnsignedEvent::refetch_url`), and use that.
//! let hint = webhook.unsigned_event()?;
//! assert_eq!(hint.kind, EventKind::TransferUpdated);
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
//! `X-Signature` is the HMAC of `X-Timestamp|X-Nonce|X-Webhook-ID`. **It does not cover the body**,
//! so the verifier returns an [`UnsignedBody`]. For the other checks, for what is not checked, and
//! for the reason of each limit, see [the module `webhook`](crate::webhook#security).
//!
//! - The signature is checked before the time. Only signed deliveries reach the delivery store.
//! - No field may contain `|`. Otherwise `a|b` and `c` would have the same signed text as `a` and
//!   `b|c`.
//! - The signature must be 128 lower-case hexadecimal digits, as the vendor writes it.

mod event;
mod signed;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use ring::hmac;

use self::signed::delivery_id;
pub use self::{
    event::{EventKind, UnsignedEvent},
    signed::{SignedHeaders, SigningSecrets},
};
use crate::{
    Clock, Error, Secret, SystemClock,
    sync::ArcSwap,
    webhook::{Deliveries, DeliveryId, Headers, Reason, Received, Tolerance, UnsignedBody, VerifyError},
};

/// How long Moov retries a delivery.
const RETRIES: Duration = Duration::from_secs(24 * 3600);

/// Verifies Moov's webhooks. It is cheap to clone, and clones share the signing secrets and the
/// delivery store.
#[derive(Clone)]
pub struct WebhookVerifier(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    /// The signing secrets, which all clones share.
    secrets: Arc<ArcSwap<SigningSecrets>>,
    tolerance: Option<Tolerance>,
    body_limit: usize,
    deliveries: Deliveries,
    clock: Arc<dyn Clock>,
}

/// A webhook whose headers are verified. Its body has not been read yet.
pub(crate) struct VerifiedHeaders<'h> {
    headers: SignedHeaders<'h>,
    signed_at: SystemTime,
    secret: hmac::Tag,
}

impl VerifiedHeaders<'_> {
    pub(crate) fn with_body<B>(&self, body: B) -> UnsignedBody<B> {
        UnsignedBody::new(body, self.signed_at, self.headers.nonce, self.headers.webhook_id)
    }

    pub(crate) fn delivery_id(&self) -> DeliveryId {
        delivery_id(&self.secret, self.headers.nonce, self.signed_at)
    }
}

impl WebhookVerifier {
    /// Creates a verifier that accepts any of these signing secrets. During a rotation, pass both
    /// the old and the new secret.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) if there is no
    /// secret, or if one is empty or has white space around it.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner {
            secrets: Arc::new(ArcSwap::from_pointee(SigningSecrets::new(secrets)?)),
            tolerance: None,
            body_limit: 1024 * 1024,
            deliveries: Deliveries::default(),
            clock: Arc::new(SystemClock),
        })))
    }

    /// Replaces the signing secrets, in this verifier and in all of its clones, at run time.
    ///
    /// The next webhook is verified with the new secrets. This does not block: a webhook that is
    /// being verified at that moment uses the previous secrets.
    ///
    /// To replace a secret without losing a webhook:
    ///
    /// 1. When the vendor's dashboard shows the new secret, call this with both secrets in all
    ///    processes. Until then, a webhook that is signed with the new secret gets a 401, and Moov
    ///    sends it again.
    /// 2. One day later, when Moov no longer retries webhooks that the old secret signed, call this
    ///    with only the new secret.
    ///
    /// If the old secret has leaked, call this method immediately with only the new secret.
    /// Webhooks that are signed with the old secret are rejected from then on.
    ///
    /// A delivery is identified by the secret that signed it and by its nonce. If Moov signs a
    /// retry with a different secret than the first attempt, the retry counts as a new delivery.
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`WebhookVerifier::new`]. In that case the secrets are not
    /// replaced.
    pub fn replace_secrets(&self, secrets: impl IntoIterator<Item = Secret>) -> Result<(), Error> {
        self.0.secrets.store(Arc::new(SigningSecrets::new(secrets)?));
        Ok(())
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Sets how far `X-Timestamp` may be from the current time.
    ///
    /// Default: 24 h 5 min into the past for [`WebhookVerifier::receive`], which covers the
    /// vendor's retries, and 5 min for [`WebhookVerifier::verify`], which has no delivery store to
    /// detect repetitions. Both accept 5 min into the future.
    #[must_use]
    pub fn with_tolerance(self, tolerance: Tolerance) -> Self {
        self.with(|inner| inner.tolerance = Some(tolerance))
    }

    /// Sets the maximum size of a body, in bytes. Default: 1 MiB.
    #[must_use]
    pub fn with_body_limit(self, bytes: usize) -> Self {
        self.with(|inner| inner.body_limit = bytes)
    }

    /// Returns the maximum size of a body, in bytes. Do not read more of a request than this.
    pub fn body_limit(&self) -> usize {
        self.0.body_limit
    }

    /// Sets how deliveries are deduplicated. Default: in memory, up to 100,000 deliveries.
    #[must_use]
    pub fn with_deliveries(self, deliveries: Deliveries) -> Self {
        self.with(|inner| inner.deliveries = deliveries)
    }

    /// Returns the object that deduplicates deliveries.
    pub fn deliveries(&self) -> &Deliveries {
        &self.0.deliveries
    }

    /// Sets the clock. Default: the system clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock + 'static) -> Self {
        self.with(|inner| inner.clock = Arc::new(clock))
    }

    /// Verifies the headers. The body is not signed, so it is returned as an [`UnsignedBody`].
    ///
    /// Does not detect repetitions, so most callers need [`WebhookVerifier::receive`] instead.
    ///
    /// # Errors
    ///
    /// Fails if a header is missing, repeated, too long or malformed, if the body is too large, if
    /// no secret matches the signature, or if the time is outside the tolerance.
    pub fn verify<'h, B: AsRef<[u8]>>(
        &self,
        headers: impl Headers<'h>,
        body: B,
    ) -> Result<UnsignedBody<B>, VerifyError> {
        let tolerance = self.0.tolerance.unwrap_or_default();
        let verified = self.verify_within(headers, body.as_ref(), tolerance);
        Ok(self.0.deliveries.observe_verified(verified)?.with_body(body))
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
    pub async fn receive<'h, B: AsRef<[u8]>>(
        &self,
        headers: impl Headers<'h>,
        body: B,
    ) -> Result<Received<UnsignedBody<B>>, VerifyError> {
        let verified = self.verify_within(headers, body.as_ref(), self.window());
        let verified = self.0.deliveries.observe_rejected(verified)?;
        let begun = self.0.deliveries.begin(verified.delivery_id(), self.keep()).await?;
        Ok(Received::new(begun, verified.with_body(body)))
    }

    /// Returns the tolerance for deliveries that are deduplicated.
    pub(crate) fn window(&self) -> Tolerance {
        self.0.tolerance.unwrap_or(Tolerance::covering_retries(RETRIES))
    }

    /// Returns how long a handled delivery is remembered.
    pub(crate) fn keep(&self) -> Duration {
        self.window().keep(RETRIES)
    }

    pub(crate) fn verify_headers<'h>(
        &self,
        headers: impl Headers<'h>,
        tolerance: Tolerance,
    ) -> Result<VerifiedHeaders<'h>, VerifyError> {
        let headers = SignedHeaders::read(headers)?;
        let (signed_at, secret) =
            self.0.secrets.load().verify_by(&headers, self.0.clock.wall(), tolerance)?;
        Ok(VerifiedHeaders { headers, signed_at, secret })
    }

    fn verify_within<'h>(
        &self,
        headers: impl Headers<'h>,
        body: &[u8],
        tolerance: Tolerance,
    ) -> Result<VerifiedHeaders<'h>, VerifyError> {
        let verified = self.verify_headers(headers, tolerance)?;
        self.check_body(body)?;
        Ok(verified)
    }

    fn check_body(&self, body: &[u8]) -> Result<(), VerifyError> {
        if body.len() > self.0.body_limit { Err(Reason::BodyTooLarge.into()) } else { Ok(()) }
    }
}

impl fmt::Debug for WebhookVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookVerifier")
            .field("secrets", &self.0.secrets.load())
            .field("tolerance", &self.0.tolerance)
            .field("deliveries", &self.0.deliveries)
            .finish_non_exhaustive()
    }
}
