//! Tests the checks of `doctor` for Redis.

#[cfg(unix)]
use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
use std::{net::TcpListener, process::Command};

use crate::{
    program::{Ran, configured, emulator, file, program, run},
    redis_server::{RedisServer, free_port},
    tls::Authority,
};

const MARK: &str = "MARK-0123456789";

fn doctor(url: &str) -> Command {
    let mut command = program("doctor redis --timeout 2s");
    command.env("FINTECH_AUTH_REDIS_URL", url);
    command
}

fn steady(ran: &Ran) -> String {
    assert!(!ran.all().contains(MARK), "{}", ran.all());
    let mut text = String::new();
    for line in ran.all().lines() {
        let line = match line.split_once(" ms") {
            Some(_) => "  ok    reached      it responds in a moment",
            None if line.starts_with("  ok    clock ") => "  ok    clock        a moment",
            None => line,
        };
        let version = line.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let line = match version {
            Some(version) if line.contains(" version ") => {
                line.replace(version, "VERSION").replace("Valkey", "Redis")
            }
            _ => line.to_owned(),
        };
        let port = line.split(':').nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
        let port = port.filter(|port: &String| port.len() > 3);
        text += &port.map_or_else(|| line.clone(), |port| line.replace(&port, "PORT"));
        text += "\n";
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_describes_a_working_redis() {
    let Some(redis) = RedisServer::start() else { return };
    let ran = run(&mut doctor(&redis.url()));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    insta::assert_snapshot!(steady(&ran));
    let keys: Vec<String> = redis.run_text("KEYS *").await;
    assert!(keys.is_empty(), "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_checks_redis_when_it_is_configured() {
    let Some(redis) = RedisServer::start() else { return };
    let emulator = emulator().await;
    let url = redis.url();
    let path = file("redis-url", format!("{url}\n"));
    let config = serde_json::json!({"redis": {"url_file": path, "namespace": "staging"}});
    let config = file("redis.json", config.to_string());
    for ran in [
        run(configured(&emulator, "doctor").env("FINTECH_AUTH_REDIS_URL", &url)),
        run(configured(&emulator, "doctor").env("FINTECH_AUTH_REDIS_URL_FILE", &path)),
    ] {
        assert_eq!(ran.code, Some(0), "{}", ran.all());
        assert!(
            ran.out.contains("\nredis\n  ok    configured ") && ran.out.contains("moneykit\n"),
            "{}",
            ran.out
        );
    }
    let ran = run(&mut program(&format!("doctor --json --config {}", config.display())));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    assert!(ran.out.contains("namespace staging") && ran.out.contains(r#""subject":"redis""#), "{}", ran.out);
    assert!(!run(&mut configured(&emulator, "doctor")).out.contains("redis"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_finding_says_what_to_do() {
    let Some(redis) = RedisServer::start_with(&["--requirepass", "pass-word"]) else { return };
    let (Some(replica), Some(full)) = (
        RedisServer::start_with(&["--replicaof", "127.0.0.1 1"]),
        RedisServer::start_with(&["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]),
    ) else {
        return;
    };
    let emulator = emulator().await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let http = emulator.url().rsplit(':').next().unwrap();
    let mut report = Vec::new();
    for (what, code, url) in [
        ("nobody listens", 10, format!("redis://:{MARK}@127.0.0.1:{}", free_port())),
        ("no password", 10, format!("redis://127.0.0.1:{}", redis.port)),
        ("a wrong password", 10, format!("redis://:{MARK}@127.0.0.1:{}", redis.port)),
        ("a replica", 10, replica.url()),
        ("a policy that drops", 0, full.url()),
        ("one that hangs", 10, format!("redis://:{MARK}@127.0.0.1:{}", silent.local_addr().unwrap().port())),
        ("http", 10, format!("redis://:{MARK}@127.0.0.1:{http}")),
        ("no tls", 10, format!("rediss://:{MARK}@127.0.0.1:{}", redis.port)),
        ("no url", 10, MARK.to_owned()),
        ("another scheme", 10, format!("https://user:{MARK}@localhost")),
    ] {
        let mut command = doctor(&url);
        if what == "one that hangs" {
            command = program("doctor redis --timeout 300ms");
            command.env("FINTECH_AUTH_REDIS_URL", &url);
        }
        let ran = run(&mut command);
        assert_eq!(ran.code, Some(code), "{what}: {}", ran.all());
        report.push(format!("{what}\n{}", steady(&ran)));
    }
    insta::assert_snapshot!(report.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_user_needs_exactly_the_documented_rights() {
    let Some(redis) = RedisServer::start() else { return };
    let rights = "on >MARK-0123456789 ~{fintech-auth:default:* &fintech-auth:default +evalsha +eval +subscribe \
                  +ping +del +get +hdel +hget +hset +hstrlen +lindex +lpush +ltrim +pexpire +pttl +publish +set \
                  +strlen +time +type +zadd +zrem +zremrangebyscore +zscore";
    redis.run_text::<()>(&format!("ACL SETUSER enough {rights}")).await;
    redis.run_text::<()>(&format!("ACL SETUSER mute {rights} resetchannels")).await;
    redis.run_text::<()>(&format!("ACL SETUSER deaf {rights} -subscribe")).await;
    redis.run_text::<()>(&format!("ACL SETUSER elsewhere {rights} resetkeys ~other:*")).await;
    let lacking = [
        "@hash",
        "@list",
        "@sortedset",
        "hget",
        "hdel",
        "lindex",
        "lpush",
        "ltrim",
        "del",
        "pttl",
        "time",
        "type",
        "zadd",
        "zrem",
        "zscore",
    ];
    for lacks in lacking {
        redis.run_text::<()>(&format!("ACL SETUSER no-{lacks} {rights} -{lacks}")).await;
    }
    let lacking = lacking.map(|lacks| (format!("no-{lacks}"), 10));
    let users = [("enough", 0), ("mute", 10), ("deaf", 10), ("elsewhere", 10)];
    for (user, code) in users.map(|(user, code)| (user.to_owned(), code)).into_iter().chain(lacking) {
        let ran = run(&mut doctor(&format!("redis://{user}:{MARK}@127.0.0.1:{}", redis.port)));
        assert_eq!(ran.code, Some(code), "{user}: {}", ran.all());
        assert!(ran.out.contains("  skip  version      INFO failed: "), "{}", ran.out);
        let rights = ran.out.lines().find(|line| line.contains(" rights ")).expect("a line");
        let rule = rights.split_once("-> run: ACL SETUSER USER ").map(|(_, rule)| rule);
        assert_eq!(rule.is_some(), code == 10, "{}", ran.out);
        assert!(!ran.all().contains(MARK), "{}", ran.all());
        if let Some(rule) = rule {
            redis.run_text::<()>(&format!("ACL SETUSER {user} {rule}")).await;
            let ran = run(&mut doctor(&format!("redis://{user}:{MARK}@127.0.0.1:{}", redis.port)));
            assert_eq!(ran.code, Some(0), "{user}: {}", ran.all());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_tls_is_reported_and_an_untrusted_certificate_is_rejected() {
    let Some(redis) = RedisServer::start() else { return };
    let (authority, stranger) = (Authority::new("redis"), Authority::new("redis-stranger"));
    let port = authority.front(&redis.url(), "localhost", 4096).await;
    let url = format!("rediss://localhost:{port}");
    let ran = run(doctor(&url).env("SSL_CERT_FILE", &authority.file));
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    assert!(ran.out.contains("  ok    tls          the connection is encrypted"), "{}", ran.out);
    let ran = run(doctor(&url).env("SSL_CERT_FILE", &stranger.file));
    assert_eq!(ran.code, Some(10), "{}", ran.all());
    assert!(ran.out.contains("the certificate's issuer is not trusted on this machine"), "{}", ran.out);
    let plain = run(&mut doctor(&format!("redis://localhost:{port}")));
    assert_eq!(plain.code, Some(10), "{}", plain.all());
    assert!(plain.out.contains("if the server uses TLS, the URL must begin with rediss://"), "{}", plain.out);
}

#[test]
fn invalid_redis_settings_are_reported_without_their_values() {
    let table = |text: &str| file("redis-bad.json", format!("{{\"redis\": {text}}}"));
    for (text, report) in [
        (r#""MARK-0123456789""#, "invalid table redis: not a JSON object"),
        (r#"{"MARK-0123456789": "x"}"#, "invalid table redis: unknown key"),
        (r#"{"url": ["MARK-0123456789"]}"#, "invalid table redis: a value is not a string"),
        (r#"{"url": "MARK-0123456789", "url_file": "x"}"#, "both url and url_file are set for redis"),
        (r#"{"url_file": "/nowhere/at/all"}"#, "cannot read the redis url_file file"),
    ] {
        let ran = run(&mut program(&format!("doctor --config {}", table(text).display())));
        assert_eq!(ran.code, Some(10), "{}", ran.all());
        assert!(ran.out.contains(report) && !ran.all().contains(MARK), "{}", ran.all());
    }
    let ran = run(program("doctor redis").env("FINTECH_AUTH_REDIS_URI", MARK));
    assert_eq!(ran.code, Some(10), "{}", ran.all());
    assert!(
        ran.out.contains("unknown environment variable FINTECH_AUTH_REDIS_URI") && !ran.all().contains(MARK),
        "{}",
        ran.all()
    );
    #[cfg(unix)]
    for name in ["FINTECH_AUTH_REDIS_URL", "FINTECH_AUTH_REDIS_URL_FILE", "FINTECH_AUTH_REDIS_NAMESPACE"] {
        let value = OsStr::from_bytes(b"redis://MARK-0123456789\xff");
        let ran = run(program("doctor redis").env(name, value));
        assert_eq!(ran.code, Some(10), "{name}: {}", ran.all());
        let report = format!("the environment variable {name} is not UTF-8");
        assert!(ran.out.contains(&report) && !ran.all().contains(MARK), "{}", ran.all());
    }
    let ran = run(&mut program("doctor redis"));
    assert_eq!(ran.code, Some(2), "{}", ran.all());
    assert!(ran.err.contains("set FINTECH_AUTH_REDIS_URL or"), "{}", ran.err);
}
