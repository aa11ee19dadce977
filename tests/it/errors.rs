//! Tests that every failed call returns a typed and redacted error with the right kind.

use std::{error::Error as _, fmt::Write as _, time::Duration};

use fintech_auth::{
    Credentials, Error, ErrorKind, HttpOptions, RetryPolicy, Secret,
    emulator::{Behaviour, Emulator, Fault, Operation},
    moneykit, moov,
    token::TokenOptions,
};
use http::{HeaderValue, StatusCode, header};
use tokio::time::Instant;

use crate::{
    raw_server::{RawServer, raw},
    support::{TOKEN, emulator, issue, json, moneykit, moov, scopes},
};

fn rendered(error: &Error) -> String {
    let mut text = error.to_string();
    let facts = [
        format!("{:?}", error.kind()),
        if error.is_transient() { "transient" } else { "lasting" }.to_owned(),
        if error.may_have_been_sent() { "may have been sent" } else { "not sent" }.to_owned(),
    ];
    write!(text, "\n    {}", facts.join(", ")).unwrap();
    if let Some(wait) = error.retry_after() {
        write!(text, ", retry after {wait:?}").unwrap();
    }
    if let Some(message) = error.message() {
        write!(text, "\n    message: {message}").unwrap();
    }
    for field in error.fields() {
        write!(text, "\n    field {}: {}", field.field, field.message).unwrap();
    }
    if let Some(challenge) = error.www_authenticate() {
        write!(text, "\n    challenge: {challenge}").unwrap();
    }
    if error.source().is_some() {
        text.push_str("\n    with a source");
    }
    text
}

#[track_caller]
fn check(name: &str, kind: ErrorKind, transcript: &mut String, outcomes: &[(Operation, Error)]) {
    for (operation, error) in outcomes {
        assert_eq!(error.kind(), kind, "{name}, {operation:?}: {error:?}");
        writeln!(transcript, "{name}: {}", rendered(error)).unwrap();
    }
}

async fn outcomes(fault: &Fault) -> Vec<(Operation, Error)> {
    let emulator = emulator().await;
    let mut outcomes = Vec::new();
    for operation in TOKEN {
        emulator.fault(operation, fault.clone());
        outcomes.push((operation, issue(&emulator, operation).await.expect_err("the call fails")));
        assert_eq!(emulator.count(operation), 1, "the request must not be retried");
    }
    outcomes
}

