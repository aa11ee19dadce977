//! The reasons why a webhook is rejected. Errors never contain a body, a secret, a key or the value
//! of a header.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use http::StatusCode;

/// The general reason why a webhook was not accepted. [`VerifyError::reason`] is more precise.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum VerifyErrorKind {
    /// A required header is missing, repeated, too long or malformed.
    InvalidHeader,
    /// The signature, the JWS header or the claims do not have the vendor's format.
    MalformedSignature,
    /// The signature uses an algorithm that the vendor does not use, such as `none` (RFC 8725
    /// section 2.1).
    UnsupportedAlgorithm,
    /// The JWS header has no key id, or the given key set contains no key with this id. A verifier
    /// that fetches its keys returns [`KeysCoolingDown`](Self::KeysCoolingDown) for an unknown key
    /// id.
    UnknownKey,
    /// The key with this id cannot verify signatures, because the key is malformed or ambiguous, or
    /// has the wrong type, curve, algorithm or use.
    UnusableKey,
    /// The signature does not match the signed data and the key.
    InvalidSignature,
    /// The body differs from the signed body.
    BodyMismatch,
    /// The webhook was signed longer ago than the tolerance allows, or `exp` has passed.
    TooOld,
    /// The time at which the webhook was signed, or `nbf`, is further in the future than the
    /// tolerance allows.
    TooNew,
    /// The body exceeds the size limit.
    BodyTooLarge,
    /// The connection ended before the end of the body.
    IncompleteBody,
    /// The body is not a webhook event in JSON. If the vendor signs bodies, the body is authentic,
    /// because the signature is checked first.
    MalformedBody,
    /// The keys could not be fetched, and the cached keys are missing, too old, or do not contain a
    /// key with this id.
    KeysUnavailable,
    /// The key id is unknown, and the keys were fetched too recently to be fetched again. The key
    /// id may be forged, or the key may be new and not published everywhere yet. The vendor should
    /// send the webhook again.
    KeysCoolingDown,
    /// The delivery store failed, is full, or no longer knows whether the delivery was handled.
    DeliveryStoreUnavailable,
}

impl VerifyErrorKind {
    /// All kinds, for documentation and tables.
    pub const ALL: &'static [Self] = &[
        Self::InvalidHeader,
        Self::MalformedSignature,
        Self::UnsupportedAlgorithm,
        Self::UnknownKey,
        Self::UnusableKey,
        Self::InvalidSignature,
        Self::BodyMismatch,
        Self::TooOld,
        Self::TooNew,
        Self::BodyTooLarge,
        Self::IncompleteBody,
        Self::MalformedBody,
        Self::KeysUnavailable,
        Self::KeysCoolingDown,
        Self::DeliveryStoreUnavailable,
    ];

    /// Returns the HTTP status to respond with.
    ///
    /// Returns 400 for malformed requests, 401 for webhooks that are not authentic, and 413 for a
    /// body that is too large. Returns 503 if verification was not possible and the vendor should
    /// send the webhook again.
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidHeader | Self::MalformedSignature | Self::IncompleteBody | Self::MalformedBody => {
                StatusCode::BAD_REQUEST
            }
            Self::UnsupportedAlgorithm
            | Self::UnknownKey
            | Self::UnusableKey
            | Self::InvalidSignature
            | Self::BodyMismatch
            | Self::TooOld
            | Self::TooNew => StatusCode::UNAUTHORIZED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::KeysUnavailable | Self::KeysCoolingDown | Self::DeliveryStoreUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    fn reason(self) -> Reason {
        match self {
            Self::InvalidHeader => Reason::MissingHeader,
            Self::MalformedSignature => Reason::MalformedSignature,
            Self::UnsupportedAlgorithm => Reason::AlgorithmNone,
            Self::UnknownKey => Reason::UnknownKey,
            Self::UnusableKey => Reason::KeyAmbiguous,
            Self::InvalidSignature => Reason::SignatureInvalid,
            Self::BodyMismatch => Reason::BodyMismatch,
            Self::TooOld => Reason::TooOld,
            Self::TooNew => Reason::TooNew,
            Self::BodyTooLarge => Reason::BodyTooLarge,
            Self::IncompleteBody => Reason::IncompleteBody,
            Self::MalformedBody => Reason::MalformedBody,
            Self::KeysUnavailable => Reason::KeysUnavailable,
            Self::KeysCoolingDown => Reason::KeysCoolingDown,
            Self::DeliveryStoreUnavailable => Reason::DeliveryStoreUnavailable,
        }
    }
}

