//! Verifies Moov's webhooks. Moov signs three headers with an HMAC. **The body is not signed.**
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
//! `X-Signature` is the HMAC of `X-Timestamp|X-Nonce|X-Webhook-ID`. **`X-Signature` does not cover
//! the body**, so the verifier returns an [`UnsignedBody`]. [The module
//! `webhook`](crate::webhook#security) describes the other checks, explains each limit, and lists
//! what the verifier does not check.
//!
//! - The verifier checks the signature first, then the time. A delivery without a valid signature
//!   never reaches the delivery store.
//! - No signed header may contain `|`. Otherwise `a|b` and `c` would have the same signed text as
//!   `a` and `b|c`.
//! - The signature must be 128 lower-case hexadecimal digits, because the vendor always sends this
//!   format.

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

const RETRIES: Duration = Duration::from_secs(24 * 3600);

/// Verifies Moov's webhooks. A verifier is cheap to clone. All clones share the signing secrets and
/// the delivery store.
#[derive(Clone)]
pub struct WebhookVerifier(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    secrets: Arc<ArcSwap<SigningSecrets>>,
    tolerance: Option<Tolerance>,
    body_limit: usize,
    deliveries: Deliveries,
    clock: Arc<dyn Clock>,
}

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
    /// secret, or if a secret is empty or has white space around it.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner {
            secrets: Arc::new(ArcSwap::from_pointee(SigningSecrets::new(secrets)?)),
            tolerance: None,
            body_limit: 1024 * 1024,
            deliveries: Deliveries::default(),
            clock: Arc::new(SystemClock),
        })))
    }

    /// Replaces the signing secrets at run time, in this verifier and in all of its clones.
    ///
    /// The next webhook is verified with the new secrets. A webhook that is being verified during
    /// the call still uses the previous secrets. The call does not block.
    ///
    /// To replace a secret without losing a webhook:
    ///
    /// 1. When the vendor's dashboard shows the new secret, call this method in every process, and
    ///    pass both the old and the new secret. Before the call, a webhook that is signed with the
    ///    new secret gets a 401, and Moov sends the webhook again.
    /// 2. One day later, call this method in every process, and pass only the new secret. Moov then
    ///    no longer retries webhooks that were signed with the old secret.
    ///
    /// If the old secret has leaked, call this method immediately with only the new secret. From
    /// then on, webhooks that are signed with the old secret are rejected.
    ///
    /// A delivery is identified by its nonce together with the secret that signed it. If Moov
    /// signs the first attempt with one secret and a retry with another secret,
    /// [`WebhookVerifier::receive`] reports the retry as a new delivery.
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`WebhookVerifier::new`]. After an error, the previous secrets
    /// stay in use.
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
    /// Defaults:
    ///
    /// - `X-Timestamp` may be up to 5 min in the future.
    /// - With [`WebhookVerifier::receive`], `X-Timestamp` may be up to 24 h 5 min in the past, so
    ///   that the vendor's retries are accepted.
    /// - With [`WebhookVerifier::verify`], `X-Timestamp` may be up to 5 min in the past, because
    ///   `verify` does not detect repeated webhooks.
    #[must_use]
    pub fn with_tolerance(self, tolerance: Tolerance) -> Self {
        self.with(|inner| inner.tolerance = Some(tolerance))
    }

    /// Sets the maximum size of a body, in bytes. Default: 1 MiB.
    #[must_use]
    pub fn with_body_limit(self, bytes: usize) -> Self {
        self.with(|inner| inner.body_limit = bytes)
    }

    /// Returns the maximum size of a body, in bytes. Read at most this many bytes of a request
    /// body.
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

    /// Verifies the headers of a webhook. Returns the body as an [`UnsignedBody`], because Moov
    /// does not sign the body.
    ///
    /// This method does not detect repeated webhooks, so most callers need
    /// [`WebhookVerifier::receive`] instead.
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

    pub(crate) fn window(&self) -> Tolerance {
        self.0.tolerance.unwrap_or(Tolerance::covering_retries(RETRIES))
    }

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
