//! Parses a compact JWS (RFC 7515 section 7.1), but does not verify its signature.

use std::borrow::Cow;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{
    json::Members,
    webhook::{Reason, VerifyError},
};

pub(super) const LIMIT: usize = 4096;
const KEY_ID_LIMIT: usize = 256;
const MEMBERS_LIMIT: usize = 32;
const SIGNATURE: usize = 64;

pub(super) struct Jws<'a> {
    pub(super) key_id: String,
    pub(super) signed: &'a [u8],
    pub(super) signature: [u8; SIGNATURE],
    payload: &'a str,
}

impl<'a> Jws<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, VerifyError> {
        if text.len() > LIMIT {
            return Err(Reason::HeaderTooLarge.into());
        }
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Reason::MalformedSignature.into());
        };
        let header = decode(header)?;
        let key_id = check_header(&header)?;
        let signed = text.get(..text.len() - signature.len() - 1).ok_or(Reason::MalformedSignature)?;
        let signature = decode(signature)?;
        let signature = signature.as_slice().try_into().map_err(|_| bad_length(&signature))?;
        Ok(Self { key_id, signed: signed.as_bytes(), signature, payload })
    }

    /// Call this method only after the signature is verified. Until then, the payload may be
    /// forged.
    pub(super) fn payload(&self) -> Result<Vec<u8>, VerifyError> {
        decode(self.payload)
    }
}

/// Rejects padding, white space and trailing bits (RFC 7515 section 2), so that each value has only
/// one encoding.
fn decode(part: &str) -> Result<Vec<u8>, VerifyError> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Reason::MalformedBase64.into())
}

fn bad_length(signature: &[u8]) -> VerifyError {
    match signature {
        [0x30, length, 0x02, ..] if usize::from(*length) + 2 == signature.len() => Reason::SignatureInDer,
        _ => Reason::SignatureLength,
    }
    .into()
}

fn check_header(header: &[u8]) -> Result<String, VerifyError> {
    let members = members(header).ok_or(Reason::MalformedJwsHeader)?;
    let mut algorithm = None;
    let mut key_id = None;
    for (name, value) in members {
        match (&*name, value) {
            // A verifier must reject a JWS with an unsupported extension in `crit` (RFC 7515
            // section 4.1.11). This crate supports no extension.
            ("crit", _) => return Err(VerifyError::about(Reason::CriticalExtension, "crit")),
            ("alg", Value::String(value)) => algorithm = Some(value),
            ("kid", Value::String(value)) => key_id = Some(value),
            ("alg", _) => return Err(VerifyError::about(Reason::MalformedJwsHeader, "alg")),
            ("kid", _) => return Err(VerifyError::about(Reason::MalformedJwsHeader, "kid")),
            _ => {}
        }
    }
    match algorithm.as_deref() {
        Some("ES256") => {}
        Some(name) if name.eq_ignore_ascii_case("none") => return Err(Reason::AlgorithmNone.into()),
        Some(name) if name.starts_with("HS") => return Err(Reason::AlgorithmSymmetric.into()),
        _ => return Err(Reason::AlgorithmUnexpected.into()),
    }
    match key_id {
        Some(id) if id.len() > KEY_ID_LIMIT => Err(VerifyError::about(Reason::MalformedJwsHeader, "kid")),
        Some(id) if !id.is_empty() => Ok(id),
        _ => Err(Reason::MissingKeyId.into()),
    }
}

/// Rejects repeated names, as RFC 7515 section 4 allows.
pub(super) fn members(json: &[u8]) -> Option<Vec<(Cow<'_, str>, Value)>> {
    let members: Members<'_, Value> = serde_json::from_slice(json).ok()?;
    (members.0.len() <= MEMBERS_LIMIT && !members.has_repeated_name()).then_some(members.0)
}