macro_rules! reasons {
    ($($kind:ident { $($(#[$doc:meta])+ $reason:ident $name:literal $clause:literal,)+ })+) => {
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(crate) enum Reason {
            $($($(#[$doc])+ $reason,)+)+
        }

        impl Reason {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$($(Self::$reason,)+)+];

            fn kind(self) -> VerifyErrorKind {
                match self {
                    $($(Self::$reason => VerifyErrorKind::$kind,)+)+
                }
            }

            fn name(self) -> &'static str {
                match self {
                    $($(Self::$reason => $name,)+)+
                }
            }

            fn clause(self) -> &'static str {
                match self {
                    $($(Self::$reason => $clause,)+)+
                }
            }
        }

        impl VerifyError {
            /// All values of [`VerifyError::reason`] with their kinds, for tables and metric
            /// labels.
            pub const REASONS: &'static [(VerifyErrorKind, &'static str)] =
                &[$($((VerifyErrorKind::$kind, $name),)+)+];
        }
    };
}

reasons! {
    InvalidHeader {
        /// A required header is missing.
        MissingHeader "missing_header" "a header is missing",
        /// A header occurs more than once, so different programs could use different values.
        RepeatedHeader "repeated_header" "a header is repeated",
        /// A header exceeds its size limit.
        HeaderTooLarge "header_too_large" "a header is too long",
        /// A header is empty, is not visible ASCII, or contains the separator of the signed text.
        MalformedHeader "malformed_header" "a header is malformed",
        /// The timestamp is neither RFC 3339 nor Unix time.
        MalformedTimestamp "malformed_timestamp" "the timestamp is malformed",
    }
    MalformedSignature {
        /// A JWS must have three parts, and an HMAC must be 128 lower-case hexadecimal digits.
        MalformedSignature "malformed_signature" "the signature is malformed",
        /// A part of the JWS is not base64url without padding (RFC 7515 section 2).
        MalformedBase64 "malformed_base64" "a part of the signature is not base64url",
        /// The JWS header is not a JSON object, repeats a name, or has a member of the wrong type.
        MalformedJwsHeader "malformed_jws_header" "the jws header is not a json object with the expected members",
        /// The claims are not a JSON object, or repeat a name.
        MalformedClaims "malformed_claims" "the claims are not a json object with the expected members",
        /// `iat` or `request_body_sha256` is missing.
        MissingClaim "missing_claim" "a claim is missing",
        /// A claim has the wrong type, or its value is out of range.
        MalformedClaim "malformed_claim" "a claim is of the wrong type",
    }
    UnsupportedAlgorithm {
        /// `alg` is `none`, so the webhook is not signed.
        AlgorithmNone "algorithm_none" "the signature algorithm is none",
        /// `alg` is an HMAC. An attacker could use the public key as the HMAC secret.
        AlgorithmSymmetric "algorithm_symmetric" "the signature algorithm is symmetric",
        /// `alg` is not ES256, or is missing.
        AlgorithmUnexpected "algorithm_unexpected" "the signature algorithm is not es256",
        /// The JWS header has `crit`, but this crate supports no extensions (RFC 7515 section
        /// 4.1.11).
        CriticalExtension "critical_extension" "the jws header has a critical extension",
    }
    UnknownKey {
        /// The given key set contains no key with this id.
        UnknownKey "unknown_key" "the key is unknown",
        /// The JWS header has no `kid`.
        MissingKeyId "missing_key_id" "the jws header names no key",
    }
    UnusableKey {
        /// Two different keys have this id.
        KeyAmbiguous "key_ambiguous" "two keys have the same id",
        /// The key is not an elliptic-curve key (`kty`).
        KeyType "key_type" "the key has the wrong type",
        /// The key's curve is not P-256 (`crv`).
        KeyCurve "key_curve" "the key has the wrong curve",
        /// The key is not for verifying signatures (`use`, `key_ops`).
        KeyUse "key_use" "the key is for another use",
        /// The key's algorithm is not ES256 (`alg`).
        KeyAlgorithm "key_algorithm" "the key is for another algorithm",
        /// The key's coordinates are not 32 bytes each, or the key set contains the private key.
        KeyMalformed "key_malformed" "the key is malformed",
        /// The key's coordinates are not a point on the curve.
        KeyOffCurve "key_off_curve" "the key is not on its curve",
    }
    InvalidSignature {
        /// The signature does not match the signed data and the key.
        SignatureInvalid "signature_invalid" "signature verification failed",
        /// The signature is in DER. A JWS requires two integers of 32 bytes each (RFC 7518 section
        /// 3.4).
        SignatureInDer "signature_in_der" "the signature is der-encoded",
        /// The signature is not 64 bytes long.
        SignatureLength "signature_length" "the signature is not 64 bytes long",
    }
    BodyMismatch {
        /// The body differs from the signed body.
        BodyMismatch "body_mismatch" "the body differs from the signed body",
    }
    TooOld {
        /// The webhook was signed longer ago than the tolerance allows.
        TooOld "too_old" "the signature is too old",
        /// `exp` has passed.
        Expired "expired" "the signature has expired",
    }
    TooNew {
        /// The webhook was signed further in the future than the tolerance allows.
        TooNew "too_new" "the signature time is in the future",
        /// `nbf` is further in the future than the tolerance allows.
        NotYetValid "not_yet_valid" "the signature is not valid yet",
    }
    BodyTooLarge {
        /// The body exceeds the size limit.
        BodyTooLarge "body_too_large" "the body is too large",
    }
    IncompleteBody {
        /// The connection ended before the end of the body.
        IncompleteBody "incomplete_body" "the body is incomplete",
    }
    MalformedBody {
        /// The body is not the JSON of an event.
        MalformedBody "malformed_body" "the body is not the json of a webhook event",
    }
    KeysUnavailable {
        /// The keys could not be fetched, and the cached keys are missing, too old, or do not
        /// contain a key with this id.
        KeysUnavailable "keys_unavailable" "the keys cannot be fetched",
    }
    KeysCoolingDown {
        /// The key is unknown, and the keys were fetched recently.
        KeysCoolingDown "keys_cooling_down" "the key is unknown, and the next fetch of keys is not due yet",
    }
    DeliveryStoreUnavailable {
        /// The delivery store failed, is full, or no longer knows whether the delivery was handled.
        DeliveryStoreUnavailable "delivery_store_unavailable" "the delivery store is unavailable",
    }
}

/// The error for a webhook that was not accepted. Respond with [`VerifyError::status`], and do not
/// verify the webhook again.
///
/// [Troubleshooting](crate::guide::troubleshooting#webhooks) describes what to check for each kind.
///
/// # Security
///
/// `Display` and `Debug` show the reason and the name of the header or claim that caused the error.
/// They never show a body, a secret, a token, a key id or the value of a header. The outputs of
/// `Display` and `Debug` are safe to log. Send only the status to the sender of the webhook.
#[derive(Clone)]
pub struct VerifyError {
    reason: Reason,
    subject: Option<&'static str>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl VerifyError {
    pub(crate) fn about(reason: Reason, subject: &'static str) -> Self {
        Self { subject: Some(subject), ..reason.into() }
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> VerifyErrorKind {
        self.reason.kind()
    }

    /// Returns the reason, for logs and metrics, such as `signature_in_der`.
    /// [`VerifyError::REASONS`] contains all reasons.
    ///
    /// A minor release may add reasons.
    pub fn reason(&self) -> &'static str {
        self.reason.name()
    }

    /// Returns the name of the header or claim that caused the error, if there is one.
    pub fn subject(&self) -> Option<&'static str> {
        self.subject
    }

    /// Returns the HTTP status to respond with. See [`VerifyErrorKind::status`].
    pub fn status(&self) -> StatusCode {
        self.kind().status()
    }

    /// Returns how long the vendor should wait before it sends the webhook again (`Retry-After`).
    /// Returns `None` unless the status is 503.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl From<Reason> for VerifyError {
    fn from(reason: Reason) -> Self {
        Self { reason, subject: None, retry_after: None, source: None }
    }
}

/// Creates an error of this kind, for tests of your own code.
impl From<VerifyErrorKind> for VerifyError {
    fn from(kind: VerifyErrorKind) -> Self {
        kind.reason().into()
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("webhook rejected: ")?;
        f.write_str(self.reason.clause())?;
        self.subject.map_or(Ok(()), |subject| write!(f, " ({subject})"))
    }
}

impl fmt::Debug for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("VerifyError");
        debug.field("kind", &self.kind()).field("reason", &self.reason());
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_error_reason_has_a_unique_name_and_message() {
        let names: BTreeSet<_> = VerifyError::REASONS.iter().map(|(_, name)| name).collect();
        assert_eq!(names.len(), VerifyError::REASONS.len());
        let clauses: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.clause()).collect();
        assert_eq!(clauses.len(), Reason::ALL.len());
        assert!(
            clauses.iter().all(|words| !words.contains(|c: char| c.is_uppercase()) && !words.ends_with('.'))
        );
    }
}
