//! Tests Moov's webhooks: which webhooks are accepted, each reason for a rejection, and that the
//! body is never reported as signed.

use std::time::{Duration, SystemTime};

use fintech_auth::{
    ErrorKind, ManualClock, Secret,
    emulator::{Emulator, MoovWebhook, SignedWebhook},
    moov::webhook::{EventKind, UnsignedEvent, WebhookVerifier},
    webhook::Tolerance,
};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use crate::support::emulator;

const NAMES: [&str; 4] = ["x-timestamp", "x-nonce", "x-webhook-id", "x-signature"];

fn verifier(emulator: &Emulator) -> WebhookVerifier {
    let webhooks = WebhookVerifier::new([emulator.moov_webhook_secret()]).expect("a secret");
    webhooks.with_clock(emulator.clock().clone())
}

fn sign(webhook: MoovWebhook) -> SignedWebhook {
    webhook.sign().expect("the webhook is sent")
}

fn refused(webhooks: &WebhookVerifier, headers: &HeaderMap) -> &'static str {
    webhooks.verify(headers, b"{}").expect_err("the webhook is rejected").reason()
}

#[tokio::test]
async fn verified_moov_webhook_marks_its_body_as_unsigned() {
    let emulator = emulator().await;
    let sent = sign(emulator.moov_webhook(r#"{"type":"transfer.updated"}"#).with_webhook_id("w-1"));
    let sent = sent.with_body(r#"{"type":"forged"}"#);
    let webhook = verifier(&emulator).verify(&sent.headers, &sent.body).expect("the webhook is verified");
    assert_eq!(webhook.webhook_id(), "w-1");
    assert_eq!(webhook.nonce(), sent.headers["x-nonce"]);
    assert_eq!(*webhook.unsigned_body(), &sent.body);
    let hint: serde_json::Value = webhook.unsigned_json().expect("json");
    assert_eq!(hint["type"], "forged");
    assert!(std::any::type_name_of_val(&webhook).contains("UnsignedBody"));
    assert!(!format!("{webhook:?}").contains("forged"));
    let error = webhook.unsigned_json::<u8>().unwrap_err();
    assert_eq!(error.reason(), "malformed_body");
}

#[tokio::test]
async fn each_hostile_header_has_its_own_error_reason() {
    let emulator = emulator().await;
    let webhooks = verifier(&emulator);
    let good = sign(emulator.moov_webhook("{}")).headers;
    let with = |name: &'static str, value: &str| {
        let mut headers = good.clone();
        headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        headers
    };
    for name in NAMES {
        let mut headers = good.clone();
        headers.remove(name);
        assert_eq!(refused(&webhooks, &headers), "missing_header", "{name}");
        let mut headers = good.clone();
        headers.append(name, good[name].clone());
        assert_eq!(refused(&webhooks, &headers), "repeated_header", "{name}");
        assert_eq!(refused(&webhooks, &with(name, &"a".repeat(257))), "header_too_large", "{name}");
        for value in ["", "é", "a b", "a\tb"] {
            assert_eq!(refused(&webhooks, &with(name, value)), "malformed_header", "{name} {value:?}");
        }
    }
    let signature = good["x-signature"].to_str().expect("text").to_owned();
    for bad in [&signature[1..], &signature.to_uppercase(), &signature.replace(&signature[..1], "g"), "0x"] {
        assert_eq!(refused(&webhooks, &with("x-signature", bad)), "malformed_signature", "{bad}");
    }
    assert_eq!(refused(&webhooks, &with("x-signature", &"0".repeat(128))), "signature_invalid");
    for name in &NAMES[..3] {
        assert_eq!(refused(&webhooks, &with(name, "1")), "signature_invalid", "{name}");
    }
    let limited = webhooks.clone().with_body_limit(1);
    assert_eq!(refused(&limited, &good), "body_too_large");
    assert!(webhooks.verify(&good, b"{}").is_ok());
}

/// The header values `a|b` and `c` give the same signed text as `a` and `b|c`, so a value that
/// contains the separator is rejected.
#[tokio::test]
async fn signed_header_with_the_separator_character_is_rejected() {
    let emulator = emulator().await;
    let webhooks = verifier(&emulator);
    let sent = sign(emulator.moov_webhook("{}").with_nonce("n").with_webhook_id("a|w"));
    assert_eq!(refused(&webhooks, &sent.headers), "malformed_header");
    let mut shifted = sent.headers.clone();
    shifted.insert("x-nonce", HeaderValue::from_static("n|a"));
    shifted.insert("x-webhook-id", HeaderValue::from_static("w"));
    assert_eq!(refused(&webhooks, &shifted), "malformed_header");
}

#[tokio::test]
async fn every_documented_time_format_is_checked_for_past_and_future_limits() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_736_964_352);
    let clock = ManualClock::new(start);
    let emulator = Emulator::builder().with_clock(clock.clone()).start().await.expect("the emulator starts");
    let webhooks = verifier(&emulator);
    for (timestamp, expected) in [
        ("2025-01-15T18:05:52Z", None),
        ("2025-01-15T19:05:52.123+01:00", None),
        ("1736964352", None),
        ("1736964352000", None),
        ("1736964052", None),
        ("1736964652", None),
        ("1736964051", Some("too_old")),
        ("1736964653", Some("too_new")),
        ("2025-01-15T18:00:51Z", Some("too_old")),
        ("0", Some("too_old")),
        ("2025-01-15T18:05:52", Some("malformed_timestamp")),
        ("-1", Some("malformed_timestamp")),
        ("99999999999999999999", Some("malformed_timestamp")),
        ("today", Some("malformed_timestamp")),
    ] {
        let sent = sign(emulator.moov_webhook("{}").with_timestamp(timestamp));
        let verdict = webhooks.verify(&sent.headers, b"{}");
        assert_eq!(verdict.err().map(|error| error.reason()), expected, "{timestamp}");
    }
    let narrow = verifier(&emulator).with_tolerance(Tolerance::new(Duration::from_secs(1)));
    let sent = sign(emulator.moov_webhook("{}").with_timestamp("1736964350"));
    assert_eq!(refused(&narrow, &sent.headers), "too_old");
}

