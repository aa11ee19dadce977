//! Moov's webhooks: HMAC-SHA512 over three headers, and over nothing else.
//!
//! ```
//! # #[cfg(feature = "sandbox")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{moov::webhook::Webhooks, sandbox::Sandbox, webhook::VerifyErrorKind};
//!
//! let sandbox = Sandbox::start().await?;
//! let webhooks = Webhooks::new([sandbox.moov_webhook_secret()])?; // from the vendor's dashboard
//!
//! let sent = sandbox.moov_webhook(r#"{"type":"transfer.updated"}"#).sign()?;
//! let webhook = webhooks.verify(&sent.headers, &sent.body).await?;
//! // The body is a hint: fetch what it is about by its id, and act on that.
//! let hint: serde_json::Value = webhook.unsigned_json()?;
//! assert_eq!(hint["type"], "transfer.updated");
//!
//! let again = webhooks.verify(&sent.headers, &sent.body).await.unwrap_err();
//! assert_eq!(again.kind(), VerifyErrorKind::Replayed);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sandbox"))]
//! # fn main() {}
//! ```
//!
//! # Security
//!
//! `X-Signature` is the HMAC of `X-Timestamp|X-Nonce|X-Webhook-ID`. **The body is not covered**, so
//! what comes back is an [`UnsignedBody`]. What else is verified, what not, and why each limit is
//! what it is: [the module `webhook`](crate::webhook#security).
//!
//! - The signature is judged first, then the time, then the nonce: nothing is remembered that the
//!   vendor did not sign.
//! - No field may hold `|`. The signed text would be the same for `a|b` and `c` as for `a` and `b|c`.
//! - The signature is 128 lower-case hexadecimal digits, as the vendor writes it, and no other text
//!   stands for the same one.

mod signed;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::HeaderMap;

pub use self::signed::{Keys, SignedHeaders};
use crate::{
    Clock, Error, Secret, SystemClock,
    webhook::{MemoryNonces, NonceStore, Tolerance, UnsignedBody, VerifyError, VerifyErrorKind as Kind},
};

/// A nonce is remembered for no longer, however long ago a webhook may have been signed: a thousand
/// years, to stay within what a time can hold.
const FOR_GOOD: Duration = Duration::from_secs(1_000 * 365 * 86_400);

/// Verifies Moov's webhooks. Cheap to clone; clones share their nonces.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    keys: Keys,
    tolerance: Tolerance,
    body_limit: usize,
    nonces: Arc<dyn NonceStore>,
    clock: Arc<dyn Clock>,
}

impl Webhooks {
    /// Accepts what any of these signing secrets signed: in rotation, the old and the new one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) without secrets, or for one that
    /// is empty or has white space around it.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner {
            keys: Keys::new(secrets)?,
            tolerance: Tolerance::default(),
            body_limit: 1024 * 1024,
            nonces: Arc::new(MemoryNonces::default()),
            clock: Arc::new(SystemClock),
        })))
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// How far `X-Timestamp` may be from now. 5 minutes to either side.
    #[must_use]
    pub fn with_tolerance(self, tolerance: Tolerance) -> Self {
        self.with(|inner| inner.tolerance = tolerance)
    }

    /// The largest body. 1 MiB.
    #[must_use]
    pub fn with_body_limit(self, bytes: usize) -> Self {
        self.with(|inner| inner.body_limit = bytes)
    }

    /// The largest body: as much of a request is worth reading.
    pub fn body_limit(&self) -> usize {
        self.0.body_limit
    }

    /// Where nonces are remembered. In this process, 100,000 of them.
    #[must_use]
    pub fn with_nonces(self, nonces: impl NonceStore + 'static) -> Self {
        self.with(|inner| inner.nonces = Arc::new(nonces))
    }

    /// Where time comes from. The clock of the machine.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock + 'static) -> Self {
        self.with(|inner| inner.clock = Arc::new(clock))
    }

    /// Verifies the headers, and hands the body back as what it is: unsigned.
    ///
    /// # Errors
    ///
    /// For missing, repeated, long and unreadable headers, a large body, a signature by none of the
    /// secrets, a time out of the window, and a nonce that was used
    /// ([`Replayed`](Kind::Replayed)). [`NoncesUnavailable`](Kind::NoncesUnavailable) if the store
    /// cannot tell: nothing is let through unchecked.
    ///
    /// # Cancellation
    ///
    /// The nonce may have been taken by then.
    pub async fn verify<B: AsRef<[u8]>>(
        &self,
        headers: &HeaderMap,
        body: B,
    ) -> Result<UnsignedBody<B>, VerifyError> {
        let inner = &*self.0;
        if body.as_ref().len() > inner.body_limit {
            return Err(Kind::BodyTooLarge.into());
        }
        let headers = SignedHeaders::read(headers)?;
        let now = inner.clock.wall();
        let signed_at = inner.keys.verify(&headers, now, inner.tolerance)?;
        // After this the timestamp alone refuses it.
        let until = signed_at.checked_add(inner.tolerance.past().min(FOR_GOOD)).unwrap_or(signed_at);
        if !self.claim(headers.nonce, now, until).await? {
            return Err(Kind::Replayed.into());
        }
        Ok(UnsignedBody::new(body, signed_at, headers.nonce, headers.webhook_id))
    }

    async fn claim(&self, nonce: &str, now: SystemTime, until: SystemTime) -> Result<bool, VerifyError> {
        let claimed = self.0.nonces.claim(nonce, now, until).await;
        claimed.map_err(|error| VerifyError::from(Kind::NoncesUnavailable).with_source(Cause(error)))
    }

    /// Forgets the nonce of a webhook that you could not deal with, so that the vendor's next attempt
    /// with the same headers is not taken for a replay. Call it before you answer 5xx.
    ///
    /// # Errors
    ///
    /// [`NoncesUnavailable`](Kind::NoncesUnavailable) if the store fails.
    pub async fn release<B>(&self, webhook: &UnsignedBody<B>) -> Result<(), VerifyError> {
        let released = self.0.nonces.release(webhook.nonce()).await;
        released.map_err(|error| VerifyError::from(Kind::NoncesUnavailable).with_source(Cause(error)))
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks")
            .field("keys", &self.0.keys)
            .field("tolerance", &self.0.tolerance)
            .field("nonces", &self.0.nonces)
            .finish_non_exhaustive()
    }
}

/// What a store failed with, as the source of an error.
#[derive(Debug)]
struct Cause(Box<dyn std::error::Error + Send + Sync>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
