//! Tests that an unusable refresh token never causes more than one request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fintech_auth::{
    Error, ErrorKind, Secret, UncachedToken,
    emulator::{Emulator, Fault, Operation},
    token::{Fingerprint, IssuedToken, Scope, TokenCache, TokenSource},
};
use http::StatusCode;
use tokio::time::sleep;

use crate::{
    scripted::{Reply, TestClock, TokenCall, cache, options, refreshing, unsent},
    support::{emulator, json, moneykit, moov, scopes},
};

const AFTER_AN_HOUR: Duration = Duration::from_secs(3591);

#[tokio::test(start_paused = true)]
async fn invalid_refresh_token_is_ignored() {
    for refresh_token in ["", " ", "\t", "\u{a0}", "two\nlines", "caf\u{e9}"] {
        let (cache, source) = cache([]);
        source.always_with_refresh_token(refresh_token);
        for _ in 0..3 {
            cache.token(&scopes(&["a"])).await.unwrap();
            sleep(AFTER_AN_HOUR).await;
        }
        let issue = TokenCall::Issue("a".to_owned());
        assert_eq!(source.token_calls(), [issue.clone(), issue.clone(), issue], "{refresh_token:?}");
        assert_eq!(cache.stats().failures, 0, "{refresh_token:?}");
    }
}

#[tokio::test]
async fn moov_renews_with_client_credentials_when_the_refresh_token_is_empty() {
    let emulator = emulator().await;
    let clock = emulator.clock().clone();
    let moov = emulator.moov().with_tokens(|tokens| tokens.with_clock(clock.clone())).build().unwrap();
    let scopes = scopes(&["/accounts.read"]);
    let issued =
        json(200, r#"{"access_token":"t1","expires_in":2,"refresh_token":"","token_type":"Bearer"}"#);
    emulator.fault(Operation::MoovToken, issued);
    assert_eq!(moov.token(&scopes).await.unwrap().expose_secret(), "t1");
    clock.advance(Duration::from_secs(2));
    let second = moov.token(&scopes).await.unwrap();
    assert!(emulator.is_live(second.expose_secret()));
    assert_eq!(emulator.count(Operation::MoovToken), 2);
}

#[tokio::test(start_paused = true)]
async fn refresh_request_is_retried_only_if_a_transient_error_prevented_sending() {
    for (kind, kept) in [
        (ErrorKind::Unavailable, true),
        (ErrorKind::Timeout, true),
        (ErrorKind::RateLimited, true),
        (ErrorKind::InvalidConfig, false),
        (ErrorKind::InvalidRequest, false),
        (ErrorKind::Unauthorized, false),
        (ErrorKind::InvalidResponse, false),
    ] {
        let (cache, source) = refreshing([Reply::Token(3600), unsent(kind)]);
        cache.token(&scopes(&["a"])).await.unwrap();
        sleep(AFTER_AN_HOUR).await;
        let renewed = cache.token(&scopes(&["a"])).await;
        assert_eq!(renewed.is_ok(), kind != ErrorKind::RateLimited, "{kind:?}");
        sleep(Duration::from_secs(60)).await;
        cache.token(&scopes(&["a"])).await.unwrap();
        let refresh = TokenCall::Refresh("refresh-1".to_owned());
        let next = if kept { refresh.clone() } else { TokenCall::Issue("a".to_owned()) };
        assert_eq!(source.token_calls(), [TokenCall::Issue("a".to_owned()), refresh, next], "{kind:?}");
    }
}

struct WithoutRefresh;

impl TokenSource for WithoutRefresh {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of([])
    }

    async fn issue(&self, _: &[Scope]) -> Result<IssuedToken, Error> {
        let mut token = IssuedToken::new("token");
        token.expires_in = Some(60.into());
        token.refresh_token = Some(Secret::from("refresh"));
        Ok(token)
    }
}

