//! Tests the service with wiremock as the token endpoint and as the API.

use std::sync::Arc;

use fintech_auth::{Credentials, ErrorKind, HttpOptions, RetryPolicy, moov};
use serde_json::json;
use user_service::{AccountError, Accounts};
use uuid::Uuid;
use wiremock::{
    Mock, MockBuilder, MockServer, ResponseTemplate,
    matchers::{basic_auth, body_string_contains, header, method, path},
};

fn token_endpoint() -> MockBuilder {
    Mock::given(method("POST"))
        .and(path("/oauth2/token"))
        .and(basic_auth("test-id", "test-secret"))
        .and(body_string_contains("grant_type=client_credentials"))
}

fn issued(token: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "/accounts/00000000-0000-0000-0000-000000000000/profile.read",
    }))
}

fn account_endpoint(token: &str) -> MockBuilder {
    Mock::given(method("GET"))
        .and(path(format!("/accounts/{}", Uuid::nil())))
        .and(header("authorization", format!("Bearer {token}")))
}

fn named() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "displayName": "Whisky 1" }))
}

fn accounts(server: &MockServer) -> Accounts {
    let moov = moov::Client::builder(Credentials::new("test-id", "test-secret"))
        .with_base_url(server.uri())
        .with_tokens(|tokens| tokens.with_retry(|_| RetryPolicy::never()))
        .build()
        .expect("the client builds");
    let http = HttpOptions::default().to_reqwest(server.uri()).expect("a client");
    Accounts::new(Arc::new(moov), http, server.uri())
}

#[tokio::test]
async fn many_requests_share_one_token_call() {
    let server = MockServer::start().await;
    token_endpoint().respond_with(issued("first")).expect(1).mount(&server).await;
    account_endpoint("first").respond_with(named()).expect(3).mount(&server).await;
    let accounts = accounts(&server);
    for _ in 0..3 {
        assert_eq!(accounts.name(Uuid::nil()).await.expect("a name"), "Whisky 1");
    }
}

#[tokio::test]
async fn rejected_token_is_replaced_for_the_next_call() {
    let server = MockServer::start().await;
    token_endpoint().respond_with(issued("first")).up_to_n_times(1).expect(1).mount(&server).await;
    token_endpoint().respond_with(issued("second")).expect(1).mount(&server).await;
    let invalid =
        ResponseTemplate::new(401).insert_header("www-authenticate", "Bearer error=\"invalid_token\"");
    account_endpoint("first").respond_with(invalid).expect(1).mount(&server).await;
    account_endpoint("second").respond_with(named()).expect(1).mount(&server).await;
    let accounts = accounts(&server);
    assert!(matches!(accounts.name(Uuid::nil()).await, Err(AccountError::Http(_))));
    assert_eq!(accounts.name(Uuid::nil()).await.expect("a name"), "Whisky 1");
}

#[tokio::test]
async fn no_account_request_is_sent_while_token_requests_are_rate_limited() {
    let server = MockServer::start().await;
    let limited = ResponseTemplate::new(429).insert_header("retry-after", "60");
    token_endpoint().respond_with(limited).expect(1).mount(&server).await;
    Mock::given(method("GET")).respond_with(named()).expect(0).mount(&server).await;
    let accounts = accounts(&server);
    for _ in 0..2 {
        let error = accounts.name(Uuid::nil()).await.unwrap_err();
        assert!(matches!(error, AccountError::Token(error) if error.kind() == ErrorKind::RateLimited));
    }
}
