//! Tests the generated client against a server that counts requests.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use fintech_auth::{
    HttpOptions,
    emulator::{Emulator, Operation},
    moov,
};
use own_client::{Client, ClientInfo as _, Error, types::Account};

#[derive(Clone)]
struct Accounts {
    emulator: Arc<Emulator>,
    asked: Arc<AtomicUsize>,
}

/// Responds like a resource server (RFC 6750 section 3.1).
async fn account(
    State(accounts): State<Accounts>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    accounts.asked.fetch_add(1, Ordering::Relaxed);
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer "));
    if !token.is_some_and(|token| accounts.emulator.is_live(token)) {
        let challenge = "Bearer error=\"invalid_token\"";
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response();
    }
    let named = serde_json::json!({ "name": format!("the name of {id}") }).to_string();
    let body = if body.is_empty() { named.into() } else { body };
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Only this test needs `with_origins`, because the emulator and the test server for accounts have
/// different origins.
fn client(moov: &moov::Client, url: &str) -> Client {
    let bearer = moov.bearer(&["/accounts.read".parse().expect("a scope")]).expect("a scope");
    let http = HttpOptions::default().to_reqwest(url).expect("a client");
    Client::new_with_client(url, http, bearer.with_origins([url]).expect("an origin"))
}

struct Setting {
    accounts: Accounts,
    moov: moov::Client,
    client: Client,
}

impl Setting {
    async fn start() -> Self {
        let emulator = Arc::new(Emulator::start().await.expect("the emulator starts"));
        let accounts = Accounts { emulator: emulator.clone(), asked: Arc::default() };
        let router = Router::new().route("/accounts/{id}", get(account).put(account));
        let router = router.with_state(accounts.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let moov = emulator.moov().build().expect("the client builds");
        let client = client(&moov, &url);
        Self { accounts, moov, client }
    }

    fn counts(&self) -> (usize, usize) {
        (self.accounts.emulator.count(Operation::MoovToken), self.accounts.asked.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn generated_client_sends_one_cached_token_with_every_request() {
    let setting = Setting::start().await;
    for _ in 0..3 {
        let account = setting.client.account("a-1").await.expect("an account");
        assert_eq!(account.name, "the name of a-1");
    }
    assert_eq!(setting.counts(), (1, 3));
}

#[tokio::test]
async fn expired_token_is_renewed_and_the_request_is_retried_once() {
    let setting = Setting::start().await;
    setting.client.account("a-1").await.expect("an account");
    setting.accounts.emulator.revoke_all();
    let account = Account { name: "new".to_owned() };
    let renamed = setting.client.rename_account("a-1", &account).await.expect("an account");
    assert_eq!(renamed.name, "new", "the body came again as well");
    assert_eq!(setting.counts(), (2, 3));
    assert_eq!(setting.moov.stats().invalidations, 1);
}

#[tokio::test]
async fn request_without_a_token_is_not_sent_and_the_error_says_why() {
    let setting = Setting::start().await;
    let credentials = fintech_auth::Credentials::new("wrong", "marked-secret");
    let moov = moov::Client::builder(credentials).with_base_url(setting.accounts.emulator.url()).build();
    let client = client(&moov.expect("the client builds"), setting.client.baseurl());
    let error = client.account("a-1").await.unwrap_err();
    let Error::Custom(reason) = &error else { panic!("another error") };
    assert!(reason.contains("credentials") && !format!("{error:?}").contains("marked-secret"), "{reason}");
    assert_eq!(setting.counts().1, 0);
}
