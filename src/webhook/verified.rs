//! What a verification returns.

use std::{fmt, time::SystemTime};

use serde::de::DeserializeOwned;

use super::{Reason, VerifyError};

/// A webhook whose headers **and body** the vendor signed.
///
/// # Security
///
/// It may be a repetition: see [the module](crate::webhook#what-is-not).
#[derive(Clone)]
pub struct Verified<B> {
    body: B,
    signed_at: SystemTime,
    key_id: Box<str>,
}

impl<B> Verified<B> {
    /// A webhook that counts as verified. The verifiers return these; make one yourself only to test
    /// a handler.
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use fintech_auth::{moneykit::webhook::EventKind, webhook::Verified};
    ///
    /// let body = r#"{"webhook_event":"link.product_refresh"}"#;
    /// let webhook = Verified::new(body, SystemTime::now(), "test-key");
    /// assert_eq!(webhook.event()?.kind, EventKind::LinkProductRefresh);
    /// # Ok::<(), fintech_auth::webhook::VerifyError>(())
    /// ```
    pub fn new(body: B, signed_at: SystemTime, key_id: impl Into<Box<str>>) -> Self {
        Self { body, signed_at, key_id: key_id.into() }
    }

    /// The signed bytes.
    pub fn body(&self) -> &B {
        &self.body
    }

    /// The signed bytes.
    pub fn into_body(self) -> B {
        self.body
    }

    /// When the vendor signed it, by the vendor's clock.
    pub fn signed_at(&self) -> SystemTime {
        self.signed_at
    }

    /// The id of the vendor's key that signed it.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}

impl<B: AsRef<[u8]>> Verified<B> {
    /// The body, read as JSON.
    ///
    /// # Errors
    ///
    /// [`MalformedBody`](crate::webhook::VerifyErrorKind::MalformedBody), without any text of the body. The webhook is authentic all
    /// the same: respond with 2xx, or the vendor sends it again in vain.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, VerifyError> {
        read(self.body.as_ref())
    }
}

/// Shows no body: it may be about people and their accounts.
impl<B> fmt::Debug for Verified<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("signed_at", &self.signed_at)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, VerifyError> {
    serde_json::from_slice(body).map_err(|_| Reason::MalformedBody.into())
}

/// A webhook whose **headers** the vendor signed, and whose **body nobody signed**.
///
/// # Security
///
/// Treat the body as a hint. Anyone who captures one delivery can reuse its headers with a different
/// body. Before you act, fetch the object by its id over the vendor's API, and act on that. The methods
/// that read the body are named `unsigned_…`, so that code which reads it says so.
#[derive(Clone)]
pub struct UnsignedBody<B> {
    body: B,
    signed_at: SystemTime,
    nonce: Box<str>,
    webhook_id: Box<str>,
}

impl<B> UnsignedBody<B> {
    /// A webhook whose headers count as verified. The verifiers return these; make one yourself only to
    /// test a handler.
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use fintech_auth::{moov::webhook::EventKind, webhook::UnsignedBody};
    ///
    /// let body = r#"{"type":"transfer.updated"}"#;
    /// let webhook = UnsignedBody::new(body, SystemTime::now(), "test-nonce", "test-webhook");
    /// assert_eq!(webhook.unsigned_event()?.kind, EventKind::TransferUpdated);
    /// # Ok::<(), fintech_auth::webhook::VerifyError>(())
    /// ```
    pub fn new(
        body: B,
        signed_at: SystemTime,
        nonce: impl Into<Box<str>>,
        webhook_id: impl Into<Box<str>>,
    ) -> Self {
        Self { body, signed_at, nonce: nonce.into(), webhook_id: webhook_id.into() }
    }

    /// The webhook's id, which is signed.
    pub fn webhook_id(&self) -> &str {
        &self.webhook_id
    }

    /// The nonce, which is signed.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// When the headers were signed, by the vendor's clock.
    pub fn signed_at(&self) -> SystemTime {
        self.signed_at
    }

    /// The body as it came. It is **not** covered by the signature.
    pub fn unsigned_body(&self) -> &B {
        &self.body
    }

    /// The body as it came. It is **not** covered by the signature.
    pub fn into_unsigned_body(self) -> B {
        self.body
    }
}

impl<B: AsRef<[u8]>> UnsignedBody<B> {
    /// The body, read as JSON. It is **not** covered by the signature.
    ///
    /// # Errors
    ///
    /// [`MalformedBody`](crate::webhook::VerifyErrorKind::MalformedBody), without any text of the body.
    pub fn unsigned_json<T: DeserializeOwned>(&self) -> Result<T, VerifyError> {
        read(self.body.as_ref())
    }
}

impl<B> fmt::Debug for UnsignedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedBody")
            .field("webhook_id", &self.webhook_id)
            .field("signed_at", &self.signed_at)
            .finish_non_exhaustive()
    }
}
