//! Tests that invalid configuration is rejected before any request is sent.

use std::time::Duration;

use fintech_auth::{Credentials, Error, ErrorKind, HttpOptions, Secret, moneykit, moov};

use crate::support::{emulator, scopes};

fn linking() -> moneykit::ClientBuilder {
    moneykit::Client::builder(Credentials::new("id", "secret"))
}

fn moving() -> moov::ClientBuilder {
    moov::Client::builder(Credentials::new("id", "secret"))
}

#[test]
fn client_builds_with_the_default_configuration() {
    assert!(linking().build().is_ok());
    assert!(moving().build().is_ok());
    assert!(
        moving()
            .with_origin("https://your-domain.com")
            .with_client_type(moov::ClientType::Web)
            .build()
            .is_ok()
    );
}

#[test]
fn every_named_moov_version_is_valid_and_matches_its_name() {
    use moov::version::*;

    for (version, text) in [
        (V2024_01_00, "v2024.01.00"),
        (V2025_01_00, "v2025.01.00"),
        (V2025_04_00, "v2025.04.00"),
        (V2025_07_00, "v2025.07.00"),
        (V2025_10_00, "v2025.10.00"),
        (V2026_01_00, "v2026.01.00"),
        (V2026_04_00, "v2026.04.00"),
        (V2026_07_00, "v2026.07.00"),
        (V2026_10_00, "v2026.10.00"),
        (LATEST, "latest"),
        (DEV, "dev"),
        (NONE, "none"),
        (DEFAULT, "v2026.07.00"),
    ] {
        assert_eq!(version, text);
        assert!(moving().with_version(version).build().is_ok(), "{version}");
    }
}

#[test]
fn each_configuration_error_says_what_to_do() {
    let with = |id: &str, secret: &str| Credentials::new(id, secret);
    let no_time = HttpOptions::default().with_timeout(Duration::ZERO);
    let refusals: Vec<Error> = [
        linking().with_base_url("api.moneykit.com").build().err(),
        linking().with_base_url("http://api.moneykit.com").build().err(),
        linking().with_base_url("https://id:secret@api.moneykit.com").build().err(),
        linking().with_version("2023-13-01").build().err(),
        linking().with_version("v1\r\nx: y").build().err(),
        linking().with_http(|_| no_time).build().err(),
        moneykit::Client::builder(with("", "secret")).build().err(),
        moneykit::Client::builder(with("id", "secret\n")).build().err(),
        moneykit::Client::builder(with("id", &"x".repeat(5000))).build().err(),
        moneykit::Client::builder(with("i:d", "secret")).build().err(),
        moneykit::Client::builder(with("ïd", "secret"))
            .with_client_auth(moneykit::ClientAuth::Headers)
            .build()
            .err(),
        moving().with_version("2026.07.00").build().err(),
        moving().with_version("v2026.7.0").build().err(),
        moving().with_origin("your-domain.com").build().err(),
        moving().with_origin("https://your-domain.com/").build().err(),
        moving().with_origin("https://your-domain.com\r\nx: y").build().err(),
        moving().with_referer("https://your-domain.com/path").build().err(),
        moving().with_client_type(moov::ClientType::Web).build().err(),
        "two scopes".parse::<fintech_auth::Scope>().err(),
    ]
    .into_iter()
    .map(|refusal| refusal.expect("the configuration is invalid"))
    .collect();
    for refusal in &refusals {
        assert_eq!((refusal.kind(), refusal.may_have_been_sent()), (ErrorKind::InvalidConfig, false));
    }
    let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn moov_token_request_without_scopes_is_not_sent() {
    let emulator = emulator().await;
    let error = emulator.moov().build().unwrap().create_access_token(&[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn token_with_invalid_header_characters_is_not_sent() {
    let emulator = emulator().await;
    let error = emulator.moneykit().build().unwrap().introspect(&Secret::from("a\r\nb")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn trailing_slash_in_the_base_url_is_ignored() {
    let emulator = emulator().await;
    let slashed = format!("{}/", emulator.url());
    let moov = emulator.moov().with_base_url(slashed.clone()).build().unwrap();
    moov.create_access_token(&scopes(&["/ping.read"])).await.unwrap();
    emulator.moneykit().with_base_url(slashed).build().unwrap().jwks().await.unwrap();
    let paths: Vec<String> = emulator.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/oauth2/token", "/.well-known/jwks.json"]);
}

#[tokio::test]
async fn client_type_is_sent_only_by_clients_without_an_origin() {
    let emulator = emulator().await;
    let backend = emulator.moov().build().unwrap();
    backend.create_access_token(&scopes(&["/ping.read"])).await.unwrap();
    let page = emulator.moov().with_origin(emulator.origin()).build().unwrap();
    page.create_access_token(&scopes(&["/ping.read"])).await.unwrap();
    let bodies: Vec<String> = emulator
        .requests()
        .iter()
        .map(|request| String::from_utf8_lossy(&request.body).into_owned())
        .collect();
    assert!(bodies[0].contains("client_type=service"), "{bodies:?}");
    assert!(!bodies[1].contains("client_type"), "{bodies:?}");
}
