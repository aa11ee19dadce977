//! Tests that `doctor --record` describes the behavior of a service and writes no secret.

use std::{
    fs,
    path::{Path, PathBuf},
};

use fintech_auth::emulator::Emulator;
use http::{HeaderValue, Response};
use serde_json::{Value, json};

use crate::{
    program::{Ran, configured, emulator, run},
    service::{REQUEST_ID, SECRET, Service, cdn, moov, respond},
};

fn fresh(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("record-{name}"));
    _ = fs::remove_file(&path);
    path
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("the transcript");
    let is_safe = |c: char| c == '\n' || c == ' ' || c.is_ascii_graphic();
    assert!(text.chars().all(is_safe), "the transcript contains control characters: {text:?}");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn call<'a>(lines: &'a [Value], name: &str) -> &'a Value {
    lines.iter().find(|line| line["call"] == name).unwrap_or_else(|| panic!("no {name}: {lines:#?}"))
}

fn record(emulator: &Emulator, path: &Path) -> Ran {
    run(configured(emulator, &format!("doctor --record {}", path.display()))
        .env("MOOV_ORIGIN", emulator.origin())
        .env("MOOV_SCOPES", "/accounts.read /accounts/9383a65a-dc2d-40ab-b3d3-5849209f9667/cards.read"))
}

