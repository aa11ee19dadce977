//! What comes out of a verification. Only the verifiers make these, so to hold one is the proof.

use std::{fmt, ops::Deref, time::SystemTime};

use serde::de::DeserializeOwned;

use super::{VerifyError, VerifyErrorKind as Kind};

/// Something that the vendor signed, all of it, at a time that is of now.
///
/// # Security
///
/// It may have come before: see [the module](crate::webhook#what-is-not).
#[derive(Clone, Debug)]
pub struct Verified<T> {
    value: T,
    signed_at: SystemTime,
    key_id: Box<str>,
}

impl<T> Verified<T> {
    pub(crate) fn new(value: T, signed_at: SystemTime, key_id: Box<str>) -> Self {
        Self { value, signed_at, key_id }
    }

    /// What was signed.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// When, by the vendor's clock.
    pub fn signed_at(&self) -> SystemTime {
        self.signed_at
    }

    /// By which of the vendor's keys.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A webhook whose **headers** the vendor signed, and whose **body nobody signed**.
///
/// # Security
///
/// Take the body for a hint. Someone who saw one delivery may send its headers with a body of his
/// own. Before you act, fetch the object by its id over the vendor's API, and act on what that says.
/// There is no `Deref` to the body, so that code which reads it says so.
#[derive(Clone)]
pub struct UnsignedBody<B> {
    body: B,
    signed_at: SystemTime,
    nonce: Box<str>,
    webhook_id: Box<str>,
}

impl<B> UnsignedBody<B> {
    pub(crate) fn new(body: B, signed_at: SystemTime, nonce: &str, webhook_id: &str) -> Self {
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
    /// [`MalformedBody`](Kind::MalformedBody), without a word of the body.
    pub fn unsigned_json<T: DeserializeOwned>(&self) -> Result<T, VerifyError> {
        serde_json::from_slice(self.body.as_ref()).map_err(|_| Kind::MalformedBody.into())
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
