//! Tests the emulator over TCP sockets, without this crate's clients, and checks the bytes that the
//! emulator sends.

use std::{io, sync::Arc, time::Duration};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use fintech_auth::{
    Credentials,
    emulator::{Behaviour, Builder, Emulator, ExpiresInStyle, Fault, Operation},
    moov,
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::contract::violations;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

const UNDOCUMENTED: [(&str, u16); 4] = [
    // For wrong credentials, Moov's document lists 403 for the token endpoint, but no status for
    // the revocation endpoint.
    ("/oauth2/revoke", 403),
    // MoneyKit checks the headers at each endpoint, but its document lists 422 only for the token
    // endpoint.
    ("/auth/introspect", 422),
    ("/.well-known/jwks.json", 422),
    // Any HTTP server may respond with 413 if a body is too large (RFC 9110 section 15.5.14).
    ("/oauth2/token", 413),
];

#[derive(Debug)]
struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    fn text(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_else(|| panic!("no {field}: {self:?}")).to_owned()
    }
}

struct Call {
    head: Vec<u8>,
    body: Vec<u8>,
}

fn get(path: &str) -> Call {
    call("GET", path)
}

fn post(path: &str) -> Call {
    call("POST", path)
}

fn call(method: &str, path: &str) -> Call {
    let head = format!("{method} {path} HTTP/1.1\r\nHost: emulator\r\nConnection: close\r\n");
    Call { head: head.into_bytes(), body: Vec::new() }
}

impl Call {
    fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.head.extend_from_slice(name.as_bytes());
        self.head.extend_from_slice(b": ");
        self.head.extend_from_slice(value.as_ref());
        self.head.extend_from_slice(b"\r\n");
        self
    }

    fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("Content-Type", content_type)
    }

    fn form(self, body: &str) -> Self {
        self.body(FORM, body)
    }

    fn json(self, body: &Value) -> Self {
        self.body(JSON, body.to_string())
    }

    fn basic(self, credentials: &Credentials) -> Self {
        let (id, secret) = (credentials.client_id(), credentials.client_secret().expose_secret());
        self.basic_bytes(format!("{id}:{secret}").as_bytes())
    }

    fn basic_bytes(self, pair: &[u8]) -> Self {
        self.header("Authorization", format!("Basic {}", BASE64_STANDARD.encode(pair)))
    }

    fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    async fn bytes(self, emulator: &Emulator) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(emulator.url().trim_start_matches("http://")).await?;
        let length = self.body.len().to_string();
        let request = self.header("Content-Length", length);
        stream.write_all(&request.head).await?;
        stream.write_all(b"\r\n").await?;
        stream.write_all(&request.body).await?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await?;
        Ok(response)
    }

    async fn send(self, emulator: &Emulator) -> Response {
        let line = String::from_utf8_lossy(&self.head).lines().next().unwrap_or_default().to_owned();
        let response = self.send_to_fault(emulator).await;
        let mut words = line.split([' ', '?']);
        let operation = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if UNDOCUMENTED.contains(&(operation.1, response.status)) {
            return response;
        }
        let found = violations(operation, response.status, &response.headers, &response.body);
        assert_eq!(found.unwrap_or_default(), [""; 0], "{line}: {response:?}");
        response
    }

    async fn send_to_fault(self, emulator: &Emulator) -> Response {
        let bytes = self.bytes(emulator).await.expect("a response comes");
        let text = String::from_utf8(bytes).expect("the response is text");
        let (head, body) = text.split_once("\r\n\r\n").expect("the response has a head");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Response { status: status.parse().expect("a status"), headers, body: body.to_owned() }
    }
}

async fn started() -> Emulator {
    start(documented()).await
}

fn documented() -> Builder {
    Emulator::builder().with_behaviour(Behaviour::Documented)
}

