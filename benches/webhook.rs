//! Measures the cost of verifying a webhook.

use std::{
    pin::pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
    time::SystemTime,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use divan::{Bencher, black_box};
use http::HeaderMap;

fn main() {
    divan::main();
}

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it was not ready at once"),
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

mod moneykit {
    use fintech_auth::{
        emulator::Emulator,
        moneykit::{
            types::JwkSet,
            webhook::{VerifierOptions, VerifyingKeys, WebhookVerifier, verify},
        },
    };
    use ring::{
        digest::{SHA256, digest},
        rand::SystemRandom,
        signature::{
            ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
            UnparsedPublicKey,
        },
    };
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    const CALLS: u32 = 50;

    struct Webhook {
        jwks: String,
        point: Vec<u8>,
        jws: String,
        body: Vec<u8>,
    }

    static WEBHOOK: LazyLock<Webhook> = LazyLock::new(|| {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        let (x, y) = point[1..].split_at(32);
        let jwks = json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "webhook-key-1",
            "x": B64.encode(x), "y": B64.encode(y),
        }] });
        let mut body = json!({ "webhook_event": "link.state_changed", "padding": "" }).to_string();
        body.insert_str(body.len() - 2, &"a".repeat(1024 - body.len()));
        let claims = json!({
            "iat": now(), "exp": now() + 3600, "request_body_sha256": hex(digest(&SHA256, body.as_bytes()).as_ref()),
        });
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": "webhook-key-1" });
        let text = format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()));
        let signature = pair.sign(&random, text.as_bytes()).unwrap();
        let jws = format!("{text}.{}", B64.encode(signature));
        Webhook { jwks: jwks.to_string(), point, jws, body: body.into_bytes() }
    });

    fn keys(jwks: &str) -> VerifyingKeys {
        VerifyingKeys::new(&serde_json::from_str::<JwkSet>(jwks).unwrap())
    }

    #[divan::bench(sample_size = CALLS)]
    fn floor_ring_verify(bencher: Bencher) {
        let (text, signature) = WEBHOOK.jws.rsplit_once('.').unwrap();
        let signature = B64.decode(signature).unwrap();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &WEBHOOK.point);
        bencher.bench(|| key.verify(black_box(text.as_bytes()), &signature).unwrap());
    }

    #[divan::bench(sample_size = CALLS)]
    fn floor_by_hand_ring(bencher: Bencher) {
        #[derive(Deserialize)]
        struct Header<'a> {
            alg: &'a str,
            kid: &'a str,
        }
        #[derive(Deserialize)]
        struct Claims<'a> {
            iat: u64,
            exp: u64,
            request_body_sha256: &'a str,
        }
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &WEBHOOK.point);
        bencher.bench(|| {
            let hook = black_box(&*WEBHOOK);
            let (text, signature) = hook.jws.rsplit_once('.').unwrap();
            let (header, payload) = text.split_once('.').unwrap();
            let mut buffer = [0; 512];
            let length = B64.decode_slice(header, &mut buffer).unwrap();
            let header: Header<'_> = serde_json::from_slice(&buffer[..length]).unwrap();
            assert!(header.alg == "ES256" && header.kid == "webhook-key-1");
            let mut raw = [0; 66];
            let length = B64.decode_slice(signature, &mut raw).unwrap();
            key.verify(text.as_bytes(), &raw[..length]).unwrap();
            let length = B64.decode_slice(payload, &mut buffer).unwrap();
            let claims: Claims<'_> = serde_json::from_slice(&buffer[..length]).unwrap();
            assert!(now() < claims.exp + 300 && claims.iat < now() + 300);
            let digest = digest(&SHA256, &hook.body);
            let pairs = claims.request_body_sha256.as_bytes().chunks_exact(2).zip(digest.as_ref());
            let digit = |byte: u8| b"0123456789abcdef"[usize::from(byte & 15)];
            assert!(pairs.fold(true, |same, (pair, byte)| same & (pair == [digit(byte >> 4), digit(*byte)])));
        });
    }

    #[divan::bench(sample_size = CALLS)]
    fn verify_keys_kept(bencher: Bencher) {
        let (keys, options) = (keys(&WEBHOOK.jwks), VerifierOptions::default());
        bencher.bench(|| {
            let hook = black_box(&*WEBHOOK);
            verify(&hook.jws, &hook.body, &keys, SystemTime::now(), &options).unwrap()
        });
    }

    #[divan::bench(sample_size = CALLS)]
    fn verify_jwks_parsed_each_time(bencher: Bencher) {
        let options = VerifierOptions::default();
        bencher.bench(|| {
            let hook = black_box(&*WEBHOOK);
            verify(&hook.jws, &hook.body, &keys(&hook.jwks), SystemTime::now(), &options).unwrap()
        });
    }

    #[divan::bench(sample_size = CALLS)]
    fn read_a_key_set_of_one(bencher: Bencher) {
        bencher.bench(|| keys(black_box(&WEBHOOK.jwks)));
    }

    #[divan::bench(sample_size = CALLS)]
    fn webhooks_verify_warm(bencher: Bencher) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (_emulator, webhooks, sent) = runtime.block_on(warm());
        bencher.bench(|| ready(webhooks.verify(black_box(&sent.0), &sent.1)).unwrap());
    }

    async fn warm() -> (Emulator, WebhookVerifier, (HeaderMap, Vec<u8>)) {
        let emulator = Emulator::builder().with_system_clock().start().await.unwrap();
        let webhooks = emulator.moneykit().build().unwrap().webhooks();
        let sent = emulator.moneykit_webhook(WEBHOOK.body.clone()).sign().unwrap();
        webhooks.verify(&sent.headers, &sent.body).await.unwrap();
        (emulator, webhooks, (sent.headers, sent.body.to_vec()))
    }
}

