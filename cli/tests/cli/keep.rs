//! Tests that the CLI saves the new refresh token even if the CLI cannot write its output.

#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use fintech_auth::emulator::{Emulator, Fault, Operation};
use http::StatusCode;

use crate::program::{Ran, configured, emulator, ran, run, run_with};

fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("keep-{name}-{}", std::process::id()));
    _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn issued(emulator: &Emulator, folder: &Path) -> PathBuf {
    let path = folder.join("refresh-token");
    let ran = run(&mut configured(emulator, &format!("moov token /ping.read --save {}", path.display())));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    emulator.clear_requests();
    path
}

fn refresh(emulator: &Emulator, path: &Path, more: &str) -> Command {
    let mut command = configured(emulator, &format!("moov refresh --token-file {} {more}", path.display()));
    command.current_dir(path.parent().expect("a folder"));
    command
}

fn by_shell(command: &Command, before: &str, after: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{before}\nexec \"$0\" \"$@\" {after}")]).arg(command.get_program());
    shell.args(command.get_args()).env_clear().stdin(Stdio::null());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

fn named(emulator: &Emulator, ran: &Ran) -> String {
    let line = ran.err.lines().next().unwrap_or_default();
    let path = line
        .split("the refresh token is in ")
        .nth(1)
        .unwrap_or_else(|| panic!("the error does not name the file: {}", ran.all()));
    let token = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert!(emulator.is_live(token.trim()), "{token}");
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!ran.err.contains(token.trim()), "{}", ran.err);
    path.to_owned()
}

