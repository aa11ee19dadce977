//! Tests the commands that call a vendor, with readable output, with JSON and with `--raw`.

use fintech_auth::emulator::{Emulator, Fault, Operation};
use http::StatusCode;

use crate::program::{Ran, configured, emulator, file, run, run_with};

fn last_body(emulator: &Emulator) -> String {
    let requests = emulator.requests();
    String::from_utf8_lossy(&requests.last().expect("a request").body).into_owned()
}

fn ok(ran: Ran) -> Ran {
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    assert_eq!(ran.err, "");
    ran
}

#[tokio::test(flavor = "multi_thread")]
async fn token_command_gets_a_token_from_each_vendor() {
    let emulator = emulator().await;
    for args in ["moneykit token link_session:create", "moov token /accounts.read"] {
        let people = ok(run(&mut configured(&emulator, args)));
        assert!(people.out.contains("access token     [redacted]"), "{}", people.out);
        assert!(people.out.contains(" s, safety margin deducted"), "{}", people.out);

        let redacted = ok(run(&mut configured(&emulator, &format!("{args} --json")))).json();
        assert!(redacted["access_token"].is_null() && redacted["refresh_token"].is_null(), "{redacted}");
        assert!(redacted["expires_in"].as_u64() > Some(500), "{redacted}");

        let revealed = ok(run(&mut configured(&emulator, &format!("{args} --json --reveal")))).json();
        assert!(emulator.is_live(revealed["access_token"].as_str().unwrap()), "{revealed}");
        assert_eq!(revealed["refresh_token"].is_string(), args.starts_with("moov"), "{revealed}");

        let raw = ok(run(&mut configured(&emulator, &format!("{args} --raw"))));
        assert_eq!(raw.out.lines().count(), 1, "{}", raw.out);
        assert!(emulator.is_live(raw.out.trim()), "{}", raw.out);

        let shown = ok(run(&mut configured(&emulator, &format!("{args} --reveal"))));
        let prefix = if args.starts_with("moov") { "access token     eyJ" } else { "sandbox_at_" };
        assert!(shown.out.contains(prefix), "{}", shown.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scope_arguments_override_the_configured_scopes() {
    let emulator = emulator().await;
    ok(run(&mut configured(&emulator, "moov token /accounts.read /ping.read")));
    assert!(last_body(&emulator).contains("scope=%2Faccounts.read+%2Fping.read"), "{}", last_body(&emulator));
    ok(run(configured(&emulator, "moov token").env("MOOV_SCOPES", "/fed.read")));
    assert!(last_body(&emulator).contains("scope=%2Ffed.read"), "{}", last_body(&emulator));
    let origin = format!("moov token /ping.read --origin {}", emulator.origin());
    ok(run(&mut configured(&emulator, &origin)));
    assert!(!last_body(&emulator).contains("client_type"), "{}", last_body(&emulator));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn non_utf_8_token_in_the_environment_is_rejected() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let emulator = emulator().await;
    let mut command = configured(&emulator, "moneykit introspect");
    let ran = run(command.env("FINTECH_AUTH_TOKEN", OsStr::from_bytes(b"MARK-0123456789\xff")));
    assert_eq!(ran.code, Some(2), "{}", ran.all());
    assert!(ran.err.contains("the environment variable FINTECH_AUTH_TOKEN is not UTF-8"), "{}", ran.err);
    assert!(!ran.all().contains("MARK-0123456789"), "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn introspect_command_reads_the_token_from_every_source() {
    let emulator = emulator().await;
    let token = ok(run(&mut configured(&emulator, "moneykit token a b --raw"))).out;
    let path = file("introspected", &token);
    let introspect = |more: &str| configured(&emulator, &format!("moneykit introspect --json {more}"));
    for ran in [
        run_with(&mut introspect(""), &token),
        run_with(&mut introspect("--token-file -"), &token),
        run(&mut introspect(&format!("--token-file {}", path.display()))),
        run(introspect("").env("FINTECH_AUTH_TOKEN", token.trim())),
    ] {
        let about = ok(ran).json();
        assert_eq!(
            (&about["client_id"], &about["scope"]),
            (&"sandbox_moneykit_client".into(), &"a b".into())
        );
    }
    let client = ok(run(&mut configured(&emulator, "moneykit introspect --client")));
    assert!(client.out.contains("client id        sandbox_moneykit_client"), "{}", client.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn jwks_command_prints_the_published_keys() {
    let emulator = emulator().await;
    let people = ok(run(&mut configured(&emulator, "moneykit jwks")));
    assert!(people.out.starts_with("1 of 1 keys can verify webhooks\n"), "{}", people.out);
    assert!(people.out.contains(&emulator.moneykit_key_id()), "{}", people.out);
    let set = ok(run(&mut configured(&emulator, "moneykit jwks --json"))).json();
    assert_eq!(set["keys"][0]["kid"], emulator.moneykit_key_id());
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_save_replace_and_revoke_a_refresh_token() {
    let emulator = emulator().await;
    let path = file("refresh", "");
    let path = path.display();
    ok(run(&mut configured(&emulator, &format!("moov token /ping.read --save {path}"))));
    let first = std::fs::read_to_string(path.to_string()).unwrap();
    assert!(emulator.is_live(first.trim()));

    let refresh = format!("moov refresh --token-file {path} --save {path} --raw");
    let access = ok(run(&mut configured(&emulator, &refresh))).out;
    let second = std::fs::read_to_string(path.to_string()).unwrap();
    assert!(
        emulator.is_live(access.trim()) && emulator.is_live(second.trim()) && !emulator.is_live(first.trim())
    );
    assert_eq!(emulator.double_spends(), 0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        let mode = std::fs::metadata(path.to_string()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    let third = ok(run_with(&mut configured(&emulator, "moov refresh --json --reveal"), &second)).json();
    let third = third["refresh_token"].as_str().unwrap().to_owned();
    let revoked = ok(run_with(&mut configured(&emulator, "moov revoke --hint refresh_token"), &third));
    assert_eq!(revoked.out, "revoked          yes\n");
    assert!(!emulator.is_live(&third));
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_command_sends_nothing_if_the_new_token_would_be_lost() {
    let emulator = emulator().await;
    for args in [
        "moov refresh",
        "moov refresh --raw",
        "moov refresh --raw --reveal",
        "moov refresh --json",
        "moov refresh --save /nowhere/at/all",
    ] {
        let ran = run_with(&mut configured(&emulator, args), "a-refresh-token");
        assert!(matches!(ran.code, Some(1 | 2)), "{args}: {}", ran.all());
    }
    assert_eq!(emulator.count(Operation::MoovToken), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_code_is_11_if_there_is_no_refresh_token_to_save() {
    let emulator = emulator().await;
    let path = file("unsaved", "as it was");
    let args = format!("moov token /ping.read --save {}", path.display());
    let body = r#"{"access_token":"t","token_type":"Bearer","expires_in":900}"#;
    let fault = Fault::response(StatusCode::OK).with_body("application/json", body);
    emulator.fault(Operation::MoovToken, fault);
    let ran = run(&mut configured(&emulator, &args));
    assert_eq!(ran.code, Some(11), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "as it was");
    let folder = run(&mut configured(&emulator, "moov token /ping.read --save /tmp"));
    assert_eq!(folder.code, Some(2), "{}", folder.all());
    let drafts = std::fs::read_dir(path.parent().unwrap()).unwrap().filter(|entry| {
        entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("cli-unsaved."))
    });
    assert_eq!(drafts.count(), 0);
}
