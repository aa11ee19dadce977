//! Tests MoneyKit's webhooks: which webhooks are accepted, and each reason for a rejection.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use fintech_auth::{
    moneykit::webhook::{Event, EventKind, UnsignedDelivery, VerifierOptions, VerifyingKeys, verify},
    webhook::{Tolerance, Verified, VerifyError},
};
use proptest::prelude::*;
use ring::{
    digest::{SHA256, digest},
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        KeyPair as _,
    },
};
use serde_json::{Value, json};

const BODY: &[u8] = br#"{"webhook_event":"link.state_changed","webhook_idempotency_key":"i-1","webhook_major_version":1,"webhook_minor_version":0,"webhook_timestamp":"2023-10-24T12:27:13Z","link_id":"l-1","state":"x"}"#;
const NOW: u64 = 1_800_000_000;

struct Pair {
    fixed: EcdsaKeyPair,
    document: Vec<u8>,
}

impl Pair {
    fn new() -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).expect("a key");
        let document = document.as_ref().to_vec();
        Self { fixed: Self::load(algorithm, &document), document }
    }

    fn load(algorithm: &'static EcdsaSigningAlgorithm, document: &[u8]) -> EcdsaKeyPair {
        EcdsaKeyPair::from_pkcs8(algorithm, document, &SystemRandom::new()).expect("a key")
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        self.fixed.sign(&SystemRandom::new(), text.as_bytes()).expect("a signature").as_ref().to_vec()
    }

    fn sign_der(&self, text: &str) -> Vec<u8> {
        let pair = Self::load(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.document);
        pair.sign(&SystemRandom::new(), text.as_bytes()).expect("a signature").as_ref().to_vec()
    }

    fn jwk(&self, id: &str) -> Value {
        let (x, y) = self.fixed.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (B64.encode(x), B64.encode(y));
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id, "x": x, "y": y })
    }
}

static PAIR: LazyLock<Pair> = LazyLock::new(Pair::new);
static KEYS: LazyLock<VerifyingKeys> = LazyLock::new(|| set(&[PAIR.jwk("k")]));

fn set(keys: &[Value]) -> VerifyingKeys {
    VerifyingKeys::new(&serde_json::from_value(json!({ "keys": keys })).expect("a key set"))
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn body_digest(body: &[u8]) -> String {
    hex(digest(&SHA256, body).as_ref())
}

fn header() -> Value {
    json!({ "alg": "ES256", "typ": "JWT", "kid": "k" })
}

fn claims() -> Value {
    json!({ "iat": NOW, "exp": NOW + 3600, "request_body_sha256": body_digest(BODY) })
}

fn but(mut value: Value, changes: Value) -> Value {
    let object = value.as_object_mut().expect("an object");
    for (name, change) in changes.as_object().expect("an object") {
        match change {
            Value::Null => object.remove(name),
            change => object.insert(name.clone(), change.clone()),
        };
    }
    value
}

fn unsigned(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    format!("{}.{}", B64.encode(header), B64.encode(claims))
}

fn sign(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    let text = unsigned(header, claims);
    format!("{text}.{}", B64.encode(PAIR.sign(&text)))
}

fn good() -> String {
    sign(header().to_string(), claims().to_string())
}

fn verified(signature: &str) -> Result<Verified<&'static [u8]>, VerifyError> {
    verify(signature, BODY, &KEYS, now(), &VerifierOptions::default())
}

fn refused(signature: &str) -> &'static str {
    verified(signature).expect_err("the webhook is rejected").reason()
}

#[test]
fn event_is_verified_and_parsed() {
    let webhook = verified(&good()).expect("the webhook is verified");
    assert_eq!((webhook.signed_at(), webhook.key_id()), (now(), "k"));
    let event = webhook.event().expect("an event");
    assert_eq!(event.kind, EventKind::LinkStateChanged);
    assert_eq!((event.idempotency_key.as_deref(), event.major_version), (Some("i-1"), Some(1)));
    assert_eq!((event.minor_version, event.link_id.as_deref()), (Some(0), Some("l-1")));
    assert_eq!(event.timestamp.map(|time| time.to_string()).as_deref(), Some("2023-10-24T12:27:13+00:00"));
    assert_eq!(Value::from(event.fields.clone()), json!({ "state": "x" }));
}