#[tokio::test]
async fn only_the_old_and_the_new_secret_are_accepted_during_a_rotation() {
    let emulator = emulator().await;
    let old = emulator.moov_webhook_secret();
    let before = sign(emulator.moov_webhook("{}"));
    let new = emulator.rotate_moov_webhook_secret();
    let after = sign(emulator.moov_webhook("{}"));
    let on = |secrets: Vec<Secret>| {
        WebhookVerifier::new(secrets).expect("secrets").with_clock(emulator.clock().clone())
    };
    let both = on(vec![old.clone(), new.clone()]);
    assert!(both.verify(&before.headers, b"").is_ok());
    assert!(both.verify(&after.headers, b"").is_ok());
    assert_eq!(refused(&on(vec![new]), &before.headers), "signature_invalid");
    assert_eq!(refused(&on(vec![old]), &after.headers), "signature_invalid");
    for secrets in [vec![], vec!["".into()], vec!["a".into(), " b".into()], vec!["c\n".into()]] {
        assert_eq!(WebhookVerifier::new(secrets).unwrap_err().kind(), ErrorKind::InvalidConfig);
    }
}

#[tokio::test]
async fn flipped_bit_in_the_headers_is_rejected() {
    let emulator = emulator().await;
    let webhooks = verifier(&emulator);
    let sent = sign(emulator.moov_webhook("{}"));
    for name in NAMES {
        let value = sent.headers[name].as_bytes();
        for bit in 0..value.len() * 8 {
            let mut value = value.to_vec();
            value[bit / 8] ^= 1 << (bit % 8);
            let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
            let mut headers = sent.headers.clone();
            headers.insert(name, value);
            assert!(webhooks.verify(&headers, b"{}").is_err(), "{name} bit {bit}");
        }
    }
    assert!(webhooks.verify(&sent.headers, b"{}").is_ok());
}

proptest! {
    #[test]
    fn arbitrary_headers_are_rejected_without_a_panic(values in prop::array::uniform4("\\PC{0,80}|[0-9a-f]{128}|[0-9TZ:.+-]{0,30}")) {
        use fintech_auth::moov::webhook::{SigningSecrets, SignedHeaders};
        let mut headers = HeaderMap::new();
        for (name, value) in NAMES.into_iter().zip(&values) {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.append(name, value);
            }
        }
        let keys = SigningSecrets::new(["secret".into()]).expect("a secret");
        let verdict = SignedHeaders::read(&headers)
            .and_then(|headers| keys.verify(&headers, SystemTime::now(), Tolerance::default()));
        prop_assert!(verdict.is_err());
    }
}

const ACCOUNT: &str = "11111111-2222-4333-8444-555555555555";
const ID: &str = "ec7e1848-dc80-4ab0-8827-dd7fc0737b43";