async fn live() -> Emulator {
    start(Emulator::builder()).await
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap_or_else(|| panic!("no JWT: {token}"));
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

async fn start(builder: Builder) -> Emulator {
    builder.start().await.expect("the emulator starts")
}

fn pair(credentials: &Credentials) -> (&str, &str) {
    (credentials.client_id(), credentials.client_secret().expose_secret())
}

fn linking(emulator: &Emulator) -> Call {
    post("/auth/token").basic(emulator.moneykit_credentials()).form("grant_type=client_credentials")
}

fn moving(emulator: &Emulator, path: &str, fields: Value) -> Call {
    unversioned(emulator, path, fields).header("x-moov-version", moov::version::DEFAULT)
}

fn unversioned(emulator: &Emulator, path: &str, fields: Value) -> Call {
    post(path).basic(emulator.moov_credentials()).json(&fields)
}

fn service_grant() -> Value {
    json!({ "grant_type": "client_credentials", "scope": "/accounts.read", "client_type": "service" })
}

async fn moov_tokens(emulator: &Emulator) -> (String, String) {
    let response = moving(emulator, "/oauth2/token", service_grant()).send(emulator).await;
    assert_eq!(response.status, 200, "{response:?}");
    (response.text("access_token"), response.text("refresh_token"))
}

fn refresh(emulator: &Emulator, token: &str) -> Call {
    moving(emulator, "/oauth2/token", json!({ "grant_type": "refresh_token", "refresh_token": token }))
}

async fn wait_for(mut condition: impl FnMut() -> bool) {
    let waited = timeout(Duration::from_secs(10), async {
        while !condition() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("the condition becomes true");
}

#[tokio::test]
async fn moneykit_issues_a_token_with_status_201() {
    let emulator = started().await;
    let response = linking(&emulator).header("MoneyKit-Version", "2023-02-18").send(&emulator).await;
    assert_eq!(response.status, 201);
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("x-request-id"), None);
    let token = response.text("access_token");
    assert!(token.starts_with("sandbox_at_") && token.len() > 50, "{token}");
    assert_eq!(response.json(), json!({ "access_token": token, "token_type": "bearer", "expires_in": 3600 }));
    assert!(emulator.is_live(&token));
    assert_eq!(emulator.issued(), 1);
    assert_ne!(linking(&emulator).send(&emulator).await.text("access_token"), token);
}

#[tokio::test]
async fn moneykit_accepts_every_authentication_method() {
    let emulator = started().await;
    let (id, secret) = pair(emulator.moneykit_credentials());
    let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let headers = || post("/auth/token").header("X-Client-Id", id).header("X-Client-Secret", secret);
    for right in [
        linking(&emulator),
        post("/auth/token").form(&body),
        post("/auth/token").form(&body).basic(emulator.moneykit_credentials()),
        post("/auth/token").form(&format!("client_id={id}")).basic(emulator.moneykit_credentials()),
        headers().form("grant_type=client_credentials"),
        headers().form(&body),
        headers(),
        // The example in the README of MoneyKit's Ruby SDK sends an empty key pair.
        post("/auth/token").form(&body).header("Authorization", "Basic Og=="),
        headers().header("Authorization", "Basic Og=="),
    ] {
        let response = right.send(&emulator).await;
        assert_eq!(response.status, 201, "{response:?}");
    }
    for wrong in [
        post("/auth/token").form("grant_type=client_credentials"),
        post("/auth/token").form(&format!("client_id={id}")),
        post("/auth/token").form(&format!("client_id={id}&client_secret=other")),
        post("/auth/token").form(&format!("client_secret={secret}")),
        post("/auth/token").form(&format!("client_id={secret}&client_secret={id}")),
        linking(&emulator).header("X-Client-Id", id).header("X-Client-Secret", "other"),
        post("/auth/token").form("client_id=other").basic(emulator.moneykit_credentials()),
        post("/auth/token").form("").basic_bytes(b"other:pair"),
        post("/auth/token").form("").header("Authorization", "Basic %%%"),
        post("/auth/token").form("").header("Authorization", "Basic"),
        post("/auth/token").form("").header("Authorization", "Basic Og=="),
        post("/auth/token")
            .form(&format!("client_id={id}&client_secret=other"))
            .header("Authorization", "Basic Og=="),
        post("/auth/token").header("X-Client-Id", id),
    ] {
        let response = wrong.send(&emulator).await;
        assert_eq!(response.status, 401, "{response:?}");
        assert_eq!(response.text("error_code"), "api_error.auth.unauthorized");
        assert!(!response.text("error_message").is_empty());
    }
}

#[tokio::test]
async fn non_ascii_basic_credentials_are_read_as_utf_8_or_latin_1() {
    let odd = || Credentials::new("idé", "sécret");
    let emulator =
        start(Emulator::builder().with_moneykit_credentials(odd()).with_moov_credentials(odd())).await;
    for pair in ["idé:sécret".as_bytes(), b"id\xe9:s\xe9cret"] {
        let call = post("/auth/token").basic_bytes(pair).form("");
        assert_eq!(call.send(&emulator).await.status, 201);
        let call = post("/oauth2/token").basic_bytes(pair).json(&service_grant());
        assert_eq!(call.send(&emulator).await.status, 200);
    }
    let call = post("/auth/token").form("client_id=id%C3%A9&client_secret=s%c3%a9cret");
    assert_eq!(call.send(&emulator).await.status, 201);
}

#[tokio::test]
async fn moneykit_emulator_rejects_requests_outside_the_contract() {
    let emulator = started().await;
    let call = || post("/auth/token").basic(emulator.moneykit_credentials());

    let response = call().form("grant_type=refresh_token").send(&emulator).await;
    assert_eq!(response.status, 400);
    assert_eq!(response.text("error_code"), "api_error.auth.unauthorized");

    for (bad, location) in [
        (call().form("scope=a++b"), json!(["body", "scope"])),
        (call().form("scope=a%22"), json!(["body", "scope"])),
        (call().form("scope=%"), json!(["body"])),
        (call().form("scope=a&scope=b"), json!(["body"])),
        (call().json(&json!({ "scope": "a" })), json!(["body"])),
        (linking(&emulator).header("MoneyKit-Version", "latest"), json!(["header", "MoneyKit-Version"])),
        (
            get("/.well-known/jwks.json").header("MoneyKit-Version", "2023-2-18"),
            json!(["header", "MoneyKit-Version"]),
        ),
    ] {
        let response = bad.send(&emulator).await;
        assert_eq!(response.status, 422, "{response:?}");
        assert_eq!(response.text("error_code"), "api_error.request.validation_failed");
        let errors = response.json()["validation_errors"].clone();
        assert_eq!(errors[0]["location"], location);
        assert!(errors[0]["message"].is_string() && errors[0]["type"].is_string());
    }
    assert_eq!(emulator.issued(), 0);
}

#[tokio::test]
async fn moneykit_introspects_an_issued_token_until_it_expires() {
    let emulator = started().await;
    let (id, secret) = pair(emulator.moneykit_credentials());
    let all = "link_session:create link:data:read link:data:refresh institutions:read";
    let introspect = || get("/auth/introspect");

    let token = linking(&emulator).send(&emulator).await.text("access_token");
    let scoped = post("/auth/token").basic(emulator.moneykit_credentials()).form("scope=institutions%3Aread");
    let scoped = scoped.send(&emulator).await.text("access_token");
    let response = introspect().bearer(&token).send(&emulator).await;
    assert_eq!(response.status, 200);
    assert_eq!((response.text("client_id").as_str(), response.text("scope").as_str()), (id, all));
    assert_eq!(response.json().get("disabled_at"), None);
    let app =
        json!({ "app_id": "sandbox_app", "id": "sandbox_app", "name": "Emulator", "app_name": "Emulator" });
    assert_eq!(response.json()["app"], app, "the app must have both sets of member names");
    let response = introspect().header("authorization", format!("bearer {scoped}")).send(&emulator).await;
    assert_eq!(response.text("scope"), "institutions:read");
    let response =
        introspect().header("X-Client-Id", id).header("X-Client-Secret", secret).send(&emulator).await;
    assert_eq!((response.status, response.text("scope").as_str()), (200, all));

    emulator.clock().advance(Duration::from_millis(3_599_999));
    assert_eq!(introspect().bearer(&token).send(&emulator).await.status, 200);
    assert!(emulator.is_live(&token));
    emulator.clock().advance(Duration::from_millis(1));
    assert!(!emulator.is_live(&token));
    let response = introspect().bearer(&token).send(&emulator).await;
    assert_eq!(response.status, 401);
    assert_eq!(response.text("error_code"), "api_error.auth.expired_access_token");
    assert_eq!(response.text("error_message"), "Access token expired");
    assert!(response.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));

    let fresh = linking(&emulator).send(&emulator).await.text("access_token");
    emulator.revoke(&fresh);
    for (call, challenge) in [
        (introspect().bearer("made-up"), Some("Bearer error=\"invalid_token\"")),
        (introspect().bearer(&fresh), Some("Bearer error=\"invalid_token\"")),
        (introspect(), Some("Bearer")),
        (introspect().basic(emulator.moneykit_credentials()), Some("Bearer")),
        (introspect().header("X-Client-Id", id).header("X-Client-Secret", "x"), None),
    ] {
        let response = call.send(&emulator).await;
        assert_eq!(response.status, 401);
        assert_eq!(response.text("error_code"), "api_error.auth.unauthorized");
        assert_eq!(response.header("www-authenticate"), challenge);
    }
}

#[tokio::test]
async fn moneykit_publishes_a_valid_es256_key_without_authentication() {
    let emulator = started().await;
    let response = get("/.well-known/jwks.json").send(&emulator).await;
    assert_eq!(response.status, 200);
    let keys = response.json();
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["use"], &key["alg"]),
        (&json!("EC"), &json!("P-256"), &json!("sig"), &json!("ES256")),
    );
    assert!(key["kid"].as_str().is_some_and(|kid| !kid.is_empty()));
    assert_eq!(key.get("d"), None, "the private key must not be published");

    let mut point = vec![4];
    for coordinate in ["x", "y"] {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(key[coordinate].as_str().unwrap()).unwrap();
        assert_eq!(bytes.len(), 32);
        point.extend(bytes);
    }
    // A key agreement fails if the point is not on the curve, so the test uses a key agreement to
    // check the point. The verification of a signature makes the same check.
    use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
    let agree = |point: Vec<u8>| {
        let mine = EphemeralPrivateKey::generate(&ECDH_P256, &ring::rand::SystemRandom::new()).unwrap();
        agree_ephemeral(mine, &UnparsedPublicKey::new(&ECDH_P256, point), |_| ())
    };
    assert!(agree(point.clone()).is_ok());
    point[64] ^= 1;
    assert!(agree(point).is_err());

    let again = get("/.well-known/jwks.json").header("X-Client-Id", "any").send(&emulator).await;
    assert_eq!(again.json(), keys);
    assert_ne!(get("/.well-known/jwks.json").send(&started().await).await.json(), keys);
}