#[test]
fn unknown_events_and_fields_are_returned() {
    for (name, kind) in [
        ("link.state_changed", EventKind::LinkStateChanged),
        ("link.product_refresh", EventKind::LinkProductRefresh),
        ("transactions.updates_available", EventKind::TransactionsUpdatesAvailable),
        ("loan.forgiven", "loan.forgiven".into()),
    ] {
        let body = json!({ "webhook_event": name, "webhook_major_version": "2", "deep": { "a": [1] } });
        let body = body.to_string();
        let claims = but(claims(), json!({ "request_body_sha256": body_digest(body.as_bytes()) }));
        let jws = sign(header().to_string(), claims.to_string());
        let webhook =
            verify(&jws, &body, &KEYS, now(), &VerifierOptions::default()).expect("the webhook is verified");
        let event = webhook.event().expect("an event");
        assert_eq!((event.kind.as_str(), &event.kind, event.major_version), (name, &kind, Some(2)));
        assert_eq!(event.fields["deep"], json!({ "a": [1] }));
    }
    let body = json!({
        "webhook_event": "x", "webhook_idempotency_key": 7, "webhook_major_version": {},
        "webhook_minor_version": -1, "webhook_timestamp": "soon", "link_id": null,
    });
    let claims = but(claims(), json!({ "request_body_sha256": body_digest(body.to_string().as_bytes()) }));
    let jws = sign(header().to_string(), claims.to_string());
    let webhook = verify(&jws, body.to_string(), &KEYS, now(), &VerifierOptions::default())
        .expect("the webhook is verified");
    let event = webhook.event().expect("an event");
    assert_eq!(event.fields.len(), 5);
    let mut expected = Event::new("x".into());
    expected.fields = event.fields.clone();
    assert_eq!(event, expected);
}

#[test]
fn invalid_delivery_headers_are_ignored() {
    let read = |headers: &[(&str, &str)]| {
        let delivery = UnsignedDelivery::read(headers);
        (delivery.token, delivery.attempt)
    };
    const TOKEN: &str = "MoneyKit-Delivery-Token";
    const ATTEMPT: &str = "MoneyKit-Delivery-Attempt";
    assert_eq!(read(&[(TOKEN, "d-1"), (ATTEMPT, "2")]), (Some("d-1".to_owned()), Some(2)));
    assert_eq!(read(&[]), (None, None));
    assert_eq!(read(&[(TOKEN, "d-1"), (TOKEN, "d-2"), (ATTEMPT, "two")]), (None, None));
    assert_eq!(read(&[(TOKEN, "d-1\nforged"), (ATTEMPT, "4294967296")]), (None, None));
    assert_eq!(read(&[(TOKEN, &"d".repeat(257)), (ATTEMPT, "00000000001")]), (None, None));
}

