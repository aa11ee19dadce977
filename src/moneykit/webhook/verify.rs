//! Verifies one webhook with given keys at a given time.

use std::time::{Duration, SystemTime};

use ring::digest::{SHA256, digest};
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::{
    jws::{Jws, members},
    keys::VerifyingKeys,
    options::VerifierOptions,
};
use crate::webhook::{Reason, Tolerance, Verified, VerifyError, unhex};

/// The last second of the year 9999. RFC 3339 cannot represent later times.
const LAST_SECOND: u64 = 253_402_300_799;

/// Verifies a webhook with the given keys at the given time.
///
/// `signature` is the value of the header `MoneyKit-Signature`, and `body` is the raw body. Most
/// callers need [`WebhookVerifier`](super::WebhookVerifier) instead, which also fetches the keys.
///
/// # Errors
///
/// Fails if the webhook is rejected. [`VerifyError::reason`] returns the reason.
///
/// # Security
///
/// Pass the body exactly as received. If the body is parsed and serialized again, its digest no
/// longer matches.
pub fn verify<B: AsRef<[u8]>>(
    signature: &str,
    body: B,
    keys: &VerifyingKeys,
    now: SystemTime,
    options: &VerifierOptions,
) -> Result<Verified<B>, VerifyError> {
    let unverified = Unverified::new(signature)?;
    options.check_body(body.as_ref())?;
    unverified.verify(keys, now, options, options.tolerance.unwrap_or_default())?.with_body(body)
}

pub(super) struct Unverified<'a>(Jws<'a>);

impl<'a> Unverified<'a> {
    pub(super) fn new(signature: &'a str) -> Result<Self, VerifyError> {
        Jws::parse(signature).map(Self)
    }

    pub(super) fn key_id(&self) -> &str {
        &self.0.key_id
    }

    pub(super) fn verify(
        self,
        keys: &VerifyingKeys,
        now: SystemTime,
        options: &VerifierOptions,
        tolerance: Tolerance,
    ) -> Result<VerifiedClaims, VerifyError> {
        let jws = self.0;
        keys.verify(&jws.key_id, jws.signed, &jws.signature)?;
        let claims = Claims::read(&jws.payload()?)?;
        claims.check_times(now, options, tolerance)?;
        Ok(VerifiedClaims { claims, key_id: jws.key_id.into() })
    }
}

/// The verified claims of a webhook. The body may still be forged, because it has not been compared
/// with the digest in the claims.
pub(crate) struct VerifiedClaims {
    claims: Claims,
    key_id: Box<str>,
}

impl VerifiedClaims {
    pub(crate) fn with_body<B: AsRef<[u8]>>(self, body: B) -> Result<Verified<B>, VerifyError> {
        let is_same = digest(&SHA256, body.as_ref()).as_ref().ct_eq(&self.claims.body_digest);
        if !bool::from(is_same) {
            return Err(Reason::BodyMismatch.into());
        }
        Ok(Verified::new(body, self.claims.issued_at, self.key_id))
    }
}

struct Claims {
    issued_at: SystemTime,
    expires_at: Option<SystemTime>,
    not_before: Option<SystemTime>,
    body_digest: [u8; 32],
}

impl Claims {
    fn read(payload: &[u8]) -> Result<Self, VerifyError> {
        let members = members(payload).ok_or(Reason::MalformedClaims)?;
        let (mut issued_at, mut expires_at, mut not_before, mut body_digest) = (None, None, None, None);
        for (name, value) in &members {
            match &**name {
                "iat" => issued_at = Some(time("iat", value)?),
                "exp" => expires_at = Some(time("exp", value)?),
                "nbf" => not_before = Some(time("nbf", value)?),
                "request_body_sha256" => {
                    let wrong = || VerifyError::about(Reason::MalformedClaim, "request_body_sha256");
                    body_digest = Some(value.as_str().and_then(unhex).ok_or_else(wrong)?);
                }
                _ => {}
            }
        }
        let missing = |name| move || VerifyError::about(Reason::MissingClaim, name);
        Ok(Self {
            issued_at: issued_at.ok_or_else(missing("iat"))?,
            body_digest: body_digest.ok_or_else(missing("request_body_sha256"))?,
            expires_at,
            not_before,
        })
    }

    fn check_times(
        &self,
        now: SystemTime,
        options: &VerifierOptions,
        tolerance: Tolerance,
    ) -> Result<(), VerifyError> {
        tolerance.check(self.issued_at, now)?;
        let passed = |at: SystemTime, more: Duration| at.checked_add(more).is_some_and(|end| end <= now);
        if self.expires_at.is_some_and(|at| passed(at, options.expiry_leeway)) {
            return Err(Reason::Expired.into());
        }
        let ahead = |at: SystemTime| at.duration_since(now).unwrap_or_default();
        if self.not_before.is_some_and(|at| ahead(at) > tolerance.future()) {
            return Err(Reason::NotYetValid.into());
        }
        Ok(())
    }
}

/// A `NumericDate` is a number of seconds, and may have a fraction (RFC 7519 section 2).
fn time(name: &'static str, value: &Value) -> Result<SystemTime, VerifyError> {
    let since = match (value.as_u64(), value.as_f64()) {
        (Some(seconds), _) => Some(Duration::from_secs(seconds)),
        (None, Some(seconds)) => Duration::try_from_secs_f64(seconds).ok(),
        (None, None) => None,
    };
    let since = since.filter(|since| since.as_secs() <= LAST_SECOND);
    since
        .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))
        .ok_or_else(|| VerifyError::about(Reason::MalformedClaim, name))
}
