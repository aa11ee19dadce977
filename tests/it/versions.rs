//! Tests that the client sends only fields that its API version supports. Some of the tests use
//! services that ignore the version in the request.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, http::HeaderMap, response::IntoResponse, routing::post};
use fintech_auth::{
    Credentials, ErrorKind,
    emulator::Emulator,
    moneykit,
    moov::{Client, ClientBuilder, ClientType, Config, version},
};
use http::StatusCode;

use crate::support::{emulator, plain, scopes};

#[derive(Clone, Copy, Debug)]
enum Service {
    Strict,
    /// Ignores the version header. Rejects unknown fields.
    OldAndStrict,
    /// Ignores the version header and unknown fields.
    OldAndLenient,
}

/// The version and the client type in a request. `-` means that the value is absent.
type Sent = (String, String);

#[derive(Clone)]
struct Shared {
    service: Service,
    sent: Arc<Mutex<Vec<Sent>>>,
}

async fn token(State(shared): State<Shared>, headers: HeaderMap, body: String) -> impl IntoResponse {
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(&body).expect("a form");
    let version = headers.get("x-moov-version").map_or("-", |version| version.to_str().expect("text"));
    let client_type = fields.iter().find(|(name, _)| name == "client_type");
    let client_type = client_type.map_or("-", |(_, value)| value);
    shared.sent.lock().unwrap().push((version.to_owned(), client_type.to_owned()));
    let is_new = version == "latest" || version >= "v2026.07.00";
    let is_refused = match shared.service {
        Service::Strict => client_type != "-" && !is_new,
        Service::OldAndStrict => client_type != "-",
        Service::OldAndLenient => false,
    };
    let json = [("content-type", "application/json")];
    match is_refused {
        true => (StatusCode::BAD_REQUEST, json, r#"{"error":"invalid_request"}"#),
        false => (StatusCode::OK, json, r#"{"access_token":"t","token_type":"Bearer","expires_in":900}"#),
    }
}

struct Server {
    url: String,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Server {
    async fn start(service: Service) -> Self {
        let sent = Arc::<Mutex<Vec<Sent>>>::default();
        let shared = Shared { service, sent: sent.clone() };
        let router = Router::new().route("/oauth2/token", post(token)).with_state(shared);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, sent }
    }

    fn builder(&self) -> ClientBuilder {
        Client::builder(Credentials::new("id", "secret")).with_base_url(&self.url).with_tokens(plain)
    }

    async fn saw(&self, builder: ClientBuilder) -> (String, String, Result<(), ErrorKind>) {
        let client = builder.build().expect("the client builds");
        let result = client.create_access_token(&scopes(&["/ping.read"])).await;
        let (version, client_type) = self.sent.lock().unwrap().pop().expect("a request");
        (version, client_type, result.map(drop).map_err(|error| error.kind()))
    }
}

const PAGE: &str = "https://your-domain.com";

#[tokio::test]
async fn client_type_is_sent_only_with_versions_that_support_it() {
    let server = Server::start(Service::Strict).await;
    for (asked, sent, backend) in [
        (None, "v2026.07.00", "service"),
        (Some(version::NONE), "-", "-"),
        (Some(version::V2024_01_00), "v2024.01.00", "-"),
        (Some(version::V2026_04_00), "v2026.04.00", "-"),
        (Some(version::V2026_07_00), "v2026.07.00", "service"),
        (Some(version::V2026_10_00), "v2026.10.00", "service"),
        (Some("v2027.01.00"), "v2027.01.00", "service"),
        (Some(version::LATEST), "latest", "service"),
    ] {
        let builder = || asked.into_iter().fold(server.builder(), ClientBuilder::with_version);
        let expected = |client_type: &str| (sent.to_owned(), client_type.to_owned(), Ok(()));
        assert_eq!(server.saw(builder()).await, expected(backend), "{asked:?}");
        assert_eq!(server.saw(builder().with_origin(PAGE)).await, expected("-"), "{asked:?}");
        assert_eq!(server.saw(builder().with_client_type(None)).await, expected("-"), "{asked:?}");
        let web = builder().with_origin(PAGE).with_client_type(ClientType::Web);
        let web_type = if backend == "-" { "-" } else { "web" };
        assert_eq!(server.saw(web).await, expected(web_type), "{asked:?}");
        for kind in [ClientType::Service, ClientType::Device] {
            let built = builder().with_client_type(kind).build();
            match built {
                Ok(_) => assert_eq!(backend, "service", "{asked:?}"),
                Err(error) => {
                    assert_eq!((backend, error.kind()), ("-", ErrorKind::InvalidConfig), "{asked:?}");
                    assert!(error.to_string().contains("require Moov version v2026.07.00"), "{error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn refused_client_type_is_not_resent() {
    let server = Server::start(Service::OldAndStrict).await;
    let refused = server.saw(server.builder()).await;
    let sent =
        |version: &str, client_type: &str, result| (version.to_owned(), client_type.to_owned(), result);
    assert_eq!(refused, sent("v2026.07.00", "service", Err(ErrorKind::InvalidRequest)));
    assert!(server.sent.lock().unwrap().is_empty(), "the request must be sent once");
    let without = server.saw(server.builder().with_client_type(None)).await;
    assert_eq!(without, sent("v2026.07.00", "-", Ok(())));
    assert_eq!(server.saw(server.builder().with_version("none")).await, sent("-", "-", Ok(())));
}

#[tokio::test]
async fn service_that_ignores_version_and_client_type_issues_a_token() {
    let server = Server::start(Service::OldAndLenient).await;
    let (version, client_type, result) = server.saw(server.builder()).await;
    assert_eq!((&*version, &*client_type, result), ("v2026.07.00", "service", Ok(())));
}

#[tokio::test]
async fn emulator_ignores_the_client_type_with_older_api_versions() {
    let emulator: Emulator = emulator().await;
    let credentials = emulator.moov_credentials();
    let http = reqwest_client();
    for (version, status) in
        [(None, 401), (Some("v2026.04.00"), 401), (Some("v2026.07.00"), 200), (Some("latest"), 200)]
    {
        let with_version = |request: reqwest::RequestBuilder| {
            version.into_iter().fold(request, |request, version| request.header("x-moov-version", version))
        };
        let body = "grant_type=client_credentials&scope=/accounts.read&client_type=service";
        let request = with_version(http.post(format!("{}/oauth2/token", emulator.url())))
            .basic_auth(credentials.client_id(), Some(credentials.client_secret().expose_secret()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let response = request.send().await.expect("a response").bytes().await.expect("a body");
        let response: serde_json::Value = serde_json::from_slice(&response).expect("JSON");
        let token = response["access_token"].as_str().expect("a token");
        let accounts = http.get(format!("{}/accounts", emulator.url())).bearer_auth(token);
        let accounts = accounts.send().await.expect("a response");
        assert_eq!(accounts.status(), status, "{version:?}");
    }
}

fn reqwest_client() -> reqwest::Client {
    fintech_auth::HttpOptions::default().to_reqwest("http://127.0.0.1").expect("the client builds")
}

#[test]
fn environment_variable_can_set_or_omit_the_api_version() {
    let client = |version| {
        let vars = [("MOOV_CLIENT_ID", "id"), ("MOOV_CLIENT_SECRET", "s"), ("MOOV_VERSION", version)];
        Config::from_vars(vars).expect("settings").client()
    };
    for version in ["none", "latest", "v2025.01.00"] {
        assert!(client(version).is_ok(), "{version}");
    }
    let error = client("2025").expect_err("no version").to_string();
    assert_eq!(error, "the Moov version must be like v2026.07.00, or latest, dev or none");
}

#[tokio::test]
async fn every_moneykit_call_sends_the_api_version_of_the_spec() {
    let spec = std::fs::read_to_string("specs/moneykit/openapi.yaml").expect("the spec");
    assert!(
        spec.contains(&format!("\n  version: '{}'\n", moneykit::VERSION)),
        "the spec does not have the version of the client"
    );
    let emulator = emulator().await;
    let client = emulator.moneykit().build().expect("the client builds");
    let token = client.create_access_token(&[]).await.expect("a token");
    client.introspect(&token.access_token).await.expect("an introspection");
    client.introspect_client().await.expect("an introspection");
    client.jwks().await.expect("keys");
    let requests = emulator.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|request| request.headers["moneykit-version"] == moneykit::VERSION));
}
