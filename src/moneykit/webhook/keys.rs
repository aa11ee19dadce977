//! Parses a key set (RFC 7517), and checks which keys can verify signatures.

use std::{collections::BTreeMap, fmt};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{agreement, rand::SystemRandom, signature};
use serde_json::{Map, Value};

use super::super::types::JwkSet;
use crate::webhook::{Reason, VerifyError};

/// The length of a public point, in bytes: the byte 4 for "uncompressed", then both coordinates, 32
/// bytes each (SEC 1 section 2.3.3).
const POINT: usize = 65;

/// The public keys that verify MoneyKit's webhooks. Each key is parsed and checked once.
///
/// An unusable key does not affect the other keys. A webhook that names an unusable key is rejected
/// with the reason why the key is unusable. Entries without a key id are skipped.
///
/// If two keys have the same id and only one of the two keys is usable, the usable key is used. If
/// both keys are usable and differ, neither key is used, because the id is ambiguous.
///
/// Only the size of the response limits the number of keys. The maximum size is 1 MiB by default
/// ([`HttpOptions::with_body_limit`](crate::HttpOptions::with_body_limit)).
#[derive(Clone, Default)]
pub struct VerifyingKeys(BTreeMap<Box<str>, Key>);

type Key = Result<[u8; POINT], Reason>;

impl VerifyingKeys {
    /// Parses a fetched key set. Unusable keys cause no error here, but webhooks that name such
    /// keys are rejected.
    pub fn new(set: &JwkSet) -> Self {
        let mut keys = BTreeMap::<Box<str>, Key>::new();
        for jwk in set.keys.iter().filter_map(Value::as_object) {
            let Some(id) = jwk.get("kid").and_then(Value::as_str) else { continue };
            let key = read(jwk);
            match keys.get_mut(id) {
                None => drop(keys.insert(id.into(), key)),
                Some(known) => match (&*known, &key) {
                    (Ok(one), Ok(other)) if one != other => *known = Err(Reason::KeyAmbiguous),
                    (Err(Reason::KeyAmbiguous), _) | (_, Err(_)) | (Ok(_), _) => {}
                    (Err(_), Ok(_)) => *known = key,
                },
            }
        }
        Self(keys)
    }

    /// Returns the number of usable keys.
    pub fn len(&self) -> usize {
        self.0.values().filter(|key| key.is_ok()).count()
    }

    /// Returns `true` if the set contains no usable keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the set has a key with this id, even if the key is not usable.
    pub fn contains(&self, key_id: &str) -> bool {
        self.0.contains_key(key_id)
    }

    /// Always verifies with ES256, and never takes the algorithm from the JWS header or from the
    /// key.
    pub(super) fn verify(&self, key_id: &str, signed: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
        let point = self.0.get(key_id).ok_or(Reason::UnknownKey)?.as_ref().map_err(|kind| *kind)?;
        signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
            .verify(signed, signature)
            .map_err(|_| Reason::SignatureInvalid.into())
    }
}

impl fmt::Debug for VerifyingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.iter().map(|(id, key)| (id, key.as_ref().err()));
        f.debug_map().entries(keys).finish()
    }
}

fn read(jwk: &Map<String, Value>) -> Key {
    let text = |name| jwk.get(name).map(|value| value.as_str().unwrap_or_default());
    let only = |name, expected, kind| match text(name) {
        None => Ok(()),
        Some(value) if value == expected => Ok(()),
        Some(_) => Err(kind),
    };
    if text("kty") != Some("EC") {
        return Err(Reason::KeyType);
    }
    if text("crv") != Some("P-256") {
        return Err(Reason::KeyCurve);
    }
    only("use", "sig", Reason::KeyUse)?;
    if let Some(operations) = jwk.get("key_ops") {
        let verifies = operations.as_array().is_some_and(|list| list.iter().any(|item| item == "verify"));
        if !verifies {
            return Err(Reason::KeyUse);
        }
    }
    only("alg", "ES256", Reason::KeyAlgorithm)?;
    // Reject a private key (`d`). The key set is public, so anyone could sign with this key.
    if jwk.contains_key("d") {
        return Err(Reason::KeyMalformed);
    }
    let mut point = [4; POINT];
    let (_, coordinates) = point.split_at_mut(1);
    for (place, name) in coordinates.chunks_exact_mut(32).zip(["x", "y"]) {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text(name).unwrap_or_default()).unwrap_or_default();
        if bytes.len() != place.len() {
            return Err(Reason::KeyMalformed);
        }
        place.copy_from_slice(&bytes);
    }
    if is_on_curve(&point) { Ok(point) } else { Err(Reason::KeyOffCurve) }
}

/// Checks the point with a key agreement, which fails only if the point is invalid. Verifying a
/// signature cannot check the point, because the verification also fails if the signature is wrong.
fn is_on_curve(point: &[u8; POINT]) -> bool {
    let Ok(own) = agreement::EphemeralPrivateKey::generate(&agreement::ECDH_P256, &SystemRandom::new())
    else {
        return false;
    };
    agreement::agree_ephemeral(own, &agreement::UnparsedPublicKey::new(&agreement::ECDH_P256, point), |_| ())
        .is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::hex::unhex_all;

    fn set(keys: &[Value]) -> VerifyingKeys {
        VerifyingKeys::new(&serde_json::from_value(json!({ "keys": keys })).expect("a key set"))
    }

    #[test]
    fn signature_of_rfc_7515_appendix_a_3_verifies() {
        let keys = set(&[json!({
            "kid": "a3", "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        })]);
        let signed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly\
            9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature =
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(keys.verify("a3", signed.as_bytes(), &signature).is_ok());
        let error = keys.verify("a3", &signed.as_bytes()[1..], &signature).unwrap_err();
        assert_eq!(error.reason(), "signature_invalid");
    }

    #[test]
    fn es256_results_match_the_wycheproof_test_vectors() {
        let text = include_str!("../../../tests/vectors/ecdsa_secp256r1_sha256_p1363_test.json");
        let vectors: Value = serde_json::from_str(text).expect("json");
        let (mut valid, mut invalid) = (0, 0);
        for group in vectors["testGroups"].as_array().expect("groups") {
            let point = unhex_all(group["publicKey"]["uncompressed"].as_str().expect("a point"));
            let (x, y) = point[1..].split_at(32);
            let keys = set(&[json!({
                "kid": "w", "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
                "x": BASE64_URL_SAFE_NO_PAD.encode(x), "y": BASE64_URL_SAFE_NO_PAD.encode(y),
            })]);
            assert_eq!(keys.len(), 1, "{group}");
            for test in group["tests"].as_array().expect("tests") {
                let text = |name: &str| unhex_all(test[name].as_str().expect("hex"));
                let (message, signature) = (text("msg"), text("sig"));
                let expected = test["result"] == "valid";
                assert_eq!(keys.verify("w", &message, &signature).is_ok(), expected, "{test}");
                *if expected { &mut valid } else { &mut invalid } += 1;
            }
        }
        assert_eq!((valid, invalid), (173, 89));
    }
}
