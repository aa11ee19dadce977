//! Tests that `doctor` finds each problem and says what to do.

use std::time::Duration;

use fintech_auth::emulator::{Behaviour, Emulator, Fault, Operation};
use http::StatusCode;

use crate::program::{Ran, configured, emulator, file, program, run, run_with, without_ids};

fn steady(emulator: &Emulator, ran: &Ran) -> String {
    let text = ran.all().replace(emulator.url(), "EMULATOR");
    let lines = text.lines().map(|line| match line.find(" clock ") {
        Some(_) if line.contains("  ok ") => "  ok    clock        a moment",
        _ => line,
    });
    let lines: Vec<&str> = lines.collect();
    without_ids(&lines.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_passes_when_everything_works() {
    let emulator = emulator().await;
    let origin = emulator.origin().to_owned();
    let ran = run(configured(&emulator, "doctor")
        .env("MOOV_SCOPES", "/accounts.read /ping.read")
        .env("MOOV_ORIGIN", origin)
        .env("MOOV_WEBHOOK_SECRET", "secret"));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    insta::assert_snapshot!(steady(&emulator, &ran));
    assert_eq!((emulator.count(Operation::MoovToken), emulator.count(Operation::MoovRevoke)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_finding_says_what_to_do() {
    let emulator = emulator().await;
    let mut report = Vec::new();
    let mut tell = |what: &str, ran: &Ran| {
        assert_eq!(ran.code, Some(10), "{what}: {}", ran.all());
        report.push(format!("{what}\n{}\n", steady(&emulator, ran)));
    };
    tell("wrong secret", &run(configured(&emulator, "doctor moov").env("MOOV_CLIENT_SECRET", "wrong")));
    tell(
        "wrong secret",
        &run(configured(&emulator, "doctor moneykit").env("MONEYKIT_CLIENT_SECRET", "wrong")),
    );
    tell(
        "wrong origin",
        &run(configured(&emulator, "doctor moov").env("MOOV_ORIGIN", "https://other.example")),
    );
    let documented =
        Emulator::builder().with_behaviour(Behaviour::Documented).with_system_clock().start().await.unwrap();
    let ran = run(configured(&documented, "doctor moov").env("MOOV_ORIGIN", "https://other.example"));
    assert!(
        ran.code == Some(10) && ran.out.contains("fail  origin       the configured origin is not allowed"),
        "{}",
        ran.out
    );
    emulator.fault(Operation::MoovToken, Fault::cdn_block());
    tell(
        "a block by the CDN",
        &run(configured(&emulator, "doctor moov").env("MOOV_ORIGIN", emulator.origin())),
    );
    tell("no secret", &run(configured(&emulator, "doctor moov").env_remove("MOOV_CLIENT_SECRET")));
    tell("a typo", &run(configured(&emulator, "doctor moov").env("MOOV_ORIGN", "https://other.example")));
    let plain =
        configured(&emulator, "doctor moov").env("MOOV_BASE_URL", "http://api.moov.io").output().unwrap();
    assert_eq!(plain.status.code(), Some(10));
    for (fault, operation) in [
        (Fault::response(StatusCode::SERVICE_UNAVAILABLE), Operation::MoneykitJwks),
        (Fault::reset(), Operation::MoneykitToken),
    ] {
        emulator.fault(operation, fault);
        let ran = run(&mut configured(&emulator, "doctor moneykit"));
        assert_eq!(ran.code, Some(10), "{}", ran.all());
    }
    insta::assert_snapshot!(report.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_scopes_that_were_not_granted() {
    let emulator = emulator().await;
    let body = r#"{"access_token":"t","token_type":"Bearer","expires_in":900,"scope":"/ping.read"}"#;
    emulator.fault(Operation::MoovToken, Fault::response(StatusCode::OK).with_body("application/json", body));
    let ran = run(configured(&emulator, "doctor moov").env("MOOV_SCOPES", "/ping.read /accounts.write"));
    assert_eq!(ran.code, Some(10), "{}", ran.all());
    assert!(ran.out.contains("fail  scopes       not granted: /accounts.write -> "), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_warns_if_the_key_pair_is_accepted_only_for_token_requests() {
    let emulator = emulator().await;
    for (operation, what) in
        [(Operation::MoovAccounts, "doctor moov"), (Operation::MoneykitIntrospect, "doctor moneykit")]
    {
        // The fault with a delay of zero lets the first call succeed. So only the second call gets
        // the 401.
        emulator.fault(operation, Fault::delay(Duration::ZERO));
        emulator.fault(operation, Fault::response(StatusCode::UNAUTHORIZED));
        let ran = run(&mut configured(&emulator, what));
        assert!(ran.code == Some(0) && ran.out.contains("  warn  key pair "), "{}", ran.all());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_output_is_one_object_per_line() {
    let emulator = emulator().await;
    let ran = run(&mut configured(&emulator, "doctor --json"));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    let lines: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for vendor in ["moneykit", "moov"] {
        let accepted = lines.iter().find(|line| line["subject"] == vendor && line["check"] == "credentials");
        assert_eq!(accepted.expect("a line")["verdict"], "ok");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_warns_of_a_small_clock_skew_and_fails_on_a_large_one() {
    let emulator = emulator().await;
    for (seconds, code, found) in [(0, 0, "ok    clock"), (60, 0, "warn  clock"), (600, 10, "fail  clock")] {
        emulator.clock().advance(Duration::from_secs(seconds));
        let ran = run(&mut configured(&emulator, "doctor moneykit"));
        assert_eq!(ran.code, Some(code), "{}", ran.all());
        assert!(ran.out.contains(found), "{}", ran.out);
        assert_eq!(ran.out.contains("-> synchronize this machine's clock (NTP)"), seconds > 0, "{}", ran.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_checks_only_configured_vendors() {
    let emulator = emulator().await;
    let credentials = emulator.moov_credentials();
    let only = |ran: &Ran| {
        assert_eq!(ran.code, Some(0), "{}", ran.all());
        assert!(ran.out.starts_with("moov\n") && !ran.out.contains("moneykit"), "{}", ran.out);
    };
    only(&run(configured(&emulator, "doctor").env_remove("MONEYKIT_CLIENT_ID")));
    let config = serde_json::json!({"moov": {
        "client_id": credentials.client_id(),
        "client_secret": credentials.client_secret().expose_secret(),
        "base_url": emulator.url(),
    }});
    let path = file("doctor.json", config.to_string());
    only(&run(&mut program(&format!("doctor --config {}", path.display()))));
    only(&run_with(&mut program("doctor --config -"), &config.to_string()));
}

/// Scripts use the ids of the findings, so no id may change by accident.
#[test]
fn guide_explains_every_doctor_finding_id() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut ids = std::collections::BTreeSet::new();
    let mut folders = vec![root.join("src/doctor")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(path).expect("a file");
            let is_word = |word: &str| {
                !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            };
            let is_id = |text: &&str| text.split('.').count() == 2 && text.split('.').all(is_word);
            ids.extend(text.split('"').filter(is_id).map(str::to_owned));
        }
    }
    ids.retain(|id| id != "api.example" && !id.starts_with("api_error."));
    let guide = std::fs::read_to_string(root.join("../docs/guide/troubleshooting.md")).expect("the guide");
    let (_, section) = guide.split_once("\n## doctor\n").expect("a section");
    let (section, _) = section.split_once("\n## ").expect("another one");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let explained: std::collections::BTreeSet<String> = rows.map(str::to_owned).collect();
    assert_eq!(ids, explained);
}
