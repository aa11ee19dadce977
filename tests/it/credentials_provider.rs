//! Tests credentials that change while a client runs.

use std::{sync::Arc, time::Duration};

use fintech_auth::{
    Error, ErrorKind, ManualClock, Secret, moneykit, moov,
    token::{MemoryStore, TokenOptions},
};
use http::HeaderValue;
use tokio::task::JoinSet;

use crate::{
    credentials_server::{Behaviour, Cached, Server, pair},
    support::{Log, plain, scopes},
};

const SECOND: Duration = Duration::from_secs(1);

fn ping() -> Vec<fintech_auth::Scope> {
    scopes(&["/ping.read"])
}

async fn each_operation(moov: &moov::Client, moneykit: &moneykit::Client) -> [Result<(), Error>; 6] {
    let refresh_token = Secret::from("r");
    [
        moov.create_access_token(&ping()).await.map(drop),
        moov.issue(&ping()).await.map(drop),
        moov.refresh(&refresh_token, &[]).await.map(drop),
        moov.revoke(&Secret::from("t"), None).await.map(drop),
        moneykit.create_access_token(&[]).await.map(drop),
        moneykit.introspect_client().await.map(drop),
    ]
}

const PATHS: [&str; 6] =
    ["/oauth2/token", "/oauth2/token", "/oauth2/token", "/oauth2/revoke", "/auth/token", "/auth/introspect"];

fn requests(pairs: &[&str]) -> Vec<String> {
    PATHS.iter().flat_map(|path| pairs.iter().map(move |pair| format!("{path} {pair}"))).collect()
}

#[tokio::test]
async fn each_operation_sends_the_current_credentials_of_the_provider() {
    let server = Server::start().await;
    server.accept(&["id:one", "id:two", "other:three"]);
    for (moov_way, moneykit_way) in [
        (moov::ClientAuth::Basic, moneykit::ClientAuth::Basic),
        (moov::ClientAuth::Body, moneykit::ClientAuth::Body),
        (moov::ClientAuth::Basic, moneykit::ClientAuth::Headers),
    ] {
        let provider = Cached::new("id:one");
        let moov = server.moov(provider.clone()).with_client_auth(moov_way).build().unwrap();
        let moneykit = server.moneykit(provider.clone()).with_client_auth(moneykit_way).build().unwrap();
        for current in ["id:one", "id:two", "other:three"] {
            provider.set(current);
            for outcome in each_operation(&moov, &moneykit).await {
                outcome.expect(current);
            }
            assert_eq!(server.requests(), requests(&[current]), "{moov_way:?} {moneykit_way:?}");
        }
    }
}

#[tokio::test]
async fn each_refused_operation_is_retried_once_with_new_credentials() {
    let server = Server::start().await;
    server.accept(&["id:two"]);
    for (index, path) in PATHS.into_iter().enumerate() {
        let provider = Cached::new("id:one");
        provider.set_next("id:two");
        let moov = server.moov(provider.clone()).build().unwrap();
        let moneykit = server.moneykit(provider.clone()).build().unwrap();
        let outcome = match index {
            0 => moov.create_access_token(&ping()).await.map(drop),
            1 => moov.token(&ping()).await.map(drop),
            2 => moov.refresh(&Secret::from("r"), &[]).await.map(drop),
            3 => moov.revoke(&Secret::from("t"), None).await.map(drop),
            4 => moneykit.token(&[]).await.map(drop),
            _ => moneykit.introspect_client().await.map(drop),
        };
        outcome.expect(path);
        assert_eq!(server.requests(), [format!("{path} id:one"), format!("{path} id:two")]);
        assert_eq!(provider.calls(), (2, 1), "{path}");
    }
}

