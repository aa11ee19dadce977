//! Tests that secrets do not appear in generated types, clients, errors or traces.

use std::fmt::Debug;

use fintech_auth::{
    Credentials, Secret,
    emulator::{Fault, Operation},
    moneykit::{self, types as linking},
    moov::{self, types as moving},
};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    digest::{Shape, Surface},
    support::{emulator, json, moneykit, moov, plain, scopes},
    surface::surface,
};

const MARK: &str = "MARK-0123456789";

fn all_text(error: &fintech_auth::Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!("{error} {error:?} {error:#?}");
        source = error.source();
    }
    text
}

fn formatted<T: DeserializeOwned + Debug>(value: Value) -> String {
    let value: T = serde_json::from_value(value).expect("the value has the expected type");
    format!("{value:?} {value:#?}")
}

#[test]
fn generated_types_do_not_show_their_secrets() {
    let mut tested = Vec::new();
    for (vendor, name, text) in [
        (
            "moneykit",
            "CreateAccessTokenResponse",
            formatted::<linking::CreateAccessTokenResponse>(json!({"access_token": MARK})),
        ),
        ("moov", "AccessToken", formatted::<moving::AccessToken>(json!(MARK))),
        ("moov", "RefreshToken", formatted::<moving::RefreshToken>(json!(MARK))),
        (
            "moov",
            "AuthToken",
            formatted::<moving::AuthToken>(json!({"access_token": MARK, "refresh_token": MARK})),
        ),
    ] {
        assert!(!text.contains(MARK), "{vendor} {name}: {text}");
        assert!(text.contains("[redacted]"), "{vendor} {name}: {text}");
        tested.push((vendor, name.to_owned()));
    }
    for vendor in ["moneykit", "moov"] {
        let Surface { types, operations } = surface(vendor);
        // Request types are not public: `src/generated.rs` tests them.
        let is_request = |name: &str| {
            operations.iter().filter_map(|operation| operation.body.as_ref()).any(|(_, body)| body == name)
        };
        for (name, shape) in types.into_iter().filter(|(name, _)| !is_request(name)) {
            let secret = match &shape {
                Shape::Struct(fields) => fields.iter().any(|(_, of)| {
                    ["Secret", "AccessToken", "RefreshToken"].iter().any(|secret| of.contains(secret))
                }),
                Shape::Newtype(of) => of == "Secret",
                Shape::Enum(_) => false,
            };
            assert!(!secret || tested.contains(&(vendor, name.clone())), "{vendor} {name} is not tested");
        }
    }
}

#[test]
fn no_secret_field_is_a_plain_string() {
    for vendor in ["moneykit", "moov"] {
        for (name, shape) in surface(vendor).types {
            let Shape::Struct(fields) = shape else { continue };
            // Error types are excluded, because their fields contain messages about secret fields,
            // but no secrets.
            for (field, of) in fields.iter().filter(|_| !name.ends_with("Error")) {
                let sounds_secret = field.contains("secret") || field == "token" || field.ends_with("_token");
                assert!(!sounds_secret || !of.contains("String"), "{vendor} {name}.{field}: {of}");
            }
        }
    }
}

#[test]
fn clients_and_builders_do_not_show_their_secrets() {
    let credentials = Credentials::new("id", MARK);
    let linking = moneykit::Client::builder(credentials.clone());
    let moving = moov::Client::builder(credentials.clone());
    let mut text = format!("{credentials:?} {linking:?} {moving:?}");
    for way in [moneykit::ClientAuth::Basic, moneykit::ClientAuth::Body, moneykit::ClientAuth::Headers] {
        text += &format!("{:?}", linking.clone().with_client_auth(way).build().unwrap());
    }
    for way in [moov::ClientAuth::Basic, moov::ClientAuth::Body] {
        text += &format!("{:?}", moving.clone().with_client_auth(way).build().unwrap());
    }
    assert!(!text.contains(MARK), "{text}");
    let url = format!("https://user:{MARK}@api.moov.io");
    let text = text + &format!("{:?} {:?}", linking.with_base_url(&url), moving.with_base_url(&url));
    assert!(!text.contains(MARK), "{text}");
    // `aWQ6T` is the base64 of `id:M`, the start of the key pair in a Basic header.
    assert!(!text.contains("aWQ6T"), "{text}");
}

