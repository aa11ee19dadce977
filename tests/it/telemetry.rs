//! Spans and events have the names of OpenTelemetry's conventions for HTTP clients, and no secret.

use std::time::Duration;

use fintech_auth::{
    ErrorKind,
    emulator::{Fault, Operation},
};
use http::StatusCode;

use crate::support::{Log, emulator, plain, scopes};

/// The line of the log at the end of the first call.
fn call(log: &Log) -> String {
    let text = log.text();
    let line = text.lines().find(|line| line.contains("call{") && line.contains("close"));
    line.unwrap_or_else(|| panic!("no span of a call: {text}")).to_owned()
}

#[tokio::test(flavor = "current_thread")]
async fn the_span_of_a_call_follows_the_conventions() {
    let emulator = emulator().await;
    let client = emulator.moov().with_tokens(plain).build().unwrap();
    let log = Log::default();
    let guard = log.start();
    let response = client.create_access_token(&scopes(&["/accounts.read"])).await.unwrap();
    drop(guard);
    let (line, port) = (call(&log), emulator.url().rsplit(':').next().unwrap());
    for field in [
        "otel.name=POST /oauth2/token ",
        r#"otel.kind="client""#,
        r#"http.request.method="POST""#,
        "http.response.status_code=200",
        r#"server.address="127.0.0.1""#,
        &format!("server.port={port}"),
        &format!(r#"url.full="{}/oauth2/token""#, emulator.url()),
        r#"fintech_auth.vendor="moov""#,
        &format!("fintech_auth.request_id={:?}", response.request_id().unwrap()),
    ] {
        assert!(line.contains(field), "{field} is not in {line}");
    }
    assert!(!line.contains("error.type") && !line.contains("otel.status_code"), "{line}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_failed_call_names_its_status_or_the_kind_of_its_error() {
    let emulator = emulator().await;
    for (fault, status, error_type) in [
        (Fault::response(StatusCode::SERVICE_UNAVAILABLE), Some(503), "503"),
        (Fault::response(StatusCode::UNPROCESSABLE_ENTITY), Some(422), "422"),
        (Fault::close(), None, "unavailable"),
        (Fault::hang(), None, "timeout"),
    ] {
        let client = emulator.moneykit().with_tokens(plain);
        let client = client.with_http(|http| http.with_timeout(Duration::from_millis(300))).build().unwrap();
        emulator.fault(Operation::MoneykitToken, fault);
        let log = Log::default();
        let guard = log.start();
        client.create_access_token(&[]).await.unwrap_err();
        drop(guard);
        let line = call(&log);
        assert!(line.contains(&format!("error.type={error_type:?}")), "{error_type}: {line}");
        assert!(line.contains(r#"otel.status_code="ERROR""#), "{line}");
        let has_status = line.contains("http.response.status_code=");
        assert_eq!(has_status, status.is_some(), "{line}");
    }
}

/// A name of our own starts with `fintech_auth.`, so that it meets no other.
#[tokio::test(flavor = "current_thread")]
async fn no_name_of_ours_is_without_its_prefix() {
    let emulator = emulator().await;
    let client = emulator.moov().with_tokens(plain).build().unwrap();
    emulator.fault(Operation::MoovToken, Fault::response(StatusCode::TOO_MANY_REQUESTS));
    let log = Log::default();
    let guard = log.start();
    client.token(&scopes(&["/accounts.read"])).await.unwrap_err();
    client.token(&scopes(&["/ping.read"])).await.unwrap();
    drop(guard);
    let text = log.text();
    let known = ["otel.", "http.", "server.", "url.", "error.type", "fintech_auth.", "error=", "time."];
    let mut named = 0;
    for line in text.lines().filter(|line| line.contains("fintech_auth::")) {
        for word in line.split([' ', '{', '}']).filter(|word| word.contains('=')) {
            let is_name =
                word.split('=').next().unwrap().chars().all(|c| c.is_alphanumeric() || "._".contains(c));
            named += usize::from(is_name);
            assert!(!is_name || known.iter().any(|known| word.starts_with(known)), "{word} in {line}");
        }
    }
    assert!(named > 10, "{text}");
}

#[test]
fn each_kind_has_a_name_for_labels() {
    let name = |kind: ErrorKind| {
        let debug = format!("{kind:?}");
        let mut name = String::new();
        for c in debug.chars() {
            if c.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(c.to_ascii_lowercase());
        }
        name
    };
    for kind in [
        ErrorKind::InvalidConfig,
        ErrorKind::Unauthorized,
        ErrorKind::InvalidRequest,
        ErrorKind::RateLimited,
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::InvalidResponse,
    ] {
        assert_eq!(kind.as_str(), name(kind));
    }
}