#[tokio::test(flavor = "multi_thread")]
async fn transcript_records_each_call_and_its_response() {
    let emulator = emulator().await;
    let path = fresh("good");
    let ran = record(&emulator, &path);
    assert_eq!(ran.code, Some(0), "{}", ran.all());
    let end = format!("transcript\n  ok    transcript   8 calls are recorded in {}: ", path.display());
    assert!(ran.out.contains(&end), "{}", ran.out);
    assert!(ran.out.contains("attach it to an issue in the fintech-auth repository"), "{}", ran.out);
    let lines = lines(&path);
    let calls: Vec<&str> = lines.iter().filter_map(|line| line["call"].as_str()).collect();
    assert_eq!(
        calls,
        [
            "POST /auth/token",
            "GET /auth/introspect",
            "GET /auth/introspect",
            "GET /.well-known/jwks.json",
            "POST /oauth2/token",
            "GET /accounts",
            "POST /oauth2/revoke",
            "GET /accounts",
        ]
    );
    let token = call(&lines, "POST /oauth2/token");
    assert_eq!(token["host"], "this machine");
    let sent = &token["sent"];
    assert_eq!(sent["headers"]["x-moov-version"], "v2026.07.00");
    assert_eq!(
        (&sent["headers"]["authorization"], &sent["headers"]["origin"]),
        (&json!("Basic"), &json!("set"))
    );
    assert_eq!(sent["body"]["grant_type"], "client_credentials");
    let scopes = json!({ "count": 2, "scopes": ["/accounts.read", "/accounts/{accountID}/cards.read"] });
    assert_eq!(sent["body"]["scope"], scopes);
    let received = &token["received"];
    assert_eq!((&received["status"], &received["headers"]["x-request-id"]), (&json!(200), &json!("uuid")));
    let shape = &received["body"]["shape"];
    assert_eq!(shape["token_type"]["string"], "Bearer");
    assert_eq!(shape["scope"]["string"], scopes);
    assert!(
        (3590..=3600)
            .contains(&shape["expires_in"]["number"]["unix_time_from_now"].as_i64().expect("a time"))
    );
    let jwt = &shape["access_token"]["jwt"];
    assert!(shape["access_token"]["string"]["characters"].as_u64() > Some(700), "{shape}");
    assert_eq!((&jwt["header"]["alg"]["string"], &jwt["lifetime"]), (&json!("RS256"), &json!(3600)));
    let claims = &jwt["claims"];
    assert_eq!(claims["iss"]["string"], "https://api.moov.io#applications");
    assert_eq!(claims["aud"]["has_origin"], true);
    assert_eq!(claims["sub"], json!({ "string": { "characters": 36 } }));
    assert!(claims["iat"]["number"]["unix_time_from_now"].as_i64() <= Some(1), "{claims}");
    let bearer = call(&lines, "GET /accounts");
    assert_eq!(bearer["sent"]["headers"]["authorization"], "Bearer");
    assert_eq!(bearer["received"]["body"]["shape"]["items"], 0);

    assert_eq!(record(&emulator, &path).code, Some(0));
    let beside = fs::read_dir(path.parent().expect("a folder")).expect("a folder");
    let names: Vec<_> = beside.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    assert!(!names.iter().any(|name| name.starts_with("record-good.")), "{names:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

const FORMS: [&str; 6] =
    ["MARK-client-secret-0123456789", "MARK", "TUFSSy", "4d41524b", "8765432109", "a-client-id"];

fn hostile(path: &str) -> Response<Vec<u8>> {
    let claims = crate::doctor_service::base64(
        json!({
            "iss": SECRET, "sub": SECRET, SECRET: SECRET, "aud": [SECRET, { SECRET: 8_765_432_109_u64 }],
            "exp": 8_765_432_109_u64, "iat": SECRET, "scp": [SECRET, "/accounts.read"], "typ": SECRET,
        })
        .to_string()
        .as_bytes(),
    );
    let head = crate::doctor_service::base64(
        json!({ "alg": SECRET, "kid": SECRET, SECRET: 1 }).to_string().as_bytes(),
    );
    let mut deep = json!(SECRET);
    for _ in 0..20 {
        deep = json!({ SECRET: [deep.clone(), deep], "error": SECRET });
        if deep.to_string().len() > 100_000 {
            break;
        }
    }
    let body = json!({
        "access_token": format!("{head}.{claims}.TUFSSy1"),
        "refresh_token": SECRET, "token_type": "Bearer", "expires_in": 8_765_432_109_u64,
        "scope": format!("{SECRET} /accounts/{SECRET}/cards.read MARK"),
        "error": null, "message": SECRET, "created_at": 8_765_432_109_u64, "id": "8765432109", "status": SECRET,
        SECRET: { SECRET: SECRET, "TUFSSy1": "4d41524b" },
        "name\u{1b}[31mMARK": "\u{1b}]0;MARK\u{7}",
        "details": deep, "errors": vec![SECRET; 1000], "title": SECRET.repeat(1000),
    });
    let headers = [
        ("server", SECRET),
        ("content-type", "application/json; charset=MARK"),
        ("x-request-id", SECRET),
        ("cf-ray", SECRET),
        ("cache-control", "no-store, MARK"),
        ("www-authenticate", "MARK error=\"MARK\""),
        ("retry-after", "8765432109"),
        ("date", SECRET),
        ("x-moov-version", "v8765.43.21-MARK"),
        ("moneykit-version", "8765-43-21"),
        ("location", SECRET),
        ("set-cookie", SECRET),
        ("age", "8765432109"),
        ("MARK-client-secret-0123456789", SECRET),
        ("vary", SECRET),
        ("x-ratelimit-limit", "8765432109"),
        ("connection", "keep-alive"),
        ("server", SECRET),
    ];
    let mut response = match path {
        "/auth/token" => respond(201, &headers, body.to_string()),
        "/oauth2/token" => respond(200, &headers, body.to_string()),
        "/accounts" => respond(403, &headers, [SECRET.as_bytes(), &[0xff, 0x00, 0x1b]].concat()),
        _ => respond(400, &headers, format!("error code: {SECRET}")),
    };
    let binary = HeaderValue::from_bytes(&[0xff, b'M', b'A', b'R', b'K']).expect("a value");
    response.headers_mut().insert("pragma", binary);
    response
}

#[tokio::test(flavor = "multi_thread")]
async fn transcript_omits_secrets_echoed_by_a_hostile_server() {
    let service = Service::start(|request| hostile(&request.path)).await;
    let path = fresh("hostile");
    let ran = run(service
        .program(&format!("doctor --record {}", path.display()))
        .env("MOOV_SCOPES", "/accounts.read MARK-scope")
        .env("MOOV_ORIGIN", "https://mark-8765432109.example"));
    assert_eq!(ran.code, Some(10), "{}", ran.all());
    let lines = lines(&path);
    let text = fs::read_to_string(&path).expect("the transcript");
    for form in FORMS {
        let text = text.to_ascii_lowercase();
        assert!(!text.contains(&form.to_ascii_lowercase()), "{form} is in {text}");
    }
    assert!(text.len() < 64 << 10, "the transcript has {} bytes", text.len());
    let token = &call(&lines, "POST /oauth2/token")["received"];
    let shape = &token["body"]["shape"];
    assert_eq!(shape["expires_in"]["number"], "out of range");
    assert_eq!(shape["access_token"]["jwt"]["claims"]["sub"]["string"]["characters"], SECRET.len());
    assert_eq!(shape["access_token"]["jwt"]["claims"]["scp"]["scopes"][1], "/accounts.read");
    assert_eq!(shape["(unknown)"].as_array().expect("names").len(), 2);
    assert_eq!(shape["errors"]["items"], 1000);
    assert_eq!(token["headers"]["server"], json!({ "first": { "characters": SECRET.len() }, "more": 1 }));
    assert_eq!(token["headers"]["pragma"], "not ASCII");
    assert!(token["headers"]["(others)"].as_u64() >= Some(1), "{token}");
    assert_eq!(call(&lines, "GET /accounts")["received"]["body"]["kind"], "binary");
}

#[tokio::test(flavor = "multi_thread")]
async fn transcript_records_cdn_responses_and_failed_connections() {
    let blocked = Service::start(|_| cdn()).await;
    let path = fresh("cdn");
    let ran = run(&mut blocked.program(&format!("doctor moov --record {}", path.display())));
    assert_eq!(ran.code, Some(10), "{}", ran.all());
    let received = lines(&path)[1]["received"].clone();
    assert_eq!((&received["status"], &received["headers"]["server"]), (&json!(403), &json!("cloudflare")));
    assert_eq!(
        (&received["body"]["kind"], &received["body"]["cloudflare_error"]),
        (&json!("text"), &json!(1010))
    );
    let mut command = blocked.program(&format!("doctor moov --record {}", path.display()));
    let ran = run(command.env("MOOV_BASE_URL", "http://127.0.0.1:9"));
    assert_eq!(ran.code, Some(10), "{}", ran.all());
    assert!(lines(&path)[1]["received"].is_null(), "{:?}", lines(&path));
    let bare =
        Service::start(|_| respond(422, &[REQUEST_ID, ("retry-after", "7")], "{\"scope\":\"no\"}")).await;
    run(&mut bare.program(&format!("doctor moov --record {}", path.display())));
    let received = lines(&path)[1]["received"].clone();
    assert_eq!(received["headers"]["retry-after"], json!({ "seconds": 7 }));
    assert_eq!(received["body"]["shape"]["scope"]["string"]["count"], 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn transcript_is_written_only_to_a_regular_file() {
    let service = Service::start(|_| moov(403, "")).await;
    let folder = fresh("").parent().expect("a folder").to_owned();
    let link = fresh("link");
    std::os::unix::fs::symlink("/nowhere/at/all", &link).expect("a link");
    // The test uses a socket and not a real device, because a bug in the program could destroy the
    // device.
    let socket = fresh("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    for path in [socket, folder.clone(), link, folder.join("none/at/all")] {
        let ran = run(&mut service.program(&format!("doctor moov --record {}", path.display())));
        assert!(matches!(ran.code, Some(1 | 2)), "{}", ran.all());
        assert!(ran.err.contains("--record"), "{}", ran.err);
    }
    assert!(service.requests().is_empty(), "{:?}", service.requests());
}
