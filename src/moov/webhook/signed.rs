//! Reads the four headers of a Moov webhook, and checks their signature with the signing secrets.

use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime},
};

use chrono::DateTime;
use ring::hmac;

use crate::{
    Error, ErrorKind, Secret,
    text::check,
    webhook::{DeliveryId, Headers, Reason, Tolerance, VerifyError, one, unhex},
};

const TIMESTAMP: &str = "x-timestamp";
const NONCE: &str = "x-nonce";
const WEBHOOK_ID: &str = "x-webhook-id";
const SIGNATURE: &str = "x-signature";

const TAG: usize = 64;
const SHORT_TEXT: usize = 128;

/// The four headers of a Moov webhook. Each header occurs once and is not too long. The signature
/// is not verified yet.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct SignedHeaders<'a> {
    /// The value of `X-Timestamp`.
    pub timestamp: &'a str,
    /// The value of `X-Nonce`.
    pub nonce: &'a str,
    /// The value of `X-Webhook-ID`.
    pub webhook_id: &'a str,
    /// The value of `X-Signature`.
    pub signature: &'a str,
}

impl<'a> SignedHeaders<'a> {
    /// Reads the four headers of a request.
    ///
    /// # Errors
    ///
    /// Fails if a header is missing, repeated, too long or malformed, or contains the separator
    /// `|`.
    pub fn read(headers: impl Headers<'a>) -> Result<Self, VerifyError> {
        let part = |name, limit| {
            let value = one(&headers, name, limit)?;
            let is_whole = !value.as_bytes().contains(&b'|');
            is_whole.then_some(value).ok_or_else(|| VerifyError::about(Reason::MalformedHeader, name))
        };
        Ok(Self {
            timestamp: part(TIMESTAMP, 64)?,
            nonce: part(NONCE, 256)?,
            webhook_id: part(WEBHOOK_ID, 256)?,
            signature: one(&headers, SIGNATURE, 2 * TAG)?,
        })
    }
}

impl fmt::Debug for SignedHeaders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedHeaders").finish_non_exhaustive()
    }
}

/// The signing secrets of a verifier. A signature is valid if it matches any of the secrets.
///
/// # Security
///
/// `Debug` shows no secret. The HMAC keys that ring derives from the secrets are not wiped from
/// memory on drop.
#[derive(Clone)]
pub struct SigningSecrets(Box<[SigningSecret]>);

#[derive(Clone)]
struct SigningSecret {
    key: hmac::Key,
    /// Identifies the secret without revealing it. Delivery ids are derived from this value and the
    /// nonce, because different accounts have different secrets but may use the same nonce.
    id: hmac::Tag,
}

impl SigningSecret {
    fn new(secret: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA512, secret);
        let id = hmac::sign(&key, b"fintech-auth webhook secret id");
        Self { key, id }
    }
}

/// The nonce identifies a delivery, because Moov signs the nonce and sends the same nonce in each
/// retry.
pub(super) fn delivery_id(secret: &hmac::Tag, nonce: &str, signed_at: SystemTime) -> DeliveryId {
    DeliveryId::new([b"moov", secret.as_ref(), nonce.as_bytes()], signed_at)
}

impl SigningSecrets {
    /// Creates a set of signing secrets. The vendor's dashboard shows these secrets. Their order
    /// does not matter.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`] if there is no secret, or if a secret is empty or
    /// has white space around it.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Result<Self, Error> {
        let prepare = |secret: Secret| {
            let text = secret.expose_secret();
            if text.is_empty() {
                return Err(Error::new(ErrorKind::InvalidConfig, "a webhook secret is empty"));
            }
            check("a webhook secret", text)?;
            Ok(SigningSecret::new(text.as_bytes()))
        };
        let secrets = secrets.into_iter().map(prepare).collect::<Result<Box<[_]>, Error>>()?;
        if secrets.is_empty() {
            return Err(Error::new(ErrorKind::InvalidConfig, "no webhook secret is given"));
        }
        Ok(Self(secrets))
    }

    /// Checks the signature and the time of the headers, and returns the signed time.
    ///
    /// This method does not detect repeated webhooks.
    ///
    /// # Errors
    ///
    /// Fails with [`MalformedSignature`](crate::webhook::VerifyErrorKind::MalformedSignature),
    /// [`InvalidSignature`](crate::webhook::VerifyErrorKind::InvalidSignature),
    /// [`TooOld`](crate::webhook::VerifyErrorKind::TooOld) or
    /// [`TooNew`](crate::webhook::VerifyErrorKind::TooNew). Fails with
    /// [`InvalidHeader`](crate::webhook::VerifyErrorKind::InvalidHeader) if the timestamp is
    /// malformed, or if a signed header is empty or contains the separator `|`.
    pub fn verify(
        &self,
        headers: &SignedHeaders<'_>,
        now: SystemTime,
        tolerance: Tolerance,
    ) -> Result<SystemTime, VerifyError> {
        self.verify_by(headers, now, tolerance).map(|(signed_at, _)| signed_at)
    }

    pub(super) fn verify_by(
        &self,
        headers: &SignedHeaders<'_>,
        now: SystemTime,
        tolerance: Tolerance,
    ) -> Result<(SystemTime, hmac::Tag), VerifyError> {
        let SignedHeaders { timestamp, nonce, webhook_id, signature } = headers;
        // A caller can change the public fields after `read`, so the headers are checked again.
        for (name, part) in [(TIMESTAMP, timestamp), (NONCE, nonce), (WEBHOOK_ID, webhook_id)] {
            if part.is_empty() || part.as_bytes().contains(&b'|') {
                return Err(VerifyError::about(Reason::MalformedHeader, name));
            }
        }
        let tag = unhex::<TAG>(signature).ok_or(Reason::MalformedSignature)?;
        let mut buffer = [0; SHORT_TEXT];
        let text = join(&[timestamp.as_bytes(), nonce.as_bytes(), webhook_id.as_bytes()], &mut buffer);
        let secret = self.signer(&text, &tag).ok_or(Reason::SignatureInvalid)?;
        let signed_at = time(timestamp).ok_or(Reason::MalformedTimestamp)?;
        tolerance.check(signed_at, now)?;
        Ok((signed_at, secret.id))
    }

    /// Each comparison takes constant time. The total time may reveal which secret matched, but not
    /// how many bytes of a tag matched.
    fn signer(&self, text: &[u8], tag: &[u8]) -> Option<&SigningSecret> {
        self.0.iter().find(|secret| hmac::verify(&secret.key, text, tag).is_ok())
    }
}