fn steady(text: &str) -> String {
    let mut parts = text.split(", request ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + ", request <id>" + &part[36..])
}

/// Each client connects before tokio's time is paused. Otherwise the connect timeout would expire
/// at once.
#[tokio::test]
async fn each_call_ends_within_its_default_timeout() {
    let emulator = emulator().await;
    let one = scopes(&["/ping.read"]);
    let seconds = |start: Instant| start.elapsed().as_secs();

    let never = |tokens: TokenOptions| tokens.with_retry(|_| RetryPolicy::never());
    let moneykit = emulator.moneykit().with_tokens(never).build().unwrap();
    let moov = emulator.moov().with_tokens(never).build().unwrap();
    moneykit.create_access_token(&[]).await.unwrap();
    moov.create_access_token(&one).await.unwrap();
    emulator.clear_requests();
    for operation in TOKEN {
        emulator.fault_times(operation, Fault::hang(), usize::MAX);
    }
    tokio::time::pause();
    let start = Instant::now();
    assert_eq!(moneykit.create_access_token(&[]).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(seconds(start), 15);
    let start = Instant::now();
    assert_eq!(moov.create_access_token(&one).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(seconds(start), 15);
    assert_eq!(TOKEN.map(|operation| emulator.count(operation)), [1, 1]);
    tokio::time::resume();

    emulator.clear_faults();
    let (moneykit, moov) = (emulator.moneykit().build().unwrap(), emulator.moov().build().unwrap());
    moneykit.create_access_token(&[]).await.unwrap();
    moov.create_access_token(&one).await.unwrap();
    emulator.clear_requests();
    for operation in TOKEN {
        emulator.fault_times(operation, Fault::hang(), usize::MAX);
    }
    tokio::time::pause();
    let start = Instant::now();
    assert_eq!(moneykit.token(&[]).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!((seconds(start), emulator.count(TOKEN[0])), (30, 2));
    let start = Instant::now();
    assert_eq!(moov.token(&one).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!((seconds(start), emulator.count(TOKEN[1])), (30, 2));
}

#[tokio::test]
async fn each_failure_has_its_error_kind() {
    let status = |status: u16| Fault::response(StatusCode::from_u16(status).unwrap());
    let html = |code: u16| status(code).with_body("text/html", "<h1>SECRET BODY</h1>");
    let half = r#"{"access_token": "SECRET-TOKEN", "expires_in""#;
    let wrong = r#"{"access_token": ["SECRET-TOKEN"], "expires_in": "SECRET-TOKEN"}"#;
    let failures = [
        ("400 text", ErrorKind::InvalidRequest, json(400, r#"{"error": "A long story"}"#)),
        (
            "400 invalid_client",
            ErrorKind::Unauthorized,
            json(400, r#"{"error": "invalid_client", "error_code": "invalid_client"}"#),
        ),
        (
            "401 empty",
            ErrorKind::Unauthorized,
            status(401).with_header(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer error=\"invalid_token\""),
            ),
        ),
        ("403 empty", ErrorKind::Unauthorized, status(403)),
        ("422 empty", ErrorKind::InvalidRequest, status(422)),
        ("429 empty", ErrorKind::RateLimited, status(429)),
        ("429 seconds", ErrorKind::RateLimited, status(429).with_header(header::RETRY_AFTER, 7)),
        (
            "429 milliseconds",
            ErrorKind::RateLimited,
            status(429).with_header("x-retry-in".parse().unwrap(), 1500),
        ),
        ("500 empty", ErrorKind::Unavailable, status(500)),
        (
            "500 not utf-8",
            ErrorKind::Unavailable,
            status(500).with_body("application/json", &b"\xff\xfe"[..]),
        ),
        ("502 page", ErrorKind::Unavailable, html(502)),
        ("502 large page", ErrorKind::Unavailable, status(502).with_body("text/html", "x".repeat(2 << 20))),
        ("503 wait", ErrorKind::Unavailable, status(503).with_header(header::RETRY_AFTER, 3)),
        (
            "307",
            ErrorKind::InvalidResponse,
            status(307).with_header(header::LOCATION, HeaderValue::from_static("http://127.0.0.1:1/x")),
        ),
        ("200 truncated json", ErrorKind::InvalidResponse, json(200, half)),
        ("200 wrong types", ErrorKind::InvalidResponse, json(200, wrong)),
        ("200 empty", ErrorKind::InvalidResponse, status(200)),
        ("204", ErrorKind::InvalidResponse, status(204)),
        ("200 html", ErrorKind::InvalidResponse, html(200)),
        (
            "200 too large",
            ErrorKind::InvalidResponse,
            json(200, format!(r#"{{"access_token": "{}"}}"#, "x".repeat(1 << 20))),
        ),
        ("cut short", ErrorKind::Unavailable, Fault::truncate()),
        ("closed", ErrorKind::Unavailable, Fault::close()),
        ("reset", ErrorKind::Unavailable, Fault::reset()),
        ("hangs", ErrorKind::Timeout, Fault::hang()),
    ];
    let mut transcript = String::new();
    for (name, kind, fault) in failures {
        check(name, kind, &mut transcript, &outcomes(&fault).await);
    }
    assert!(!transcript.contains("SECRET"), "{transcript}");
    insta::assert_snapshot!("failures", steady(&transcript));
}

#[tokio::test]
async fn error_from_a_proxy_or_cdn_is_not_reported_as_refused_credentials() {
    let problem = r#"{"type":"https://errors.example","title":"Error 1010: Access denied","status":403,
        "detail":"blocked","error_code":1010}"#;
    let html = "<!DOCTYPE html><title>Attention Required!</title>";
    let server = RawServer::start().await;
    for (content_type, body) in [
        ("text/plain", "error code: 1010"),
        ("text/html", html),
        ("application/problem+json", problem),
        ("application/json", r#"{"message":"Forbidden"}"#),
        ("application/json", "null"),
    ] {
        for (status, kind, reason) in [
            (401, ErrorKind::Unavailable, "a proxy or CDN (Cloudflare) blocked"),
            (403, ErrorKind::Unavailable, "a proxy or CDN (Cloudflare) blocked"),
            (404, ErrorKind::Unavailable, "check the base url"),
            (429, ErrorKind::RateLimited, "a proxy or CDN in front"),
            (503, ErrorKind::Unavailable, "a proxy or CDN in front of the service failed"),
        ] {
            let marks = "server: cloudflare\r\ncf-ray: 8f1c2d3e4a5b6c7d-FRA\r\n";
            server.respond(raw(status, &format!("{marks}content-type: {content_type}\r\n"), body));
            for error in server.clients().token_errors().await {
                assert_eq!(error.kind(), kind, "{status} {body}: {error}");
                assert!(error.to_string().contains(reason), "{error}");
                assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
                assert_eq!(error.ray_id(), Some("8f1c2d3e4a5b6c7d-FRA"));
                assert!(error.to_string().contains("ray 8f1c2d3e4a5b6c7d-FRA"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn status_403_from_a_cdn_does_not_block_other_scope_sets() {
    let server = RawServer::start().await;
    let once = |tokens: TokenOptions| tokens.with_retry(|_| RetryPolicy::never());
    let clients = server.clients_with("a-client-secret", Duration::from_secs(20), once);
    server.respond(raw(403, "server: cloudflare\r\ncontent-type: text/plain\r\n", "error code: 1010"));
    for scope in ["/accounts.read", "/fed.read", "/ping.read"] {
        let error = clients.moov.token(&scopes(&[scope])).await.unwrap_err();
        assert_eq!((error.kind(), error.may_have_been_sent()), (ErrorKind::Unavailable, true), "{error}");
    }
    server.respond(raw(200, "", r#"{"access_token":"t1"}"#));
    assert!(clients.moov.token(&scopes(&["/institutions.read"])).await.is_ok());
}

#[tokio::test]
async fn vendor_response_is_classified_by_status_and_code() {
    let id = "x-request-id: 9383a65a-dc2d-40ab-b3d3-5849209f9667\r\nserver: cloudflare\r\n";
    let challenge = "www-authenticate: Bearer error=\"invalid_token\"\r\n";
    let server = RawServer::start().await;
    for (status, headers, body, kind, code) in [
        (401, "", "", ErrorKind::Unauthorized, None),
        (401, id, "denied", ErrorKind::Unauthorized, None),
        (401, challenge, "denied", ErrorKind::Unauthorized, None),
        (401, "", r#"{"error":"invalid_scope"}"#, ErrorKind::Unauthorized, Some("invalid_scope")),
        (401, "", r#"{"detail":"Not authenticated"}"#, ErrorKind::Unauthorized, None),
        (403, "", "", ErrorKind::Unauthorized, None),
        (403, id, "<html>", ErrorKind::Unauthorized, None),
        (403, "", r#"{"error_code":"api_error.auth.x"}"#, ErrorKind::Unauthorized, Some("api_error.auth.x")),
        (403, "", r#"{"error":"invalid_scope"}"#, ErrorKind::InvalidRequest, Some("invalid_scope")),
        (
            403,
            id,
            r#"{"error":"unauthorized_client"}"#,
            ErrorKind::InvalidRequest,
            Some("unauthorized_client"),
        ),
        (400, "", r#"{"error":"invalid_client"}"#, ErrorKind::Unauthorized, Some("invalid_client")),
        (400, "", r#"{"error":"invalid_scope"}"#, ErrorKind::InvalidRequest, Some("invalid_scope")),
        (404, "", r#"{"detail":"Not Found"}"#, ErrorKind::InvalidRequest, None),
        (429, id, "", ErrorKind::RateLimited, None),
        (503, id, "", ErrorKind::Unavailable, None),
    ] {
        server.respond(raw(status, headers, body));
        for error in server.clients().token_errors().await {
            assert_eq!((error.kind(), error.code()), (kind, code), "{status} {body}: {error}");
            assert!(!error.to_string().contains("CDN"), "{error}");
        }
    }
}

#[tokio::test]
async fn error_body_with_a_success_status_causes_an_error() {
    let emulator = emulator().await;
    for (body, kind, code) in [
        (r#"{"error":"invalid_client","error_description":"d"}"#, ErrorKind::Unauthorized, "invalid_client"),
        (r#"{"error":"invalid_scope"}"#, ErrorKind::InvalidRequest, "invalid_scope"),
        (r#"{"error":"temporarily_unavailable"}"#, ErrorKind::Unavailable, "temporarily_unavailable"),
        (
            r#"{"error_code":"api_error.auth.unauthorized","error_message":"m"}"#,
            ErrorKind::Unauthorized,
            "api_error.auth.unauthorized",
        ),
        (
            r#"{"error_code":"api_error.rate_limit_exceeded"}"#,
            ErrorKind::RateLimited,
            "api_error.rate_limit_exceeded",
        ),
        (r#"{"access_token":"t","error":"invalid_grant"}"#, ErrorKind::InvalidRequest, "invalid_grant"),
    ] {
        for operation in Operation::ALL.iter().copied() {
            emulator.fault(operation, json(200, body));
        }
        let (linking, moving) = (moneykit(&emulator), moov(&emulator));
        for error in [
            linking.create_access_token(&[]).await.err(),
            linking.introspect(&Secret::from("token-1")).await.err(),
            linking.jwks().await.err(),
            moving.create_access_token(&scopes(&["/ping.read"])).await.err(),
            moving.revoke(&Secret::from("token-1"), None).await.err(),
        ] {
            let error = error.expect("an error");
            assert_eq!((error.kind(), error.code()), (kind, Some(code)), "{body}: {error}");
            assert_eq!(error.status(), Some(StatusCode::OK));
            assert!(error.body::<serde_json::Value>().is_none());
        }
    }
    emulator.fault(Operation::MoovRevoke, Fault::response(StatusCode::OK).with_body("text/html", "<html>"));
    assert_eq!(
        moov(&emulator).revoke(&Secret::from("token-1"), None).await.unwrap_err().kind(),
        ErrorKind::InvalidResponse
    );
    emulator.fault(Operation::MoovRevoke, Fault::response(StatusCode::OK).with_body("text/plain", "OK"));
    assert!(moov(&emulator).revoke(&Secret::from("token-1"), None).await.is_ok());
}

#[tokio::test]
async fn rfc_6749_and_fastapi_error_bodies_are_decoded() {
    let emulator = emulator().await;
    for operation in TOKEN {
        let body = r#"{"error":"invalid_client","error_description":"unknown client"}"#;
        emulator.fault(operation, json(400, body));
        let error = issue(&emulator, operation).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert_eq!((error.code(), error.message()), (Some("invalid_client"), Some("unknown client")));
        let body = r#"{"detail":[{"loc":["body","grant_type"],"msg":"field required"}]}"#;
        emulator.fault(operation, json(422, body));
        let error = issue(&emulator, operation).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        let field = &error.fields()[0];
        assert_eq!((field.field.as_str(), field.message.as_str()), ("body.grant_type", "field required"));
        assert!(error.to_string().contains("field grant_type"), "{error}");
    }
}

/// Texts that look like tokens may be tokens of other clients, so all of them are redacted.
#[tokio::test]
async fn token_like_text_in_errors_is_redacted() {
    let server = RawServer::start().await;
    for token in [
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "sk_live_51H8xQ2eZvKYlo2C",
        "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=",
        "deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef0",
    ] {
        let fields = format!(
            r#""error":"{token}","error_code":"{token}","detail":[{{"loc":["{token}"],"msg":"{token}"}}]"#
        );
        for status in [400, 401, 403, 422, 500] {
            let headers = format!("x-request-id: {token}\r\ncf-ray: {token}\r\n");
            server.respond(raw(status, &headers, format!("{{{fields}}}")));
            for error in server.clients().token_errors().await {
                let shown = format!("{error} {error:?} {error:#?}");
                assert!(!shown.contains(token), "{shown}");
                assert_eq!((error.code(), error.request_id(), error.ray_id()), (None, None, None));
            }
        }
    }
}

#[tokio::test]
async fn errors_for_refused_requests_have_readable_messages() {
    let emulator = emulator().await;
    let (linking, moving) = (moneykit(&emulator), moov(&emulator));
    let mut transcript = String::new();
    let mut tell = |name: &str, error: Error| writeln!(transcript, "{name}: {}", rendered(&error)).unwrap();

    let wrong = moneykit::Client::builder(Credentials::new("id", "SECRET")).with_base_url(emulator.url());
    tell("wrong secret", wrong.build().unwrap().create_access_token(&[]).await.unwrap_err());
    let wrong = moov::Client::builder(Credentials::new("id", "SECRET")).with_base_url(emulator.url());
    tell(
        "wrong secret",
        wrong.build().unwrap().create_access_token(&scopes(&["/ping.read"])).await.unwrap_err(),
    );

    tell("made-up token", linking.introspect(&Secret::from("SECRET")).await.unwrap_err());
    let token = linking.create_access_token(&[]).await.unwrap();
    emulator.clock().advance(Duration::from_secs(7200));
    tell("expired token", linking.introspect(&token.access_token).await.unwrap_err());
    tell("made-up refresh token", moving.refresh(&Secret::from("SECRET"), &[]).await.unwrap_err());
    tell("foreign origin", {
        let documented = Emulator::builder().with_behaviour(Behaviour::Documented).start().await.unwrap();
        let page = documented.moov().with_origin("https://elsewhere.example").build().unwrap();
        page.create_access_token(&scopes(&["/ping.read"])).await.unwrap_err()
    });
    let fields = json(
        422,
        r#"{"error_code": "api_error.request.validation_failed", "error_message": "Check the request.",
        "validation_errors": [{"location": ["body", "scope", 0], "message": "not granted", "type": "value_error"}]}"#,
    );
    emulator.fault(Operation::MoneykitToken, fields);
    tell("422", linking.create_access_token(&[]).await.unwrap_err());
    emulator.fault(Operation::MoovToken, json(422, r#"{"scope": "not granted"}"#));
    tell("422", moving.create_access_token(&scopes(&["/ping.read"])).await.unwrap_err());
    emulator.fault(Operation::MoovRevoke, json(422, r#"{"token_type_hint": "unknown"}"#));
    tell("422", moving.revoke(&Secret::from("SECRET"), None).await.unwrap_err());

    assert!(!transcript.contains("SECRET"), "{transcript}");
    insta::assert_snapshot!("refusals", steady(&transcript));
}

#[tokio::test]
async fn error_returns_the_typed_body_of_the_vendor() {
    let emulator = emulator().await;
    emulator.fault(Operation::MoovToken, json(422, r#"{"scope": "not granted", "new_field": 1}"#));
    let error = moov(&emulator).create_access_token(&scopes(&["/ping.read"])).await.unwrap_err();
    let body: moov::types::AuthTokenRequestError = error.body().expect("a body of this type");
    assert_eq!(body.scope.as_deref(), Some("not granted"));
    assert!(error.body::<moneykit::types::JwkSet>().is_none());
}

#[tokio::test]
async fn request_id_is_reported_for_success_and_failure() {
    let emulator = emulator().await;
    let moov = moov(&emulator);
    assert!(moov.create_access_token(&scopes(&["/ping.read"])).await.unwrap().request_id().is_some());
    assert!(moov.refresh(&Secret::from("x"), &[]).await.unwrap_err().request_id().is_some());
}

#[tokio::test]
async fn response_headers_and_date_are_available_without_secrets() {
    let server = RawServer::start().await;
    let long = "x".repeat(1_025);
    let headers = format!(
        "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nx-ratelimit-remaining: 7\r\nset-cookie: __cf=1\r\n\
         x-echo: a-client-secret\r\nx-session-token: t\r\nx-api-key: k\r\nx-latin: caf\u{e9}\r\n\
         location: https://x.example/?code=1\r\nx-long: {long}\r\nx-ratelimit-remaining: 8\r\n"
    );
    let date = std::time::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let check = |headers: &http::HeaderMap, at: Option<std::time::SystemTime>| {
        let mut names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-length", "date", "x-ratelimit-remaining"]);
        assert_eq!(headers.get_all("x-ratelimit-remaining").iter().count(), 2);
        assert_eq!(at, Some(date));
    };
    server.respond(raw(400, &headers, "{}"));
    for error in server.clients().token_errors().await {
        check(error.headers().expect("a response"), error.date());
    }
    server.respond(raw(200, &headers, r#"{"access_token": "t", "token_type": "bearer", "expires_in": 60}"#));
    let response = server.clients().moneykit.create_access_token(&[]).await.unwrap();
    check(response.headers(), response.date());
    assert!(!format!("{response:?}").contains("x-ratelimit"), "{response:?}");
}

#[tokio::test]
async fn request_is_reported_as_not_sent_if_the_connection_is_refused() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let emulator = emulator().await;
    let client = emulator.moneykit().with_base_url(format!("http://{address}")).build().unwrap();
    let error = client.jwks().await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_been_sent()), (ErrorKind::Unavailable, false));
}

#[tokio::test]
async fn tls_failure_is_not_transient() {
    let emulator = emulator().await;
    let client =
        emulator.moneykit().with_base_url(emulator.url().replace("http:", "https:")).build().unwrap();
    let error = client.jwks().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_transient(), error.may_have_been_sent()),
        (ErrorKind::InvalidConfig, false, false)
    );
    assert!(error.source().is_some());
}

/// Following a redirect would send the credentials to another host.
#[tokio::test]
async fn redirects_are_not_followed() {
    let (here, elsewhere) = (emulator().await, emulator().await);
    for status in [301, 302, 303, 307, 308] {
        for operation in [Operation::MoneykitToken, Operation::MoovToken] {
            let to = format!("{}{}", elsewhere.url(), operation.path());
            let fault = Fault::response(StatusCode::from_u16(status).unwrap());
            here.fault(operation, fault.with_header(header::LOCATION, HeaderValue::from_str(&to).unwrap()));
            let error = issue(&here, operation).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.status().map(|s| s.as_u16())),
                (ErrorKind::InvalidResponse, Some(status))
            );
        }
    }
    assert!(elsewhere.requests().is_empty());

    let eager = HttpOptions::default()
        .with_client_builder(|http| http.redirect(reqwest::redirect::Policy::limited(5)));
    let client = here.moneykit().with_http(|_| eager).build().unwrap();
    let to = HeaderValue::from_str(&format!("{}/.well-known/jwks.json", elsewhere.url())).unwrap();
    here.fault(Operation::MoneykitJwks, Fault::response(StatusCode::FOUND).with_header(header::LOCATION, to));
    assert!(client.jwks().await.is_err());
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn body_at_the_limit_is_read_and_a_longer_body_is_rejected() {
    let emulator = emulator().await;
    let client = emulator.moneykit().with_http(|http| http.with_body_limit(100)).build().unwrap();
    let body = |length: usize| format!(r#"{{"access_token":"{}"}}"#, "x".repeat(length - 19));
    assert_eq!(body(100).len(), 100);
    emulator.fault(Operation::MoneykitToken, json(201, body(100)));
    assert!(client.create_access_token(&[]).await.is_ok());
    emulator.fault(Operation::MoneykitToken, json(201, body(101)));
    assert_eq!(client.create_access_token(&[]).await.unwrap_err().kind(), ErrorKind::InvalidResponse);
}
