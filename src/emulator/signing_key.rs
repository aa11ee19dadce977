//! The ES256 keys that MoneyKit publishes, and signs its webhooks with. They are made anew for each
//! emulator, and their private halves never leave it.

use std::{io, sync::Arc};

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

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// ES256 (RFC 7518 section 3.4).
    pub(super) fn sign(&self, text: &[u8]) -> io::Result<Vec<u8>> {
        let signature = self.pair.sign(&SystemRandom::new(), text);
        let signature = signature.map_err(|_| io::Error::other("the system gives no randomness"))?;
        Ok(signature.as_ref().to_vec())
    }

    /// The public half as a point (SEC 1 section 2.3.3).
    pub(super) fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The public half as a JWK (RFC 7518 section 6.2.1).
    pub(super) fn jwk(&self) -> Map<String, Value> {
        // SEC 1 section 2.3.3: a byte 4 for "uncompressed", then both coordinates in 32 bytes each.
        let point = self.public();
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

/// The keys that MoneyKit publishes, has published, and signs with.
pub(super) struct SigningKeys {
    /// The last one signs.
    keys: Vec<Arc<SigningKey>>,
    /// What is in the set, in its order.
    published: Vec<Map<String, Value>>,
}

impl SigningKeys {
    pub(super) fn new(first: SigningKey) -> Self {
        Self { published: vec![first.jwk()], keys: vec![Arc::new(first)] }
    }

    /// Publishes a key beside the others, and signs with it from now on.
    pub(super) fn add(&mut self, key: SigningKey) {
        self.publish(key.jwk());
        self.keys.push(Arc::new(key));
    }

    pub(super) fn publish(&mut self, jwk: Map<String, Value>) {
        self.published.push(jwk);
    }

    /// Takes a key out of the set. It can sign all the same.
    pub(super) fn withdraw(&mut self, id: &str) {
        self.published.retain(|jwk| jwk.get("kid").and_then(Value::as_str) != Some(id));
    }

    pub(super) fn published(&self) -> Vec<Value> {
        self.published.iter().cloned().map(Value::Object).collect()
    }

    /// The key that signs, or an earlier one.
    pub(super) fn key(&self, id: Option<&str>) -> Option<Arc<SigningKey>> {
        let Some(id) = id else { return self.keys.last().cloned() };
        self.keys.iter().find(|key| key.id() == id).cloned()
    }
}