fn join<'a>(parts: &[&[u8]; 3], buffer: &'a mut [u8; SHORT_TEXT]) -> Cow<'a, [u8]> {
    let [timestamp, nonce, webhook_id] = parts;
    let length = timestamp.len() + nonce.len() + webhook_id.len() + 2;
    let Some(text) = buffer.get_mut(..length) else { return parts.join(&b'|').into() };
    let (start, rest) = text.split_at_mut(timestamp.len());
    start.copy_from_slice(timestamp);
    rest[0] = b'|';
    let (start, rest) = rest[1..].split_at_mut(nonce.len());
    start.copy_from_slice(nonce);
    rest[0] = b'|';
    rest[1..].copy_from_slice(webhook_id);
    Cow::Borrowed(text)
}

impl fmt::Debug for SigningSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningSecrets({} [redacted])", self.0.len())
    }
}

/// A number of at least `MILLISECONDS_FROM` is in milliseconds. Read as seconds, such a number
/// would be a time after the year 5138.
fn time(text: &str) -> Option<SystemTime> {
    const MILLISECONDS_FROM: u64 = 100_000_000_000;
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: u64 = text.parse().ok()?;
        let since = if number < MILLISECONDS_FROM {
            Duration::from_secs(number)
        } else {
            Duration::from_millis(number)
        };
        return SystemTime::UNIX_EPOCH.checked_add(since);
    }
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    let seconds = u64::try_from(time.timestamp()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, time.timestamp_subsec_nanos().min(999_999_999)))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::hex::unhex_all;

    #[test]
    fn hmac_sha512_results_match_the_wycheproof_test_vectors() {
        let text = include_str!("../../../tests/vectors/hmac_sha512_test.json");
        let vectors: Value = serde_json::from_str(text).expect("json");
        let mut checked = 0;
        for group in vectors["testGroups"].as_array().expect("groups") {
            if group["tagSize"] != 512 {
                continue;
            }
            for test in group["tests"].as_array().expect("tests") {
                let text = |name: &str| unhex_all(test[name].as_str().expect("hex"));
                let keys = SigningSecrets([SigningSecret::new(&text("key"))].into());
                let is_valid = keys.signer(&text("msg"), &text("tag")).is_some();
                assert_eq!(is_valid, test["result"] == "valid", "{test}");
                checked += 1;
            }
        }
        assert!(checked > 50, "{checked}");
    }

    #[test]
    fn signed_text_of_any_length_is_joined() {
        for length in [0, 1, 40, 41, 42, 43, 300] {
            let [a, b, c] = ["1", "2", "3"].map(|part| part.repeat(length));
            let parts = [a.as_bytes(), b.as_bytes(), c.as_bytes()];
            let text = format!("{a}|{b}|{c}");
            assert_eq!(*join(&parts, &mut [0; SHORT_TEXT]), *text.as_bytes(), "{length}");
        }
    }

    #[test]
    fn every_documented_time_format_is_parsed() {
        let expected = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_736_964_352));
        for text in [
            "1736964352",
            "1736964352000",
            "2025-01-15T18:05:52Z",
            "2025-01-15T19:05:52+01:00",
            "2025-01-15T18:05:52.000Z",
        ] {
            assert_eq!(time(text), expected, "{text}");
        }
        for text in [
            "",
            "-1",
            "+1",
            "1.5",
            "1e9",
            "2025-01-15",
            "2025-01-15T18:05:52",
            "1969-12-31T23:59:59Z",
            "99999999999999999999",
            "0x10",
            "yesterday",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
