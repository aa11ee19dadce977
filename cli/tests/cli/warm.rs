//! Tests that `moov token --accounts` stores the tokens of many accounts in Redis.

use std::{fmt::Write as _, process::Command};

use fintech_auth::emulator::{Emulator, Fault, Operation};
use http::StatusCode;
use serde_json::json;

use crate::{
    program::{configured, emulator, file, run},
    redis_server::RedisServer,
};

const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const SCOPE: &str = "/accounts/{accountID}/cards.read";

fn id(number: usize) -> String {
    format!("5352b013-ae58-4a63-8a3f-{number:012x}")
}

fn ids(name: &str, count: usize) -> String {
    let mut text = "# merchants\n\n".to_owned();
    for number in 0..count {
        writeln!(text, "{}", id(number)).unwrap();
    }
    file(name, text).to_str().expect("text").to_owned()
}

fn warm(emulator: &Emulator, redis: &RedisServer, path: &str, more: &str) -> Command {
    let mut command = configured(emulator, &format!("moov token --accounts {path} {SCOPE} {more}"));
    command.env("FINTECH_AUTH_REDIS_URL", redis.url()).env("FINTECH_AUTH_REDIS_SEALING_KEY", KEY);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn warm_command_requests_one_token_per_account_and_none_if_repeated() {
    let Some(redis) = RedisServer::start() else { return };
    let emulator = emulator().await;
    let path = ids("warm", 30);
    let ran = run(&mut warm(&emulator, &redis, &path, "--json"));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    assert_eq!(ran.json(), json!({ "accounts": 30, "issued": 30, "in_store": 0, "failed": [] }));
    assert_eq!(emulator.count(Operation::MoovToken), 30);
    let bodies: Vec<String> = emulator
        .requests()
        .iter()
        .map(|request| String::from_utf8_lossy(&request.body).into_owned())
        .collect();
    for number in 0..30 {
        assert_eq!(bodies.iter().filter(|body| body.contains(&id(number))).count(), 1);
    }

    let again = run(&mut warm(&emulator, &redis, &path, ""));
    assert_eq!(again.code, Some(0), "{}", again.all());
    assert!(again.out.contains("in store         30"), "{}", again.out);
    assert_eq!(emulator.count(Operation::MoovToken), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn warm_command_lists_a_refused_account_and_continues() {
    let Some(redis) = RedisServer::start() else { return };
    // With these statuses, the library blocks the credentials only after the vendor has refused
    // three different scope sets.
    for (status, code, name) in
        [(StatusCode::UNPROCESSABLE_ENTITY, 4, "warm-refused"), (StatusCode::FORBIDDEN, 3, "warm-forbidden")]
    {
        let emulator = emulator().await;
        emulator.fault(Operation::MoovToken, Fault::response(status));
        let mut command = warm(&emulator, &redis, &ids(name, 100), "--json");
        let ran = run(command.env("FINTECH_AUTH_REDIS_NAMESPACE", name));
        assert_eq!(ran.code, Some(code), "{}", ran.all());
        assert_eq!(ran.json()["issued"], 99);
        assert_eq!(ran.json()["failed"].as_array().expect("a list").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn warm_command_stops_early_if_the_credentials_are_wrong() {
    let Some(redis) = RedisServer::start() else { return };
    let emulator = emulator().await;
    let mut command = warm(&emulator, &redis, &ids("warm-unauthorized", 500), "--json");
    let ran = run(command.env("MOOV_CLIENT_SECRET", "another"));
    assert!(matches!(ran.code, Some(3 | 4)), "{}", ran.all());
    assert!(emulator.count(Operation::MoovToken) < 100, "{}", emulator.count(Operation::MoovToken));
}

#[tokio::test(flavor = "multi_thread")]
async fn warm_command_sends_nothing_without_a_store_or_with_an_invalid_list() {
    let Some(redis) = RedisServer::start() else { return };
    let emulator = emulator().await;
    let good = ids("warm-good", 2);
    let mark = "MARK-0123456789";
    let bad = file("warm-bad", format!("{}\n{mark}\n", id(1)));
    let bad = bad.to_str().expect("text");
    let empty = file("warm-empty", "# none\n");
    for (mut command, reason) in [
        (warm(&emulator, &redis, bad, ""), "line 2 of the --accounts file"),
        (warm(&emulator, &redis, empty.to_str().expect("text"), ""), "contains no account id"),
        (configured(&emulator, &format!("moov token --accounts {good} /ping.read")), "{accountID}"),
        (
            configured(&emulator, &format!("moov token --accounts {good} {SCOPE}")),
            "needs a Redis to store the tokens in",
        ),
        (configured(&emulator, &format!("moov token --accounts {good} {SCOPE} --raw")), "--raw"),
    ] {
        let ran = run(&mut command);
        assert_eq!(ran.code, Some(2), "{}", ran.all());
        assert!(ran.err.contains(reason) && !ran.all().contains(mark), "{reason}: {}", ran.all());
    }
    let ran = run(warm(&emulator, &redis, &good, "").env_remove("FINTECH_AUTH_REDIS_SEALING_KEY"));
    assert!(ran.err.contains("FINTECH_AUTH_REDIS_SEALING_KEY"), "{}", ran.all());
    let ran = run(warm(&emulator, &redis, &good, "").env("FINTECH_AUTH_REDIS_URL", "redis://127.0.0.1:1"));
    assert_eq!(ran.code, Some(6), "{}", ran.all());
    assert_eq!(emulator.count(Operation::MoovToken), 0);
}
