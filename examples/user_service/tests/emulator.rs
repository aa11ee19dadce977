//! Tests the service with the emulator as the token endpoint. The API in this file asks the
//! emulator which tokens are valid.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use fintech_auth::{
    ErrorKind, HttpOptions, RetryPolicy,
    emulator::{Emulator, Fault, Operation},
};
use user_service::{AccountError, Accounts};
use uuid::Uuid;

async fn account(State(emulator): State<Arc<Emulator>>, headers: HeaderMap) -> Response {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer "));
    if !token.is_some_and(|token| emulator.is_live(token)) {
        let challenge = "Bearer error=\"invalid_token\"";
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response();
    }
    serde_json::json!({ "displayName": "Whisky 1" }).to_string().into_response()
}

async fn start() -> (Arc<Emulator>, Accounts) {
    let emulator = Arc::new(Emulator::start().await.expect("the emulator starts"));
    let router = Router::new().route("/accounts/{id}", get(account)).with_state(emulator.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let moov = emulator.moov().with_tokens(|tokens| tokens.with_retry(|_| RetryPolicy::never()));
    let moov = moov.build().expect("the client builds");
    let http = HttpOptions::default().to_reqwest(&url).expect("a client");
    (emulator, Accounts::new(Arc::new(moov), http, url))
}

#[tokio::test]
async fn calls_for_the_same_account_share_a_token() {
    let (emulator, accounts) = start().await;
    for _ in 0..3 {
        assert_eq!(accounts.name(Uuid::nil()).await.expect("a name"), "Whisky 1");
    }
    accounts.name(Uuid::max()).await.expect("a name");
    assert_eq!(emulator.count(Operation::MoovToken), 2);
}

#[tokio::test]
async fn the_service_recovers_when_the_vendor_revokes_all_tokens() {
    let (emulator, accounts) = start().await;
    accounts.name(Uuid::nil()).await.expect("a name");
    emulator.revoke_all();
    let error = accounts.name(Uuid::nil()).await.unwrap_err();
    assert!(matches!(error, AccountError::Http(error) if error.status() == Some(StatusCode::UNAUTHORIZED)));
    accounts.name(Uuid::nil()).await.expect("a name");
    assert_eq!(emulator.count(Operation::MoovToken), 2);
}

#[tokio::test]
async fn error_kind_is_unavailable_if_the_token_endpoint_fails() {
    let (emulator, accounts) = start().await;
    emulator.fault(Operation::MoovToken, Fault::response(StatusCode::SERVICE_UNAVAILABLE));
    let error = accounts.name(Uuid::nil()).await.unwrap_err();
    assert!(matches!(error, AccountError::Token(error) if error.kind() == ErrorKind::Unavailable));
}
