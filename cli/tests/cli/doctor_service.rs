//! Tests `doctor` with faulty services, and with responses that were recorded from live systems.

use std::time::{Duration, SystemTime};

use http::Response;
use serde_json::json;

use crate::{
    program::run,
    service::{Findings, REQUEST_ID, Request, Service, cdn, moov, respond},
};

const TOKEN: &str =
    r#"{"access_token":"opaque","token_type":"Bearer","expires_in":900,"scope":"/ping.read"}"#;

fn has_client_type(request: &Request) -> bool {
    request.body.contains("client_type=")
}

async fn service(
    token: impl Fn(&Request) -> Response<Vec<u8>> + Clone + Send + Sync + 'static,
    accounts: u16,
) -> Service {
    Service::start(move |request| match request.path.as_str() {
        "/oauth2/token" => token(request),
        "/oauth2/revoke" => moov(204, ""),
        "/accounts" => match request.header("authorization") {
            Some(scheme) if scheme.starts_with("Basic ") => moov(200, "[]"),
            _ => moov(accounts, if accounts == 200 { "[]" } else { "" }),
        },
        _ => moov(404, ""),
    })
    .await
}

fn doctor(service: &Service, env: &[(&str, &str)]) -> Findings {
    Findings::of(&run(service.program("doctor moov --json").envs(env.iter().copied())))
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reports_wrong_api_versions_with_a_next_step() {
    let good = service(|_| moov(200, TOKEN), 403).await;
    let findings = doctor(&good, &[]);
    assert_eq!((findings.verdict("version.ok", ""), findings.failed().len()), ("ok", 0));
    assert_eq!(findings.verdict("token.ok", ""), "ok");
    for version in ["none", "v2024.01.00", "v2026.04.00"] {
        let findings = doctor(&good, &[("MOOV_VERSION", version)]);
        let next = "set it to v2026.07.00 or newer: older versions issue tokens only for web pages";
        assert_eq!(findings.verdict("version.too_old", next), "warn", "{version}");
        let with_origin = [("MOOV_VERSION", version), ("MOOV_ORIGIN", "https://page.example")];
        assert_eq!(doctor(&good, &with_origin).verdict("version.ok", ""), "ok", "{version}");
    }
    let findings = doctor(&good, &[("MOOV_VERSION", "latest")]);
    assert_eq!(findings.verdict("version.moving", "set MOOV_VERSION to a fixed version"), "warn");

    let json = ("content-type", "application/json");
    let echoing =
        service(move |_| respond(200, &[REQUEST_ID, json, ("x-moov-version", "v2026.10.00")], TOKEN), 403)
            .await;
    assert_eq!(doctor(&echoing, &[]).verdict("version.differs", "set MOOV_VERSION"), "warn");
    assert_eq!(doctor(&echoing, &[("MOOV_VERSION", "v2026.10.00")]).verdict("version.ok", ""), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_distinguishes_a_rejected_api_version_from_wrong_credentials() {
    let refused = || moov(400, r#"{"error":"invalid_request"}"#);
    let no_field = move |request: &Request| {
        if has_client_type(request) { refused() } else { moov(200, TOKEN) }
    };
    let strict = service(no_field, 403).await;
    let findings = doctor(&strict, &[]);
    assert_eq!(findings.failed(), ["version.field_refused"]);
    assert_eq!(findings.verdict("version.field_refused", "set MOOV_VERSION"), "fail");
    let paths: Vec<String> = strict.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/oauth2/token", "/oauth2/token", "/oauth2/revoke"]);

    let no_version = move |request: &Request| {
        if request.header("x-moov-version").is_some() { refused() } else { moov(200, TOKEN) }
    };
    let findings = doctor(&service(no_version, 403).await, &[]);
    assert_eq!(findings.failed(), ["version.refused"]);
    assert_eq!(findings.verdict("version.refused", "or to none"), "fail");

    let findings = doctor(&service(move |_| refused(), 403).await, &[]);
    assert_eq!(findings.failed(), ["credentials.failed"]);
    let scope = |_: &Request| moov(422, r#"{"scope":"not granted"}"#);
    let findings = doctor(&service(scope, 403).await, &[]);
    assert_eq!(findings.failed(), ["scopes.refused"]);
    assert_eq!(findings.verdict("scopes.refused", "MOOV_SCOPES"), "fail");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reports_a_token_that_the_api_refuses() {
    let bare = service(|_| moov(200, TOKEN), 401).await;
    for (env, next) in [
        (&[][..], "set MOOV_ORIGIN to a domain of the API key"),
        (
            &[("MOOV_VERSION", "v2024.01.00")][..],
            "set MOOV_VERSION to v2026.07.00 or newer, or set MOOV_ORIGIN",
        ),
        (&[("MOOV_ORIGIN", "https://page.example")][..], "correct MOOV_ORIGIN"),
    ] {
        let findings = doctor(&bare, env);
        assert_eq!(findings.failed(), ["token.refused"], "{env:?}");
        findings.verdict("token.refused", next);
    }
    let last = bare.requests().into_iter().rfind(|request| request.path == "/accounts");
    let bearer = bare
        .requests()
        .into_iter()
        .rfind(|request| request.header("authorization").is_some_and(|scheme| scheme.starts_with("Bearer ")));
    assert_eq!(bearer.expect("a token").header("origin"), Some("https://page.example"));
    assert_eq!(last.expect("a key pair").header("origin"), None);
    let claims = base64(json!({ "aud": ["https://other.example"] }).to_string().as_bytes());
    let body = json!({ "access_token": format!("eyJhbGciOiJub25lIn0.{claims}.c2ln"), "expires_in": 900 });
    let other = service(move |_| moov(200, &body.to_string()), 401).await;
    let findings = doctor(&other, &[("MOOV_ORIGIN", "https://page.example")]);
    assert_eq!(findings.failed(), ["origin.not_in_audience"]);
    findings.verdict("origin.not_in_audience", "correct MOOV_ORIGIN");
    assert_eq!(findings.verdict("token.unchecked", ""), "skip");
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(alphabet[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_distinguishes_a_cdn_or_captive_portal_from_the_service() {
    let portal = ("content-type", "text/html");
    for (what, id, status) in
        [("cdn", "reached.cdn", 403), ("page", "reached.portal", 200), ("login", "reached.portal", 302)]
    {
        let service = Service::start(move |_| match what {
            "cdn" => cdn(),
            "page" => respond(status, &[portal], "<html>Welcome! Log in.</html>"),
            _ => respond(status, &[("location", "https://portal.example/?key=MARK")], ""),
        })
        .await;
        for vendor in ["moov", "moneykit"] {
            let ran = run(&mut service.program(&format!("doctor {vendor} --json")));
            let findings = Findings::of(&ran);
            assert_eq!(findings.failed(), [id], "{what} {vendor}");
            findings.verdict(id, &format!("{}_BASE_URL", vendor.to_ascii_uppercase()));
            assert!(!ran.all().contains("MARK"), "{}", ran.all());
        }
    }
    let service = Service::start(|request| match request.path.as_str() {
        "/accounts" => cdn(),
        "/oauth2/revoke" => moov(204, ""),
        _ => moov(200, TOKEN),
    })
    .await;
    let findings = doctor(&service, &[]);
    assert!(findings.failed().is_empty(), "{:?}", findings.ids());
    assert_eq!(findings.verdict("token.unchecked", ""), "skip");
    assert_eq!(findings.verdict("key_pair.unchecked", ""), "skip");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_warns_if_the_api_refuses_the_key_pair() {
    for status in [401, 403] {
        let service = Service::start(move |request| match request.path.as_str() {
            "/accounts" => match request.header("authorization") {
                Some(scheme) if scheme.starts_with("Basic ") => moov(status, ""),
                _ => moov(200, "[]"),
            },
            "/oauth2/revoke" => moov(204, ""),
            _ => moov(200, TOKEN),
        })
        .await;
        let findings = doctor(&service, &[]);
        assert_eq!(findings.verdict("key_pair.refused", "MOOV_CLIENT_ID"), "warn");
        assert_eq!(findings.verdict("token.ok", ""), "ok");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_compares_the_clock_skew_with_the_webhook_tolerance() {
    let at = |offset: i64| {
        let now = SystemTime::now();
        let span = Duration::from_secs(offset.unsigned_abs());
        let time = if offset < 0 { now - span } else { now + span };
        let time: chrono::DateTime<chrono::Utc> = time.into();
        time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    };
    for (offset, status, tolerance, id, verdict) in [
        (0, 200, "5m", "clock.ok", "ok"),
        (100, 200, "5m", "clock.off", "warn"),
        (-100, 200, "5m", "clock.off", "warn"),
        (100, 200, "60s", "clock.off", "fail"),
        (-400, 200, "5m", "clock.off", "fail"),
        (400, 200, "1h", "clock.off", "warn"),
        (400, 403, "5m", "clock.off", "fail"),
    ] {
        let body = if status == 200 { TOKEN } else { "" };
        let service = service(
            move |_| {
                let mut response = moov(status, body);
                response.headers_mut().insert("date", at(offset).parse().expect("a value"));
                response
            },
            403,
        )
        .await;
        let findings = doctor(&service, &[("MOOV_WEBHOOK_TOLERANCE", tolerance)]);
        let next = if verdict == "ok" { "" } else { "(MOOV_WEBHOOK_TOLERANCE)" };
        assert_eq!(findings.verdict(id, next), verdict, "{offset} {status} {tolerance}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_checks_the_moneykit_api_version() {
    let service = |answered: &'static str| {
        Service::start(move |request| {
            let json = ("content-type", "application/json");
            let headers = [json, ("moneykit-version", answered)];
            match request.path.as_str() {
                "/auth/token" => {
                    respond(201, &headers, r#"{"access_token":"t","token_type":"bearer","expires_in":3600}"#)
                }
                "/auth/introspect" => {
                    respond(200, &[json], r#"{"client_id":"c","scope":"institutions:read"}"#)
                }
                _ => respond(200, &[json], r#"{"keys":[]}"#),
            }
        })
    };
    let doctor = |service: &Service, version: Option<&str>| {
        let mut command = service.program("doctor moneykit --json");
        Findings::of(&run(command.envs(version.map(|version| ("MONEYKIT_VERSION", version)))))
    };
    let same = service("2023-02-18").await;
    assert_eq!(doctor(&same, None).verdict("version.ok", ""), "ok");
    assert_eq!(
        doctor(&same, Some("2025-01-01")).verdict("version.unknown", "unset MONEYKIT_VERSION"),
        "warn"
    );
    assert_eq!(doctor(&service("2025-01-01").await, None).verdict("version.differs", ""), "warn");
    let hostile = service("MARK_0123456789").await;
    let ran = run(&mut hostile.program("doctor moneykit"));
    assert!(!ran.all().contains("MARK") && ran.out.contains("none in the response"), "{}", ran.all());
}
