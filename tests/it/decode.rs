//! Tests that valid responses are decoded, even if the documents of a vendor contradict each other.

use std::time::SystemTime;

use fintech_auth::{
    Error, ErrorKind, Response, Secret,
    emulator::{Builder, Emulator, ExpiresInStyle, Fault, Operation},
    moneykit::types::AppClientResponse,
    moov::types::AuthToken,
    token::ExpiryRule,
};
use http::StatusCode;

use crate::support::{Log, TOKEN, emulator, issue, json, moneykit, moov, scopes};

async fn moov_token(emulator: &Emulator, body: impl Into<String>) -> Result<Response<AuthToken>, Error> {
    emulator.fault(Operation::MoovToken, json(200, body));
    moov(emulator).create_access_token(&scopes(&["/ping.read"])).await
}

async fn introspect(emulator: &Emulator, body: &str) -> Result<AppClientResponse, Error> {
    emulator.fault(Operation::MoneykitIntrospect, json(200, body));
    moneykit(emulator).introspect(&Secret::from("t")).await.map(Response::into_body)
}

#[track_caller]
fn is_unusable(result: Result<impl Sized, Error>, reason: &str) {
    let error = result.err().expect("the response is refused");
    assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
    assert!(error.to_string().contains(reason), "{error}");
}

fn token(body: &str) -> AuthToken {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{body}: {error}"))
}

