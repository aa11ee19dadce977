//! Signs webhooks in the same way as the vendors, for tests of your handlers. No server is needed.
//!
//! ```
//! use std::time::SystemTime;
//! use fintech_auth::{Secret, moov::webhook::WebhookVerifier, webhook::testing};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = Secret::from("whsec_test");
//! let verifier = WebhookVerifier::new([secret.clone()])?;
//!
//! let headers = testing::sign_moov(&secret, SystemTime::now(), "nonce-1", "webhook-1")?;
//! let body = br#"{"type":"transfer.updated"}"#;
//! assert!(verifier.verify(&headers, body).is_ok());
//! # Ok(())
//! # }
//! ```
//!
//! The emulator (feature `emulator`) also uses these functions, and can create invalid signatures.

use std::{fmt, io, time::SystemTime};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};
use ring::{
    digest, hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::hex;
use crate::Secret;

const ISSUER: &str = "https://api.moneykit.com";

/// An ES256 key pair that signs MoneyKit's webhooks in tests. `Debug` shows only the id of the key.
pub struct SigningKey {
    id: String,
    pair: EcdsaKeyPair,
    pkcs8: Secret,
}

impl SigningKey {
    /// Generates a key pair with this id (`kid`).
    ///
    /// # Errors
    ///
    /// Fails if the system provides no randomness.
    pub fn generate(id: impl Into<String>) -> io::Result<Self> {
        Ok(Self { id: id.into(), ..Self::generate_unnamed()? })
    }

    pub(crate) fn generate_unnamed() -> io::Result<Self> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Self::from_der(document.map_err(no_randomness)?.as_ref())
    }

    /// Reads a private key in PKCS#8, as PEM or as the base64 text inside the PEM.
    ///
    /// The id of the key is its thumbprint (RFC 7638), so every process that reads the key uses the
    /// same id.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidData`](io::ErrorKind::InvalidData) if the text is not a P-256 key. The
    /// error does not show the input.
    ///
    /// # Examples
    ///
    /// ```
    /// use fintech_auth::webhook::testing::SigningKey;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let key = SigningKey::generate("key-1")?;
    /// let same = SigningKey::from_pkcs8(key.pkcs8())?;
    /// assert_eq!((same.jwk()["x"].as_str(), same.id().len()), (key.jwk()["x"].as_str(), 43));
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_pkcs8(text: &Secret) -> io::Result<Self> {
        let lines = text.expose_secret().lines().filter(|line| !line.starts_with("-----"));
        // A buffer that grows would leave copies that are not wiped, so allocate enough for the
        // whole text.
        let mut joined = Zeroizing::new(String::with_capacity(text.expose_secret().len()));
        joined.extend(lines.flat_map(str::split_whitespace));
        let text = joined;
        let invalid = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "is not a P-256 private key in PKCS#8, as PEM or base64",
            )
        };
        let der = Zeroizing::new(BASE64_STANDARD.decode(text.as_bytes()).map_err(|_| invalid())?);
        Self::from_der(&der).map_err(|_| invalid())
    }

    fn from_der(der: &[u8]) -> io::Result<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new())
            .map_err(|reason| io::Error::other(reason.to_string()))?;
        let mut key = Self { id: String::new(), pair, pkcs8: BASE64_STANDARD.encode(der).into() };
        key.id = key.thumbprint();
        Ok(key)
    }

    /// RFC 7638 requires these members in this order and without white space.
    fn thumbprint(&self) -> String {
        let (x, y) = self.coordinates();
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, members.as_bytes()))
    }

    /// Returns the private key in PKCS#8, as one line of base64, for [`SigningKey::from_pkcs8`].
    pub fn pkcs8(&self) -> &Secret {
        &self.pkcs8
    }

    /// Returns the id of the key (`kid`).
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the public key as a JWK (RFC 7517, RFC 7518 section 6.2.1).
    pub fn jwk(&self) -> Map<String, Value> {
        let (x, y) = self.coordinates();
        let members = [
            ("kty", "EC".to_owned()),
            ("crv", "P-256".to_owned()),
            ("use", "sig".to_owned()),
            ("alg", "ES256".to_owned()),
            ("kid", self.id.clone()),
            ("x", x),
            ("y", y),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    }

    /// Returns a key set (JWKS) with only this key, in the format of `GET /.well-known/jwks.json`.
    ///
    /// To verify signatures, convert the key set to
    /// [`VerifyingKeys`](crate::moneykit::webhook::VerifyingKeys).
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.jwk()] })
    }

    fn coordinates(&self) -> (String, String) {
        // SEC 1 section 2.3.3: the byte 4 for "uncompressed", then both coordinates, 32 bytes each.
        let point = self.public_point().get(1..).unwrap_or_default();
        let (x, y) = point.split_at_checked(32).unwrap_or_default();
        (BASE64_URL_SAFE_NO_PAD.encode(x), BASE64_URL_SAFE_NO_PAD.encode(y))
    }

    pub(crate) fn public_point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub(crate) fn sign(&self, text: &[u8]) -> io::Result<Vec<u8>> {
        let signature = self.pair.sign(&SystemRandom::new(), text).map_err(no_randomness)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Signs a body in the same way as MoneyKit, and returns the headers of the delivery.
///
/// The headers are `MoneyKit-Signature`, `MoneyKit-Delivery-Token` and `MoneyKit-Delivery-Attempt`.
/// The attempt number is 1.
///
/// # Errors
///
/// Fails if the system provides no randomness.
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
/// use fintech_auth::{
///     moneykit::webhook::{VerifierOptions, VerifyingKeys, verify},
///     webhook::testing::{SigningKey, sign_moneykit},
/// };
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (key, now) = (SigningKey::generate("key-1")?, SystemTime::now());
/// let keys = VerifyingKeys::new(&serde_json::from_value(key.jwks())?);
///
/// let body = br#"{"webhook_event":"link.state_changed"}"#;
/// let headers = sign_moneykit(&key, now, body)?;
/// let signature = headers["moneykit-signature"].to_str()?;
/// assert!(verify(signature, body, &keys, now, &VerifierOptions::default()).is_ok());
/// assert!(verify(signature, b"another body", &keys, now, &VerifierOptions::default()).is_err());
/// # Ok(())
/// # }
/// ```
pub fn sign_moneykit(key: &SigningKey, issued_at: SystemTime, body: &[u8]) -> io::Result<HeaderMap> {
    let text = moneykit_text(moneykit_header(key.id()), moneykit_claims(issued_at, body));
    let signature = key.sign(text.as_bytes())?;
    moneykit_headers(&text, &signature, &uuid::Builder::from_random_bytes(random()?).into_uuid().to_string())
}

/// Signs the headers of a webhook in the same way as Moov, and returns the headers of the delivery.
///
/// The headers are `X-Timestamp` (RFC 3339, without fractions of a second), `X-Nonce`,
/// `X-Webhook-ID` and `X-Signature`. This function takes no body, because Moov does not sign the
/// body.
///
/// # Errors
///
/// Fails if `nonce` or `webhook_id` contains characters that are not allowed in a header.
pub fn sign_moov(
    secret: &Secret,
    timestamp: SystemTime,
    nonce: &str,
    webhook_id: &str,
) -> io::Result<HeaderMap> {
    let timestamp = DateTime::<Utc>::from(timestamp).to_rfc3339_opts(SecondsFormat::Secs, true);
    moov_headers(secret, &timestamp, nonce, webhook_id)
}

pub(crate) fn moneykit_header(key_id: &str) -> Map<String, Value> {
    let members = [("alg", "ES256"), ("typ", "JWT"), ("kid", key_id)];
    members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

pub(crate) fn moneykit_claims(issued_at: SystemTime, body: &[u8]) -> Map<String, Value> {
    let seconds = issued_at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let body_digest = hex(digest::digest(&digest::SHA256, body).as_ref());
    let claims =
        [("iss", ISSUER.into()), ("iat", seconds.into()), ("request_body_sha256", body_digest.into())];
    claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(crate) fn moneykit_text(header: Map<String, Value>, claims: Map<String, Value>) -> String {
    let part = |members: Map<String, Value>| BASE64_URL_SAFE_NO_PAD.encode(Value::from(members).to_string());
    format!("{}.{}", part(header), part(claims))
}

pub(crate) fn moneykit_headers(text: &str, signature: &[u8], delivery: &str) -> io::Result<HeaderMap> {
    headers([
        ("moneykit-signature", &format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))),
        ("moneykit-delivery-token", delivery),
        ("moneykit-delivery-attempt", "1"),
    ])
}

pub(crate) fn moov_headers(
    secret: &Secret,
    timestamp: &str,
    nonce: &str,
    webhook_id: &str,
) -> io::Result<HeaderMap> {
    let key = hmac::Key::new(hmac::HMAC_SHA512, secret.expose_secret().as_bytes());
    let signature = hmac::sign(&key, format!("{timestamp}|{nonce}|{webhook_id}").as_bytes());
    headers([
        ("x-timestamp", timestamp),
        ("x-nonce", nonce),
        ("x-webhook-id", webhook_id),
        ("x-signature", &hex(signature.as_ref())),
    ])
}

fn headers<const N: usize>(pairs: [(&'static str, &str); N]) -> io::Result<HeaderMap> {
    let pair = |(name, value)| Ok((HeaderName::from_static(name), HeaderValue::from_str(value)?));
    let headers: Result<HeaderMap, http::header::InvalidHeaderValue> = pairs.into_iter().map(pair).collect();
    headers.map_err(io::Error::other)
}

fn random() -> io::Result<[u8; 16]> {
    ring::rand::generate(&SystemRandom::new()).map(ring::rand::Random::expose).map_err(no_randomness)
}

fn no_randomness(_: ring::error::Unspecified) -> io::Error {
    io::Error::other("cannot read random bytes from the system")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected signature comes from the tests of the vendor's Go SDK.
    #[test]
    fn moov_signature_matches_the_vendor_example() {
        let timestamp = SystemTime::from(DateTime::parse_from_rfc3339("2024-04-26T21:20:55Z").unwrap());
        let nonce = "LwxF1Uk7QOeDq2nzB3theslHbtAo7y3uuncB1PoijwCZZaRZsd8DOtffBT7p";
        let id = "dff0a709-f982-4475-81e8-214b435c74ab";
        let headers = sign_moov(&"my-webhook-signing-secret".into(), timestamp, nonce, id).unwrap();
        assert_eq!(headers["x-timestamp"], "2024-04-26T21:20:55Z");
        assert_eq!(
            headers["x-signature"],
            "6231d03752de6963087e6aea1c78a27a0617b6df1c071195f30ed85defe34e02fd0bf3995949fe12dafd747c42de9cfa\
             e03b8aafcf69cceba5495f4c7b719d82"
        );
    }

    #[test]
    fn pem_key_is_parsed_and_named_by_its_thumbprint() {
        let lines = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGat+yv6k9NhpqidJ\n\
                     geY7QNSi9HebAD5ymD0bD7gb0UOhRANCAAQovSbu7CC2x3DphfbpaCFc0eX6e6dt\r\n\
                     d828Tr133CcGD6AD+vxR1VTwmeC1oKVFBLNFqbWkQyemShkBYPpA5now\n";
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{lines}-----END PRIVATE KEY-----\n");
        let key = SigningKey::from_pkcs8(&pem.into()).unwrap();
        assert_eq!(key.id(), "o-q_HJKs2dRZkxHNvSsQBMevFqgcThaeybHvYUGTyC4");
        assert_eq!(key.jwk()["x"], "KL0m7uwgtsdw6YX26WghXNHl-nunbXfNvE69d9wnBg8");
        assert_eq!(key.jwk()["y"], "oAP6_FHVVPCZ4LWgpUUEs0WptaRDJ6ZKGQFg-kDmejA");
        assert!(!format!("{key:?}").contains("MIGH"), "{key:?}");

        for no_key in ["", "@", "AAAA", "-----BEGIN PRIVATE KEY-----", "MARK-0123456789"] {
            let error = SigningKey::from_pkcs8(&no_key.into()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(!error.to_string().contains("MARK"), "{error}");
        }
    }

    #[test]
    fn invalid_header_value_is_rejected() {
        assert!(sign_moov(&"s".into(), SystemTime::now(), "a\nb", "id").is_err());
        let key = SigningKey::generate("key").unwrap();
        assert!(sign_moneykit(&key, SystemTime::now(), b"{}").is_ok());
        assert_eq!(format!("{key:?}"), "SigningKey { id: \"key\", .. }");
    }
}
