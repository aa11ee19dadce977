//! Tests that `emulator` serves and logs requests, injects the faults of `--fault`, and ends on a
//! signal.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
    time::Duration,
};

use crate::{
    program::{program, run},
    running::{Running, environment},
};

#[test]
fn printed_settings_are_enough_to_configure_a_client() {
    let mut emulator = Running::start("emulator --port 0 --json");
    let started = emulator.json();
    let environment = environment(&started);
    for (args, operation) in
        [("moneykit token --raw", "moneykit.token"), ("moov token /ping.read --raw", "moov.token")]
    {
        let ran = run(program(args).envs(&environment));
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let report = emulator.json();
        assert_eq!(report["operation"], operation, "{report}");
        assert_eq!(
            report["status"].as_u64(),
            Some(if operation == "moov.token" { 200 } else { 201 }),
            "{report}"
        );
        assert!(!report.to_string().contains(ran.out.trim()), "{report}");
    }
    let doctor = run(program("doctor").envs(&environment));
    assert_eq!(doctor.code, Some(0), "{}", doctor.all());
}

#[test]
fn emulator_applies_faults_in_the_given_order() {
    let mut emulator = Running::start(
        "emulator --port 0 --json --fault moov.token=429,retry-after=7,times=2 --fault moov.token=close,served",
    );
    let environment = environment(&emulator.json());
    let mut token = program("moov token /ping.read");
    token.envs(&environment).env("MOOV_ATTEMPTS", "1");
    for (code, status) in [(5, Some(429)), (5, Some(429)), (6, None), (0, Some(200))] {
        let ran = run(&mut token);
        assert_eq!(ran.code, Some(code), "{}", ran.all());
        let report = emulator.json();
        assert_eq!(report["status"].as_u64(), status);
        assert_eq!(report["note"].is_string(), code != 0, "{report}");
        assert_eq!(ran.err.contains("wait: 7 s"), code == 5, "{}", ran.err);
    }
}

#[test]
fn emulator_prints_plain_text_without_the_json_option() {
    let mut emulator = Running::start("emulator --port 0");
    let first = emulator.line();
    let url = first.split_whitespace().find(|word| word.starts_with("http")).expect("a url");
    let url = url.trim_end_matches('.').to_owned();
    let rest: Vec<String> = std::iter::from_fn(|| Some(emulator.line())).take(20).collect();
    assert!(rest.contains(&format!("export MOOV_BASE_URL={url}\n")), "{rest:?}");
    assert!(rest.contains(&"moov.revoke          POST /oauth2/revoke\n".to_owned()), "{rest:?}");
    let ran = run(&mut program(&format!("moneykit jwks --base-url {url}")));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    let line = emulator.line();
    assert!(line.ends_with("GET  /.well-known/jwks.json   moneykit.jwks        200\n"), "{line}");
    run(program(&format!("moov token /ping.read --client-id x --base-url {url}"))
        .env("MOOV_CLIENT_SECRET", "y"));
    let line = emulator.line();
    let report = "POST /oauth2/token            moov.token           403  missing or wrong credentials\n";
    assert!(line.ends_with(report), "{line}");
}

#[test]
fn port_already_in_use_is_reported() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ran = run(&mut program(&format!("emulator --port {}", taken.local_addr().unwrap().port())));
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("try --port 0"), "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn emulator_exits_cleanly_on_sigint_and_sigterm() {
    for signal in ["INT", "TERM"] {
        let mut emulator = Running::start("emulator --port 0 --json");
        emulator.json();
        self::signal(&emulator, signal);
        assert_eq!(emulator.json()["event"], "stopped");
        assert_eq!(emulator.child.wait().expect("the program ends").code(), Some(0), "{signal}");
    }
}

#[cfg(unix)]
fn signal(emulator: &Running, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), emulator.child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

#[cfg(unix)]
#[test]
fn emulator_completes_in_flight_requests_before_it_exits() {
    let mut emulator = Running::start("emulator --port 0 --json --fault moneykit.jwks=delay,delay=700ms");
    let started = emulator.json();
    let address = started["url"].as_str().unwrap().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    while state(&address)["faults"] != serde_json::json!([]) {
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(&emulator, "TERM");
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert_eq!(emulator.child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn second_signal_ends_the_emulator_immediately() {
    let mut emulator = Running::start("emulator --port 0 --json --fault moneykit.jwks=hang");
    let started = emulator.json();
    let address = started["url"].as_str().unwrap().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    while state(&address)["faults"] != serde_json::json!([]) {
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(&emulator, "TERM");
    while TcpStream::connect(&address).is_ok() {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(emulator.child.try_wait().unwrap(), None);
    signal(&emulator, "INT");
    let events: Vec<_> = std::iter::from_fn(|| Some(emulator.json()["event"].clone())).take(2).collect();
    assert!(events.contains(&"stopped".into()), "{events:?}");
    assert_eq!(emulator.child.wait().unwrap().code(), Some(0));
}

fn state(address: &str) -> serde_json::Value {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET /_page/state HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    serde_json::from_str(response.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn emulator_accepts_remote_connections_only_with_allow_remote() {
    let ran = run(&mut program("emulator --port 0 --host 0.0.0.0"));
    assert_eq!(ran.code, Some(2), "{}", ran.all());
    assert!(ran.err.contains("add --allow-remote"), "{}", ran.err);
    let mut emulator = Running::start("emulator --port 0 --json --host 0.0.0.0 --allow-remote");
    let started = emulator.json();
    let page = started["page"].as_str().unwrap();
    let (url, key) = page.split_once("/#key=").expect("a key");
    assert_eq!(url, started["url"]);
    assert_eq!(key.len(), 32);
    let ran = run(program("moneykit token --raw").envs(environment(&started)));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    assert!(!emulator.line().contains(key));
    let started = Running::start("emulator --port 0 --json").json();
    assert_eq!(started["page"], format!("{}/", started["url"].as_str().unwrap()));
}

#[test]
fn emulator_with_a_seed_has_the_same_keys_after_a_restart() {
    let keys = |args: &str| {
        let environment = environment(&Running::start(&format!("emulator --port 0 --json {args}")).json());
        [environment["FINTECH_AUTH_SIGNING_KEY"].clone(), environment["MOOV_WEBHOOK_SECRET"].clone()]
    };
    let first = keys("--seed one");
    assert_eq!(first, keys("--seed one"));
    for other in [keys("--seed two"), keys("")] {
        assert!(first[0] != other[0] && first[1] != other[1]);
    }
}

#[test]
fn health_command_fails_if_the_emulator_is_not_running() {
    let mut emulator = Running::start("emulator --port 0 --json");
    let url = emulator.json()["url"].as_str().unwrap().to_owned();
    let health = format!("health --port {}", url.rsplit(':').next().unwrap());
    let ran = run(&mut program(&health));
    assert_eq!((ran.code, ran.all().as_str()), (Some(0), ""));
    emulator.child.kill().unwrap();
    emulator.child.wait().unwrap();
    let ran = run(&mut program(&health));
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("no emulator is running at this address"), "{}", ran.err);
}
