//! Tests that a service can use any token provider through `dyn TokenProvider`.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use fintech_auth::{
    Error, ErrorKind, ScopeSet, Token,
    emulator::Operation,
    token::{StaticTokenProvider, TokenProvider},
};

use crate::support::{emulator, moneykit, moov, scopes};

async fn check(provider: &dyn TokenProvider, names: &[&str]) {
    let scopes = scopes(names);
    assert!(provider.cached(&scopes).is_none(), "{provider:?}");
    let first = provider.token(&scopes).await.expect("a token");
    let cached = provider.cached(&scopes).expect("a cached token");
    assert_eq!(first.expose_secret(), cached.expose_secret());
    provider.invalidate(&first).await;
    assert!(provider.cached(&scopes).is_none(), "{provider:?}");
    let second = provider.token(&scopes).await.expect("a token");
    assert_ne!(first.expose_secret(), second.expose_secret());
}

#[tokio::test]
async fn both_clients_implement_the_provider_trait() {
    let emulator = emulator().await;
    check(&moov(&emulator), &["/accounts.read"]).await;
    check(&moneykit(&emulator), &[]).await;
    assert_eq!(emulator.count(Operation::MoovToken), 2);
    assert_eq!(emulator.count(Operation::MoneykitToken), 2);
}

#[tokio::test]
async fn provider_trait_is_implemented_for_caches_handles_and_pointers() {
    let emulator = emulator().await;
    check(moov(&emulator).tokens(), &["/accounts.read", "/fed.read"]).await;
    let handle = moov(&emulator).tokens().handle(&scopes(&["/accounts.read", "/fed.read"])).unwrap();
    check(&handle, &["/fed.read", "/accounts.read", "/fed.read"]).await;
    let shared: Arc<dyn TokenProvider> = Arc::new(moov(&emulator));
    check(&shared, &["/accounts.read"]).await;
    let client = moov(&emulator);
    check(&&client, &["/accounts.read"]).await;
    assert_eq!(emulator.count(Operation::MoovToken), 8);
}

#[tokio::test]
async fn methods_that_take_scopes_accept_a_scope_set() {
    let emulator = emulator().await;
    let client = moov(&emulator);
    let set = ScopeSet::new(scopes(&["/fed.read", "/accounts.read"])).unwrap();
    client.token(&set).await.unwrap();
    let provider: &dyn TokenProvider = &client;
    assert!(provider.cached(&set).is_some());
    assert!(client.tokens().handle(&set).unwrap().cached().is_some());
    client.token(&scopes(&["/accounts.read", "/fed.read"])).await.unwrap();
    emulator.moov().with_scopes(set.clone()).build().unwrap();
    client.create_access_token(&set).await.unwrap();
    assert_eq!(emulator.count(Operation::MoovToken), 2);
}

#[tokio::test]
async fn handle_fails_for_scopes_that_it_was_not_created_for() {
    let emulator = emulator().await;
    let handle = moov(&emulator).tokens().handle(&scopes(&["/accounts.read"])).unwrap();
    handle.token().await.unwrap();
    let provider: &dyn TokenProvider = &handle;
    for other in [&[][..], &["/fed.read"], &["/accounts.read", "/fed.read"], &["/accounts.rea"]] {
        let other = scopes(other);
        assert!(provider.cached(&other).is_none());
        let error = provider.token(&other).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(!error.may_have_been_sent());
    }
    assert_eq!(emulator.count(Operation::MoovToken), 1);
}

#[tokio::test]
async fn provider_returns_the_refusal_of_the_vendor() {
    let emulator = emulator().await;
    let client = moov(&emulator);
    let provider: &dyn TokenProvider = &client;
    assert_eq!(provider.token(&[]).await.unwrap_err().kind(), ErrorKind::InvalidConfig);
}

#[tokio::test]
async fn static_provider_returns_its_token_for_any_scopes() {
    let token = Token::new("test-token", Duration::ZERO).unwrap();
    let provider: Box<dyn TokenProvider> = Box::new(StaticTokenProvider::new(token.clone()));
    for names in [&[][..], &["/accounts.read"]] {
        let scopes = scopes(names);
        assert_eq!(provider.cached(&scopes).unwrap().expose_secret(), "test-token");
        assert_eq!(provider.token(&scopes).await.unwrap().expose_secret(), "test-token");
        provider.invalidate(&token).await;
    }
    assert!(!format!("{provider:?}").contains("test-token"));
}

#[tokio::test]
async fn failing_provider_fails_on_every_call() {
    let error = Error::new(ErrorKind::Unavailable, "no token").with_retry_after(Duration::from_secs(7));
    let provider = StaticTokenProvider::failing(error);
    for _ in 0..2 {
        let error = provider.token(&[]).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retry_after()),
            (ErrorKind::Unavailable, Some(Duration::from_secs(7)))
        );
        assert!(provider.cached(&[]).is_none());
    }
}

#[test]
fn fixed_token_for_tests_expires_at_the_given_time() {
    let hour = Duration::from_secs(3_600);
    let before = SystemTime::now() - Duration::from_millis(1);
    let token = Token::new("test-token", hour).unwrap();
    assert!((before + hour..=SystemTime::now() + hour).contains(&token.expires_at()));
    assert!(!format!("{token:?}").contains("test-token"));
    assert!(Token::new("test-token", Duration::MAX).unwrap().expires_at() > before + 24 * hour);
}

#[test]
fn fixed_token_for_tests_must_be_a_valid_header_value() {
    for bad in ["", " ", "two words", "line\n", "=", "é", &"x".repeat(16 * 1024 + 1)] {
        let error = Token::new(bad, Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(!error.may_have_been_sent());
        assert!(bad.trim().is_empty() || !format!("{error:?}").contains(bad) || bad == "=");
    }
}
