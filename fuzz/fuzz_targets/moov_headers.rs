//! Verifies Moov's four webhook headers. Replaces the signature of some inputs with a valid
//! signature, because the fuzzer cannot guess a valid signature.
#![no_main]

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use fintech_auth::{
    moov::webhook::{SignedHeaders, SigningSecrets},
    webhook::Tolerance,
};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use ring::hmac;

const SECRET: &str = "a secret";
const NAMES: [&str; 4] = ["x-timestamp", "x-nonce", "x-webhook-id", "x-signature"];

static KEYS: LazyLock<SigningSecrets> = LazyLock::new(|| SigningSecrets::new([SECRET.into()]).unwrap());

fuzz_target!(|input: (bool, u64, [&[u8]; 4])| {
    let (signed, since, mut values) = input;
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(since >> 24);
    let key = hmac::Key::new(hmac::HMAC_SHA512, SECRET.as_bytes());
    let text = values[..3].join(&b"|"[..]);
    let tag: String = hmac::sign(&key, &text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    if signed {
        values[3] = tag.as_bytes();
    }
    let mut headers = HeaderMap::new();
    for (name, value) in NAMES.into_iter().zip(values) {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        headers.append(name, value);
    }
    let Ok(read) = SignedHeaders::read(&headers) else { return };
    if let Ok(at) = KEYS.verify(&read, now, Tolerance::default()) {
        assert_eq!(values[3], tag.as_bytes());
        let apart = at.duration_since(now).unwrap_or_else(|before| before.duration());
        assert!(apart <= Duration::from_secs(300));
    }
});
