//! Tests the behavior that both verifiers share.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use fintech_auth::{
    Secret,
    moov::webhook::{SignedHeaders, SigningSecrets, WebhookVerifier},
    webhook::{
        Deliveries, MemoryDeliveries, Tolerance, VerifyError, VerifyErrorKind as Kind, WebhookResponse,
    },
};

use crate::support::emulator;

#[test]
fn each_webhook_error_kind_has_a_status_and_reasons() {
    let reasons = |kind: &Kind| -> Vec<&str> {
        VerifyError::REASONS.iter().filter(|(of, _)| of == kind).map(|(_, reason)| *reason).collect()
    };
    let line = |kind: &Kind| format!("{kind:?} {}: {}", kind.status().as_u16(), reasons(kind).join(", "));
    insta::assert_snapshot!(Kind::ALL.iter().map(line).collect::<Vec<_>>().join("\n"));
    for kind in Kind::ALL {
        let error = VerifyError::from(*kind);
        assert_eq!((error.kind(), reasons(kind).contains(&error.reason())), (*kind, true));
    }
}

#[tokio::test]
async fn webhook_errors_and_debug_output_hide_the_body_the_headers_and_the_secret() {
    let emulator = emulator().await;
    let moneykit = emulator.moneykit().build().expect("a client").webhooks();
    let marked = |text: &str| format!("marked-{text}");
    let mut shown = Vec::new();
    for webhook in [
        emulator.moneykit_webhook("{}").with_header("kid", marked("kid")),
        emulator.moneykit_webhook("{}").with_header("alg", marked("alg")),
        emulator.moneykit_webhook("{}").with_claim("iat", marked("iat")),
    ] {
        let sent = webhook.sign().expect("the webhook is signed");
        let error = moneykit.verify(&sent.headers, &sent.body).await.unwrap_err();
        shown.push(format!("{error} {error:?}"));
    }
    let secret = Secret::from(marked("secret"));
    let moov = WebhookVerifier::new([secret.clone()]).expect("a secret").with_clock(emulator.clock().clone());
    shown.push(format!("{moov:?} {:?}", SigningSecrets::new([secret.clone()])));
    for webhook in [
        emulator.moov_webhook(marked("body")),
        emulator.moov_webhook("{}").with_secret(secret.clone()).with_timestamp(marked("timestamp")),
        emulator.moov_webhook("{}").with_nonce(marked("nonce")).with_webhook_id(marked("id")),
    ] {
        shown.push(format!("{webhook:?}").replace("marked-", "").replace("body", ""));
        let sent = webhook.sign().expect("the webhook is signed");
        shown.push(format!("{:?}", SignedHeaders::read(&sent.headers)));
        let error = moov.verify(&sent.headers, &sent.body).unwrap_err();
        shown.push(format!("{error} {error:?}"));
    }
    for shown in shown {
        assert!(!shown.contains("marked-"), "{shown}");
    }
}

#[test]
fn tolerances_for_past_and_future_timestamps_are_separate() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    let tolerance =
        Tolerance::default().with_past(Duration::from_secs(10)).with_future(Duration::from_secs(1));
    assert_eq!((tolerance.past().as_secs(), tolerance.future().as_secs()), (10, 1));
    let at = |seconds| tolerance.check(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), now);
    assert!(at(990).is_ok() && at(1_001).is_ok());
    assert_eq!(at(989).unwrap_err().reason(), "too_old");
    assert_eq!(at(1_002).unwrap_err().reason(), "too_new");
}

#[tokio::test]
async fn duplicate_headers_are_rejected_in_every_type_of_header_source() {
    let emulator = emulator().await;
    let webhooks = WebhookVerifier::new([emulator.moov_webhook_secret()]).expect("a secret");
    let webhooks = webhooks.with_clock(emulator.clock().clone());
    let sent = emulator.moov_webhook("{}").sign().expect("the webhook is signed");
    let value = |name: &str| sent.headers[name].to_str().expect("text").to_owned();
    let names = ["X-Timestamp", "X-NONCE", "x-webhook-id", "X-Signature"];
    let mut pairs: Vec<(&str, String)> = names.iter().map(|name| (*name, value(name))).collect();
    let mut map: HashMap<&str, String> = pairs.iter().cloned().collect();
    assert!(webhooks.verify(pairs.as_slice(), b"{}").is_ok());
    assert!(webhooks.verify(&map, b"{}").is_ok());
    assert!(
        webhooks.verify(|name: &str| sent.headers.get(name).map(|value| value.as_bytes()), b"{}").is_ok()
    );

    pairs.push(("x-nonce", value("x-nonce")));
    map.insert("x-nonce", value("x-nonce"));
    assert_eq!(webhooks.verify(pairs.as_slice(), b"{}").unwrap_err().reason(), "repeated_header");
    assert_eq!(webhooks.verify(&map, b"{}").unwrap_err().reason(), "repeated_header");
    let twice = |name: &str| sent.headers.get(name).into_iter().flat_map(|value| [value.as_bytes(); 2]);
    assert_eq!(webhooks.verify(twice, b"{}").unwrap_err().reason(), "repeated_header");
}

#[tokio::test]
async fn each_reason_not_to_handle_a_webhook_has_its_own_response() {
    let emulator = emulator().await;
    let webhooks = WebhookVerifier::new([emulator.moov_webhook_secret()]).expect("a secret");
    let webhooks = webhooks.with_clock(emulator.clock().clone());
    let sent = emulator.moov_webhook("{}").sign().expect("the webhook is signed");
    let response = async |webhooks: &WebhookVerifier, body: &[u8]| -> Result<_, WebhookResponse> {
        Ok(webhooks.receive(&sent.headers, body).await?.into_new()?.1)
    };
    let shown = |response: WebhookResponse| (response.status().as_u16(), response.retry_after());

    let delivery = response(&webhooks, b"{}").await.expect("the delivery is new");
    let (status, retry_after) = shown(response(&webhooks, b"{}").await.unwrap_err());
    assert!(status == 503 && retry_after.is_some_and(|wait| (1..=61).contains(&wait)), "{retry_after:?}");
    delivery.complete().await.expect("the delivery is completed");
    assert_eq!(shown(response(&webhooks, b"{}").await.unwrap_err()), (200, None));
    assert_eq!(shown(response(&webhooks.clone().with_body_limit(1), b"{}").await.unwrap_err()), (413, None));
    let full = webhooks.with_deliveries(Deliveries::new(MemoryDeliveries::new(1)));
    let other = emulator.moov_webhook("{}").sign().expect("the webhook is signed");
    let _in_progress = full.receive(&other.headers, b"{}").await.expect("the delivery is new");
    let (status, retry_after) = shown(response(&full, b"{}").await.unwrap_err());
    assert!(status == 503 && retry_after.is_some_and(|wait| wait >= 10), "{retry_after:?}");
}
