//! Why a webhook was not accepted, and what to respond.
//!
//! It never holds a body, a secret, a key or the value of a header.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use http::StatusCode;

macro_rules! kinds {
    ($($(#[$doc:meta])+ $name:ident $status:ident $clause:literal,)+) => {
        /// Why a webhook was not accepted. Each rejection has a reason of its own.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum VerifyErrorKind {
            $($(#[$doc])+ $name,)+
        }

        impl VerifyErrorKind {
            /// All of them, for tables.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The HTTP status to respond with: 400 for what cannot be read, 401 for what is not
            /// authentic, 413 for a large body, and 503 where nothing
            /// could be decided and the vendor should send it again.
            pub fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => StatusCode::$status,)+
                }
            }

            fn clause(self) -> &'static str {
                match self {
                    $(Self::$name => $clause,)+
                }
            }
        }
    };
}

kinds! {
    /// A header that the vendor always sends is not there.
    MissingHeader BAD_REQUEST "a header is missing",
    /// A header came more than once, so that two readers could take different ones.
    RepeatedHeader BAD_REQUEST "a header is repeated",
    /// A header is over its limit.
    HeaderTooLarge BAD_REQUEST "a header is too long",
    /// A header is empty, or not visible ASCII, or holds a separator of the signed text.
    MalformedHeader BAD_REQUEST "a header is not readable",
    /// The body is over its limit.
    BodyTooLarge PAYLOAD_TOO_LARGE "the body is too large",
    /// The body broke off before its end.
    IncompleteBody BAD_REQUEST "the body did not come to its end",
    /// The body is authentic, as far as the scheme goes, but not what it should be.
    MalformedBody BAD_REQUEST "the body is not the json of an event",

    /// The signature is not of the right shape: a JWS has three parts, an HMAC 128 lower-case
    /// hexadecimal digits.
    MalformedSignature BAD_REQUEST "the signature is not of the right shape",
    /// A part of the JWS is not base64url without padding (RFC 7515 section 2).
    MalformedBase64 BAD_REQUEST "a part of the signature is not base64url",
    /// The JWS header is no JSON object, or has a member twice, or one of a wrong type.
    MalformedJwsHeader BAD_REQUEST "the jws header is not a json object as it should be",
    /// `alg` is `none`: nothing is signed (RFC 8725 section 2.1).
    AlgorithmNone UNAUTHORIZED "the signature algorithm is none",
    /// `alg` is an HMAC, for which the public key would be the secret (RFC 8725 section 2.1).
    AlgorithmSymmetric UNAUTHORIZED "the signature algorithm is symmetric",
    /// `alg` is not ES256, or is missing.
    AlgorithmUnexpected UNAUTHORIZED "the signature algorithm is not es256",
    /// The JWS header has `crit`, and we know no extension (RFC 7515 section 4.1.11).
    CriticalExtension UNAUTHORIZED "the jws header has a critical extension",
    /// The JWS header has no `kid`.
    MissingKeyId UNAUTHORIZED "the jws header names no key",
    /// The signature is an ASN.1 structure, where JWS has two numbers of 32 bytes (RFC 7518
    /// section 3.4).
    SignatureInDer UNAUTHORIZED "the signature is in der",
    /// The signature is not 64 bytes long.
    SignatureLength UNAUTHORIZED "the signature is not 64 bytes long",
    /// The signature is not by the key.
    SignatureInvalid UNAUTHORIZED "the signature does not verify",

    /// No key of the given set has this id. Where keys are fetched, this is never said: see
    /// [`KeysCoolingDown`](Self::KeysCoolingDown).
    UnknownKey UNAUTHORIZED "the key is unknown",
    /// Two different keys have this id.
    KeyAmbiguous UNAUTHORIZED "two keys have the same id",
    /// The key is not an elliptic-curve key (`kty`).
    KeyType UNAUTHORIZED "the key is of another type",
    /// The key is of another curve than P-256 (`crv`).
    KeyCurve UNAUTHORIZED "the key is of another curve",
    /// The key is not for verifying signatures (`use`, `key_ops`).
    KeyUse UNAUTHORIZED "the key is for another use",
    /// The key is for another algorithm than ES256 (`alg`).
    KeyAlgorithm UNAUTHORIZED "the key is for another algorithm",
    /// The key's coordinates are not 32 bytes each, or it holds its private half.
    KeyMalformed UNAUTHORIZED "the key is malformed",
    /// The key's coordinates are no point of the curve.
    KeyOffCurve UNAUTHORIZED "the key is not on its curve",

    /// The claims are no JSON object, or have a member twice.
    MalformedClaims BAD_REQUEST "the claims are not a json object as it should be",
    /// `iat` or `request_body_sha256` is missing.
    MissingClaim UNAUTHORIZED "a claim is missing",
    /// A claim is of the wrong type, or out of all range.
    MalformedClaim UNAUTHORIZED "a claim is of the wrong type",
    /// The body is not the one that was signed.
    BodyMismatch UNAUTHORIZED "the body is not the signed one",

    /// The timestamp is neither RFC 3339 nor Unix time.
    MalformedTimestamp BAD_REQUEST "the timestamp is not readable",
    /// It was signed longer ago than is tolerated.
    TooOld UNAUTHORIZED "it was signed too long ago",
    /// It was signed further in the future than is tolerated.
    TooNew UNAUTHORIZED "it was signed in the future",
    /// `exp` is past.
    Expired UNAUTHORIZED "it has expired",
    /// `nbf` is to come.
    NotYetValid UNAUTHORIZED "it is not valid yet",

    /// The keys could not be fetched, and none are at hand.
    KeysUnavailable SERVICE_UNAVAILABLE "the keys cannot be fetched",
    /// The key is unknown, and the keys were fetched too recently to fetch them again. It is made up, or a
    /// new one that is not published everywhere yet: the vendor should send the webhook again.
    KeysCoolingDown SERVICE_UNAVAILABLE "the key is unknown, and keys are not fetched again yet",
    /// The delivery store failed, is full, or cannot tell whether the delivery was handled.
    DeliveryStoreUnavailable SERVICE_UNAVAILABLE "the delivery store is unavailable",
}

