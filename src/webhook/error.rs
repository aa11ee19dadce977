//! Why a webhook was not accepted, and what to respond.
//!
//! It never holds a body, a secret, a key or the value of a header.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use http::StatusCode;

/// Why a webhook was not accepted: what a caller tells apart. [`VerifyError::reason`] is more precise.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum VerifyErrorKind {
    /// A header of the vendor is missing, repeated, too long or not readable.
    InvalidHeader,
    /// The signature, or what it signs beside the body, is not of the vendor's shape.
    MalformedSignature,
    /// The signature is by another algorithm than the vendor's, such as `none` (RFC 8725 section 2.1).
    UnsupportedAlgorithm,
    /// No key of the given set has this id. Where keys are fetched, this is never returned: see
    /// [`KeysCoolingDown`](Self::KeysCoolingDown).
    UnknownKey,
    /// The vendor's set has a key of this id that cannot verify: of another type, curve or use, malformed, or
    /// twice.
    UnusableKey,
    /// The signature is not by the key.
    InvalidSignature,
    /// The body is not the one that was signed.
    BodyMismatch,
    /// It was signed longer ago than is tolerated, or its `exp` is past.
    TooOld,
    /// It was signed further in the future than is tolerated, or its `nbf` is to come.
    TooNew,
    /// The body is over its limit.
    BodyTooLarge,
    /// The connection broke off before the end of the body.
    IncompleteBody,
    /// The body is authentic, as far as the scheme goes, but not the JSON of an event.
    MalformedBody,
    /// The keys could not be fetched, and none are at hand.
    KeysUnavailable,
    /// The key is unknown, and the keys were fetched too recently to fetch them again. It is made up, or a
    /// new one that is not published everywhere yet: the vendor should send the webhook again.
    KeysCoolingDown,
    /// The delivery store failed, is full, or cannot tell whether the delivery was handled.
    DeliveryStoreUnavailable,
}

impl VerifyErrorKind {
    /// All of them, for tables.
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

    /// The HTTP status to respond with: 400 for what cannot be read, 401 for what is not authentic, 413 for a
    /// large body, and 503 where nothing could be decided and the vendor should send it again.
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

    /// The reason of an error that is made from a kind alone.
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
        /// Each cause of a rejection.
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
            /// Every value of [`VerifyError::reason`] with its kind, for tables and for the labels of metrics.
            pub const REASONS: &'static [(VerifyErrorKind, &'static str)] =
                &[$($((VerifyErrorKind::$kind, $name),)+)+];
        }
    };
}

