//! Tests the image and the compose example without a Docker engine. Runs their commands with the
//! local binary.

use std::{
    collections::HashMap,
    env, fs,
    io::{BufRead as _, BufReader, Lines},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use crate::{
    program::{program, run},
    running::{Running, environment},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

fn services() -> Value {
    let compose: Value = yaml_serde::from_str(&read("examples/compose/compose.yaml")).expect("YAML");
    compose["services"].clone()
}

fn command(service: &Value) -> String {
    let words: Vec<&str> =
        service["command"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    words.join(" ")
}

fn settings(service: &Value) -> HashMap<String, String> {
    serde_json::from_value(service["environment"].clone()).expect("names and texts")
}

fn instruction(name: &str) -> String {
    let dockerfile = read("Dockerfile");
    let words = dockerfile.lines().rev().find_map(|line| line.strip_prefix(name));
    words.unwrap_or_else(|| panic!("no {name}")).trim().to_owned()
}

fn words(json: &str) -> Vec<String> {
    serde_json::from_str(json).expect("a list of words")
}

fn port(started: &Value) -> String {
    started["url"].as_str().expect("a url").rsplit(':').next().expect("a port").to_owned()
}

#[test]
fn program_accepts_the_commands_of_the_dockerfile() {
    let path = instruction("ENTRYPOINT");
    let mut emulator = Running::start(&format!("{} --port 0 --json", words(&instruction("CMD")).join(" ")));
    let started = emulator.json();
    assert!(started["page"].as_str().is_some_and(|page| page.contains("#key=")), "{started}");
    let health = instruction("HEALTHCHECK");
    let (_, health) = health.split_once(" CMD ").expect("a command");
    let health = words(health);
    assert_eq!(words(&path), health[..1]);
    let health = format!("{} --port {}", health[1..].join(" "), port(&started));
    assert_eq!(run(&mut program(&health)).code, Some(0));
    assert_ne!(instruction("USER").split(':').next(), Some("0"));
}

#[test]
fn image_is_built_with_the_oldest_supported_rust() {
    let manifest = read("Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("a version");
    assert!(
        read("Dockerfile").contains(&format!("\nFROM rust:{}-alpine AS build\n", version.trim_matches('"')))
    );
    assert_eq!(instruction("FROM"), "scratch");
}

#[test]
fn image_build_context_includes_every_workspace_member() {
    let ignored = read(".dockerignore");
    let manifest = read("Cargo.toml");
    let members = manifest.lines().find_map(|line| line.strip_prefix("members = ")).expect("members");
    for member in words(members) {
        let is_let_through = |path: &str| ignored.lines().any(|line| line == format!("!{path}"));
        let folder = member.split('/').next().expect("a folder");
        let parts = ["Cargo.toml", "src"].map(|part| format!("{member}/{part}"));
        assert!(is_let_through(folder) || parts.iter().all(|part| is_let_through(part)), "{member}");
    }
}

#[test]
fn compose_services_have_the_credentials_of_the_emulator() {
    let services = services();
    let mut emulator = Running::start(&format!("{} --port 0 --json", command(&services["emulator"])));
    let environment = environment(&emulator.json());
    let settings = settings(&services["app"]);
    assert_eq!(settings["MOOV_BASE_URL"], "http://emulator:4848");
    for name in ["MOOV_CLIENT_ID", "MOOV_CLIENT_SECRET", "MOOV_WEBHOOK_SECRET"] {
        assert_eq!(settings[name], environment[name], "{name}");
    }
    assert_eq!(services["webhook"]["environment"], services["app"]["environment"]);
}

struct Service {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Service {
    fn start(settings: &HashMap<String, String>) -> Option<Self> {
        let mut command = Command::new("python3");
        command.arg(root().join("examples/compose/service.py")).envs(settings).stdout(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                assert!(env::var_os("CI").is_none(), "CI needs python3: {error}");
                println!("skipped: python3 is not installed");
                return None;
            }
        };
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Some(Self { child, lines })
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("a line").expect("text")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn compose_service_gets_a_token_and_receives_a_webhook() {
    let services = services();
    let mut emulator = Running::start(&format!("{} --port 0 --json", command(&services["emulator"])));
    let started = emulator.json();
    let mut settings = settings(&services["app"]);
    settings.insert("MOOV_BASE_URL".to_owned(), started["url"].as_str().expect("a url").to_owned());
    settings.insert("PORT".to_owned(), "0".to_owned());
    let Some(mut service) = Service::start(&settings) else { return };
    assert!(matches!(service.line().as_str(), "token for 3600 s" | "token for 3599 s"));
    assert_eq!(emulator.json()["operation"], "moov.token");
    let line = service.line();
    let port = line.strip_prefix("listening on port ").expect("a port");

    let trigger = command(&services["webhook"]).replace("app:3000", &format!("127.0.0.1:{port}"));
    for (option, line) in [
        (" --replay", "webhook 'transfer.updated' received"),
        ("", "webhook 'transfer.updated' received"),
        (" --tamper", "webhook rejected"),
        (" --old", "webhook rejected"),
    ] {
        let ran = run(program(&format!("{trigger}{option}")).envs(&settings));
        assert_eq!(ran.code, Some(0), "{option}: {}", ran.all());
        assert_eq!(service.line(), line, "{option}");
    }
}
