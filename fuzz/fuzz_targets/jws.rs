//! Verifies a JWS: either the raw input, which must be rejected, or the fuzzer's header and claims
//! with a valid signature. The target creates this signature, because the fuzzer cannot guess a
//! valid signature.
#![no_main]

use std::{sync::LazyLock, time::SystemTime};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use fintech_auth::moneykit::webhook::{VerifierOptions, VerifyingKeys, verify};
use libfuzzer_sys::fuzz_target;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};

static PAIR: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap()
});

static KEYS: LazyLock<VerifyingKeys> = LazyLock::new(|| {
    let (x, y) = PAIR.public_key().as_ref()[1..].split_at(32);
    let set = serde_json::json!({ "keys": [
        { "kty": "EC", "crv": "P-256", "kid": "k", "x": B64.encode(x), "y": B64.encode(y) },
    ] });
    VerifyingKeys::new(&serde_json::from_value(set).unwrap())
});

fuzz_target!(|input: (u8, &[u8], &[u8], u64)| {
    let (mode, first, second, since) = input;
    let options = VerifierOptions::default();
    let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(since >> 24);
    if mode % 4 == 0 {
        let text = String::from_utf8_lossy(first);
        assert!(verify(&text, second, &KEYS, now, &options).is_err(), "nobody signed this");
        return;
    }
    let header: &[u8] = if mode % 2 == 0 { first } else { br#"{"alg":"ES256","kid":"k"}"# };
    let text = format!("{}.{}", B64.encode(header), B64.encode(second));
    let signature = PAIR.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    let text = format!("{text}.{}", B64.encode(signature));
    if verify(&text, first, &KEYS, now, &options).is_ok() {
        let digest = ring::digest::digest(&ring::digest::SHA256, first);
        let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(String::from_utf8_lossy(second).contains(&digest));
    }
});
