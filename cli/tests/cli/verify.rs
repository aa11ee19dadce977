//! Tests that `verify` checks recorded webhooks, and that a rejection states its reason.

use std::fmt::Write as _;

use fintech_auth::emulator::{Operation, SignedWebhook};

use crate::program::{configured, emulator, file, program, run, run_with};

fn recorded(webhook: &SignedWebhook) -> String {
    let mut text = "POST /hook HTTP/1.1\r\nHost: example.com\r\n".to_owned();
    for (name, value) in &webhook.headers {
        _ = write!(text, "{name}: {}\r\n", value.to_str().unwrap());
    }
    text + "\r\nthe body is elsewhere"
}

#[tokio::test(flavor = "multi_thread")]
async fn moneykit_webhook_is_verified_with_fetched_or_saved_keys() {
    let emulator = emulator().await;
    let body = r#"{"webhook_event":"link.state_changed","webhook_idempotency_key":"7"}"#;
    let headers = file("moneykit-headers", recorded(&emulator.moneykit_webhook(body).sign().unwrap()));
    let verify = format!("moneykit verify --headers {}", headers.display());
    let ran = run_with(&mut configured(&emulator, &verify), body);
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    assert!(
        ran.out.contains("verified         yes") && ran.out.contains("link.state_changed"),
        "{}",
        ran.out
    );

    let keys = file("keys.json", run(&mut configured(&emulator, "moneykit jwks --json")).out);
    let fetched = emulator.count(Operation::MoneykitJwks);
    let by_file = format!("{verify} --keys {} --json", keys.display());
    let offline = run_with(&mut program(&by_file), body);
    assert_eq!(offline.json()["idempotency_key"], "7", "{}", offline.all());
    assert_eq!(emulator.count(Operation::MoneykitJwks), fetched);

    for args in [&verify, &by_file] {
        let forged = run_with(&mut configured(&emulator, args), "{}");
        assert_eq!((forged.code, forged.out.as_str()), (Some(9), ""), "{}", forged.all());
        assert!(forged.err.contains("(body_mismatch); respond with status 401"), "{}", forged.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jwks_and_verify_commands_need_and_send_no_credentials() {
    let emulator = emulator().await;
    let body = r#"{"webhook_event":"link.state_changed"}"#;
    let headers = file("keys-only", recorded(&emulator.moneykit_webhook(body).sign().unwrap()));
    let verify = format!("moneykit verify --headers {} --base-url {}", headers.display(), emulator.url());
    let jwks = format!("moneykit jwks --base-url {}", emulator.url());
    for ran in [
        run(&mut program(&jwks)),
        run(program(&jwks).env("MONEYKIT_CLIENT_ID", "id").env("MONEYKIT_CLIENT_SECRET_FILE", "/nowhere")),
        run_with(&mut program(&verify), body),
        run_with(program(&verify).env("MONEYKIT_CLIENT_SECRET", "secret"), body),
    ] {
        assert_eq!(ran.code, Some(0), "{}", ran.all());
    }
    let requests = emulator.requests();
    let shows = |name: &str| requests.iter().any(|request| request.headers.contains_key(name));
    assert_eq!(requests.len(), 4);
    assert!(!shows("authorization") && !shows("x-client-secret"), "{requests:?}");
    let ids: Vec<bool> = requests.iter().map(|request| request.headers.contains_key("x-client-id")).collect();
    assert_eq!(ids, [false, true, false, false], "the client id must be sent only if it is configured");
}

#[tokio::test(flavor = "multi_thread")]
async fn moov_webhook_is_verified_and_its_body_reported_as_unsigned() {
    let emulator = emulator().await;
    let headers = file("moov-headers", recorded(&emulator.moov_webhook("{}").sign().unwrap()));
    let verify = format!("moov verify --headers {} --json", headers.display());
    let secret = emulator.moov_webhook_secret();
    let ran = run_with(program(&verify).env("MOOV_WEBHOOK_SECRET", secret.expose_secret()), "anything");
    let report = ran.json();
    assert_eq!((&report["verified"], &report["body_is_signed"]), (&true.into(), &false.into()));
    let forged = run_with(program(&verify).env("MOOV_WEBHOOK_SECRET", "another"), "anything");
    assert_eq!(forged.code, Some(9), "{}", forged.all());
    assert!(forged.err.contains("(signature_invalid)"), "{}", forged.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_webhook_is_accepted_if_the_tolerance_is_long_enough() {
    let emulator = emulator().await;
    let old = emulator.moov_webhook("{}").with_timestamp("2025-01-15T18:05:52Z").sign().unwrap();
    let headers = file("moov-old", recorded(&old));
    let secret = emulator.moov_webhook_secret();
    let verify = format!("moov verify --headers {}", headers.display());
    let verify = |more: &str| {
        run_with(
            program(&format!("{verify} {more}")).env("MOOV_WEBHOOK_SECRET", secret.expose_secret()),
            "{}",
        )
    };
    assert_eq!(verify("").code, Some(9));
    assert_eq!(verify("--tolerance 1000000h").code, Some(0));
}

#[test]
fn error_for_an_invalid_header_line_shows_its_line_number() {
    let headers = file("headers-bad", "X-Nonce: a\nMARK-0123456789\n");
    let ran =
        run(program(&format!("moov verify --headers {}", headers.display())).env("MOOV_WEBHOOK_SECRET", "s"));
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("line 2 of the headers") && !ran.err.contains("MARK"), "{}", ran.err);
}