#[tokio::test]
async fn moov_issues_a_token_with_status_200_for_form_and_json_requests() {
    let emulator = started().await;
    let form = "grant_type=client_credentials&scope=%2Faccounts.read+%2Fping.read&client_type=s";
    let json = json!({
        "grant_type": "client_credentials", "scope": "/accounts.read /ping.read", "client_type": "s",
        "refresh_token": null,
    });
    for call in [
        post("/oauth2/token").body("Application/X-WWW-Form-Urlencoded; charset=UTF-8", form),
        post("/oauth2/token").json(&json),
    ] {
        let call = call.basic(emulator.moov_credentials()).header("x-moov-version", "v2026.07.00");
        let call = call.header("cookie", "").header("sec-fetch-mode", "cors").header("accept-language", "*");
        let response = call.header("accept-encoding", "gzip, deflate").send(&emulator).await;
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.header("content-encoding"), None);
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let (access, refresh) = (response.text("access_token"), response.text("refresh_token"));
        assert!(emulator.is_live(&access) && emulator.is_live(&refresh) && access != refresh);
        assert_eq!(
            response.json(),
            json!({
                "access_token": access, "refresh_token": refresh, "expires_in": 900,
                "token_type": "Bearer", "scope": "/accounts.read /ping.read",
            })
        );
    }
}

#[tokio::test]
async fn moov_accepts_every_authentication_method() {
    let emulator = started().await;
    let (id, secret) = pair(emulator.moov_credentials());
    let with = |id: &str, secret: &str| {
        let mut fields = service_grant();
        fields["client_id"] = id.into();
        fields["client_secret"] = secret.into();
        fields
    };
    let token = || post("/oauth2/token").header("x-moov-version", moov::version::DEFAULT);
    for right in [
        token().json(&service_grant()).basic(emulator.moov_credentials()),
        token().json(&with(id, secret)),
        token().json(&with(id, secret)).basic(emulator.moov_credentials()),
        token().json(&with(id, secret)).bearer("which the vendor's SDK can send"),
    ] {
        let response = right.send(&emulator).await;
        assert_eq!(response.status, 200, "{response:?}");
    }
    for wrong in [
        token().json(&service_grant()),
        token().json(&with(id, "other")),
        token().json(&with(id, "other")).basic(emulator.moov_credentials()),
        token().json(&service_grant()).basic(emulator.moneykit_credentials()),
        token().json(&service_grant()).bearer("token"),
        token().json(&service_grant()).header("X-Client-Id", id).header("X-Client-Secret", secret),
        post("/oauth2/revoke").json(&json!({ "token": "any" })),
    ] {
        let response = wrong.send(&emulator).await;
        assert_eq!((response.status, response.body.as_str()), (403, ""));
    }
}

#[tokio::test]
async fn moov_emulator_rejects_requests_outside_the_contract() {
    let emulator = started().await;
    let token = |fields| moving(&emulator, "/oauth2/token", fields);
    let revoke = |fields| moving(&emulator, "/oauth2/revoke", fields);
    let raw = |kind, body: &str| post("/oauth2/token").basic(emulator.moov_credentials()).body(kind, body);
    let error = |code: &str| Some(json!({ "error": code }));
    for (call, status, body) in [
        (token(json!({ "grant_type": "password" })), 400, error("unsupported_grant_type")),
        (token(json!({ "scope": "/ping.read" })), 400, error("invalid_request")),
        (token(json!({ "grant_type": 1 })), 400, error("invalid_request")),
        (raw(JSON, "{"), 400, error("invalid_request")),
        (raw(JSON, "[]"), 400, error("invalid_request")),
        (raw(FORM, "grant_type=%"), 400, error("invalid_request")),
        (raw("text/plain", "grant_type=client_credentials"), 400, error("invalid_request")),
        (post("/oauth2/token").basic(emulator.moov_credentials()), 400, error("invalid_request")),
        (
            unversioned(&emulator, "/oauth2/token", service_grant()).header("x-moov-version", "2026"),
            400,
            error("invalid_request"),
        ),
        (
            unversioned(&emulator, "/oauth2/token", service_grant()).header("x-moov-version", "v2026.7.00"),
            400,
            error("invalid_request"),
        ),
        (token(json!({ "grant_type": "refresh_token", "refresh_token": "?" })), 400, error("invalid_grant")),
        (token(json!({ "grant_type": "client_credentials" })), 422, None),
        (token(json!({ "grant_type": "refresh_token" })), 422, None),
        (revoke(json!({})), 422, None),
    ] {
        let response = call.send(&emulator).await;
        assert_eq!(response.status, status, "{response:?}");
        if let Some(body) = body {
            assert_eq!(response.json(), body);
        }
    }
    for (call, field) in [
        (token(json!({ "grant_type": "client_credentials", "scope": "" })), "scope"),
        (token(json!({ "grant_type": "client_credentials", "scope": "a \"b\"" })), "scope"),
        (token(json!({ "grant_type": "refresh_token" })), "refresh_token"),
        (revoke(json!({ "token_type_hint": "access_token" })), "token"),
        (revoke(json!({ "token": "any", "token_type_hint": "id_token" })), "token_type_hint"),
    ] {
        let response = call.send(&emulator).await;
        assert_eq!(response.status, 422);
        assert!(
            response.json()[field].is_string() && response.json().as_object().unwrap().len() == 1,
            "{response:?}"
        );
    }
    for version in ["latest", "dev", "v2024.01.00"] {
        let call = unversioned(&emulator, "/oauth2/token", service_grant());
        let call = call.header("x-moov-version", version).header("Origin", emulator.origin());
        let response = call.send(&emulator).await;
        assert_eq!(response.status, 200);
    }
}