#[tokio::test]
async fn a_failed_decode_does_not_show_the_response() {
    let emulator = emulator().await;
    let (linking, moving) = (moneykit(&emulator), moov(&emulator));
    for body in [
        format!(r#"{{"access_token": ["{MARK}"]}}"#),
        format!(r#"{{"access_token": "{MARK}", "expires_in": "{MARK}"}}"#),
        format!(r#"{{"access_token": "{MARK}", "expires_in": {{"{MARK}": 1}}}}"#),
        format!(r#"{{"{MARK}": "{MARK}"}}"#),
        format!(r#"{{"access_token": "{MARK}", "scope": 7, "client_id": 7}}"#),
        format!(r#""{MARK}""#),
        format!(r#"{{"access_token": "{MARK}"#),
        MARK.to_owned(),
    ] {
        for status in [200, 400, 401, 422, 500] {
            let fault = json(status, body.clone());
            for operation in Operation::ALL.iter().copied() {
                emulator.fault(operation, fault.clone());
            }
            let errors = [
                linking.create_access_token(&[]).await.err(),
                linking.introspect(&Secret::from(MARK)).await.err(),
                linking.jwks().await.err(),
                moving.create_access_token(&scopes(&["/ping.read"])).await.err(),
                moving.revoke(&Secret::from(MARK), None).await.err(),
            ];
            for error in errors.into_iter().flatten() {
                let text = all_text(&error);
                assert!(!text.contains(MARK), "{body}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn errors_contain_no_encoding_of_a_secret() {
    let emulator = emulator().await;
    let secret = "p@ss w+rd/\"é%";
    let shapes = [
        secret.to_owned(),
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("id:{secret}")),
        serde_urlencoded::to_string([("client_secret", secret)]).unwrap(),
        secret.replace('"', "\\\""),
        secret.replace('w', "\u{1}w"),
    ];
    let client = moov::Client::builder(Credentials::new("id", secret)).with_base_url(emulator.url());
    let client = client.with_tokens(plain).build().unwrap();
    for shape in &shapes {
        for field in ["error", "error_description", "scope"] {
            for status in [400, 422, 502] {
                emulator.fault(
                    Operation::MoovToken,
                    json(status, json!({"error": "x", field: shape}).to_string()),
                );
                let error = client.create_access_token(&scopes(&["/ping.read"])).await.unwrap_err();
                let shown = all_text(&error);
                let kept = format!("{:?} {:?} {:?}", error.code(), error.message(), error.fields());
                let readable = kept.replace('\u{1}', "");
                for leak in &shapes[..3] {
                    let leak = leak.trim_start_matches("client_secret=");
                    assert!(!shown.contains(leak) && !readable.contains(leak), "{field} {status}: {kept}");
                }
                assert!(!shown.contains("ss w") && !kept.contains("ss w"), "{field} {status}: {kept}");
            }
        }
    }
    emulator.fault(Operation::MoovToken, json(400, r#"{"error": "a long story, not a code"}"#));
    let error = client.create_access_token(&scopes(&["/ping.read"])).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (None, Some("a long story, not a code")));
}

#[tokio::test]
async fn error_does_not_contain_an_invalid_success_response() {
    let emulator = emulator().await;
    let text =
        Fault::response(StatusCode::OK).with_body("text/plain", format!(r#"{{"access_token": "{MARK}"}}x"#));
    emulator.fault(Operation::MoovToken, text);
    let error = moov(&emulator).create_access_token(&scopes(&["/ping.read"])).await.unwrap_err();
    assert!(error.body::<Value>().is_none());
}

#[tokio::test]
async fn secrets_echoed_by_a_server_are_redacted() {
    let emulator = emulator().await;
    let credentials = Credentials::new("id", MARK);
    let echo = json!({
        "error": format!("bad {MARK}"), "error_code": MARK, "error_message": format!("no: {MARK}"),
        "scope": MARK, "token": MARK,
        "validation_errors": [{"location": ["body", MARK], "message": MARK, "type": "x"}],
    });
    let echo = |status: u16| {
        Fault::response(StatusCode::from_u16(status).unwrap())
            .with_header(
                "www-authenticate".parse().unwrap(),
                http::HeaderValue::from_static("Bearer x=\"MARK-0123456789\""),
            )
            .with_header("x-request-id".parse().unwrap(), http::HeaderValue::from_static(MARK))
            .with_body("application/json", echo.to_string())
    };
    let linking = moneykit::Client::builder(credentials.clone())
        .with_base_url(emulator.url())
        .with_tokens(plain)
        .build()
        .unwrap();
    let moving =
        moov::Client::builder(credentials).with_base_url(emulator.url()).with_tokens(plain).build().unwrap();
    for status in [400, 401, 422] {
        emulator.fault(Operation::MoneykitToken, echo(status));
        emulator.fault(Operation::MoovToken, echo(status));
        emulator.fault(Operation::MoovRevoke, echo(status));
        emulator.fault(Operation::MoneykitIntrospect, echo(status));
        for error in [
            linking.create_access_token(&[]).await.unwrap_err(),
            linking.introspect(&Secret::from(MARK)).await.unwrap_err(),
            moving.refresh(&Secret::from(MARK), &[]).await.unwrap_err(),
            moving.revoke(&Secret::from(MARK), None).await.unwrap_err(),
        ] {
            let text = format!(
                "{} {:?} {:?} {:?} {:?} {:?}",
                all_text(&error),
                error.code(),
                error.message(),
                error.fields(),
                error.request_id(),
                error.www_authenticate(),
            );
            assert!(!text.contains(MARK), "{text}");
            assert!(text.contains("[redacted]"), "{text}");
        }
    }
}