/// `ulimit -f 0` simulates a full disk, because it limits the size of files.
#[tokio::test(flavor = "multi_thread")]
async fn refresh_command_sends_nothing_when_the_disk_is_full() {
    let emulator = emulator().await;
    let folder = folder("full");
    let path = issued(&emulator, &folder);
    let token = fs::read_to_string(&path).unwrap();
    let command = refresh(&emulator, &path, &format!("--save {}", path.display()));
    let ran = run(&mut by_shell(&command, "trap '' XFSZ; ulimit -f 0", ""));
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    assert!(ran.err.contains("--save"), "{}", ran.err);
    assert_eq!((emulator.count(Operation::MoovToken), fs::read_to_string(&path).unwrap()), (0, token));
    assert_eq!(names(&folder), ["refresh-token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn error_names_the_temporary_file_if_it_cannot_replace_the_save_file() {
    let emulator = emulator().await;
    let folder = folder("place");
    let path = issued(&emulator, &folder);
    let save = folder.join("new");
    emulator.fault(Operation::MoovToken, Fault::delay(Duration::from_millis(300)));
    let command = refresh(&emulator, &path, &format!("--raw --save {}", save.display()));
    let child = spawned(command);
    while emulator.count(Operation::MoovToken) == 0 {
        tokio::task::yield_now().await;
    }
    fs::create_dir(&save).unwrap();
    let ran = ran(&child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    assert!(emulator.is_live(ran.out.trim()), "the access token must be printed: {}", ran.all());
    named(&emulator, &ran);
}

fn spawned(mut command: Command) -> std::process::Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn token_is_not_lost_if_stdout_is_closed_or_full() {
    let emulator = emulator().await;
    let folder = folder("pipe");
    for (name, more, code) in
        [("broken", "--reveal", 1), ("saved", "--save SAVE", 1), ("dash", "--save -", 1)]
    {
        for is_full in [false, true] {
            let path = issued(&emulator, &folder);
            let save = folder.join(name);
            let command = refresh(&emulator, &path, &more.replace("SAVE", save.to_str().unwrap()));
            let ran = if is_full && Path::new("/dev/full").exists() {
                run(&mut by_shell(&command, "", "> /dev/full"))
            } else {
                // A process that a parallel test starts may hold the read end of the pipe open
                // until it calls `exec`. The delay gives that process time to call `exec`.
                emulator.fault(Operation::MoovToken, Fault::delay(Duration::from_millis(500)));
                let mut child = spawned(command);
                drop(child.stdout.take());
                ran(&child.wait_with_output().unwrap())
            };
            assert_eq!(
                (ran.code, emulator.count(Operation::MoovToken)),
                (Some(code), 1),
                "{name}: {}",
                ran.all()
            );
            fs::remove_file(named(&emulator, &ran)).unwrap();
            assert_eq!(names(&folder), ["refresh-token"], "{name}");
        }
    }
    assert_eq!(emulator.double_spends(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_command_sends_nothing_if_stdout_is_discarded() {
    let emulator = emulator().await;
    let folder = folder("nowhere");
    let path = issued(&emulator, &folder);
    for (more, after) in [("--reveal", "> /dev/null"), ("--reveal", ">&-"), ("--save -", ">&-")] {
        let ran = run(&mut by_shell(&refresh(&emulator, &path, more), "", after));
        assert_eq!(ran.code, Some(2), "{more} {after}: {}", ran.all());
        assert!(ran.err.contains("standard output"), "{}", ran.err);
    }
    assert_eq!(emulator.count(Operation::MoovToken), 0);
    let save = format!("--save {}", path.display());
    let ran = run(&mut by_shell(&refresh(&emulator, &path, &save), "", ">&-"));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    assert!(emulator.is_live(fs::read_to_string(&path).unwrap().trim()));
}

#[tokio::test(flavor = "multi_thread")]
async fn program_finishes_the_call_before_it_exits_on_a_signal() {
    let emulator = emulator().await;
    let folder = folder("signal");
    for (signal, code) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        let path = issued(&emulator, &folder);
        let old = fs::read_to_string(&path).unwrap();
        emulator.fault(Operation::MoovToken, Fault::delay(Duration::from_millis(300)));
        let child = spawned(refresh(&emulator, &path, &format!("--raw --save {}", path.display())));
        while emulator.count(Operation::MoovToken) == 0 {
            tokio::task::yield_now().await;
        }
        let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        let ran = ran(&child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(code), "{}", ran.all());
        assert!(emulator.is_live(ran.out.trim()), "{}", ran.all());
        let new = fs::read_to_string(&path).unwrap();
        assert!(new != old && emulator.is_live(new.trim()), "{new}");
        assert_eq!(names(&folder), ["refresh-token"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_call_leaves_no_temporary_file() {
    let emulator = emulator().await;
    let folder = folder("failed");
    let path = issued(&emulator, &folder);
    for fault in [Fault::response(StatusCode::BAD_REQUEST), Fault::close(), Fault::response(StatusCode::OK)] {
        emulator.fault(Operation::MoovToken, fault);
        let ran = run(&mut refresh(&emulator, &path, &format!("--save {}", path.display())));
        assert!(ran.code > Some(2), "{}", ran.all());
        assert_eq!(names(&folder), ["refresh-token"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn save_option_writes_only_to_a_regular_or_new_file() {
    let emulator = emulator().await;
    let folder = folder("kinds");
    let path = issued(&emulator, &folder);
    let at = |name: &str| folder.join(name);
    assert!(Command::new("mkfifo").arg(at("fifo")).status().expect("mkfifo runs").success());
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    // The test uses no real device, because a bug in the program could destroy the device.
    std::os::unix::fs::symlink("fifo", at("device")).unwrap();
    std::os::unix::fs::symlink("nothing", at("dangling")).unwrap();
    for name in ["fifo", "socket", "device", "dangling", "new/"] {
        for command in [
            refresh(&emulator, &path, &format!("--save {}", at(name).display())),
            configured(&emulator, &format!("moov token /ping.read --save {}", at(name).display())),
        ] {
            let mut command = command;
            let ran = run(&mut command);
            assert_eq!(ran.code, Some(2), "{name}: {}", ran.all());
        }
    }
    assert_eq!(emulator.count(Operation::MoovToken), 0);
    assert!(fs::metadata(at("fifo")).unwrap().file_type().is_fifo());
    assert!(fs::metadata(at("socket")).unwrap().file_type().is_socket());
    assert!(fs::symlink_metadata(at("device")).unwrap().is_symlink());

    std::os::unix::fs::symlink("refresh-token", at("link")).unwrap();
    let ran = run(&mut refresh(&emulator, &path, &format!("--save {}", at("link").display())));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
    assert!(emulator.is_live(fs::read_to_string(&path).unwrap().trim()));
    let names = names(&folder);
    assert_eq!(names, ["dangling", "device", "fifo", "link", "refresh-token", "socket"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn save_option_with_a_dash_writes_to_standard_output() {
    let emulator = emulator().await;
    let folder = folder("dash");
    let path = issued(&emulator, &folder);
    let ran = run(&mut refresh(&emulator, &path, "--save - --json"));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    assert!(ran.json()["access_token"].is_null(), "{}", ran.out);
    assert!(emulator.is_live(ran.json()["refresh_token"].as_str().unwrap()));
    let mut token = configured(&emulator, "moov token /ping.read --save -");
    let ran = run(token.current_dir(&folder));
    assert!(ran.out.contains("refresh token    sandbox_rt_"), "{}", ran.all());
    assert_eq!(names(&folder), ["refresh-token"]);
    let both = run(&mut configured(&emulator, "moov token /ping.read --save - --raw"));
    assert_eq!(both.code, Some(2), "{}", both.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_refresh_token_has_its_own_exit_code() {
    let emulator = Emulator::builder().with_system_clock().with_refresh_tokens(false).start().await.unwrap();
    let folder = folder("none");
    let path = folder.join("refresh-token");
    let args = format!("moov token /ping.read --raw --save {}", path.display());
    let ran = run(&mut configured(&emulator, &args));
    assert_eq!(ran.code, Some(11), "{}", ran.all());
    assert!(emulator.is_live(ran.out.trim()), "{}", ran.all());
    assert_eq!(names(&folder), Vec::<String>::new());

    // The response contains no refresh token. So the old refresh token stays valid (RFC 6749
    // section 6).
    fs::write(&path, "old").unwrap();
    let body = r#"{"access_token":"t","token_type":"Bearer","expires_in":900,"refresh_token":""}"#;
    for (save, code) in [("refresh-token", 0), ("other", 11)] {
        emulator
            .fault(Operation::MoovToken, Fault::response(StatusCode::OK).with_body("application/json", body));
        let save = folder.join(save);
        let ran = run(&mut refresh(&emulator, &path, &format!("--raw --save {}", save.display())));
        assert_eq!((ran.code, ran.out.as_str()), (Some(code), "t\n"), "{}", ran.all());
        assert_eq!(
            (names(&folder), fs::read_to_string(&path).unwrap()),
            (vec!["refresh-token".to_owned()], "old".to_owned())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_token_with_control_characters_is_not_saved() {
    let emulator = emulator().await;
    let folder = folder("control");
    let path = issued(&emulator, &folder);
    let old = fs::read_to_string(&path).unwrap();
    for wrong in ["a\\nb", "a\\u001bb", "a\\u009bb", "a\\u007fb"] {
        let body = format!(
            r#"{{"access_token":"t","token_type":"Bearer","expires_in":900,"refresh_token":"{wrong}"}}"#
        );
        for more in
            [format!("--save {}", path.display()), "--reveal".to_owned(), "--reveal --json".to_owned()]
        {
            emulator.fault(
                Operation::MoovToken,
                Fault::response(StatusCode::OK).with_body("application/json", body.clone()),
            );
            let ran = run(&mut refresh(&emulator, &path, &more));
            assert_eq!((ran.code, ran.out.as_str()), (Some(8), ""), "{wrong} {more}: {}", ran.all());
            assert_eq!(fs::read_to_string(&path).unwrap(), old);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn error_does_not_show_a_token_that_is_given_instead_of_a_path() {
    let emulator = emulator().await;
    let folder = folder("pasted");
    let jwt = format!("eyJhbGciOiJSUzI1NiJ9.{}.c2lnbmF0dXJl", "MARK0123456789".repeat(30));
    for mark in ["MARK-0123456789", "/MARK/0123456789", jwt.as_str()] {
        for (args, option) in [
            ("moov refresh --reveal --token-file MARK", "--token-file"),
            ("moov revoke --token-file MARK", "--token-file"),
            ("moov token /ping.read --config MARK", "--config"),
            ("moov token /ping.read --client-secret-file MARK", "--client-secret-file"),
            ("moneykit introspect --token-file MARK", "--token-file"),
            ("moneykit verify --headers MARK --body MARK", "--headers"),
            ("moov verify --headers MARK --body MARK", "--headers"),
            ("moov token /ping.read --save MARK/x", "--save"),
        ] {
            let mut command = configured(&emulator, &args.replace("MARK", mark));
            let ran = run(command.env("MOOV_WEBHOOK_SECRET", "secret").current_dir(&folder));
            assert!(matches!(ran.code, Some(1 | 2)), "{args}: {}", ran.all());
            assert!(ran.err.contains(option), "{args}: {}", ran.err);
            assert!(!ran.all().contains("0123456789"), "{args}: {}", ran.all());
        }
    }
    let ran = run(configured(&emulator, &format!("moov token /ping.read --save {jwt}")).current_dir(&folder));
    assert!(ran.code == Some(2) && ran.err.contains("--save"), "{}", ran.all());
    for name in ["MOOV_CLIENT_SECRET_FILE", "FINTECH_AUTH_REDIS_URL_FILE"] {
        let mut command = configured(&emulator, "doctor --json");
        let ran = run(command.env_remove("MOOV_CLIENT_SECRET").env(name, &jwt).current_dir(&folder));
        assert!(!ran.all().contains("0123456789"), "{name}: {}", ran.all());
    }
    assert_eq!(names(&folder), Vec::<String>::new());
    assert_eq!(emulator.count(Operation::MoovToken), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_output_escapes_control_and_format_characters() {
    let emulator = emulator().await;
    for odd in ['\u{9b}', '\u{7f}', '\u{202e}', '\u{2028}', '\u{200b}', '\u{feff}', '\u{e0041}', '\u{1b}'] {
        let body = serde_json::json!({"client_id": "a", "client_name": format!("x{odd}y"), "scope": format!("a{odd}b")});
        let keys = serde_json::json!({"keys": [{"kid": format!("k{odd}d"), "kty": "EC"}]});
        let message = serde_json::json!({"error_code": "a", "error_message": format!("x{odd}y")});
        for args in [
            "moneykit introspect --client",
            "moneykit introspect --client --json",
            "moneykit jwks",
            "moneykit jwks --json",
        ] {
            for (operation, body) in
                [(Operation::MoneykitIntrospect, &body), (Operation::MoneykitJwks, &keys)]
            {
                let fault = Fault::response(StatusCode::OK).with_body("application/json", body.to_string());
                emulator.fault(operation, fault);
            }
            let ran = run(&mut configured(&emulator, args));
            emulator.clear_faults();
            assert_eq!(ran.code, Some(0), "{}", ran.all());
            assert!(!ran.all().contains(odd), "{args}: {:?}", ran.all());
            if args.ends_with("introspect --client --json") {
                assert_eq!(ran.json()["client_name"], format!("x{odd}y"), "the JSON value must not change");
            }
        }
        for args in ["moneykit token", "moneykit token --json", "doctor moneykit", "doctor moneykit --json"] {
            let fault =
                Fault::response(StatusCode::BAD_REQUEST).with_body("application/json", message.to_string());
            emulator.fault(Operation::MoneykitToken, fault);
            let ran = run(&mut configured(&emulator, args));
            assert!(ran.code > Some(2) && !ran.all().contains(odd), "{args}: {:?}", ran.all());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn token_copied_with_quotes_or_line_breaks_is_not_sent() {
    let emulator = emulator().await;
    let folder = folder("copied");
    for (wrong, word) in [
        ("\"MARK-0123456789\"", "quotes"),
        ("MARK-0123456789\n\n", "line break"),
        ("MARK\u{200b}", "invisible"),
    ] {
        let mut from_env = configured(&emulator, "moneykit introspect");
        from_env.env("FINTECH_AUTH_TOKEN", wrong);
        let path = folder.join("token");
        fs::write(&path, wrong).unwrap();
        let from_file =
            configured(&emulator, &format!("moov refresh --reveal --token-file {}", path.display()));
        for (mut command, name) in [(from_env, "FINTECH_AUTH_TOKEN"), (from_file, "--token-file")] {
            let ran = run(&mut command);
            assert_eq!(ran.code, Some(2), "{}", ran.all());
            assert!(ran.err.contains(name) && ran.err.contains(word), "{}", ran.err);
            assert!(!ran.err.contains("MARK"), "{}", ran.err);
        }
    }
    assert!(emulator.requests().is_empty());
    // Windows PowerShell writes a byte order mark at the start of the file.
    let path = issued(&emulator, &folder);
    let token = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("\u{feff}{}\r\n", token.trim())).unwrap();
    let ran = run(&mut refresh(&emulator, &path, &format!("--save {}", path.display())));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn misspelled_setting_variables_cause_a_warning() {
    let emulator = emulator().await;
    let with = |args: &str, name: &str| run(configured(&emulator, args).env(name, "MARK-0123456789"));
    for args in ["moov token /ping.read --raw", "moov token /ping.read --json"] {
        let ran = with(args, "MOOV_CLIENT_ID_2");
        assert_eq!(ran.code, Some(0), "{}", ran.all());
        assert!(ran.err.contains("MOOV_CLIENT_ID_2") && ran.err.lines().count() == 1, "{}", ran.err);
        assert!(!ran.all().contains("MARK-0123456789"), "{}", ran.all());
    }
    let ran = with("moov token /ping.read", "MOOV_DOMAIN");
    assert!(ran.code == Some(2) && ran.err.contains("MOOV_ORIGIN"), "{}", ran.all());
    let ran = run_with(&mut configured(&emulator, "moov token /a.read,/b.read"), "");
    assert!(ran.code == Some(2) && ran.err.contains("spaces"), "{}", ran.all());
}
