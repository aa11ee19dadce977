//! Tests that the CLI reads secrets from the environment, from a file and from standard input, and
//! shows secrets only on request.

use std::{fs, process::Stdio};

use fintech_auth::emulator::{Fault, Operation};
use http::StatusCode;
use serde_json::json;

use crate::program::{configured, emulator, file, program, run, run_with};

#[tokio::test(flavor = "multi_thread")]
async fn secret_is_read_from_every_source() {
    let emulator = emulator().await;
    let credentials = emulator.moov_credentials();
    let secret = credentials.client_secret().expose_secret();
    let path = file("secret", format!("{secret}\n"));
    let path = path.display();
    let bare = |more: &str| {
        program(&format!(
            "moov token /ping.read --raw --client-id {} --base-url {} {more}",
            credentials.client_id(),
            emulator.url()
        ))
    };
    let config = json!({"moov": {
        "client_id": credentials.client_id(), "client_secret_file": path.to_string(), "base_url": emulator.url(),
    }});
    let config = file("config.json", config.to_string());
    for ran in [
        run(bare("").env("MOOV_CLIENT_SECRET", secret)),
        run(bare("").env("MOOV_CLIENT_SECRET_FILE", path.to_string())),
        run(&mut bare(&format!("--client-secret-file {path}"))),
        run_with(&mut bare("--client-secret-file -"), secret),
        run(&mut program(&format!("moov token /ping.read --raw --config {}", config.display()))),
    ] {
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(emulator.is_live(ran.out.trim()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_shows_no_secret_unless_an_option_requests_it() {
    let emulator = emulator().await;
    let token = run(&mut configured(&emulator, "moneykit token --raw")).out;
    let refresh = file("redacted", "");
    let save = refresh.display().to_string();
    run(&mut configured(&emulator, &format!("moov token /ping.read --save {save}")));
    let saved = fs::read_to_string(&refresh).unwrap();
    let mut shown = String::new();
    for (args, input) in [
        ("moneykit token", ""),
        ("moneykit token --json", ""),
        ("moneykit introspect", token.as_str()),
        ("moneykit introspect --json", &token),
        ("moneykit introspect --client", ""),
        ("moneykit jwks", ""),
        ("moov token /ping.read --json", ""),
        (&format!("moov refresh --token-file {save} --save {save}"), ""),
        ("moov revoke", saved.trim()),
        ("moov refresh --json --reveal", saved.trim()),
        ("doctor", ""),
        ("doctor --json", ""),
    ] {
        shown += &run_with(&mut configured(&emulator, args), input).all();
    }
    for (operation, args, credentials) in [
        (Operation::MoovToken, "moov token /ping.read", emulator.moov_credentials()),
        (Operation::MoneykitToken, "moneykit token", emulator.moneykit_credentials()),
    ] {
        let secret = credentials.client_secret().expose_secret();
        let body = json!({"error": secret, "error_code": secret, "error_description": secret, "error_message": secret});
        for args in [args.to_owned(), format!("{args} --json")] {
            let fault = Fault::response(StatusCode::BAD_REQUEST);
            emulator.fault(operation, fault.with_body("application/json", body.to_string()));
            let ran = run(&mut configured(&emulator, &args));
            assert_eq!(ran.code, Some(4), "{}", ran.all());
            shown += &ran.err;
        }
    }
    assert!(shown.contains("[redacted]"), "{shown}");
    let secrets = [
        emulator.moov_credentials().client_secret().expose_secret(),
        emulator.moneykit_credentials().client_secret().expose_secret(),
        token.trim(),
        saved.trim(),
    ];
    for secret in secrets {
        assert!(!shown.contains(secret), "{shown}");
    }
    for token in ["sandbox_rt_", "sandbox_at_", "eyJ"] {
        assert!(!shown.contains(token), "{shown}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn process_list_shows_no_secret() {
    let emulator = emulator().await;
    let secret = emulator.moov_credentials().client_secret().expose_secret().to_owned();
    emulator.fault(Operation::MoovToken, Fault::hang());
    let mut child = configured(&emulator, "moov token /ping.read")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    while emulator.count(Operation::MoovToken) == 0 {
        assert!(
            child.try_wait().expect("the program is running").is_none(),
            "the program ended before it sent a request"
        );
        tokio::task::yield_now().await;
    }
    let seen = |name: &str| fs::read(format!("/proc/{}/{name}", child.id())).expect("the program is running");
    let seen = [seen("cmdline"), seen("comm"), seen("stat")].concat();
    child.kill().expect("the program is running");
    child.wait().expect("the program ends");
    let seen = String::from_utf8_lossy(&seen);
    assert!(seen.contains("fintech-auth") && !seen.contains(&secret), "{seen}");
}

#[test]
fn error_for_an_invalid_configuration_file_shows_no_content() {
    const MARK: &str = "MARK-0123456789";
    let mut report = Vec::new();
    for (name, content) in [
        ("json", MARK.to_owned()),
        ("text", format!("\"{MARK}\"")),
        ("table", format!("{{\"{MARK}\": {{}}}}")),
        ("none", "{}".to_owned()),
        ("key", format!("{{\"moov\": {{\"client_secrte\": \"{MARK}\"}}}}")),
        ("number", format!("{{\"moov\": {{\"timeout\": \"{MARK}\"}}}}")),
        ("file", "{\"moov\": {\"client_id\": \"id\", \"client_secret_file\": \"/nowhere\"}}".to_owned()),
    ] {
        let path = file(&format!("config-{name}"), content);
        let ran = run(&mut program(&format!("moov token /ping.read --config {}", path.display())));
        assert_eq!((ran.code, ran.err.contains(MARK)), (Some(2), false), "{}", ran.all());
        report.push(ran.err.replace(path.to_str().unwrap(), "FILE"));
    }
    insta::assert_snapshot!(report.join("\n"));
}