#[test]
fn moov_response_needs_only_the_access_token() {
    let token = token(r#"{"access_token": "a"}"#);
    assert!(token.expires_in.is_none() && token.refresh_token.is_none() && token.token_type.is_none());
}

#[test]
fn unknown_token_types_and_fields_are_accepted() {
    for kind in ["opaque", "jwt", "Bearer", "bearer", "BEARER", "DPoP"] {
        let token =
            token(&format!(r#"{{"access_token": "a", "token_type": "{kind}", "new": {{"x": [1]}}}}"#));
        assert_eq!(token.token_type.as_deref(), Some(&kind.to_owned()));
    }
}

#[test]
fn expires_in_may_be_a_number_a_string_or_absent() {
    for (value, raw) in
        [("900", Some(900)), ("\"900\"", Some(900)), ("1736964352", Some(1_736_964_352)), ("null", None)]
    {
        let token = token(&format!(r#"{{"access_token": "a", "expires_in": {value}}}"#));
        assert_eq!(token.expires_in.map(|expires_in| expires_in.raw()), raw, "{value}");
    }
}

#[test]
fn a_token_may_be_longer_than_documented() {
    let long = "x".repeat(10_000);
    assert_eq!(token(&format!(r#"{{"access_token": "{long}"}}"#)).access_token.expose_secret(), long);
}

#[test]
fn disabled_at_may_be_absent_null_or_a_time() {
    let disabled_at = |field: &str| {
        let body = format!(r#"{{"client_id": "i", "scope": "s"{field}}}"#);
        let client: AppClientResponse = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{body}: {e}"));
        client.disabled_at.map(|time| {
            let since = SystemTime::from(time).duration_since(SystemTime::UNIX_EPOCH);
            since.expect("after 1970").as_secs()
        })
    };
    assert_eq!(disabled_at(""), None);
    assert_eq!(disabled_at(r#", "disabled_at": null"#), None);
    assert_eq!(disabled_at(r#", "disabled_at": "2001-09-09T01:46:40Z""#), Some(1_000_000_000));
    assert_eq!(disabled_at(r#", "disabled_at": "2099-01-01T00:00:00.123456+00:00""#), Some(4_070_908_800));
    assert_eq!(disabled_at(r#", "disabled_at": "2001-09-09T01:46:40""#), Some(1_000_000_000));
}

#[test]
fn app_field_is_decoded_with_either_set_of_member_names() {
    for app in [r#"{"app_id": "1", "name": "n"}"#, r#"{"id": "1", "app_name": "n"}"#, "{}"] {
        let body = format!(r#"{{"client_id": "i", "scope": "s", "app": {app}}}"#);
        assert!(serde_json::from_str::<AppClientResponse>(&body).is_ok(), "{app}");
    }
}

#[tokio::test]
async fn invalid_optional_field_does_not_reject_the_token() {
    let emulator = emulator().await;
    for odd in [
        "\"\"",
        "\"3600s\"",
        "\"3,600\"",
        "\"NaN\"",
        "false",
        "{}",
        "[]",
        "[3600]",
        "NaN",
        "-Infinity",
        "1e400",
    ] {
        for operation in TOKEN {
            emulator.fault(operation, json(200, format!(r#"{{"access_token":"t1","expires_in":{odd}}}"#)));
            assert_eq!(issue(&emulator, operation).await.unwrap().expose_secret(), "t1", "{odd}");
        }
        let token = moov_token(&emulator, format!(r#"{{"expires_in":{odd},"access_token":"t1"}}"#)).await;
        assert_eq!(token.unwrap().expires_in, None, "{odd}");
    }
    for (odd, raw) in [("3600.9", 3600), ("\" 3600 \"", 3600), ("-1", -1), ("1e3", 1000)] {
        let token = moov_token(&emulator, format!(r#"{{"access_token":"t1","expires_in":{odd}}}"#)).await;
        assert_eq!(token.unwrap().expires_in.map(|expires_in| expires_in.raw()), Some(raw), "{odd}");
    }
    let body = r#"{"access_token":"t1","scope":["/accounts.read"],"token_type":7,"refresh_token":7}"#;
    let token = moov_token(&emulator, body).await.unwrap().into_body();
    assert!(token.scope.is_none() && token.token_type.is_none() && token.refresh_token.is_none());
    let deep = format!(r#"{{"access_token":"t1","scope":{}{}}}"#, "[".repeat(9000), "]".repeat(9000));
    assert!(moov_token(&emulator, deep).await.is_ok());
}

#[tokio::test]
async fn token_with_an_invalid_lifetime_is_cached_for_the_default_lifetime() {
    let emulator = emulator().await;
    for odd in ["\"3600s\"", "false", "-5", "null", "1e400"] {
        emulator
            .fault(Operation::MoovToken, json(200, format!(r#"{{"access_token":"t1","expires_in":{odd}}}"#)));
        let client = moov(&emulator);
        let asked = emulator.count(Operation::MoovToken);
        let token = client.token(&scopes(&["/ping.read"])).await.unwrap();
        let rule = if odd == "-5" { ExpiryRule::Absurd } else { ExpiryRule::Absent };
        assert_eq!((token.expose_secret(), token.expiry_rule()), ("t1", rule), "{odd}");
        client.token(&scopes(&["/ping.read"])).await.unwrap();
        assert_eq!(emulator.count(Operation::MoovToken), asked + 1, "{odd}");
    }
}

#[tokio::test]
async fn conflicting_json_duplicate_is_ignored_only_if_the_member_is_optional() {
    let emulator = emulator().await;
    let body = r#"{"access_token":"t1","expires_in":60,"scope":"a","scope":"b","expires_in":60,"access_token":"t1"}"#;
    let token = moov_token(&emulator, body).await.unwrap().into_body();
    assert_eq!((token.access_token.0.expose_secret(), token.scope), ("t1", None));
    assert_eq!(token.expires_in.map(|expires_in| expires_in.raw()), Some(60));
    for body in [
        r#"{"access_token":"t1","access_token":"t2"}"#,
        r#"{"access_token":"t1","access_token":"t2","access_token":"t1"}"#,
        r#"{"access_token":"t1","access_token":null}"#,
    ] {
        is_unusable(moov_token(&emulator, body).await, "repeated");
    }
    let body = r#"{"access_token":"t1","refresh_token":"r1","refresh_token":"r2"}"#;
    assert!(moov_token(&emulator, body).await.unwrap().refresh_token.is_none());
    is_unusable(introspect(&emulator, r#"{"client_id":"a","client_id":"b"}"#).await, "repeated");
}

#[tokio::test]
async fn json_is_decoded_regardless_of_its_content_type() {
    let emulator = emulator().await;
    for content_type in
        ["text/json", "text/plain; charset=utf-8", "application/octet-stream", "x", "text/html"]
    {
        for mark in ["", "\u{feff}"] {
            let response =
                |body: &str| Fault::response(StatusCode::OK).with_body(content_type, format!("{mark}{body}"));
            for operation in TOKEN {
                emulator.fault(operation, response(r#"{"access_token":"t1"}"#));
                assert!(issue(&emulator, operation).await.is_ok(), "{content_type}");
            }
            emulator.fault(Operation::MoneykitIntrospect, response(r#"{"client_id":"c","scope":"s"}"#));
            assert!(moneykit(&emulator).introspect(&Secret::from("t")).await.is_ok(), "{content_type}");
            emulator.fault(Operation::MoneykitJwks, response(r#"{"keys":[]}"#));
            assert!(moneykit(&emulator).jwks().await.is_ok(), "{content_type}");
        }
        for operation in TOKEN {
            emulator.fault(
                operation,
                Fault::response(StatusCode::OK).with_body(content_type, " <!doctype html>"),
            );
            is_unusable(issue(&emulator, operation).await, "HTML");
        }
    }
}

#[tokio::test]
async fn raw_operation_rejects_tokens_that_are_invalid_in_a_header() {
    let emulator = emulator().await;
    for bad in
        ["", " ", "a\\r", "a\\n", "a\\u0000", "a b", "a\\u007f", "\u{e9}", "a\u{9b}", "\\\"", "<script>"]
    {
        let body = format!(r#"{{"access_token":"{bad}"}}"#);
        for operation in TOKEN {
            emulator.fault(operation, json(200, &*body));
            is_unusable(issue(&emulator, operation).await, "access token");
        }
        emulator.fault(Operation::MoovToken, json(200, &*body));
        is_unusable(moov(&emulator).refresh(&Secret::from("r"), &[]).await, "access token");
    }
    for missing in ["{}", "{\"access_token\":null}", "{\"access_token\":7}", "[]", "null", "\"t1\""] {
        is_unusable(moov_token(&emulator, missing).await, "response");
    }
}

#[tokio::test]
async fn a_refresh_token_with_control_characters_is_refused() {
    let emulator = emulator().await;
    for bad in ["r\\n", "r\\u001b[2J", "r\u{9b}", "r\\u007f", "\\n"] {
        let body = format!(r#"{{"access_token":"t1","refresh_token":"{bad}"}}"#);
        is_unusable(moov_token(&emulator, &*body).await, "refresh token");
        emulator.fault(Operation::MoovToken, json(200, &*body));
        is_unusable(moov(&emulator).refresh(&Secret::from("r"), &[]).await, "refresh token");
        emulator.fault(Operation::MoovToken, json(200, &*body));
        is_unusable(moov(&emulator).token(&scopes(&["/ping.read"])).await, "refresh token");
    }
    for none in ["\"\"", "\" \"", "null"] {
        let body = format!(r#"{{"access_token":"t1","refresh_token":{none}}}"#);
        assert!(moov_token(&emulator, body).await.unwrap().refresh_token.is_none(), "{none}");
    }
}

#[tokio::test]
async fn introspection_succeeds_if_optional_fields_are_missing_or_invalid() {
    let emulator = emulator().await;
    for scope in ["", r#","scope":null"#, r#","scope":["a","b"]"#, r#","scope":7"#] {
        let odd = r#""client_name":7,"disabled_at":"yesterday","app":"none""#;
        let client = introspect(&emulator, &format!(r#"{{"client_id":"c",{odd}{scope}}}"#)).await.unwrap();
        assert_eq!((client.client_id.as_str(), client.scope, client.app.is_none()), ("c", None, true));
    }
    is_unusable(introspect(&emulator, r#"{"scope":"a"}"#).await, "missing client_id");
}

/// RFC 6749 section 7.1: a client must not use a token whose type it does not know.
#[tokio::test]
async fn token_of_a_type_other_than_bearer_is_rejected() {
    let emulator = emulator().await;
    for (kind, good) in
        [("Bearer", true), ("bEaReR", true), ("opaque", true), ("jwt", true), ("DPoP", false), ("mac", false)]
    {
        let body = format!(r#"{{"access_token":"t1","token_type":"{kind}"}}"#);
        for operation in TOKEN {
            emulator.fault(operation, json(200, &*body));
            match issue(&emulator, operation).await {
                Ok(_) => assert!(good, "{kind}"),
                refused => is_unusable(refused, "not a bearer token"),
            }
        }
        emulator.fault(Operation::MoovToken, json(200, &*body));
        assert_eq!(moov(&emulator).token(&scopes(&["/ping.read"])).await.is_ok(), good, "{kind}");
    }
}

#[test]
fn invalid_field_is_logged_by_name_without_its_value() {
    let log = Log::default();
    let guard = log.start();
    token(r#"{"access_token":"a","expires_in":"SECRET","scope":["SECRET"],"refresh_token":{"SECRET":1}}"#);
    drop(guard);
    let log = log.text();
    for field in ["expires_in", "scope", "refresh_token"] {
        assert!(log.contains(field), "{log}");
    }
    assert!(!log.contains("SECRET"), "{log}");
}

#[tokio::test]
async fn every_2xx_status_is_a_success() {
    let emulator = emulator().await;
    for status in [200, 201, 202] {
        emulator.fault(Operation::MoneykitToken, json(status, r#"{"access_token": "a"}"#));
        assert_eq!(moneykit(&emulator).create_access_token(&[]).await.unwrap().status().as_u16(), status);
        emulator.fault(Operation::MoovToken, json(status, r#"{"access_token": "a"}"#));
        assert_eq!(
            moov(&emulator).create_access_token(&scopes(&["/ping.read"])).await.unwrap().status().as_u16(),
            status
        );
        emulator.fault(Operation::MoovRevoke, json(status, ""));
        assert_eq!(moov(&emulator).revoke(&Secret::from("a"), None).await.unwrap().status().as_u16(), status);
    }
}

#[tokio::test]
async fn expires_in_is_returned_as_the_server_sent_it() {
    for style in [
        ExpiresInStyle::Seconds,
        ExpiresInStyle::SecondsText,
        ExpiresInStyle::Timestamp,
        ExpiresInStyle::TimestampText,
    ] {
        let emulator = Builder::with_expires_in(Emulator::builder(), style)
            .with_lifetime(std::time::Duration::from_secs(900))
            .start()
            .await
            .unwrap();
        let token = moov(&emulator).create_access_token(&scopes(&["/ping.read"])).await.unwrap();
        let raw = token.expires_in.unwrap().raw();
        let seconds = matches!(style, ExpiresInStyle::Seconds | ExpiresInStyle::SecondsText);
        assert_eq!(raw == 900, seconds, "{style:?}: {raw}");
    }
}