/// A webhook that was not accepted. Response [`VerifyError::status`]; there is nothing to retry here.
///
/// # Security
///
/// `Display` and `Debug` show the reason, in our words, and the name of a header; never a body, a
/// secret, a token, a key id or the value of a header. So both may be logged. To the sender give the
/// status alone.
#[derive(Clone)]
pub struct VerifyError {
    kind: VerifyErrorKind,
    /// A header or claim, by the name that we ask for.
    subject: Option<&'static str>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl VerifyError {
    pub(crate) fn about(kind: VerifyErrorKind, subject: &'static str) -> Self {
        Self { subject: Some(subject), ..kind.into() }
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Why.
    pub fn kind(&self) -> VerifyErrorKind {
        self.kind
    }

    /// The header or claim that it is about, where there is one.
    pub fn subject(&self) -> Option<&'static str> {
        self.subject
    }

    /// The HTTP status to respond with; see [`VerifyErrorKind::status`].
    pub fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// For a 503: when it is worth to send it again (`Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl From<VerifyErrorKind> for VerifyError {
    fn from(kind: VerifyErrorKind) -> Self {
        Self { kind, subject: None, retry_after: None, source: None }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("webhook refused: ")?;
        f.write_str(self.kind.clause())?;
        self.subject.map_or(Ok(()), |subject| write!(f, " ({subject})"))
    }
}

impl fmt::Debug for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("VerifyError");
        debug.field("kind", &self.kind);
        if let Some(subject) = self.subject {
            debug.field("subject", &subject);
        }
        if let Some(source) = &self.source {
            debug.field("source", source);
        }
        debug.finish_non_exhaustive()
    }
}

impl StdError for VerifyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