fn url(kind: &str, data: &serde_json::Value) -> Option<String> {
    let body = serde_json::json!({ "type": kind, "data": data }).to_string();
    let event = UnsignedEvent::read(body.as_bytes()).expect("an event");
    event.refetch_url("https://api.example/", ACCOUNT.parse().expect("a uuid"))
}

#[test]
fn valid_fields_of_an_event_are_parsed_even_if_others_are_invalid() {
    let body = serde_json::json!({
        "eventID": ID, "type": "transfer.updated", "createdOn": "2026-03-10T03:07:19Z",
        "data": { "transferID": ID, "accountID": "somebody", "secret": "marked" },
    });
    let event = UnsignedEvent::read(body.to_string().as_bytes()).expect("an event");
    assert_eq!((&event.kind, event.kind.as_str()), (&EventKind::TransferUpdated, "transfer.updated"));
    assert_eq!(event.event_id.map(|id| id.to_string()).as_deref(), Some(ID));
    assert_eq!(event.created_on.map(|time| time.to_string()).as_deref(), Some("2026-03-10T03:07:19+00:00"));
    assert_eq!(event.id("transferID").map(|id| id.to_string()).as_deref(), Some(ID));
    assert_eq!((event.id("accountID"), event.id("missing")), (None, None));
    assert!(!format!("{event:?}").contains("marked"));

    let ping = UnsignedEvent::read(br#"{"type":"event.test","data":null,"eventID":7,"createdOn":0}"#);
    let ping = ping.expect("an event");
    assert_eq!((ping.kind, ping.event_id, ping.created_on), (EventKind::TestPing, None, None));
    let newer = UnsignedEvent::read(br#"{"type":"loan.forgiven"}"#).expect("an event");
    assert!(
        matches!(&newer.kind, EventKind::Other { name, .. } if name == "loan.forgiven"),
        "{:?}",
        newer.kind
    );

    let long = format!(r#"{{"type":"{}"}}"#, "a".repeat(129));
    for body in ["", "[]", "{}", r#"{"type":7}"#, r#"{"type":"a\nforged log line"}"#, &long] {
        let error = UnsignedEvent::read(body.as_bytes()).unwrap_err();
        assert_eq!(error.reason(), "malformed_body", "{body}");
    }
}

#[test]
fn each_known_event_name_has_its_own_kind() {
    for kind in EventKind::ALL {
        assert_eq!(
            (EventKind::from(kind.as_str()), kind.as_str().to_owned().into()),
            (kind.clone(), kind.clone())
        );
    }
    for kind in fintech_auth::moneykit::webhook::EventKind::ALL {
        assert_eq!(fintech_auth::moneykit::webhook::EventKind::from(kind.as_str()), *kind);
    }
}

#[test]
fn refetch_url_contains_the_account_id_that_the_caller_gives() {
    let all = serde_json::json!({
        "accountID": "99999999-9999-4999-8999-999999999999",
        "bankAccountID": ID, "cancellationID": ID, "cardID": ID, "disputeID": ID, "paymentMethodID": ID,
        "refundID": ID, "representativeID": ID, "sweepID": ID, "ticketID": ID, "transactionID": ID,
        "transferID": ID, "walletID": ID,
    });
    let lines: Vec<String> = EventKind::ALL
        .iter()
        .map(|kind| {
            let url = url(kind.as_str(), &all).unwrap_or_default();
            let path =
                url.replace("https://api.example/", "/").replace(ACCOUNT, "{account}").replace(ID, "{id}");
            format!("{} {path}", kind.as_str())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn refetch_url_contains_only_valid_uuids() {
    for id in ["", "..", "../../accounts", "a?b", "%2e%2e", "7", "ec7e1848-dc80-4ab0-8827-dd7fc0737b4", "{}"]
    {
        assert_eq!(url("transfer.updated", &serde_json::json!({ "transferID": id })), None, "{id}");
    }
    assert_eq!(url("transfer.updated", &serde_json::json!({ "transferID": { "id": ID } })), None);
    assert_eq!(url("refund.created", &serde_json::json!({ "refundID": ID })), None);
    assert_eq!(url("../x.created", &serde_json::json!({ "../xID": ID })), None);
    let braced =
        url("card.autoUpdated", &serde_json::json!({ "cardID": format!("{{{}}}", ID.to_uppercase()) }));
    assert_eq!(braced, Some(format!("https://api.example/accounts/{ACCOUNT}/cards/{ID}")));
}