reasons! {
    InvalidHeader {
        /// A header that the vendor always sends is not there.
        MissingHeader "missing_header" "a header is missing",
        /// A header came more than once, so that two readers could take different ones.
        RepeatedHeader "repeated_header" "a header is repeated",
        /// A header is over its limit.
        HeaderTooLarge "header_too_large" "a header is too long",
        /// A header is empty, or not visible ASCII, or holds a separator of the signed text.
        MalformedHeader "malformed_header" "a header is not readable",
        /// The timestamp is neither RFC 3339 nor Unix time.
        MalformedTimestamp "malformed_timestamp" "the timestamp is not readable",
    }
    MalformedSignature {
        /// A JWS has three parts, an HMAC 128 lower-case hexadecimal digits.
        MalformedSignature "malformed_signature" "the signature is not of the right shape",
        /// A part of the JWS is not base64url without padding (RFC 7515 section 2).
        MalformedBase64 "malformed_base64" "a part of the signature is not base64url",
        /// The JWS header is no JSON object, or has a member twice, or one of a wrong type.
        MalformedJwsHeader "malformed_jws_header" "the jws header is not a json object as it should be",
        /// The claims are no JSON object, or have a member twice.
        MalformedClaims "malformed_claims" "the claims are not a json object as it should be",
        /// `iat` or `request_body_sha256` is missing.
        MissingClaim "missing_claim" "a claim is missing",
        /// A claim is of the wrong type, or out of all range.
        MalformedClaim "malformed_claim" "a claim is of the wrong type",
    }
    UnsupportedAlgorithm {
        /// `alg` is `none`: nothing is signed.
        AlgorithmNone "algorithm_none" "the signature algorithm is none",
        /// `alg` is an HMAC, for which the public key would be the secret.
        AlgorithmSymmetric "algorithm_symmetric" "the signature algorithm is symmetric",
        /// `alg` is not ES256, or is missing.
        AlgorithmUnexpected "algorithm_unexpected" "the signature algorithm is not es256",
        /// The JWS header has `crit`, and we know no extension (RFC 7515 section 4.1.11).
        CriticalExtension "critical_extension" "the jws header has a critical extension",
    }
    UnknownKey {
        /// No key of the given set has this id.
        UnknownKey "unknown_key" "the key is unknown",
        /// The JWS header has no `kid`.
        MissingKeyId "missing_key_id" "the jws header names no key",
    }
    UnusableKey {
        /// Two different keys have this id.
        KeyAmbiguous "key_ambiguous" "two keys have the same id",
        /// The key is not an elliptic-curve key (`kty`).
        KeyType "key_type" "the key is of another type",
        /// The key is of another curve than P-256 (`crv`).
        KeyCurve "key_curve" "the key is of another curve",
        /// The key is not for verifying signatures (`use`, `key_ops`).
        KeyUse "key_use" "the key is for another use",
        /// The key is for another algorithm than ES256 (`alg`).
        KeyAlgorithm "key_algorithm" "the key is for another algorithm",
        /// The key's coordinates are not 32 bytes each, or it holds its private half.
        KeyMalformed "key_malformed" "the key is malformed",
        /// The key's coordinates are no point of the curve.
        KeyOffCurve "key_off_curve" "the key is not on its curve",
    }
    InvalidSignature {
        /// The signature is not by the key.
        SignatureInvalid "signature_invalid" "the signature does not verify",
        /// An ASN.1 structure, where JWS has two numbers of 32 bytes (RFC 7518 section 3.4).
        SignatureInDer "signature_in_der" "the signature is in der",
        /// It is not 64 bytes long.
        SignatureLength "signature_length" "the signature is not 64 bytes long",
    }
    BodyMismatch {
        /// The body is not the one that was signed.
        BodyMismatch "body_mismatch" "the body is not the signed one",
    }
    TooOld {
        /// It was signed longer ago than is tolerated.
        TooOld "too_old" "it was signed too long ago",
        /// `exp` is past.
        Expired "expired" "it has expired",
    }
    TooNew {
        /// It was signed further in the future than is tolerated.
        TooNew "too_new" "it was signed in the future",
        /// `nbf` is to come.
        NotYetValid "not_yet_valid" "it is not valid yet",
    }
    BodyTooLarge {
        /// The body is over its limit.
        BodyTooLarge "body_too_large" "the body is too large",
    }
    IncompleteBody {
        /// The body broke off before its end.
        IncompleteBody "incomplete_body" "the body did not come to its end",
    }
    MalformedBody {
        /// Not the JSON of an event.
        MalformedBody "malformed_body" "the body is not the json of an event",
    }
    KeysUnavailable {
        /// The keys could not be fetched, and none are at hand.
        KeysUnavailable "keys_unavailable" "the keys cannot be fetched",
    }
    KeysCoolingDown {
        /// The key is unknown, and the keys were fetched recently.
        KeysCoolingDown "keys_cooling_down" "the key is unknown, and keys are not fetched again yet",
    }
    DeliveryStoreUnavailable {
        /// It failed, is full, or cannot tell.
        DeliveryStoreUnavailable "delivery_store_unavailable" "the delivery store is unavailable",
    }
}

/// A webhook that was not accepted. Respond with [`VerifyError::status`]; there is nothing to retry on your side.
///
/// [Troubleshooting](crate::guide::troubleshooting#webhooks) says what to check for each kind.
///
/// # Security
///
/// `Display` and `Debug` show the reason, in our words, and the name of a header; never a body, a
/// secret, a token, a key id or the value of a header. So both may be logged. To the sender give the
/// status alone.
#[derive(Clone)]
pub struct VerifyError {
    reason: Reason,
    /// A header or claim, by the name that we ask for.
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

    /// What a caller tells apart.
    pub fn kind(&self) -> VerifyErrorKind {
        self.reason.kind()
    }

    /// The cause, for logs and metrics: one of [`VerifyError::REASONS`], such as `signature_in_der`. A minor
    /// release may add some.
    pub fn reason(&self) -> &'static str {
        self.reason.name()
    }

    /// The header or claim that it is about, where there is one.
    pub fn subject(&self) -> Option<&'static str> {
        self.subject
    }

    /// The HTTP status to respond with; see [`VerifyErrorKind::status`].
    pub fn status(&self) -> StatusCode {
        self.kind().status()
    }

    /// For a 503: when it is worth to send it again (`Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl From<Reason> for VerifyError {
    fn from(reason: Reason) -> Self {
        Self { reason, subject: None, retry_after: None, source: None }
    }
}

/// For tests of your own code.
impl From<VerifyErrorKind> for VerifyError {
    fn from(kind: VerifyErrorKind) -> Self {
        kind.reason().into()
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("webhook refused: ")?;
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
    fn each_reason_has_a_name_and_words_of_its_own() {
        let names: BTreeSet<_> = VerifyError::REASONS.iter().map(|(_, name)| name).collect();
        assert_eq!(names.len(), VerifyError::REASONS.len());
        let clauses: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.clause()).collect();
        assert_eq!(clauses.len(), Reason::ALL.len());
        assert!(
            clauses.iter().all(|words| !words.contains(|c: char| c.is_uppercase()) && !words.ends_with('.'))
        );
    }
}
