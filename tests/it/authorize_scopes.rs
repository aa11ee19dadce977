//! Tests custom requests that specify scopes, and custom requests with an `Origin` header.

use bytes::Bytes;
use fintech_auth::{
    ErrorKind, HttpOptions, Scope, ScopeSet, Secret,
    authorize::{AuthorizeError, AuthorizeLayer, AuthorizeMiddleware, Authorizer, SendError},
    emulator::{Emulator, Operation},
    moov,
};
use http::{HeaderMap, header::ORIGIN};
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use reqwest_middleware::ClientBuilder;
use tower_layer::Layer as _;
use tower_service::Service as _;

use crate::support::{emulator, json, moneykit, moov, scopes};

fn reqwest() -> reqwest::Client {
    HttpOptions::default().to_reqwest("http://127.0.0.1").expect("the client builds")
}

fn accounts(emulator: &Emulator) -> String {
    format!("{}{}", emulator.url(), Operation::MoovAccounts.path())
}

fn merchant(number: usize) -> ScopeSet {
    let name = format!("/accounts/00000000-0000-4000-8000-{number:012}/profile.read");
    ScopeSet::new([name, "/accounts.read".to_owned()].map(|name| name.parse().expect("a scope")))
        .expect("a scope set")
}

fn shown(emulator: &Emulator, name: http::HeaderName) -> Vec<Option<String>> {
    let requests = emulator.requests().into_iter();
    let accounts = requests.filter(|request| request.operation == Some(Operation::MoovAccounts));
    let text = |headers: &HeaderMap| headers.get(&name).map(|value| value.to_str().expect("text").to_owned());
    accounts.map(|request| text(&request.headers)).collect()
}

fn tokens(client: &moov::Client, sets: &[&[Scope]]) -> Vec<Option<String>> {
    let token = |scopes: &&[Scope]| client.tokens().cached(scopes).map(|token| token.to_secret());
    sets.iter()
        .map(|set| token(set).map(|token: Secret| format!("Bearer {}", token.expose_secret())))
        .collect()
}

#[tokio::test]
async fn moov_without_scopes_fails_before_any_request() {
    let emulator = emulator().await;
    let client = emulator.moov().build().expect("the client builds");
    assert_eq!(client.bearer(&[]).unwrap_err().kind(), ErrorKind::InvalidConfig);
    assert_eq!(client.bearer(client.scopes()).unwrap_err().kind(), ErrorKind::InvalidConfig);
    let bearer = client.bearer(&scopes(&["/accounts.read"])).expect("with a scope");
    assert_eq!(bearer.with_scopes(&[]).unwrap_err().kind(), ErrorKind::InvalidConfig);
    assert!(moneykit(&emulator).bearer(&[]).is_ok(), "MoneyKit requires no scopes");

    let http = ClientBuilder::new(reqwest()).with(AuthorizeMiddleware::new(bearer)).build();
    let none = ScopeSet::new([]).expect("no scopes");
    let error = http.get(accounts(&emulator)).with_extension(none).send().await.unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else { panic!("{error}") };
    let error = error.downcast::<fintech_auth::Error>().expect("an error of this crate");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(emulator.requests().is_empty());
}