/// Every input for a check after the signature check has a valid signature. Otherwise the verifier
/// would not reach that check.
#[test]
fn each_hostile_input_has_its_own_error_reason() {
    let jws = |header: Value, claims: Value| sign(header.to_string(), claims.to_string());
    let with_header = |changes: Value| jws(but(header(), changes), claims());
    let with_claims = |changes: Value| jws(header(), but(claims(), changes));
    let good = good();
    let (text, signature) = good.rsplit_once('.').expect("a signature");
    let (first, second) = text.split_once('.').expect("two parts");
    let raw_claims = claims().to_string();
    let point = PAIR.fixed.public_key().as_ref();
    let hmac_by = |algorithm: &str, secret: &[u8]| {
        let text = unsigned(but(header(), json!({ "alg": algorithm })).to_string(), claims().to_string());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
        format!("{text}.{}", B64.encode(tag))
    };
    let none = unsigned(but(header(), json!({ "alg": "none" })).to_string(), claims().to_string());
    let long_id = "k".repeat(257);

    let table: Vec<(&str, String, &'static str)> = vec![
        ("nothing", String::new(), "malformed_signature"),
        ("two parts", text.to_owned(), "malformed_signature"),
        ("four parts", format!("{good}."), "malformed_signature"),
        (
            "a jws in json",
            json!({ "payload": second, "signature": signature }).to_string(),
            "malformed_signature",
        ),
        ("a jwe", format!("{good}.a.b"), "malformed_signature"),
        ("over 4 KiB", "a".repeat(4097), "header_too_large"),
        ("padding", format!("{good}="), "malformed_base64"),
        (
            "the other alphabet",
            format!("{text}.{}", base64::prelude::BASE64_STANDARD_NO_PAD.encode([0xff; 64])),
            "malformed_base64",
        ),
        ("white space before", format!(" {good}"), "malformed_base64"),
        ("white space after", format!("{good} "), "malformed_base64"),
        ("a line break within", good.replacen('.', "\n.", 1), "malformed_base64"),
        ("bits left over", format!("e31.{second}.{signature}"), "malformed_base64"),
        ("not ascii", format!("é{good}"), "malformed_base64"),
        ("an empty header", format!(".{second}.{signature}"), "malformed_jws_header"),
        ("a header that is a list", sign("[]", &raw_claims), "malformed_jws_header"),
        ("a header that is text", sign("\"ES256\"", &raw_claims), "malformed_jws_header"),
        ("a header with data behind", sign(format!("{}x", header()), &raw_claims), "malformed_jws_header"),
        (
            "a header not in utf-8",
            sign(b"{\"alg\":\"ES256\",\"kid\":\"k\xff\"}", &raw_claims),
            "malformed_jws_header",
        ),
        (
            "a header with alg twice",
            sign(r#"{"alg":"none","alg":"ES256","kid":"k"}"#, &raw_claims),
            "malformed_jws_header",
        ),
        (
            "a header with alg twice, escaped",
            sign(r#"{"alg":"ES256","al\u0067":"none","kid":"k"}"#, &raw_claims),
            "malformed_jws_header",
        ),
        (
            "a header with kid twice",
            sign(r#"{"alg":"ES256","kid":"k","kid":"k"}"#, &raw_claims),
            "malformed_jws_header",
        ),
        ("alg is a number", with_header(json!({ "alg": 256 })), "malformed_jws_header"),
        ("kid is a number", with_header(json!({ "kid": 1 })), "malformed_jws_header"),
        ("kid is too long", with_header(json!({ "kid": long_id })), "malformed_jws_header"),
        ("none", format!("{none}."), "algorithm_none"),
        ("none with a good signature", with_header(json!({ "alg": "none" })), "algorithm_none"),
        ("nOnE", with_header(json!({ "alg": "nOnE" })), "algorithm_none"),
        ("the public point as an hmac secret", hmac_by("HS256", point), "algorithm_symmetric"),
        (
            "the public jwk as an hmac secret",
            hmac_by("HS512", PAIR.jwk("k").to_string().as_bytes()),
            "algorithm_symmetric",
        ),
        ("an hmac under es256", hmac_by("ES256", point), "signature_length"),
        ("es384", with_header(json!({ "alg": "ES384" })), "algorithm_unexpected"),
        ("rs256", with_header(json!({ "alg": "RS256" })), "algorithm_unexpected"),
        ("es256 in lower case", with_header(json!({ "alg": "es256" })), "algorithm_unexpected"),
        ("es256 with a nul", with_header(json!({ "alg": "ES256\0" })), "algorithm_unexpected"),
        ("no alg", with_header(json!({ "alg": null })), "algorithm_unexpected"),
        ("crit", with_header(json!({ "crit": ["exp"] })), "critical_extension"),
        ("an empty crit", with_header(json!({ "crit": [] })), "critical_extension"),
        ("b64", with_header(json!({ "crit": ["b64"], "b64": false })), "critical_extension"),
        ("no kid", with_header(json!({ "kid": null })), "missing_key_id"),
        ("an empty kid", with_header(json!({ "kid": "" })), "missing_key_id"),
        ("an unknown kid", with_header(json!({ "kid": "K" })), "unknown_key"),
        ("a kid that is a path", with_header(json!({ "kid": "../k" })), "unknown_key"),
        ("its own key", with_header(json!({ "kid": "own", "jwk": PAIR.jwk("own") })), "unknown_key"),
        ("der", format!("{text}.{}", B64.encode(PAIR.sign_der(text))), "signature_in_der"),
        ("63 bytes", format!("{text}.{}", B64.encode(&PAIR.sign(text)[1..])), "signature_length"),
        (
            "65 bytes",
            format!("{text}.{}", B64.encode([PAIR.sign(text), vec![0]].concat())),
            "signature_length",
        ),
        ("no signature", format!("{text}."), "signature_length"),
        ("zeros (CVE-2022-21449)", format!("{text}.{}", B64.encode([0; 64])), "signature_invalid"),
        (
            "a signature of something else",
            format!("{text}.{}", B64.encode(PAIR.sign(first))),
            "signature_invalid",
        ),
        (
            "another's signature",
            format!("{text}.{}", B64.encode(Pair::new().sign(text))),
            "signature_invalid",
        ),
        ("claims that are a list", sign(header().to_string(), "[]"), "malformed_claims"),
        ("empty claims", sign(header().to_string(), ""), "malformed_claims"),
        (
            "claims with data behind",
            sign(header().to_string(), format!("{raw_claims}{raw_claims}")),
            "malformed_claims",
        ),
        (
            "claims with iat twice",
            sign(header().to_string(), raw_claims.replacen('{', r#"{"iat":1,"#, 1)),
            "malformed_claims",
        ),
        ("no iat", with_claims(json!({ "iat": null })), "missing_claim"),
        ("no digest", with_claims(json!({ "request_body_sha256": null })), "missing_claim"),
        ("iat is text", with_claims(json!({ "iat": NOW.to_string() })), "malformed_claim"),
        (
            "iat is null",
            sign(header().to_string(), raw_claims.replace(&format!("\"iat\":{NOW}"), "\"iat\":null")),
            "malformed_claim",
        ),
        ("iat is negative", with_claims(json!({ "iat": -1 })), "malformed_claim"),
        ("iat is beyond all time", with_claims(json!({ "iat": u64::MAX })), "malformed_claim"),
        ("iat is in milliseconds", with_claims(json!({ "iat": NOW * 1000 })), "malformed_claim"),
        ("iat is 1e300", with_claims(json!({ "iat": 1e300 })), "malformed_claim"),
        ("exp is true", with_claims(json!({ "exp": true })), "malformed_claim"),
        (
            "exp is null",
            sign(header().to_string(), raw_claims.replacen('{', r#"{"nbf":null,"#, 1)),
            "malformed_claim",
        ),
        ("nbf is a list", with_claims(json!({ "nbf": [NOW] })), "malformed_claim"),
        ("the digest is a number", with_claims(json!({ "request_body_sha256": 1 })), "malformed_claim"),
        (
            "the digest is in upper case",
            with_claims(json!({ "request_body_sha256": body_digest(BODY).to_uppercase() })),
            "malformed_claim",
        ),
        (
            "the digest is cut",
            with_claims(json!({ "request_body_sha256": body_digest(BODY)[..62] })),
            "malformed_claim",
        ),
        ("the digest is empty", with_claims(json!({ "request_body_sha256": "" })), "malformed_claim"),
        (
            "the digest of another body",
            with_claims(json!({ "request_body_sha256": body_digest(b"{}") })),
            "body_mismatch",
        ),
        ("too old", with_claims(json!({ "iat": NOW - 301 })), "too_old"),
        ("of the future", with_claims(json!({ "iat": NOW + 301 })), "too_new"),
        ("a fraction of the future", with_claims(json!({ "iat": NOW as f64 + 300.5 })), "too_new"),
        ("expired", with_claims(json!({ "exp": NOW - 60 })), "expired"),
        ("not valid yet", with_claims(json!({ "nbf": NOW + 301 })), "not_yet_valid"),
    ];
    assert!(verified(&good).is_ok());
    for (name, jws, expected) in &table {
        assert_eq!(refused(jws), *expected, "{name}");
    }
}

#[test]
fn timestamp_exactly_at_the_tolerance_is_accepted() {
    for changes in [
        json!({ "iat": NOW - 300 }),
        json!({ "iat": NOW + 300, "exp": null }),
        json!({ "iat": NOW as f64 - 299.5 }),
        json!({ "exp": NOW - 59 }),
        json!({ "nbf": NOW + 300 }),
        json!({ "exp": null, "typ": 7, "iss": "whoever" }),
    ] {
        let jws = sign(header().to_string(), but(claims(), changes.clone()).to_string());
        assert!(verified(&jws).is_ok(), "{changes}");
    }
    let options = VerifierOptions::default()
        .with_tolerance(Tolerance::new(Duration::ZERO))
        .with_expiry_leeway(Duration::ZERO);
    let at = |seconds: u64| {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        verify(&good(), BODY, &KEYS, now, &options).map_err(|error| error.reason()).err()
    };
    assert_eq!((at(NOW), at(NOW + 1), at(NOW - 1)), (None, Some("too_old"), Some("too_new")));
}

#[test]
fn body_over_the_limit_is_rejected_and_any_authentic_body_is_accepted() {
    let options = VerifierOptions::default().with_body_limit(BODY.len() - 1);
    let error = verify(&good(), BODY, &KEYS, now(), &options).expect_err("the webhook is rejected");
    assert_eq!((error.reason(), error.status().as_u16()), ("body_too_large", 413));
    for body in ["", "[]", "{}", "{\"webhook_event\":1}", "{\"webhook_event\":\"x\"} x", "null"] {
        let claims = but(claims(), json!({ "request_body_sha256": body_digest(body.as_bytes()) }));
        let jws = sign(header().to_string(), claims.to_string());
        let webhook =
            verify(&jws, body, &KEYS, now(), &VerifierOptions::default()).expect("the body is authentic");
        assert_eq!(*webhook.body(), body);
        assert_eq!(
            webhook.event().expect_err("the body is not an event").reason(),
            "malformed_body",
            "{body}"
        );
    }
}

#[test]
fn each_unusable_key_has_its_own_error_reason() {
    let jwk = || PAIR.jwk("k");
    let off = {
        let mut y = PAIR.fixed.public_key().as_ref()[33..].to_vec();
        y[31] ^= 1;
        B64.encode(y)
    };
    let long = B64.encode([0; 33]);
    let other = Pair::new().jwk("k");
    let table = [
        (vec![but(jwk(), json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }))], "key_type"),
        (vec![but(jwk(), json!({ "kty": "oct", "k": "AQAB" }))], "key_type"),
        (vec![but(jwk(), json!({ "kty": null }))], "key_type"),
        (vec![but(jwk(), json!({ "kty": ["EC"] }))], "key_type"),
        (vec![but(jwk(), json!({ "crv": "P-384" }))], "key_curve"),
        (vec![but(jwk(), json!({ "crv": "secp256k1" }))], "key_curve"),
        (vec![but(jwk(), json!({ "crv": null }))], "key_curve"),
        (vec![but(jwk(), json!({ "use": "enc" }))], "key_use"),
        (vec![but(jwk(), json!({ "use": 1 }))], "key_use"),
        (vec![but(jwk(), json!({ "key_ops": ["sign"] }))], "key_use"),
        (vec![but(jwk(), json!({ "key_ops": "verify" }))], "key_use"),
        (vec![but(jwk(), json!({ "alg": "ES384" }))], "key_algorithm"),
        (vec![but(jwk(), json!({ "x": null }))], "key_malformed"),
        (vec![but(jwk(), json!({ "x": long }))], "key_malformed"),
        (vec![but(jwk(), json!({ "y": "!" }))], "key_malformed"),
        (vec![but(jwk(), json!({ "y": jwk()["y"].as_str().map(|y| format!("{y}=")) }))], "key_malformed"),
        (vec![but(jwk(), json!({ "d": "AQAB" }))], "key_malformed"),
        (vec![but(jwk(), json!({ "y": off }))], "key_off_curve"),
        (vec![but(jwk(), json!({ "x": B64.encode([0; 32]), "y": B64.encode([0; 32]) }))], "key_off_curve"),
        (vec![but(jwk(), json!({ "x": B64.encode([0xff; 32]) }))], "key_off_curve"),
        (vec![jwk(), other.clone()], "key_ambiguous"),
        (vec![jwk(), other, jwk()], "key_ambiguous"),
        (vec![but(jwk(), json!({ "kid": null }))], "unknown_key"),
        (vec![but(jwk(), json!({ "kid": 1 }))], "unknown_key"),
        (vec![], "unknown_key"),
    ];
    for (keys, expected) in table {
        let verdict = verify(&good(), BODY, &set(&keys), now(), &VerifierOptions::default());
        assert_eq!(verdict.expect_err("the webhook is rejected").reason(), expected, "{keys:?}");
        let keys: Vec<Value> = keys.into_iter().chain([PAIR.jwk("good")]).collect();
        let jws = sign(but(header(), json!({ "kid": "good" })).to_string(), claims().to_string());
        assert!(verify(&jws, BODY, &set(&keys), now(), &VerifierOptions::default()).is_ok(), "{keys:?}");
    }
}

#[test]
fn valid_key_verifies_even_if_an_unusable_key_has_the_same_id() {
    let bad = || but(PAIR.jwk("k"), json!({ "crv": "P-384" }));
    for keys in [vec![bad(), PAIR.jwk("k")], vec![PAIR.jwk("k"), bad()], vec![PAIR.jwk("k"), PAIR.jwk("k")]] {
        assert!(verify(&good(), BODY, &set(&keys), now(), &VerifierOptions::default()).is_ok(), "{keys:?}");
    }
}

#[test]
fn webhook_signed_with_the_last_key_of_a_large_key_set_is_verified() {
    let mut keys: Vec<Value> = (0..1_000).map(|id| PAIR.jwk(&id.to_string())).collect();
    keys.push(PAIR.jwk("k"));
    assert_eq!(set(&keys).len(), 1_001);
    assert!(verify(&good(), BODY, &set(&keys), now(), &VerifierOptions::default()).is_ok());
}

#[test]
fn key_entries_that_are_not_objects_are_skipped() {
    let entries = [Value::Null, json!("k"), json!(7), json!([]), json!([PAIR.jwk("k")]), json!(true)];
    let keys: Vec<Value> = entries.into_iter().chain([PAIR.jwk("k")]).collect();
    assert_eq!(set(&keys).len(), 1);
    assert!(verify(&good(), BODY, &set(&keys), now(), &VerifierOptions::default()).is_ok());
}

/// RFC 7517 appendix A.1 has an EC key for encryption and an RSA key without a use. The EC key is
/// accepted after its use is changed to `sig`.
#[test]
fn keys_of_rfc_7517_appendix_a_1_are_rejected_for_their_use_or_type() {
    let ec = json!({
        "kty": "EC", "crv": "P-256", "use": "enc", "kid": "1",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    });
    let rsa = json!({ "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw" });
    let keys = set(&[ec.clone(), rsa]);
    for (id, expected) in [("1", "key_use"), ("2011-04-29", "key_type")] {
        let jws = sign(but(header(), json!({ "kid": id })).to_string(), claims().to_string());
        let verdict = verify(&jws, BODY, &keys, now(), &VerifierOptions::default());
        assert_eq!(verdict.expect_err("the webhook is rejected").reason(), expected);
    }
    assert_eq!(set(&[but(ec, json!({ "use": "sig" }))]).len(), 1);
}

fn flipped(text: &str, bit: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let at = bit / 8 % bytes.len();
    bytes[at] ^= 1 << (bit % 8);
    bytes
}

#[test]
fn webhook_with_a_flipped_bit_is_rejected() {
    let good = good();
    for bit in 0..good.len() * 8 {
        if let Ok(jws) = String::from_utf8(flipped(&good, bit)) {
            assert!(verified(&jws).is_err(), "bit {bit}");
        }
    }
    let body = std::str::from_utf8(BODY).expect("text");
    for bit in 0..body.len() * 8 {
        let verdict = verify(&good, flipped(body, bit), &KEYS, now(), &VerifierOptions::default());
        assert_eq!(verdict.expect_err("the webhook is rejected").reason(), "body_mismatch", "bit {bit}");
    }
}

proptest! {
    #[test]
    fn flipped_bit_in_a_decoded_part_is_rejected(part in 0_usize..3, bit in 0_usize..4096) {
        let good = good();
        let mut parts: Vec<Vec<u8>> = good.split('.').map(|part| B64.decode(part).unwrap()).collect();
        let at = bit / 8 % parts[part].len();
        parts[part][at] ^= 1 << (bit % 8);
        let jws = parts.iter().map(|part| B64.encode(part)).collect::<Vec<_>>().join(".");
        prop_assert!(verified(&jws).is_err());
    }

    #[test]
    fn arbitrary_text_is_rejected_without_a_panic(text in "\\PC{0,200}|[a-zA-Z0-9_.-]{0,200}", body: Vec<u8>) {
        prop_assert!(verify(&text, &body, &KEYS, now(), &VerifierOptions::default()).is_err());
    }

    #[test]
    fn arbitrary_signed_bytes_cause_no_panic(header: Vec<u8>, claims: Vec<u8>) {
        prop_assert!(verified(&sign(&header, claims_of())).is_err() || header == self::header().to_string().as_bytes());
        prop_assert!(verified(&sign(self::header().to_string(), claims)).is_err());
    }
}

fn claims_of() -> String {
    claims().to_string()
}
