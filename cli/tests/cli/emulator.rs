//! `emulator` serves, tells what comes, lets it go wrong as ordered, and ends on a signal.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use crate::program::{program, run};

/// The running program, and the lines of its output.
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    fn start(args: &str) -> Self {
        let pipes = program(args).stdout(Stdio::piped()).spawn();
        let mut child = pipes.expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("UTF-8");
        line
    }

    fn json(&mut self) -> Value {
        serde_json::from_str(&self.line()).expect("JSON")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The environment that the first line tells.
fn environment(started: &Value) -> HashMap<String, String> {
    serde_json::from_value(started["environment"].clone()).expect("an environment")
}

#[test]
fn what_it_prints_is_all_that_a_client_needs() {
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
fn faults_come_as_ordered() {
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
fn people_read_lines() {
    let mut emulator = Running::start("emulator --port 0");
    let first = emulator.line();
    let url = first.split_whitespace().find(|word| word.starts_with("http")).expect("a url");
    let url = url.trim_end_matches('.').to_owned();
    let rest: Vec<String> = std::iter::from_fn(|| Some(emulator.line())).take(19).collect();
    assert!(rest.contains(&format!("export MOOV_BASE_URL={url}\n")), "{rest:?}");
    assert!(rest.contains(&"moov.revoke          POST /oauth2/revoke\n".to_owned()), "{rest:?}");
    let ran = run(&mut program(&format!("moneykit jwks --base-url {url}")));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    let line = emulator.line();
    assert!(line.ends_with("GET  /.well-known/jwks.json   moneykit.jwks        200\n"), "{line}");
    run(program(&format!("moov token /ping.read --client-id x --base-url {url}"))
        .env("MOOV_CLIENT_SECRET", "y"));
    let line = emulator.line();
    let report = "POST /oauth2/token            moov.token           403  no credentials, or wrong ones\n";
    assert!(line.ends_with(report), "{line}");
}

#[test]
fn a_taken_port_is_reported() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ran = run(&mut program(&format!("emulator --port {}", taken.local_addr().unwrap().port())));
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("try --port 0"), "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn it_ends_cleanly_on_either_signal() {
    for signal in ["INT", "TERM"] {
        let mut emulator = Running::start("emulator --port 0 --json");
        emulator.json();
        let sent =
            Command::new("kill").args([format!("-{signal}"), emulator.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        assert_eq!(emulator.json()["event"], "stopped");
        assert_eq!(emulator.child.wait().expect("it ends").code(), Some(0), "{signal}");
    }
}
