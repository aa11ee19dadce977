//! Tests that `doctor --delivery` reports whether a recorded webhook is authentic and, if it is
//! not, why.

use std::{fmt::Write as _, process::Command};

use fintech_auth::emulator::{Emulator, SignedWebhook};

use crate::{
    program::{configured, emulator, file, program, run, run_with},
    service::Findings,
};

const BODY: &str = r#"{"webhook_event":"link.state_changed","webhook_idempotency_key":"7"}"#;

fn pasted(webhook: &SignedWebhook, body: &str) -> String {
    let mut text = "POST /hook HTTP/1.1\r\nHost: example.com\r\n".to_owned();
    for (name, value) in &webhook.headers {
        _ = write!(text, "{name}: {}\r\n", value.to_str().expect("text"));
    }
    text + "\r\n" + body
}

fn moov(secret: &str) -> Command {
    let mut command = program("doctor --json --delivery -");
    command.env("MOOV_WEBHOOK_SECRET", secret);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_checks_the_secret_and_timestamp_of_a_moov_webhook() {
    let emulator = emulator().await;
    let secret = emulator.moov_webhook_secret().expose_secret().to_owned();
    let now = pasted(&emulator.moov_webhook("{}").sign().expect("signed"), "{}");
    let at = |time: &str| {
        let webhook = emulator.moov_webhook("{}").with_timestamp(time).sign().expect("signed");
        pasted(&webhook, "{}")
    };
    let (old, future) = (at("2025-01-15T18:05:52Z"), at("2099-01-15T18:05:52Z"));
    let changed = now.replace("x-webhook-id: ", "x-webhook-id: 1");
    let cut = now.lines().filter(|line| !line.starts_with("x-nonce")).collect::<Vec<_>>().join("\n");
    for (what, text, secret, id, verdict, next) in [
        ("good", &now, &*secret, "delivery.ok", "ok", ""),
        ("another secret", &now, "another", "delivery.other_secret", "fail", "MOOV_WEBHOOK_SECRET"),
        ("changed", &changed, &secret, "delivery.other_secret", "fail", "MOOV_WEBHOOK_SECRET"),
        ("old", &old, &secret, "delivery.too_old", "warn", "MOOV_WEBHOOK_TOLERANCE"),
        ("old, another secret", &old, "another", "delivery.other_secret", "fail", "MOOV_WEBHOOK_SECRET"),
        ("future", &future, &secret, "delivery.too_new", "fail", "clock"),
        ("cut", &cut, &secret, "delivery.invalid", "fail", "copy all headers"),
        ("no secret", &now, "", "delivery.no_secret", "fail", "MOOV_WEBHOOK_SECRET_FILE"),
    ] {
        let ran = run_with(&mut moov(secret), text);
        let findings = Findings::of(&ran);
        assert_eq!(findings.verdict(id, next), verdict, "{what}");
        assert_eq!(findings.ids().len(), 1, "{what}: only the delivery may be checked");
    }
    let ran = run_with(moov("another").env("MOOV_PREVIOUS_WEBHOOK_SECRET", &secret), &now);
    let findings = Findings::of(&ran);
    assert_eq!(findings.verdict("delivery.previous_secret", "MOOV_PREVIOUS_WEBHOOK_SECRET"), "warn");
    let tolerant = run_with(moov(&secret).env("MOOV_WEBHOOK_TOLERANCE", "1000000h"), &old);
    assert_eq!(Findings::of(&tolerant).verdict("delivery.ok", ""), "ok");
}

fn moneykit(emulator: &Emulator) -> Command {
    let mut command = program("doctor --json --delivery -");
    command.env("MONEYKIT_BASE_URL", emulator.url());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_checks_the_signature_and_timestamp_of_a_moneykit_webhook() {
    let emulator = emulator().await;
    let (other, webhook) = (crate::program::emulator().await, emulator.moneykit_webhook(BODY).sign());
    let webhook = webhook.expect("signed");
    let strangers = pasted(&other.moneykit_webhook(BODY).sign().expect("signed"), BODY);
    let with = |body: &str| pasted(&webhook, body);
    let old = emulator.moneykit_webhook(BODY).with_claim("iat", 1_698_150_433).sign().expect("signed");
    for (what, text, id, verdict, next) in [
        ("good", with(BODY), "delivery.ok", "ok", ""),
        ("with the last line's end", with(&format!("{BODY}\r\n")), "delivery.ok", "ok", ""),
        ("another body", with("{}"), "delivery.body_changed", "fail", "raw bytes"),
        ("old", pasted(&old, BODY), "delivery.too_old", "warn", "MONEYKIT_WEBHOOK_TOLERANCE"),
        ("old, another body", pasted(&old, "{}"), "delivery.body_changed", "fail", "raw bytes"),
        ("another environment", strangers, "delivery.other_key", "fail", "MONEYKIT_BASE_URL"),
        (
            "no signature",
            "MoneyKit-Signature: x\n\n{}".to_owned(),
            "delivery.invalid",
            "fail",
            "copy all headers",
        ),
    ] {
        let findings = Findings::of(&run_with(&mut moneykit(&emulator), &text));
        assert_eq!(findings.verdict(id, next), verdict, "{what}");
    }
    let path = file("delivery", with(BODY));
    let ran = run(&mut configured(&emulator, &format!("doctor --json --delivery {}", path.display())));
    let findings = Findings::of(&ran);
    assert_eq!(findings.verdict("delivery.ok", ""), "ok");
    assert!(findings.ids().contains(&"jwks.ok") && findings.failed().is_empty(), "{:?}", findings.ids());
}

#[test]
fn invalid_delivery_file_is_rejected_before_any_request() {
    let ran = run_with(&mut program("doctor moov --delivery -"), "X-Nonce: MARK-0123456789\n\n{}");
    assert_eq!(ran.code, Some(2), "{}", ran.all());
    assert!(ran.err.contains("has neither a MoneyKit-Signature nor an X-Signature"), "{}", ran.err);
    assert!(!ran.all().contains("MARK"), "{}", ran.all());
    let ran = run_with(&mut program("doctor moov --delivery -"), "MoneyKit-Signature: a\n\n{}");
    assert!(ran.err.contains("another vendor"), "{}", ran.err);
}
