//! Good answers decode, whichever of the contradicting documents they follow.

use fintech_auth::{
    moneykit::types::AppClientResponse,
    moov::types::AuthToken,
    sandbox::{Builder, ExpiresInStyle, Operation, Sandbox},
};

use crate::support::{json, moneykit, moov, sandbox, scopes};

fn token(body: &str) -> AuthToken {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{body}: {error}"))
}

#[test]
fn a_moov_token_needs_nothing_but_itself() {
    let token = token(r#"{"access_token": "a"}"#);
    assert!(token.expires_in.is_none() && token.refresh_token.is_none() && token.token_type.is_none());
}

#[test]
fn unknown_token_types_and_fields_are_kept_out_of_the_way() {
    for kind in ["opaque", "jwt", "Bearer", "bearer", "BEARER", "DPoP"] {
        let token =
            token(&format!(r#"{{"access_token": "a", "token_type": "{kind}", "new": {{"x": [1]}}}}"#));
        assert_eq!(token.token_type.as_deref(), Some(&kind.to_owned()));
    }
}

#[test]
fn expires_in_is_a_number_or_a_string_or_nothing() {
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
    assert_eq!(token(&format!(r#"{{"access_token": "{long}"}}"#)).access_token.expose(), long);
}

#[test]
fn disabled_at_is_absent_null_or_a_time() {
    let disabled_at = |field: &str| {
        let body = format!(r#"{{"client_id": "i", "scope": "s"{field}}}"#);
        let client: AppClientResponse = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{body}: {e}"));
        client.disabled_at.map(|time| time.0.timestamp())
    };
    assert_eq!(disabled_at(""), None);
    assert_eq!(disabled_at(r#", "disabled_at": null"#), None);
    assert_eq!(disabled_at(r#", "disabled_at": "2001-09-09T01:46:40Z""#), Some(1_000_000_000));
    assert_eq!(disabled_at(r#", "disabled_at": "2099-01-01T00:00:00.123456+00:00""#), Some(4_070_908_800));
    assert_eq!(disabled_at(r#", "disabled_at": "2001-09-09T01:46:40""#), Some(1_000_000_000));
}

#[test]
fn both_shapes_of_the_app_decode() {
    for app in [r#"{"app_id": "1", "name": "n"}"#, r#"{"id": "1", "app_name": "n"}"#, "{}"] {
        let body = format!(r#"{{"client_id": "i", "scope": "s", "app": {app}}}"#);
        assert!(serde_json::from_str::<AppClientResponse>(&body).is_ok(), "{app}");
    }
}

#[tokio::test]
async fn any_success_status_is_a_success() {
    let sandbox = sandbox().await;
    for status in [200, 201, 202] {
        sandbox.fault(Operation::MoneykitToken, json(status, r#"{"access_token": "a"}"#));
        assert_eq!(moneykit(&sandbox).create_access_token(&[]).await.unwrap().status.as_u16(), status);
        sandbox.fault(Operation::MoovToken, json(status, r#"{"access_token": "a"}"#));
        assert_eq!(
            moov(&sandbox).create_access_token(&scopes(&["/ping.read"])).await.unwrap().status.as_u16(),
            status
        );
        sandbox.fault(Operation::MoovRevoke, json(status, ""));
        assert_eq!(moov(&sandbox).revoke(&"a".into(), None).await.unwrap().status.as_u16(), status);
    }
}

#[tokio::test]
async fn both_readings_of_expires_in_arrive_as_sent() {
    for style in [
        ExpiresInStyle::Seconds,
        ExpiresInStyle::SecondsText,
        ExpiresInStyle::Timestamp,
        ExpiresInStyle::TimestampText,
    ] {
        let sandbox = Builder::with_expires_in(Sandbox::builder(), style).start().await.unwrap();
        let token = moov(&sandbox).create_access_token(&scopes(&["/ping.read"])).await.unwrap();
        let raw = token.expires_in.unwrap().raw();
        let seconds = matches!(style, ExpiresInStyle::Seconds | ExpiresInStyle::SecondsText);
        assert_eq!(raw == 900, seconds, "{style:?}: {raw}");
    }
}