/// The key pair is not limited to the scopes of the request, so the call must not send the key
/// pair.
#[tokio::test]
async fn key_pair_request_with_scopes_is_rejected() {
    let emulator = emulator().await;
    for pair in [moov(&emulator).basic_auth(), moneykit(&emulator).key_pair()] {
        let pair = pair.expect("a key pair");
        assert_eq!(pair.with_scopes(&merchant(1)).unwrap_err().kind(), ErrorKind::InvalidConfig);

        let http = ClientBuilder::new(reqwest()).with(AuthorizeMiddleware::new(pair.clone())).build();
        assert!(http.get(accounts(&emulator)).with_extension(merchant(1)).send().await.is_err());

        let connector = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let mut request = http::Request::get(accounts(&emulator)).body(Full::default()).expect("a request");
        request.extensions_mut().insert(merchant(1));
        let outcome = AuthorizeLayer::new(pair).layer(connector).call(request).await;
        assert!(matches!(outcome, Err(AuthorizeError::Token(_))));
    }
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn each_request_gets_a_token_for_its_scopes() {
    let emulator = emulator().await;
    let client = moov(&emulator);
    let bearer = client.bearer(&scopes(&["/accounts.read"])).expect("with a scope");
    let (one, two, three) = (merchant(1), merchant(2), merchant(3));

    let http = ClientBuilder::new(reqwest()).with(AuthorizeMiddleware::new(bearer.clone())).build();
    let request = || http.get(accounts(&emulator));
    assert_eq!(request().with_extension(one.clone()).send().await.expect("a response").status(), 200);
    assert_eq!(request().send().await.expect("a response").status(), 200);

    let connector = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut service = AuthorizeLayer::new(bearer.clone()).layer(connector);
    let mut request = http::Request::get(accounts(&emulator)).body(Full::default()).expect("a request");
    request.extensions_mut().insert(two.clone());
    assert_eq!(service.call(request).await.expect("a response").status(), 200);

    let request = reqwest().get(accounts(&emulator)).build().expect("a request");
    let other = bearer.with_scopes(&three).expect("with scopes");
    assert_eq!(other.send(&reqwest(), request).await.expect("a response").status(), 200);

    let own = scopes(&["/accounts.read"]);
    let expected = tokens(&client, &[&one, &own, &two, &three]);
    assert!(expected.iter().all(Option::is_some), "each scope set must have a cached token");
    assert_eq!(shown(&emulator, http::header::AUTHORIZATION), expected);
}

#[tokio::test]
async fn only_the_token_of_the_rejected_request_is_renewed() {
    let emulator = emulator().await;
    let client = emulator.moneykit().build().expect("the client builds");
    let one = ScopeSet::new(scopes(&["one"])).expect("a scope set");
    let (own, own_token) = (scopes(&["own"]), client.token(&scopes(&["own"])).await.expect("a token"));
    let http = ClientBuilder::new(reqwest())
        .with(AuthorizeMiddleware::new(client.bearer(&own).expect("an authorizer")))
        .build();
    client.token(&one).await.expect("a token");
    let expired = r#"{"error_code":"api_error.auth.expired_access_token"}"#;
    emulator.fault(Operation::MoneykitIntrospect, json(401, expired));
    let url = format!("{}{}", emulator.url(), Operation::MoneykitIntrospect.path());
    let response = http.get(url).with_extension(one.clone()).send().await.expect("a response");
    assert_eq!(response.status(), 200);
    assert_eq!(
        emulator.count(Operation::MoneykitToken),
        3,
        "there must be one token call for each scope set and one after the 401"
    );
    let cached = client.tokens().cached(&own).expect("still cached");
    assert_eq!(cached.authorization(), own_token.authorization());
}

#[tokio::test]
async fn cache_can_evict_entries_of_scopes_given_for_one_request() {
    let emulator = emulator().await;
    let client =
        emulator.moov().with_tokens(|options| options.with_capacity(4)).build().expect("the client builds");
    let bearer = client.bearer(&merchant(0)).expect("with scopes");
    for number in 1..=40 {
        let bearer: Authorizer = bearer.with_scopes(&merchant(number)).expect("with scopes");
        let request = reqwest().get(accounts(&emulator)).build().expect("a request");
        assert_eq!(bearer.send(&reqwest(), request).await.expect("a response").status(), 200);
    }
    let cached = (0..=40).filter(|number| client.tokens().cached(&merchant(*number)).is_some()).count();
    assert!((1..=5).contains(&cached), "{cached} tokens are cached, but the capacity is 4 and one handle");
    assert!(client.stats().evictions > 30, "{:?}", client.stats());
}

#[tokio::test]
async fn token_for_a_web_page_is_requested_with_the_origin() {
    let emulator = emulator().await;
    let client = |client_type: Option<moov::ClientType>| {
        let builder = emulator.moov().with_origin(emulator.origin());
        builder.with_client_type(client_type).build().expect("the client builds")
    };
    let own = scopes(&["/accounts.read"]);
    let request = || reqwest().get(accounts(&emulator));
    for (client_type, header, expected) in [
        (None, None, Some("configured")),
        (Some(moov::ClientType::Web), None, Some("configured")),
        (Some(moov::ClientType::Web), Some("https://other.example"), Some("https://other.example")),
        (Some(moov::ClientType::Service), None, None),
    ] {
        let bearer = client(client_type).bearer(&own).expect("with a scope");
        let request = header.into_iter().fold(request(), |request, origin| request.header(ORIGIN, origin));
        let sent = bearer.send(&reqwest(), request.build().expect("a request")).await;
        assert!(!matches!(sent, Err(SendError::Token(_))), "{sent:?}");
        let origin = emulator.origin();
        let expected = expected.map(|text| if text == "configured" { origin } else { text }.to_owned());
        assert_eq!(shown(&emulator, ORIGIN).pop(), Some(expected), "{client_type:?}");
    }
}