#[tokio::test(start_paused = true)]
async fn source_without_a_refresh_grant_renews_with_client_credentials() {
    let cache = TokenCache::new(WithoutRefresh, options(&TestClock::new()));
    for _ in 0..99 {
        cache.token(&scopes(&["a"])).await.unwrap();
        sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(cache.stats().refreshes, 99);
}

#[tokio::test]
async fn refresh_token_is_not_resent_after_a_rate_limit_error() {
    let emulator = emulator().await;
    let clock = emulator.clock().clone();
    let moov = emulator.moov().with_tokens(|tokens| tokens.with_clock(clock.clone())).build().unwrap();
    let scopes = scopes(&["/accounts.read"]);
    moov.token(&scopes).await.unwrap();
    clock.advance(Duration::from_secs(3600));
    let limited = Fault::response(StatusCode::TOO_MANY_REQUESTS).with_header(http::header::RETRY_AFTER, 60);
    emulator.fault(Operation::MoovToken, limited);
    assert_eq!(moov.token(&scopes).await.unwrap_err().kind(), ErrorKind::RateLimited);
    clock.advance(Duration::from_secs(60));
    let renewed = moov.token(&scopes).await.unwrap();
    assert!(emulator.is_live(renewed.expose_secret()));
    assert_eq!((emulator.count(Operation::MoovToken), emulator.double_spends()), (3, 0));
}

struct WithRefresh(AtomicUsize);

impl TokenSource for WithRefresh {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["with refresh"])
    }

    async fn issue(&self, scopes: &[Scope]) -> Result<IssuedToken, Error> {
        WithoutRefresh.issue(scopes).await
    }

    async fn refresh(&self, _: &Secret) -> Result<IssuedToken, Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        WithoutRefresh.issue(&[]).await
    }
}

#[tokio::test(start_paused = true)]
async fn source_in_an_arc_forwards_its_methods_and_can_be_shared() {
    let source = Arc::new(WithRefresh(AtomicUsize::new(0)));
    assert_eq!(TokenSource::fingerprint(&source), source.as_ref().fingerprint());
    let cache = TokenCache::new(source.clone(), options(&TestClock::new()));
    cache.token(&scopes(&["a"])).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    cache.token(&scopes(&["a"])).await.unwrap();
    assert_eq!(source.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn client_methods_accept_every_type_that_contains_a_token() {
    let emulator = emulator().await;
    let (moov, moneykit) = (moov(&emulator), moneykit(&emulator));
    let read = scopes(&["/accounts.read"]);
    let issued = moov.issue(&read).await.unwrap();
    let pair = moov.refresh(&issued, &[]).await.unwrap();
    let pair = moov.refresh(&pair, &[]).await.unwrap();
    let pair = moov.refresh(pair.body(), &[]).await.unwrap();
    let refresh_token = pair.body().refresh_token.clone().unwrap();
    let pair = moov.refresh(&refresh_token.0, &[]).await.unwrap().into_body();
    assert_eq!(emulator.count(Operation::MoovToken), 5);

    moov.revoke(&pair.access_token, None).await.unwrap();
    moov.revoke(pair.refresh_token.as_ref().unwrap(), None).await.unwrap();
    let token = moov.token(&read).await.unwrap();
    moov.revoke(&token, None).await.unwrap();
    assert!(
        !emulator.is_live(token.expose_secret()) && !emulator.is_live(pair.access_token.0.expose_secret())
    );
    assert!(moov.refresh(&pair, &[]).await.is_err(), "the refresh token is revoked");

    let token = moneykit.token(&[]).await.unwrap();
    moneykit.introspect(&token).await.unwrap();
    moneykit.introspect(&token.to_secret()).await.unwrap();
    moneykit.introspect(moneykit.issue(&[]).await.unwrap().token()).await.unwrap();
}

#[tokio::test]
async fn refresh_without_a_refresh_token_sends_nothing() {
    let emulator = Emulator::builder().with_refresh_tokens(false).start().await.unwrap();
    let moov = moov(&emulator);
    let response = moov.create_access_token(&scopes(&["/accounts.read"])).await.unwrap();
    let before = emulator.count(Operation::MoovToken);
    let error = moov.refresh(&response, &[]).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_been_sent()), (ErrorKind::InvalidConfig, false));
    let issued = UncachedToken::try_from(response).unwrap();
    assert_eq!(moov.refresh(&issued, &[]).await.unwrap_err().kind(), ErrorKind::InvalidConfig);
    assert_eq!(emulator.count(Operation::MoovToken), before);
}
