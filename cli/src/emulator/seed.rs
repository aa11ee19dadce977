//! `--seed`: derives the webhook signing keys from a text, so that the keys stay the same after a
//! restart.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use fintech_auth::{Secret, webhook::testing::SigningKey};
use p256::{SecretKey, elliptic_curve::sec1::ToSec1Point as _};
use ring::hkdf;

use crate::exit::Failure;

const SALT: &[u8] = b"fintech-auth emulator, keys for tests";

/// The DER bytes before the private scalar of a P-256 key in PKCS#8 (RFC 5208, RFC 5915).
const BEFORE: &[u8] =
    b"\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\
    \x3d\x03\x01\x07\x04\x6d\x30\x6b\x02\x01\x01\x04\x20";
/// The DER bytes between the private scalar and the public point.
const BETWEEN: &[u8] = b"\xa1\x44\x03\x42\x00";

/// Anyone who knows the text of `--seed` can derive the same keys.
pub(super) struct Seed(hkdf::Prk);

impl Seed {
    pub(super) fn new(text: &str) -> Self {
        Self(hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(text.as_bytes()))
    }

    fn expand(&self, purpose: &str, number: u8) -> [u8; 32] {
        let mut bytes = [0; 32];
        let info = [purpose.as_bytes(), &[number]];
        let expanded = self.0.expand(&info, hkdf::HKDF_SHA256).and_then(|key| key.fill(&mut bytes));
        debug_assert!(expanded.is_ok());
        bytes
    }

    pub(super) fn moneykit_key(&self) -> Result<SigningKey, Failure> {
        let failed = || Failure::local("cannot derive a key from --seed; use another text");
        let key = first_key(|number| self.expand("moneykit signing key", number)).ok_or_else(failed)?;
        let text = Secret::from(BASE64_STANDARD.encode(pkcs8(&key)));
        SigningKey::from_pkcs8(&text).map_err(|_| failed())
    }

    pub(super) fn moov_secret(&self) -> Secret {
        let bytes = self.expand("moov webhook secret", 0);
        format!("sandbox_whsec_{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)).into()
    }
}

/// Skips invalid candidates, because reducing them modulo the order would make some keys more
/// likely than others.
fn first_key(candidate: impl Fn(u8) -> [u8; 32]) -> Option<SecretKey> {
    (0..=u8::MAX).find_map(|number| SecretKey::from_slice(&candidate(number)).ok())
}

fn pkcs8(key: &SecretKey) -> Vec<u8> {
    let point = key.public_key().to_sec1_point(false);
    [BEFORE, &key.to_bytes(), BETWEEN, point.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> [u8; 32] {
        let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
        let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect();
        bytes.try_into().expect("32 bytes")
    }

    /// The key is from RFC 6979 appendix A.2.5.
    #[test]
    fn public_key_is_derived_from_the_private_key() {
        let scalar = bytes("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
        let key = first_key(|_| scalar).expect("a scalar");
        let key = SigningKey::from_pkcs8(&BASE64_STANDARD.encode(pkcs8(&key)).into()).expect("a key");
        let coordinate = |hex| BASE64_URL_SAFE_NO_PAD.encode(bytes(hex));
        assert_eq!(
            key.jwk()["x"],
            coordinate("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6")
        );
        assert_eq!(
            key.jwk()["y"],
            coordinate("7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299")
        );
    }

    #[test]
    fn same_seed_always_gives_the_same_keys() {
        for (text, scalar, secret) in [
            (
                "compose-example",
                "8c2e6493cfd8340c413b52bffaa2e0a446077e1b48d52da0c6fa433d5707f2cb",
                "sandbox_whsec_TpfZK4c4ybVhpjRQRZ0T8zpk5IEQImE6VgZhtxhwPrA",
            ),
            (
                "another",
                "3a6e48b071ba954789d1857c9d5b36baff65d3439d6e3eb0ab3f77e6e2cb5ae4",
                "sandbox_whsec_EBATEfsJCQ3ZoeDLVyfkBMCZQt_9rt2iq8wPhRJCewI",
            ),
        ] {
            let seed = Seed::new(text);
            assert_eq!(seed.moov_secret().expose_secret(), secret);
            let expected = SecretKey::from_slice(&bytes(scalar)).expect("a scalar");
            let expected = BASE64_STANDARD.encode(pkcs8(&expected));
            assert_eq!(seed.moneykit_key().expect("a key").pkcs8().expose_secret(), expected);
        }
    }

    #[test]
    fn invalid_private_key_candidates_are_skipped() {
        // FIPS 186-4 section D.1.2.3: the order of P-256.
        let order = bytes("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
        let last = bytes("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550");
        let candidates = [[0; 32], order, [0xff; 32], last, [1; 32]];
        let key = first_key(|number| candidates[usize::from(number)]).expect("a scalar");
        assert_eq!(key.to_bytes().as_slice(), last);
        assert!(first_key(|_| order).is_none());
    }
}