#[tokio::test]
async fn moov_requires_an_origin_only_from_web_clients() {
    let grant = |kind: Option<&str>| {
        let mut fields = json!({ "grant_type": "client_credentials", "scope": "/ping.read" });
        fields["client_type"] = kind.into();
        fields
    };
    let emulator = started().await;
    let (ours, other) = (emulator.origin(), "https://elsewhere.example");
    let token = |kind| moving(&emulator, "/oauth2/token", grant(kind));
    for (call, status) in [
        (token(None), 403),
        (token(Some("web")), 403),
        (token(Some("w")), 403),
        (token(None).header("Origin", other), 403),
        (token(None).header("Origin", ours), 200),
        (token(None).header("Referer", ours), 200),
        (token(None).header("Referer", other).header("Origin", ours), 200),
        (token(None).header("Referer", ours).header("Origin", other), 403),
        (token(Some("device")), 200),
        (token(Some("d")), 200),
        (token(Some("service")), 200),
        (token(Some("s")).header("Origin", other), 200),
        (token(Some("robot")), 400),
    ] {
        let response = call.send(&emulator).await;
        assert_eq!(response.status, status, "{response:?}");
    }

    let response = token(None).header("Origin", ours).send(&emulator).await;
    let spared = response.text("refresh_token");
    assert_eq!(refresh(&emulator, &spared).send(&emulator).await.status, 403);
    assert!(emulator.is_live(&spared), "a refused request must not use up the refresh token");
    let response = refresh(&emulator, &spared).header("Origin", ours).send(&emulator).await;
    assert_eq!(response.status, 200);
    assert_eq!(refresh(&emulator, &response.text("refresh_token")).send(&emulator).await.status, 403);

    let lax = start(documented().with_origin_check(false)).await;
    assert_eq!(moving(&lax, "/oauth2/token", grant(None)).send(&lax).await.status, 200);
    let own = start(documented().with_origin(other)).await;
    let call = moving(&own, "/oauth2/token", grant(None)).header("Origin", other);
    assert_eq!(call.send(&own).await.status, 200);
}

#[tokio::test]
async fn moov_rotates_refresh_tokens_and_detects_reuse() {
    let emulator = started().await;
    let (access, first) = moov_tokens(&emulator).await;
    let (bystander, _) = moov_tokens(&emulator).await;

    let response = refresh(&emulator, &first).send(&emulator).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.text("scope"), "/accounts.read");
    let (newer, second) = (response.text("access_token"), response.text("refresh_token"));
    assert_ne!(first, second);
    assert!(!emulator.is_live(&first) && emulator.is_live(&second));
    assert!(emulator.is_live(&access) && emulator.is_live(&newer));
    assert_eq!(emulator.double_spends(), 0);

    let response = refresh(&emulator, &first).send(&emulator).await;
    assert_eq!((response.status, response.text("error").as_str()), (400, "invalid_grant"));
    assert_eq!(emulator.double_spends(), 1);
    for ended in [&access, &newer, &second] {
        assert!(!emulator.is_live(ended));
    }
    assert!(emulator.is_live(&bystander), "tokens of other grants must remain valid");
    let response = refresh(&emulator, &second).send(&emulator).await;
    assert_eq!(response.text("error"), "invalid_grant");
    assert_eq!(emulator.double_spends(), 1, "the second token was revoked, so its use is not a reuse");
    assert_eq!(refresh(&emulator, &bystander).send(&emulator).await.status, 400);
}

#[tokio::test]
async fn only_one_of_many_refreshes_with_the_same_token_succeeds() {
    let emulator = Arc::new(started().await);
    let (_, token) = moov_tokens(&emulator).await;
    let mut calls = JoinSet::new();
    for _ in 0..8 {
        let (emulator, call) = (emulator.clone(), refresh(&emulator, &token));
        calls.spawn(async move { call.send(&emulator).await.status });
    }
    let statuses = calls.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(emulator.double_spends(), 7);
}

#[tokio::test]
async fn moov_tokens_expire_when_the_clock_advances() {
    let emulator = started().await;
    let (access, token) = moov_tokens(&emulator).await;
    emulator.clock().advance(Duration::from_secs(900));
    assert!(!emulator.is_live(&access) && emulator.is_live(&token));
    let response = refresh(&emulator, &token).send(&emulator).await;
    assert_eq!(response.status, 200);
    emulator.clock().advance(Duration::from_secs(30 * 24 * 3600));
    let response = refresh(&emulator, &response.text("refresh_token")).send(&emulator).await;
    assert_eq!((response.status, response.text("error").as_str()), (400, "invalid_grant"));
}

#[tokio::test]
async fn refresh_can_remove_scopes_but_cannot_add_scopes() {
    let emulator = started().await;
    let mut fields = service_grant();
    fields["scope"] = "/accounts.read /ping.read".into();
    let token = moving(&emulator, "/oauth2/token", fields).send(&emulator).await.text("refresh_token");
    let with = |token: &str, scope: &str| {
        let fields = json!({ "grant_type": "refresh_token", "refresh_token": token, "scope": scope });
        moving(&emulator, "/oauth2/token", fields)
    };
    let response = with(&token, "/fed.read").send(&emulator).await;
    assert_eq!(response.status, 422, "{response:?}");
    let response = with(&token, "/ping.read").send(&emulator).await;
    assert_eq!((response.status, response.text("scope").as_str()), (200, "/ping.read"));
    // RFC 6749 section 6: the refreshed token has the scopes of the original grant.
    let response = refresh(&emulator, &response.text("refresh_token")).send(&emulator).await;
    assert_eq!(response.text("scope"), "/accounts.read /ping.read");
}