mod moov {
    use fintech_auth::{
        moov::webhook::{SignedHeaders, SigningSecrets, WebhookVerifier},
        webhook::{Deliveries, MemoryDeliveries, Tolerance},
    };
    use http::HeaderValue;
    use ring::hmac::{self, HMAC_SHA512};

    use super::*;

    const CALLS: u32 = 5_000;
    const SECRET: &str = "a webhook signing secret of 36 bytes";

    struct Webhook {
        text: String,
        tag: Vec<u8>,
        headers: HeaderMap,
    }

    fn webhook(nonce: &str) -> Webhook {
        let (timestamp, id) = (now().to_string(), "c0ffee00-1111-4222-8333-444455556666");
        let text = format!("{timestamp}|{nonce}|{id}");
        let tag = hmac::sign(&hmac::Key::new(HMAC_SHA512, SECRET.as_bytes()), text.as_bytes());
        let tag = tag.as_ref().to_vec();
        let headers = [
            ("x-timestamp", timestamp.as_str()),
            ("x-nonce", nonce),
            ("x-webhook-id", id),
            ("x-signature", &hex(&tag)),
        ]
        .into_iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
        Webhook { text, tag, headers }
    }

    const NONCE: &str = "5f1c7f9e-6a1e-4a94-9f0e-6a6a3a1f2b11";

    #[divan::bench(sample_size = CALLS)]
    fn floor_hmac_sha2(bencher: Bencher) {
        use ::hmac::{Hmac, KeyInit as _, Mac as _};
        let (hook, key) = (webhook(NONCE), Hmac::<sha2::Sha512>::new_from_slice(SECRET.as_bytes()).unwrap());
        bencher.bench(|| {
            let hook = black_box(&hook);
            key.clone().chain_update(&hook.text).verify_slice(&hook.tag).unwrap();
        });
    }

    #[divan::bench(sample_size = CALLS)]
    fn by_hand_hmac_sha2(bencher: Bencher) {
        use ::hmac::{Hmac, KeyInit as _, Mac as _};
        let (hook, key) = (webhook(NONCE), Hmac::<sha2::Sha512>::new_from_slice(SECRET.as_bytes()).unwrap());
        let headers = SignedHeaders::read(&hook.headers).unwrap();
        bencher.bench(|| {
            let SignedHeaders { timestamp, nonce, webhook_id, signature, .. } = *black_box(&headers);
            let pairs = signature.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
            let tag: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
            let text = format!("{timestamp}|{nonce}|{webhook_id}");
            key.clone().chain_update(&text).verify_slice(&tag).unwrap();
            assert!(now().abs_diff(timestamp.parse().unwrap()) < 300);
        });
    }

    #[divan::bench(sample_size = CALLS)]
    fn floor_ring(bencher: Bencher) {
        let (hook, key) = (webhook(NONCE), hmac::Key::new(HMAC_SHA512, SECRET.as_bytes()));
        bencher.bench(|| {
            let hook = black_box(&hook);
            hmac::verify(&key, hook.text.as_bytes(), &hook.tag).unwrap();
        });
    }

    #[divan::bench(sample_size = CALLS)]
    fn keys_verify(bencher: Bencher) {
        let (hook, keys) = (webhook(NONCE), SigningSecrets::new([SECRET.into()]).unwrap());
        let headers = SignedHeaders::read(&hook.headers).unwrap();
        bencher.bench(|| keys.verify(black_box(&headers), SystemTime::now(), Tolerance::default()).unwrap());
    }

    #[divan::bench(sample_size = CALLS)]
    fn read_and_verify(bencher: Bencher) {
        let (hook, keys) = (webhook(NONCE), SigningSecrets::new([SECRET.into()]).unwrap());
        bencher.bench(|| {
            let headers = SignedHeaders::read(black_box(&hook.headers)).unwrap();
            keys.verify(&headers, SystemTime::now(), Tolerance::default()).unwrap()
        });
    }

    #[divan::bench(sample_size = CALLS)]
    fn webhooks_verify(bencher: Bencher) {
        let (hook, verifier) = (webhook(NONCE), WebhookVerifier::new([SECRET.into()]).unwrap());
        bencher.bench(|| verifier.verify(black_box(&hook.headers), b"").unwrap());
    }

    #[divan::bench(sample_size = 1_000)]
    fn webhooks_receive(bencher: Bencher) {
        let verifier = WebhookVerifier::new([SECRET.into()]).unwrap();
        let verifier = verifier.with_deliveries(Deliveries::new(MemoryDeliveries::new(10_000_000)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _entered = runtime.enter();
        let number = std::sync::atomic::AtomicU64::new(0);
        bencher
            .with_inputs(|| {
                let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                webhook(&format!("5f1c7f9e-6a1e-4a94-9f0e-{number:012x}")).headers
            })
            .bench_values(|headers| ready(verifier.receive(&headers, b"")).unwrap());
    }
}