#[tokio::test]
async fn a_refresh_token_is_not_sent_again_after_a_403() {
    let server = Server::start().await;
    let provider = Cached::new("id:one");
    provider.set_next("id:two");
    let moov = server.moov(provider.clone()).build().unwrap();
    server.respond_once(403, "");
    let error = moov.refresh(&Secret::from("r"), &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!((server.requests().len(), provider.calls()), (1, (1, 0)));
}

#[tokio::test]
async fn refused_bearer_token_does_not_cause_a_reread_of_the_credentials() {
    let server = Server::start().await;
    let provider = Cached::new("id:one");
    let moneykit = server.moneykit(provider.clone()).build().unwrap();
    moneykit.introspect(&Secret::from("not a token")).await.unwrap_err();
    assert_eq!((server.requests().len(), provider.calls()), (1, (0, 0)));
}

#[tokio::test]
async fn refused_credentials_are_reread_once_in_5_s_and_resent_only_if_changed() {
    let server = Server::start().await;
    server.accept(&[]);
    let (provider, clock) = (Cached::new("id:one"), ManualClock::new(std::time::SystemTime::now()));
    let tokens = |tokens: TokenOptions| plain(tokens).with_clock(clock.clone());
    let moov = server.moov(provider.clone()).with_tokens(tokens).build().unwrap();
    for second in 0..20 {
        for _ in 0..3 {
            moov.create_access_token(&ping()).await.unwrap_err();
            moov.revoke(&Secret::from("t"), None).await.unwrap_err();
        }
        assert_eq!(server.requests().len(), 6, "{second}");
        clock.advance(SECOND);
    }
    assert_eq!(provider.calls().1, 4);
}

#[tokio::test]
async fn wrong_new_secret_is_sent_once_and_then_blocked() {
    let server = Server::start().await;
    let (provider, clock) = (Cached::new("id:one"), ManualClock::new(std::time::SystemTime::now()));
    let tokens = |_| TokenOptions::default().with_clock(clock.clone());
    let moov = server.moov(provider.clone()).with_tokens(tokens).build().unwrap();
    moov.create_access_token(&ping()).await.unwrap();
    provider.set("id:wrong");
    for _ in 0..3 {
        moov.create_access_token(&ping()).await.unwrap_err();
    }
    assert_eq!(server.requests(), ["/oauth2/token id:one", "/oauth2/token id:wrong"]);
    assert_eq!(provider.calls().1, 1);
    provider.set("id:one");
    clock.advance(11 * SECOND);
    moov.create_access_token(&ping()).await.expect("the probe uses the correct secret");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_during_a_credential_rotation_under_load() {
    const TASKS: usize = 20;
    const CALLS: usize = 20;
    let server = Server::start().await;
    let provider = Cached::new("id:one");
    let moov = server.moov(provider.clone()).build().unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..TASKS {
        let moov = moov.clone();
        callers.spawn(async move {
            for _ in 0..CALLS {
                moov.create_access_token(&ping()).await.expect("no call fails");
            }
        });
    }
    server.until_requested(TASKS * CALLS / 4).await;
    provider.set_next("id:two");
    server.accept(&["id:two"]);
    callers.join_all().await;
    let requests = server.requests();
    let by = |pair: &str| requests.iter().filter(|request| request.ends_with(pair)).count();
    let refused = requests.len() - TASKS * CALLS;
    assert!((1..=TASKS).contains(&refused), "{refused} of {} requests were refused", requests.len());
    assert!(by("id:one") >= TASKS * CALLS / 4 && by("id:two") > 0);
    assert_eq!(provider.calls().1, 1, "all refused requests must share one call of the provider");
}

#[tokio::test]
async fn cached_credentials_are_used_while_the_provider_fails() {
    let log = Log::default();
    let recording = log.start();
    for behaviour in [Behaviour::Fails, Behaviour::Panics] {
        let server = Server::start().await;
        let (provider, clock) = (Cached::new("id:one"), ManualClock::new(std::time::SystemTime::now()));
        let tokens = |_| TokenOptions::default().with_clock(clock.clone());
        let moov = server.moov(provider.clone()).with_tokens(tokens).build().unwrap();
        provider.behave(behaviour);
        for _ in 0..5 {
            moov.create_access_token(&ping()).await.expect("the cached credentials work");
            moov.revoke(&Secret::from("t"), None).await.expect("the cached credentials work");
        }
        assert_eq!(provider.calls().0, 1, "{behaviour:?}");
        clock.advance(11 * SECOND);
        provider.behave(Behaviour::Responds);
        provider.set("id:two");
        server.accept(&["id:two"]);
        moov.create_access_token(&ping()).await.expect("the provider is called again");
    }
    drop(recording);
    let text = log.text();
    assert_eq!(text.matches("credentials provider failed").count(), 2, "{text}");
    assert!(!text.contains("id:one") && !text.contains("secret: "), "{text}");
}

#[tokio::test]
async fn failing_credentials_provider_is_not_reported_as_a_vendor_refusal() {
    let server = Server::start().await;
    let provider = Cached::lazy("id:one");
    provider.behave(Behaviour::Fails);
    let clock = ManualClock::new(std::time::SystemTime::now());
    let tokens = |_| TokenOptions::default().with_clock(clock.clone());
    let moov = server.moov(provider.clone()).with_tokens(tokens).build().unwrap();
    for _ in 0..3 {
        let error = moov.create_access_token(&ping()).await.unwrap_err();
        assert_eq!((error.kind(), error.may_have_been_sent()), (ErrorKind::Unavailable, false));
        assert_eq!(moov.basic_auth().map(drop).map_err(|error| error.kind()), Ok(()));
    }
    assert_eq!((server.requests().len(), provider.calls().0), (0, 1));
    provider.behave(Behaviour::Responds);
    clock.advance(11 * SECOND);
    moov.create_access_token(&ping()).await.expect("the credentials are not blocked");
}

#[tokio::test]
async fn cached_credentials_are_used_if_the_new_ones_are_invalid() {
    let server = Server::start().await;
    let provider = Cached::new("id:one");
    let moov = server.moov(provider.clone()).build().unwrap();
    provider.set("id:two\n");
    moov.create_access_token(&ping()).await.expect("the cached credentials work");
    assert_eq!(server.requests(), ["/oauth2/token id:one"]);
    let error = server.moov(Cached::new("id:two\n")).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

#[tokio::test]
async fn old_and_new_secrets_echoed_by_a_server_are_redacted() {
    let server = Server::start().await;
    server.accept(&["id:MARK-one", "id:MARK-two"]);
    let provider = Cached::new("id:MARK-one");
    let moov = server.moov(provider.clone()).build().unwrap();
    server.hold("id:MARK-one");
    let early = tokio::spawn({
        let moov = moov.clone();
        async move { moov.create_access_token(&ping()).await.unwrap_err() }
    });
    server.until_requested(1).await;
    provider.set("id:MARK-two");
    moov.create_access_token(&ping()).await.unwrap();
    let quote = r#"{"error":"bad","error_description":"no: MARK-one, MARK-two"}"#;
    server.respond_once(400, quote);
    server.release();
    let early = early.await.unwrap();
    server.respond_once(400, quote);
    let late = moov.create_access_token(&ping()).await.unwrap_err();
    for error in [early, late] {
        assert_eq!(error.message(), Some("no: [redacted], [redacted]"));
        assert!(!format!("{error} {error:?}").contains("MARK"), "{error:?}");
    }
}

#[tokio::test]
async fn headers_read_after_two_rotations_show_no_earlier_secret() {
    let server = Server::start().await;
    let pairs = ["id:MARK-one", "id:MARK-two", "id:MARK-three", "id:MARK-four"];
    server.accept(&pairs);
    let provider = Cached::new(pairs[0]);
    let moov = server.moov(provider.clone()).build().unwrap();
    provider.set(pairs[1]);
    moov.create_access_token(&ping()).await.unwrap();
    let mut responses = Vec::new();
    for quote in ["MARK-one", "MARK-two", "no secret"] {
        server.issue_once_with(&format!("x-quote: {quote}"));
        responses.push(moov.create_access_token(&ping()).await.unwrap());
    }
    for pair in &pairs[2..] {
        provider.set(pair);
        moov.create_access_token(&ping()).await.unwrap();
    }
    let quotes: Vec<_> = responses.iter().map(|response| response.headers().get("x-quote")).collect();
    assert_eq!(quotes, [None, None, Some(&HeaderValue::from_static("no secret"))]);
}

#[tokio::test]
async fn stored_token_is_keyed_by_client_id_or_name_and_not_by_the_secret() {
    let server = Server::start().await;
    let mut number = 0;
    let mut found = async |first: (&str, Option<&str>), second: (&str, Option<&str>)| {
        number += 1;
        let store = Arc::new(MemoryStore::default());
        let scope = scopes(&[&format!("/scope-{number}.read")]);
        let mut tokens = Vec::new();
        for (credentials, name) in [first, second] {
            server.accept(&[credentials]);
            let options = |tokens: TokenOptions| tokens.with_store(store.clone());
            let mut moov = server.moov(pair(credentials)).with_tokens(options);
            let mut moneykit = server.moneykit(pair(credentials)).with_tokens(options);
            if let Some(name) = name {
                (moov, moneykit) = (moov.with_credentials_name(name), moneykit.with_credentials_name(name));
            }
            let (moov, moneykit) = (moov.build().unwrap(), moneykit.build().unwrap());
            tokens.push(moov.token(&scope).await.unwrap().expose_secret().to_owned());
            tokens.push(moneykit.token(&scope).await.unwrap().expose_secret().to_owned());
        }
        let shared = (tokens[0] == tokens[2], tokens[1] == tokens[3]);
        assert_eq!(shared.0, shared.1, "the clients of both vendors must share tokens, or neither");
        shared.0
    };
    assert!(found(("id:one", None), ("id:two", None)).await);
    assert!(!found(("id:one", None), ("other:one", None)).await);
    assert!(found(("id:one", Some("acme")), ("other:two", Some("acme"))).await);
    assert!(!found(("id:one", Some("acme")), ("id:one", Some("zenith"))).await);
    assert!(
        !found(("acme:one", None), ("acme:one", Some("acme"))).await,
        "a configured name must not match a client id"
    );
}

#[test]
fn builder_rejects_a_store_without_a_known_client_id_or_name() {
    let store = Arc::new(MemoryStore::default());
    let moov = || {
        moov::Client::builder(Cached::lazy("id:one")).with_tokens(|tokens| tokens.with_store(store.clone()))
    };
    let moneykit = || {
        moneykit::Client::builder(Cached::lazy("id:one"))
            .with_tokens(|tokens| tokens.with_store(store.clone()))
    };
    for error in [moov().build().map(drop), moneykit().build().map(drop)] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains("with_credentials_name"), "{error}");
    }
    moov().with_credentials_name("acme").build().unwrap();
    moneykit().with_credentials_name("acme").build().unwrap();
    for wrong in ["", " acme", "\"acme\""] {
        let error = moov().with_credentials_name(wrong).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{wrong}");
    }
    moov::Client::builder(pair("id:one"))
        .with_tokens(|tokens| tokens.with_store(store.clone()))
        .build()
        .unwrap();
}