#[tokio::test]
async fn moov_responds_with_204_to_the_revocation_of_any_token() {
    let emulator = started().await;
    let (access, token) = moov_tokens(&emulator).await;
    let revoke = |fields| moving(&emulator, "/oauth2/revoke", fields);
    let form = format!("token={access}&token_type_hint=access_token");
    let form = post("/oauth2/revoke").basic(emulator.moov_credentials()).form(&form);
    let response = form.send(&emulator).await;
    assert_eq!((response.status, response.body.as_str()), (204, ""));
    assert_eq!((response.header("content-length"), response.header("content-type")), (None, None));
    assert!(!emulator.is_live(&access) && emulator.is_live(&token));

    let newer = refresh(&emulator, &token).send(&emulator).await;
    let (access, token) = (newer.text("access_token"), newer.text("refresh_token"));
    let response = revoke(json!({ "token": token, "token_type_hint": "access_token" })).send(&emulator).await;
    assert_eq!(response.status, 204);
    assert!(!emulator.is_live(&access) && !emulator.is_live(&token));
    assert_eq!(refresh(&emulator, &token).send(&emulator).await.text("error"), "invalid_grant");
    assert_eq!(emulator.double_spends(), 0);

    assert_eq!(revoke(json!({ "token": "unknown" })).send(&emulator).await.status, 204);
    let (access, token) = moov_tokens(&emulator).await;
    emulator.revoke_all();
    assert!(!emulator.is_live(&access) && !emulator.is_live(&token));
}

#[tokio::test]
async fn configured_style_decides_how_the_emulator_writes_expires_in() {
    let now = |emulator: &Emulator| {
        use fintech_auth::Clock as _;
        emulator.clock().wall().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
    };
    for style in [
        ExpiresInStyle::Seconds,
        ExpiresInStyle::Timestamp,
        ExpiresInStyle::SecondsText,
        ExpiresInStyle::TimestampText,
    ] {
        let builder = Emulator::builder().with_lifetime(Duration::from_secs(60)).with_expires_in(style);
        let emulator = start(builder).await;
        let end = now(&emulator) + 60;
        let expected = match style {
            ExpiresInStyle::Timestamp => json!(end),
            ExpiresInStyle::SecondsText => json!("60"),
            ExpiresInStyle::TimestampText => json!(end.to_string()),
            _ => json!(60),
        };
        let response = moving(&emulator, "/oauth2/token", service_grant()).send(&emulator).await;
        assert_eq!(response.json()["expires_in"], expected);
        assert_eq!(linking(&emulator).send(&emulator).await.json()["expires_in"], 60);
    }
}

