//! Verified webhooks, with a signed or an unsigned body.

use std::{fmt, time::SystemTime};

use serde::de::DeserializeOwned;

use super::{Reason, VerifyError};

/// A webhook whose headers **and body** the vendor signed.
///
/// # Security
///
/// The webhook may have been received before: see [what is not
/// verified](crate::webhook#what-is-not).
#[derive(Clone)]
pub struct Verified<B> {
    body: B,
    signed_at: SystemTime,
    key_id: Box<str>,
}

impl<B> Verified<B> {
    /// Creates a webhook without a signature check. Use this function only in tests of a handler.
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

    /// Returns the signed body.
    pub fn body(&self) -> &B {
        &self.body
    }

    /// Returns the signed body by value.
    pub fn into_body(self) -> B {
        self.body
    }

    /// Returns the time at which the vendor signed the webhook, according to the vendor's clock.
    pub fn signed_at(&self) -> SystemTime {
        self.signed_at
    }

    /// Returns the id of the vendor's key that signed the webhook.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}

impl<B: AsRef<[u8]>> Verified<B> {
    /// Parses the body as JSON.
    ///
    /// # Errors
    ///
    /// Returns [`MalformedBody`](crate::webhook::VerifyErrorKind::MalformedBody) if the body cannot
    /// be parsed as a `T`. The error does not show the body. The webhook is still authentic, so
    /// respond with 2xx. Otherwise the vendor keeps sending the webhook.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, VerifyError> {
        read(self.body.as_ref())
    }
}

/// Hides the body, because the body may describe people and their accounts.
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

/// A webhook whose **headers** the vendor signed. **The body is not signed.**
///
/// # Security
///
/// Treat the body as a hint. Anyone who captures one delivery can reuse its headers with a
/// different body. So fetch the object by its id over the vendor's API, and use only the fetched
/// object. As a reminder, the methods that read the body have `unsigned` in their names.
#[derive(Clone)]
pub struct UnsignedBody<B> {
    body: B,
    signed_at: SystemTime,
    nonce: Box<str>,
    webhook_id: Box<str>,
}

impl<B> UnsignedBody<B> {
    /// Creates a webhook without a signature check. Use this function only in tests of a handler.
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

    /// Returns the webhook's id, which is signed.
    pub fn webhook_id(&self) -> &str {
        &self.webhook_id
    }

    /// Returns the nonce, which is signed.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Returns the time at which the vendor signed the headers, according to the vendor's clock.
    pub fn signed_at(&self) -> SystemTime {
        self.signed_at
    }

    /// Returns the body as received. The signature does **not** cover the body.
    pub fn unsigned_body(&self) -> &B {
        &self.body
    }

    /// Returns the body as received, by value. The signature does **not** cover the body.
    pub fn into_unsigned_body(self) -> B {
        self.body
    }
}

impl<B: AsRef<[u8]>> UnsignedBody<B> {
    /// Parses the body as JSON. The signature does **not** cover the body.
    ///
    /// # Errors
    ///
    /// Returns [`MalformedBody`](crate::webhook::VerifyErrorKind::MalformedBody) if the body cannot
    /// be parsed as a `T`. The error does not show the body.
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
