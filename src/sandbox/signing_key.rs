//! The ES256 key that MoneyKit publishes, and signs its webhooks with. It is made anew for each
//! sandbox, and its private half never leaves it.

use std::io;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Map, Value};

/// A key pair and the name by which signatures refer to it.
pub(super) struct SigningKey {
    id: String,
    pair: EcdsaKeyPair,
}

impl SigningKey {
    pub(super) fn new(id: String) -> io::Result<Self> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random)
            .map_err(|_| io::Error::other("the system gives no randomness"))?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random)
            .map_err(|reason| io::Error::other(reason.to_string()))?;
        Ok(Self { id, pair })
    }

    /// The public half as a JWK (RFC 7518 section 6.2.1).
    pub(super) fn jwk(&self) -> Map<String, Value> {
        // SEC 1 section 2.3.3: a byte 4 for "uncompressed", then both coordinates in 32 bytes each.
        let point = self.pair.public_key().as_ref();
        let (x, y) = point.get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
        let members = [
            ("kty", "EC".to_owned()),
            ("crv", "P-256".to_owned()),
            ("use", "sig".to_owned()),
            ("alg", "ES256".to_owned()),
            ("kid", self.id.clone()),
            ("x", BASE64_URL_SAFE_NO_PAD.encode(x)),
            ("y", BASE64_URL_SAFE_NO_PAD.encode(y)),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    }
}
