//! Tests that every kind of failure has its own exit code and says what to do next.

use std::{io::Read as _, process::Stdio};

use fintech_auth::emulator::{Fault, Operation};
use http::StatusCode;
use serde_json::Value;

use crate::{
    completions::options,
    help::COMMANDS,
    program::{configured, emulator, program, run, without_ids},
};

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_failure_has_its_exit_code() {
    let emulator = emulator().await;
    let token = "moov token /ping.read";
    let response = |status: u16| Some(Fault::response(StatusCode::from_u16(status).unwrap()));
    let html = Fault::response(StatusCode::OK).with_body("text/html", "<p>");
    let mut report = Vec::new();
    for (args, fault, code, kind) in [
        ("moov token", None, 2, "invalid_config"),
        (token, response(401), 3, "unauthorized"),
        (token, response(400), 4, "invalid_request"),
        (token, response(429), 5, "rate_limited"),
        (token, response(503), 6, "unavailable"),
        (token, Some(Fault::reset()), 6, "unavailable"),
        ("moov token /ping.read --timeout 100ms", Some(Fault::hang()), 7, "timeout"),
        (token, Some(html), 8, "invalid_response"),
    ] {
        for json in [false, true] {
            if let Some(fault) = fault.clone() {
                emulator.fault(Operation::MoovToken, fault);
            }
            let args = if json { format!("{args} --json") } else { args.to_owned() };
            let ran = run(&mut configured(&emulator, &args));
            assert_eq!((ran.code, ran.out.as_str()), (Some(code), ""), "{args}: {}", ran.err);
            if json {
                let error: Value = serde_json::from_str(&ran.err).expect("JSON");
                assert_eq!(error["error"]["kind"], kind, "{}", ran.err);
                assert!(error["error"]["next"].is_string());
            } else {
                report.push(format!("{code}\n{}", ran.err));
            }
        }
    }
    insta::assert_snapshot!(without_ids(&report.join("\n")));
}

#[test]
fn invalid_arguments_are_reported_without_their_values() {
    const MARK: &str = "MARK-0123456789";
    let lines: Vec<String> = [
        "",
        "MARK-0123456789",
        "moov",
        "moov MARK-0123456789",
        "moof",
        "dcotor",
        "token",
        "moov tokne",
        "moov jwks",
        "--json moov token",
        "moov token --client-secret MARK-0123456789",
        "moov token --client-secret=MARK-0123456789",
        "moov refresh MARK-0123456789",
        "moov revoke MARK-0123456789",
        "moov revoke --token MARK-0123456789",
        "moov revoke --hint MARK-0123456789",
        "moov revoke --hint",
        "moov token --MARK-0123456789",
        "help MARK-0123456789",
        "man a MARK-0123456789",
        "moov token --json=MARK-0123456789",
        "moov token --raw --json",
        "moov token --base-url",
        "moov token --timeout MARK-0123456789",
        "moov token --client-id a --client-id MARK-0123456789",
        "moov token -x",
        "moov verify",
        "moov verify --headers - --body -",
        "moneykit introspect --client-secret-file -",
        "moneykit verify --headers a --client-secret-file -",
        "moov token --jsn",
        "moov token --port 1",
        "doctor MARK-0123456789",
        "doctor",
        "doctor --client-id MARK-0123456789",
        "moneykit trigger",
        "moov trigger transfer.updated",
        "moov trigger MARK-0123456789 --to http://127.0.0.1:1",
        "moov trigger transfer.updated --to http://127.0.0.1:1 --attempts 0",
        "moov trigger transfer.updated --to http://127.0.0.1:1 --timeout 2m",
        "moov trigger transfer.updated --to http://127.0.0.1:1 --tamper --replay",
        "moov trigger transfer.updated --to http://127.0.0.1:1 --old --tamper",
        "moov trigger transfer.updated --to http://127.0.0.1:1",
        "moneykit trigger link.state_changed --to http://127.0.0.1:1",
        "moneykit trigger link.state_changed --to http://127.0.0.1:1 --key-file - --data -",
        "completions",
        "completions MARK-0123456789",
        "emulator --port MARK-0123456789",
        "emulator --fault MARK-0123456789",
        "emulator --expires-in MARK-0123456789",
    ]
    .into_iter()
    .map(|args| {
        let ran = run(&mut program(args));
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{args}");
        assert!(!ran.err.contains(MARK), "{args}: {}", ran.err);
        format!("fintech-auth {args}\n  {}", ran.err.lines().next().unwrap_or_default())
    })
    .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn errors_do_not_repeat_argument_values() {
    const MARK: &str = "MARK-0123456789";
    for command in COMMANDS {
        for option in options(command) {
            for args in [
                format!("{command} {option} {MARK} --{MARK}"),
                format!("{command} {option}={MARK} --{MARK}={MARK}"),
                format!("{command} --{MARK} {option} {MARK} --json"),
                format!("{command} {option} {option} {MARK} {MARK} -{MARK}"),
            ] {
                let ran = run(&mut program(&args));
                assert!(!ran.all().contains(MARK), "{args}: {}", ran.all());
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn errors_do_not_repeat_non_utf_8_arguments() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let argument = OsStr::from_bytes(b"MARK-0123456789\xff");
    for args in ["", "moov revoke", "moov revoke --hint", "moov token --client-id"] {
        let ran = run(program(args).arg(argument));
        assert_eq!((ran.code, ran.all().contains("MARK")), (Some(2), false), "{args}: {}", ran.all());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vendor_messages_are_escaped_for_the_terminal() {
    let emulator = emulator().await;
    let body = r#"{"error":"invalid_request","error_description":"\u001b[2Jgone"}"#;
    emulator.fault(
        Operation::MoovToken,
        Fault::response(StatusCode::BAD_REQUEST).with_body("application/json", body),
    );
    let ran = run(&mut configured(&emulator, "moov token /ping.read"));
    assert!(ran.err.contains("gone") && !ran.err.contains('\u{1b}'), "{}", ran.err);
    let body = r#"{"client_id":"a","client_name":"\u001b[2Jgone","scope":"a"}"#;
    emulator.fault(
        Operation::MoneykitIntrospect,
        Fault::response(StatusCode::OK).with_body("application/json", body),
    );
    let ran = run(&mut configured(&emulator, "moneykit introspect --client"));
    assert!(ran.out.contains("gone") && !ran.out.contains('\u{1b}'), "{}", ran.all());
}

#[test]
fn broken_pipe_is_not_an_error() {
    let mut child =
        program("--help").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut err).expect("UTF-8");
    assert_eq!((child.wait().expect("the program ends").code(), err.as_str()), (Some(0), ""));
}