#[tokio::test]
async fn every_moov_response_has_a_unique_request_id() {
    let emulator = started().await;
    emulator.fault(Operation::MoovRevoke, Fault::response(StatusCode::INTERNAL_SERVER_ERROR));
    let mut ids = Vec::new();
    for (call, status) in [
        (moving(&emulator, "/oauth2/token", service_grant()), 200),
        (moving(&emulator, "/oauth2/token", json!({})), 400),
        (post("/oauth2/token").json(&json!({})), 403),
        (moving(&emulator, "/oauth2/revoke", json!({ "token": "any" })), 500),
        (moving(&emulator, "/oauth2/revoke", json!({ "token": "any" })), 204),
        (get("/oauth2/revoke"), 405),
    ] {
        let response = call.send(&emulator).await;
        assert_eq!(response.status, status);
        let id: uuid::Uuid = response.header("x-request-id").unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 4);
        ids.push(id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

#[tokio::test]
async fn date_header_follows_the_clock() {
    use fintech_auth::Clock as _;
    let emulator = started().await;
    for path in ["/.well-known/jwks.json", "/nowhere"] {
        emulator.clock().advance(Duration::from_secs(86_400));
        let response = get(path).send(&emulator).await;
        assert_eq!(response.header("date"), Some(httpdate::fmt_http_date(emulator.clock().wall()).as_str()));
        assert_eq!(response.headers.iter().filter(|(name, _)| name == "date").count(), 1);
    }

    let emulator =
        start(Emulator::builder().with_system_clock().with_lifetime(Duration::from_secs(60))).await;
    let date = |response: Response| httpdate::parse_http_date(response.header("date").unwrap()).unwrap();
    let before = date(get("/").send(&emulator).await);
    assert!(before.elapsed().unwrap() < Duration::from_secs(30));
    let token = linking(&emulator).send(&emulator).await.text("access_token");
    emulator.clock().advance(Duration::from_secs(60));
    assert!(!emulator.is_live(&token));
    assert!(date(get("/").send(&emulator).await) >= before + Duration::from_secs(60));
}

#[tokio::test]
async fn unknown_path_returns_404_and_wrong_method_returns_405() {
    let emulator = started().await;
    for path in ["/", "/auth/token/", "//auth/token", "/oauth2", "/v1/auth/token"] {
        assert_eq!(post(path).send(&emulator).await.status, 404, "{path}");
    }
    for operation in Operation::ALL.iter().copied() {
        let response = call("PUT", operation.path()).send(&emulator).await;
        assert_eq!(response.status, 405);
        assert_eq!(response.header("allow"), Some(operation.method().as_str()));
        assert_eq!(emulator.count(operation), 0);
    }
    let response = call("GET", "/.well-known/jwks.json?x=1").send(&emulator).await;
    assert_eq!(response.status, 200);
}

#[tokio::test]
async fn body_over_64_kib_causes_a_413_and_no_connection_reset() {
    let emulator = started().await;
    for (size, status) in [(64 * 1024, 400), (64 * 1024 + 1, 413), (4 << 20, 413)] {
        let call = post("/oauth2/token").basic(emulator.moov_credentials()).body(JSON, vec![b' '; size]);
        assert_eq!(call.send(&emulator).await.status, status, "{size}");
    }
    let kept: Vec<_> = emulator.requests().iter().map(|request| request.body.len()).collect();
    assert_eq!(kept, [64 * 1024, 0, 0]);
}

#[tokio::test]
async fn request_log_shows_why_a_request_was_refused() {
    let emulator = started().await;
    let (moneykit, moov) = (emulator.moneykit_credentials(), emulator.moov_credentials());
    let stranger = Credentials::new("stranger", "secret");
    let token = "grant_type=client_credentials&scope=/ping.read";
    emulator.fault(Operation::MoovToken, Fault::delay(Duration::ZERO));
    for (call, status, note) in [
        (post("/oauth2/token").basic(moov).form(token), 403, Some("injected fault")),
        (
            post("/oauth2/token").basic(moov).form(token),
            403,
            Some(
                "browser token requested without an Origin (client_type is not service, or is ignored before v2026.07.00)",
            ),
        ),
        (
            post("/oauth2/token").basic(moov).header("Origin", "https://other.example").form(token),
            403,
            Some("browser token requested for an origin that is not allowed"),
        ),
        (post("/oauth2/token").basic(&stranger).form(token), 403, Some("missing or wrong credentials")),
        (
            post("/oauth2/token").basic(moov).form("grant_type=refresh_token&refresh_token=x"),
            400,
            Some("invalid_grant"),
        ),
        (
            post("/oauth2/revoke").basic(moov).form(""),
            422,
            Some("a field is missing or invalid; the response names it"),
        ),
        (post("/auth/token").basic(moneykit), 201, None),
        (post("/auth/token").basic(&stranger), 401, Some("missing or wrong credentials")),
        (get("/auth/introspect"), 401, Some("no token")),
        (get("/auth/introspect").bearer("x"), 401, Some("unknown or revoked token")),
        (get("/"), 404, None),
    ] {
        assert_eq!(call.send(&emulator).await.status, status);
        let request = emulator.requests().pop().expect("a request");
        assert_eq!(request.note(), note, "{request:?}");
    }
}

#[tokio::test]
async fn faults_apply_in_order_for_the_given_number_of_requests() {
    let emulator = started().await;
    let busy = Fault::response(StatusCode::TOO_MANY_REQUESTS)
        .with_header(header::RETRY_AFTER, 3)
        .with_header(header::DATE, HeaderValue::from_static("Sun, 09 Sep 2001 01:46:45 GMT"));
    let gateway = Fault::response(StatusCode::BAD_GATEWAY).with_body("text/html", "<h1>no</h1>");
    emulator.fault_times(Operation::MoneykitToken, busy, 2);
    emulator.fault_times(Operation::MoneykitToken, gateway.clone(), 0);
    emulator.fault(Operation::MoneykitToken, gateway.clone());
    emulator.fault_times(Operation::MoneykitIntrospect, gateway, usize::MAX);

    assert_eq!(get("/.well-known/jwks.json").send(&emulator).await.status, 200);
    assert_eq!(get("/auth/token").send(&emulator).await.status, 405);
    for _ in 0..2 {
        let response = linking(&emulator).send_to_fault(&emulator).await;
        assert_eq!((response.status, response.body.as_str()), (429, ""));
        assert_eq!(response.header("retry-after"), Some("3"));
        assert_eq!(response.header("date"), Some("Sun, 09 Sep 2001 01:46:45 GMT"));
    }
    let response = linking(&emulator).send_to_fault(&emulator).await;
    assert_eq!((response.status, response.body.as_str()), (502, "<h1>no</h1>"));
    assert_eq!(response.header("content-type"), Some("text/html"));
    assert_eq!(emulator.issued(), 0, "a fault must not issue a token");
    assert_eq!(linking(&emulator).send(&emulator).await.status, 201);

    for _ in 0..3 {
        assert_eq!(get("/auth/introspect").send_to_fault(&emulator).await.status, 502);
    }
    emulator.clear_faults();
    assert_eq!(get("/auth/introspect").send(&emulator).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn delay_fault_waits_in_tokio_time_and_not_in_real_time() {
    let emulator = started().await;
    emulator.fault(Operation::MoneykitToken, Fault::delay(Duration::from_secs(600)));
    let slow = Fault::response(StatusCode::SERVICE_UNAVAILABLE).with_delay(Duration::from_secs(600));
    emulator.fault(Operation::MoneykitToken, slow);
    for status in [201, 503] {
        let (began, real) = (Instant::now(), std::time::Instant::now());
        assert_eq!(linking(&emulator).send_to_fault(&emulator).await.status, status);
        assert!(began.elapsed() >= Duration::from_secs(600));
        assert!(real.elapsed() < Duration::from_secs(60));
    }
}

#[tokio::test]
async fn reset_fault_sends_rst_and_close_fault_sends_end_of_file() {
    let emulator = started().await;
    emulator.fault(Operation::MoneykitToken, Fault::reset());
    let error = linking(&emulator).bytes(&emulator).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);

    emulator.fault(Operation::MoneykitToken, Fault::close());
    assert_eq!(linking(&emulator).bytes(&emulator).await.unwrap(), b"");
    assert_eq!(emulator.issued(), 0);
    assert!(emulator.requests().iter().all(|request| request.status().is_none()));
}

#[tokio::test]
async fn truncated_response_is_shorter_than_its_content_length() {
    let emulator = started().await;
    emulator.fault(Operation::MoneykitToken, Fault::truncate());
    let response = linking(&emulator).send_to_fault(&emulator).await;
    let length: usize = response.header("content-length").unwrap().parse().unwrap();
    assert_eq!((response.status, response.body.len()), (201, length / 2));
    assert!(length > 100 && response.body.starts_with("{\"access_token\":\""));
    assert_eq!(emulator.issued(), 1);

    emulator.fault(Operation::MoovRevoke, Fault::truncate());
    let call = moving(&emulator, "/oauth2/revoke", json!({ "token": "any" }));
    assert_eq!(call.bytes(&emulator).await.unwrap(), b"");
}

#[tokio::test]
async fn request_takes_effect_even_if_its_response_is_lost() {
    let emulator = started().await;
    let (_, token) = moov_tokens(&emulator).await;
    for (fault, spent) in [(Fault::close(), false), (Fault::close().after_serving(), true)] {
        emulator.fault(Operation::MoovToken, fault);
        assert_eq!(refresh(&emulator, &token).bytes(&emulator).await.unwrap(), b"");
        assert_eq!(emulator.is_live(&token), !spent);
    }
    assert_eq!(emulator.issued(), 2);
    assert_eq!(refresh(&emulator, &token).send(&emulator).await.text("error"), "invalid_grant");
    assert_eq!(emulator.double_spends(), 1);

    let (access, _) = moov_tokens(&emulator).await;
    let failed = Fault::response(StatusCode::GATEWAY_TIMEOUT).after_serving();
    emulator.fault(Operation::MoovRevoke, failed);
    let response = moving(&emulator, "/oauth2/revoke", json!({ "token": access })).send(&emulator).await;
    assert_eq!(response.status, 504);
    assert!(!emulator.is_live(&access));
}

#[tokio::test]
async fn hang_fault_ends_when_the_client_or_the_emulator_disconnects() {
    let emulator = started().await;
    emulator.fault_times(Operation::MoneykitToken, Fault::hang(), 2);
    let given_up = timeout(Duration::from_millis(100), linking(&emulator).bytes(&emulator)).await;
    assert!(given_up.is_err());
    assert_eq!(emulator.count(Operation::MoneykitToken), 1);

    let address = emulator.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let request = "POST /auth/token HTTP/1.1\r\nHost: emulator\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    wait_for(|| emulator.count(Operation::MoneykitToken) == 2).await;
    drop(emulator);
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    ended.expect("the connection ends").ok();
    assert_eq!(rest, b"");
    assert!(TcpStream::connect(&address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let emulator = started().await;
    let mut stream = TcpStream::connect(emulator.url().trim_start_matches("http://")).await.unwrap();
    let request = "GET /nowhere HTTP/1.1\r\nHost: emulator\r\n\r\n";
    let mut length = 0;
    for _ in 0..3 {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = [0; 1024];
        length = stream.read(&mut response).await.unwrap();
        assert!(response.starts_with(b"HTTP/1.1 404") && response[..length].ends_with(b"\r\n\r\n"));
    }
    assert!(length > 0);
    assert_eq!(emulator.requests().len(), 3);
}

#[tokio::test]
async fn requests_are_logged_and_counted_without_secrets() {
    let emulator = started().await;
    let (id, secret) = pair(emulator.moneykit_credentials());
    let body = format!("grant_type=client_credentials&client_secret={secret}&client_id={id}");
    let basic = BASE64_STANDARD.encode(format!("{id}:{secret}"));
    let call = post("/auth/token?hint=q-secret").form(&body).basic(emulator.moneykit_credentials());
    let call = call.header("X-Client-Id", id).header("X-Client-Secret", secret);
    let token = call.send(&emulator).await.text("access_token");
    get("/auth/introspect").bearer(&token).send(&emulator).await;
    get("/nowhere").send(&emulator).await;

    let requests = emulator.requests();
    let seen: Vec<_> = requests
        .iter()
        .map(|request| (request.operation, request.path.as_str(), request.status().map(|s| s.as_u16())))
        .collect();
    assert_eq!(
        seen,
        [
            (Some(Operation::MoneykitToken), "/auth/token?hint=q-secret", Some(201)),
            (Some(Operation::MoneykitIntrospect), "/auth/introspect", Some(200)),
            (None, "/nowhere", Some(404)),
        ]
    );
    assert_eq!(requests[0].method, "POST");
    assert_eq!(requests[0].body, body.as_bytes());
    assert_eq!(requests[0].headers["authorization"], format!("Basic {basic}"));
    assert_eq!(requests[0].headers["x-client-id"], id);

    let printed = format!("{requests:?} {emulator:?} {:?}", Emulator::builder());
    assert!(printed.contains("x-client-secret") && printed.contains(id), "{printed}");
    for hidden in [secret, &basic, &token, "q-secret"] {
        assert!(!printed.contains(hidden), "{hidden} is in {printed}");
    }

    assert_eq!(emulator.count(Operation::MoneykitToken), 1);
    emulator.clear_requests();
    assert_eq!((emulator.requests().len(), emulator.count(Operation::MoneykitToken)), (0, 0));
}

#[tokio::test]
async fn emulator_log_keeps_the_newest_requests_and_counts_every_request() {
    let emulator = started().await;
    let mut stream = TcpStream::connect(emulator.url().trim_start_matches("http://")).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let request = "GET /auth/introspect HTTP/1.1\r\nHost: emulator\r\n\r\n";
    let sent = request.repeat(10_001) + "GET /last HTTP/1.1\r\nHost: emulator\r\nConnection: close\r\n\r\n";
    let mut responses = Vec::new();
    let (written, read) =
        tokio::join!(writing.write_all(sent.as_bytes()), reading.read_to_end(&mut responses));
    written.unwrap();
    read.unwrap();
    assert_eq!(emulator.count(Operation::MoneykitIntrospect), 10_001);
    assert_eq!(emulator.requests().len(), 10_000);
    assert_eq!(emulator.requests().last().unwrap().path, "/last");
}

#[tokio::test]
async fn emulator_does_not_start_if_its_fixed_port_is_in_use() {
    let first = started().await;
    let port: u16 = first.url().rsplit(':').next().unwrap().parse().unwrap();
    assert!(first.url().starts_with("http://127.0.0.1:"));
    let error = Emulator::builder().with_port(port).start().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn observer_is_called_after_each_request_completes() {
    let (send, mut events) = tokio::sync::mpsc::unbounded_channel();
    let builder = Emulator::builder().with_observer(move |request| {
        _ = send.send((request.operation, request.status().map(|status| status.as_u16())));
    });
    let emulator = builder.start().await.unwrap();
    let client = emulator.moneykit().with_tokens(crate::support::plain).build().unwrap();
    emulator.fault(Operation::MoneykitToken, Fault::close());
    client.create_access_token(&[]).await.unwrap_err();
    assert_eq!(events.recv().await, Some((Some(Operation::MoneykitToken), None)));
    client.create_access_token(&[]).await.unwrap();
    assert_eq!(events.recv().await, Some((Some(Operation::MoneykitToken), Some(201))));
    emulator.fault(Operation::MoneykitJwks, Fault::hang());
    let quick = emulator.moneykit().with_http(|_| crate::support::quick()).with_tokens(crate::support::plain);
    quick.build().unwrap().jwks().await.unwrap_err();
    assert_eq!(events.recv().await, Some((Some(Operation::MoneykitJwks), None)));
    assert!(events.try_recv().is_err());
}

/// MoneyKit's Ruby SDK sends the key pair in the form, and an empty key pair in the `Authorization`
/// header.
#[tokio::test]
async fn empty_basic_credentials_are_treated_as_missing() {
    let emulator = live().await;
    let (id, secret) = pair(emulator.moneykit_credentials());
    let body = format!("client_id={id}&client_secret={secret}&grant_type=client_credentials&scope=");
    let call =
        || post("/auth/token").header("Authorization", "Basic Og==").header("Accept", "application/json");
    let response =
        call().header("User-Agent", "OpenAPI-Generator/0.2.2/ruby").form(&body).send(&emulator).await;
    assert_eq!(response.status, 201, "{response:?}");
    assert_eq!(call().form("grant_type=client_credentials").send(&emulator).await.status, 401);
    let (id, secret) = pair(emulator.moov_credentials());
    let mut fields = service_grant();
    (fields["client_id"], fields["client_secret"]) = (id.into(), secret.into());
    let call = post("/oauth2/token").header("Authorization", "Basic Og==").json(&fields);
    assert_eq!(call.send(&emulator).await.status, 200);
}

#[tokio::test]
async fn live_mode_issues_a_jwt_with_the_claims_and_size_of_the_real_service() {
    use fintech_auth::Clock as _;

    let emulator = live().await;
    let now = emulator.clock().wall().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let fields = json!({ "grant_type": "client_credentials", "scope": "/accounts.read /ping.read" });
    let call = moving(&emulator, "/oauth2/token", fields).header("Origin", emulator.origin());
    let response = call.send(&emulator).await;
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(
        (&response.json()["expires_in"], response.text("token_type").as_str()),
        (&json!(now + 3600), "Bearer")
    );
    let token = response.text("access_token");
    assert!((780..940).contains(&token.len()), "{} characters", token.len());
    let claims = claims(&token);
    assert_eq!(claims["iss"], "https://api.moov.io#applications");
    assert_eq!(claims["aud"], json!([emulator.origin()]));
    assert_eq!(claims["scp"], json!(["/accounts.read", "/ping.read"]));
    assert_eq!((claims["iat"].as_u64(), claims["exp"].as_u64()), (Some(now), Some(now + 3600)));
}

/// The live service also issues a token if the origin is not allowed or is missing. Moov's SDKs
/// send no `Origin`.
#[tokio::test]
async fn live_mode_issues_a_token_for_any_origin_but_the_api_may_refuse_it() {
    let emulator = live().await;
    let ours = emulator.origin().to_owned();
    let other = "https://elsewhere.example";
    let fields = || json!({ "grant_type": "client_credentials", "scope": "/accounts.read" });
    let with = |call: Call, origin: Option<&str>| match origin {
        Some(origin) => call.header("Origin", origin),
        None => call,
    };
    for (issued_for, used_from, audience, status) in [
        (Some(ours.as_str()), Some(ours.as_str()), json!([ours]), 200),
        (Some(&ours), Some(other), json!([ours]), 401),
        (Some(&ours), None, json!([ours]), 401),
        (Some(other), Some(other), json!([]), 401),
        (None, Some(&ours), json!([]), 401),
        (None, None, json!([]), 401),
    ] {
        let response = with(moving(&emulator, "/oauth2/token", fields()), issued_for).send(&emulator).await;
        assert_eq!(response.status, 200, "{response:?}");
        let token = response.text("access_token");
        assert_eq!(claims(&token)["aud"], audience);
        let response = with(get("/accounts").bearer(&token), used_from).send(&emulator).await;
        assert_eq!(response.status, status, "{issued_for:?} {used_from:?}");
        let refreshed =
            with(refresh(&emulator, &moov_tokens(&emulator).await.1), issued_for).send(&emulator).await;
        assert_eq!(refreshed.status, 200);
    }
}

#[tokio::test]
async fn moov_returns_401_for_an_expired_token_and_403_for_a_missing_scope() {
    for emulator in [live().await, started().await] {
        let (token, _) = moov_tokens(&emulator).await;
        let mut ping = service_grant();
        ping["scope"] = "/ping.read".into();
        let ping = moving(&emulator, "/oauth2/token", ping).send(&emulator).await.text("access_token");
        let accounts = || get("/accounts");
        let response = accounts().bearer(&token).send(&emulator).await;
        assert_eq!((response.status, response.body.as_str()), (200, "[]"));
        assert_eq!(accounts().basic(emulator.moov_credentials()).send(&emulator).await.status, 200);
        let response = accounts().bearer(&ping).send(&emulator).await;
        assert_eq!((response.status, response.body.as_str()), (403, ""));
        emulator.clock().advance(Duration::from_secs(3600));
        for call in [
            accounts().bearer(&token),
            accounts().bearer("made-up"),
            accounts(),
            accounts().basic(emulator.moneykit_credentials()),
            accounts().header("Authorization", "Basic Og=="),
        ] {
            let response = call.send(&emulator).await;
            assert_eq!((response.status, response.body.as_str()), (401, ""));
            assert_eq!((response.header("www-authenticate"), response.header("content-type")), (None, None));
            assert!(response.header("x-request-id").is_some(), "{response:?}");
        }
    }
}

#[tokio::test]
async fn moov_emulator_can_omit_refresh_tokens() {
    let emulator = start(Emulator::builder().with_refresh_tokens(false)).await;
    let response = moving(&emulator, "/oauth2/token", service_grant()).send(&emulator).await;
    assert_eq!((response.status, response.json().get("refresh_token")), (200, None), "{response:?}");
}

#[tokio::test]
async fn cdn_block_response_has_no_vendor_headers() {
    let emulator = live().await;
    emulator.fault(Operation::MoovToken, Fault::cdn_block());
    let response = moving(&emulator, "/oauth2/token", service_grant()).send_to_fault(&emulator).await;
    assert_eq!((response.status, response.body.as_str()), (403, "error code: 1010"));
    assert_eq!(response.header("server"), Some("cloudflare"));
    assert!(response.header("cf-ray").is_some());
    assert!(response.header("content-type").unwrap().starts_with("text/plain"));
    assert_eq!(response.header("x-request-id"), None);
    assert_eq!(moving(&emulator, "/oauth2/token", service_grant()).send(&emulator).await.status, 200);
}

#[tokio::test]
async fn client_logs_a_warning_if_the_token_is_not_valid_for_its_origin() {
    let emulator = live().await;
    let scopes = crate::support::scopes(&["/accounts.read"]);
    let warnings = async |origin: &str, times: usize| {
        let lines = crate::support::Log::default();
        let client = emulator.moov().with_origin(origin).build().unwrap();
        let _recording = lines.start();
        let mut audience = None;
        for _ in 0..times {
            audience = client.token(&scopes).await.unwrap().audience();
        }
        (audience, lines.text().matches("not valid for the configured origin").count())
    };
    let ours = emulator.origin().to_owned();
    assert_eq!(warnings(&ours, 2).await, (Some(vec![ours]), 0));
    assert_eq!(warnings("https://elsewhere.example", 2).await, (Some(vec![]), 1));
    let documented = started().await;
    let client = documented.moov().with_origin(documented.origin()).build().unwrap();
    assert_eq!(client.token(&scopes).await.unwrap().audience(), None);
}
