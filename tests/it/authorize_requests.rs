//! Tests custom requests with reqwest: which requests get a token, and how many times each
//! request is sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use fintech_auth::{
    Error, ErrorKind, HttpOptions, Secret,
    authorize::{
        AuthorizeMiddleware, Authorizer, SendError,
        progenitor::{ensure_token, execute},
    },
    emulator::{Emulator, Fault, Operation},
    moneykit,
};
use http::{
    Extensions, HeaderValue, StatusCode,
    header::{AUTHORIZATION, LOCATION},
};
use reqwest::{Body, Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinSet,
};

use crate::support::{emulator, json, moneykit};

const EXPIRED: &str = r#"{"error_code":"api_error.auth.expired_access_token"}"#;

fn http(bearer: Authorizer) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest()).with(AuthorizeMiddleware::new(bearer)).build()
}

fn reqwest() -> reqwest::Client {
    HttpOptions::default().to_reqwest("http://127.0.0.1").expect("the client builds")
}

fn introspect(emulator: &Emulator) -> String {
    format!("{}{}", emulator.url(), Operation::MoneykitIntrospect.path())
}

fn sent(emulator: &Emulator) -> (usize, usize) {
    (emulator.count(Operation::MoneykitToken), emulator.count(Operation::MoneykitIntrospect))
}

fn authorizations(emulator: &Emulator) -> Vec<Option<String>> {
    let requests = emulator.requests().into_iter();
    let introspections = requests.filter(|request| request.operation == Some(Operation::MoneykitIntrospect));
    let value = |request: fintech_auth::emulator::Request| {
        request.headers.get(AUTHORIZATION).map(|value| value.to_str().expect("text").to_owned())
    };
    introspections.map(value).collect()
}

#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

#[async_trait]
impl Middleware for Counter {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        self.0.fetch_add(1, Ordering::Relaxed);
        next.run(request, extensions).await
    }
}

#[tokio::test]
async fn thousand_requests_with_an_expired_token_share_one_token_call() {
    let emulator = emulator().await;
    let client = moneykit(&emulator);
    let http = http(client.bearer(client.scopes()).unwrap());
    let old = client.default_token().await.expect("a token");
    // Only the clock of the emulator advances, so the client still uses the expired token.
    emulator.clock().advance(Duration::from_secs(3601));
    let mut requests = JoinSet::new();
    for number in 0..1000 {
        let request = http.get(introspect(&emulator)).header("x-request", number);
        requests.spawn(async move { request.send().await.expect("a response").status() });
    }
    while let Some(status) = requests.join_next().await {
        assert_eq!(status.expect("no panic"), StatusCode::OK);
    }
    let (tokens, calls) = sent(&emulator);
    assert_eq!(tokens, 2, "there must be two token calls: the first and one after the expiry");
    let mut attempts = [0; 1000];
    for request in emulator.requests() {
        if let Some(number) = request.headers.get("x-request") {
            attempts[number.to_str().expect("text").parse::<usize>().expect("a number")] += 1;
        }
    }
    assert!(attempts.iter().all(|times| (1..=2).contains(times)), "{attempts:?}");
    assert_eq!(attempts.iter().sum::<usize>(), calls);
    let with_old = authorizations(&emulator).into_iter().flatten();
    let with_old = with_old.filter(|value| value == old.authorization().to_str().expect("text")).count();
    assert_eq!(calls, 1000 + with_old, "only rejected requests may be retried");
}

#[tokio::test]
async fn token_is_not_sent_to_another_origin() {
    let (ours, other) = (emulator().await, emulator().await);
    let http = http(moneykit(&ours).bearer(&[]).unwrap());
    let elsewhere = other.url().replace("127.0.0.1", "localhost");
    let here_by_another_name = introspect(&ours).replace("127.0.0.1", "localhost");
    for url in [introspect(&other), introspect(&other).replace(other.url(), &elsewhere), here_by_another_name]
    {
        let response = http.get(&url).send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{url}");
    }
    assert_eq!(sent(&other), (0, 2));
    assert_eq!(sent(&ours), (0, 1), "no token may be requested for another origin");
    let all = [authorizations(&ours), authorizations(&other)].concat();
    assert!(all.iter().all(Option::is_none), "{}", all.len());
}

#[tokio::test]
async fn token_is_sent_to_explicitly_allowed_origins() {
    let (issuer, other) = (emulator().await, emulator().await);
    let tokens = moneykit(&issuer).tokens().handle(&[]).unwrap();
    let bearer = Authorizer::new(tokens.clone(), [issuer.url(), other.url()]).expect("two origins");
    http(bearer).get(introspect(&other)).send().await.expect("a response");
    assert!(authorizations(&other).iter().all(Option::is_some));
    for bad in ["http://api.example.com", "https://api.example.com/path", "api.example.com"] {
        let error = Authorizer::new(tokens.clone(), [bad]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{bad}");
        assert_eq!(Authorizer::new(tokens.clone(), [""; 0]).unwrap_err().kind(), ErrorKind::InvalidConfig);
    }
}

#[tokio::test]
async fn request_with_its_own_authorization_is_not_changed() {
    let emulator = emulator().await;
    let http = http(moneykit(&emulator).bearer(&[]).unwrap());
    let request = http.get(introspect(&emulator)).header(AUTHORIZATION, "Bearer of-my-own");
    let response = request.send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(sent(&emulator), (0, 1), "no token may be requested and the request must not be retried");
    assert_eq!(authorizations(&emulator), [Some("Bearer of-my-own".to_owned())]);
}

#[tokio::test]
async fn unrelated_401_is_returned_unchanged_and_not_retried() {
    let emulator = emulator().await;
    let http = http(moneykit(&emulator).bearer(&[]).unwrap());
    let body = format!(r#"{{"error_code":"api_error.auth.unauthorized","more":"{}"}}"#, "x".repeat(200_000));
    emulator.fault(Operation::MoneykitIntrospect, json(401, body.clone()));
    let response = http.get(introspect(&emulator)).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.url().as_str(), introspect(&emulator));
    assert_eq!(response.content_length(), Some(body.len() as u64));
    assert_eq!(response.text().await.expect("the body"), body);
    assert_eq!(sent(&emulator), (1, 1));
}

#[tokio::test]
async fn request_is_retried_once_if_only_the_body_reports_the_expiry() {
    let emulator = emulator().await;
    let http = http(moneykit(&emulator).bearer(&[]).unwrap());
    emulator.fault_times(Operation::MoneykitIntrospect, json(401, EXPIRED), 2);
    let response = http.get(introspect(&emulator)).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.text().await.expect("the body"), EXPIRED);
    assert_eq!(sent(&emulator), (2, 2));
    let [Some(first), Some(second)] = &authorizations(&emulator)[..] else {
        panic!("two requests must have a token")
    };
    assert_ne!(first, second);
}

#[tokio::test]
async fn streaming_request_is_not_retried_but_its_token_is_invalidated() {
    for (body, attempts) in
        [(Body::wrap(http_body_util::Full::new(bytes::Bytes::from("once"))), 1), (Body::from("twice"), 2)]
    {
        let emulator = emulator().await;
        let counter = Counter::default();
        let client = moneykit(&emulator);
        let middleware = AuthorizeMiddleware::new(client.bearer(client.scopes()).unwrap());
        let http = ClientBuilder::new(reqwest()).with(middleware).with(counter.clone()).build();
        emulator.fault(Operation::MoneykitIntrospect, json(401, EXPIRED));
        let request = http.get(introspect(&emulator)).body(body);
        let response = request.send().await.expect("a response");
        assert_eq!(response.status().is_success(), attempts == 2);
        assert_eq!(counter.0.load(Ordering::Relaxed), attempts);
        assert_eq!(client.stats().invalidations, 1);
    }
}

#[tokio::test]
async fn ten_rejected_streaming_requests_invalidate_only_one_token() {
    let emulator = emulator().await;
    let client = moneykit(&emulator);
    let http = http(client.bearer(client.scopes()).unwrap());
    emulator.fault_times(Operation::MoneykitIntrospect, json(401, EXPIRED), 10);
    for _ in 0..10 {
        let body = Body::wrap(http_body_util::Full::new(bytes::Bytes::from("once")));
        let response = http.get(introspect(&emulator)).body(body).send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!((sent(&emulator), client.stats().invalidations), ((2, 10), 1));
}

#[tokio::test]
async fn request_without_a_token_is_not_sent_and_the_error_says_why() {
    let emulator = emulator().await;
    let client = moneykit_with_wrong_secret(&emulator);
    let error =
        http(client.bearer(client.scopes()).unwrap()).get(introspect(&emulator)).send().await.unwrap_err();
    let reqwest_middleware::Error::Middleware(cause) = &error else { panic!("{error:?}") };
    let cause = cause.downcast_ref::<Error>().expect("an error of this crate");
    assert_eq!(cause.kind(), ErrorKind::Unauthorized);
    assert!(!format!("{error:?} {error}").contains("marked-secret"));
    assert_eq!(sent(&emulator).1, 0);
}

#[tokio::test]
async fn debug_output_does_not_show_the_token() {
    let emulator = emulator().await;
    let client = moneykit(&emulator);
    let token: Secret = client.default_token().await.expect("a token").to_secret();
    let shown = format!(
        "{:?} {:?}",
        client.bearer(client.scopes()).unwrap(),
        AuthorizeMiddleware::new(client.bearer(client.scopes()).unwrap())
    );
    assert!(!shown.contains(token.expose_secret()), "{shown}");
}

#[tokio::test]
async fn generated_client_gets_the_token_error_before_sending() {
    let (ours, other) = (emulator().await, emulator().await);
    let bearer = moneykit(&ours).bearer(&[]).unwrap();
    let request = |emulator: &Emulator| reqwest().get(introspect(emulator)).build().expect("a request");
    assert_eq!(ensure_token(&bearer, &request(&other)).await.unwrap_err().kind(), ErrorKind::InvalidConfig);
    emulator_refuses(&ours);
    assert_eq!(ensure_token(&bearer, &request(&ours)).await.unwrap_err().kind(), ErrorKind::Unauthorized);
    assert_eq!(sent(&ours), (1, 0));
}

fn moneykit_with_wrong_secret(emulator: &Emulator) -> moneykit::Client {
    let id = emulator.moneykit_credentials().client_id();
    let credentials = fintech_auth::Credentials::new(id, "marked-secret");
    moneykit::Client::builder(credentials).with_base_url(emulator.url()).build().expect("the client builds")
}

#[tokio::test]
async fn send_returns_the_token_error_without_sending() {
    let emulator = emulator().await;
    let authorizer = moneykit_with_wrong_secret(&emulator).bearer(&[]).unwrap();
    let request = reqwest().get(introspect(&emulator)).build().expect("a request");
    let error = authorizer.send(&reqwest(), request).await.unwrap_err();
    let SendError::Token(cause) = &error else { panic!("{error:?}") };
    assert_eq!(cause.kind(), ErrorKind::Unauthorized);
    assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<Error>()));
    assert!(!format!("{error:?} {error}").contains("marked-secret"));
    assert_eq!(sent(&emulator), (1, 0));
}

#[tokio::test]
async fn send_rejects_another_origin_without_sending() {
    let (ours, other) = (emulator().await, emulator().await);
    let authorizer = moneykit(&ours).bearer(&[]).unwrap();
    let user_info = introspect(&ours).replace("http://", "http://user@");
    let other_host = introspect(&ours).replace("127.0.0.1", "localhost");
    for (url, shown) in [
        (introspect(&other), other.url()),
        (other_host, &*ours.url().replace("127.0.0.1", "localhost")),
        (user_info, "user name"),
    ] {
        // The request is built by hand, because reqwest's builder moves the user name and password
        // of a URL into an `Authorization` header.
        let request = Request::new(http::Method::GET, url.parse().expect("a url"));
        let error = authorizer.send(&reqwest(), request).await.unwrap_err();
        let SendError::Token(cause) = error else { panic!("{error:?}") };
        assert_eq!(cause.kind(), ErrorKind::InvalidConfig, "{url}");
        let text = cause.to_string();
        assert!(text.contains(shown) && (shown == "user name" || text.ends_with(ours.url())), "{text}");
    }
    assert_eq!((sent(&ours), sent(&other)), ((0, 0), (0, 0)));
}

#[tokio::test]
async fn send_reports_the_error_of_the_http_client() {
    let (cache, _) = crate::scripted::cache([]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let authorizer = Authorizer::new(cache.handle(&[]).expect("a handle"), [&url]).expect("an origin");
    let request = reqwest().get(url).build().expect("a request");
    let error = authorizer.send(&reqwest(), request).await.unwrap_err();
    assert!(matches!(&error, SendError::Http(error) if error.is_connect()), "{error:?}");
}

#[tokio::test]
async fn progenitor_client_sends_nothing_without_a_token_or_to_another_origin() {
    let (ours, other) = (emulator().await, emulator().await);
    let authorizer = moneykit_with_wrong_secret(&ours).bearer(&[]).unwrap();
    for (url, reason) in [(introspect(&ours), "credentials"), (introspect(&other), other.url())] {
        let request = reqwest().post(url).body("a body").build().expect("a request");
        let error = execute(&authorizer, &reqwest(), request).await.unwrap_err();
        assert!(error.is_builder(), "{error:?}");
        let source = std::error::Error::source(&error).expect("a source").to_string();
        assert!(source.starts_with("the request was not sent: ") && source.contains(reason), "{source}");
        assert!(!format!("{error:?} {error}").contains("marked-secret"));
    }
    assert_eq!((sent(&ours), sent(&other)), ((1, 0), (0, 0)));
}

fn emulator_refuses(emulator: &Emulator) {
    emulator.fault(Operation::MoneykitToken, json(401, r#"{"error_code":"api_error.auth.unauthorized"}"#));
}

#[tokio::test]
async fn send_retries_once_and_returns_the_401_when_renewal_fails() {
    let bearer_and_emulator = async || {
        let emulator = emulator().await;
        emulator.fault(Operation::MoneykitIntrospect, json(401, EXPIRED));
        (moneykit(&emulator).bearer(&[]).unwrap(), emulator)
    };
    let http = reqwest();
    let (bearer, emulator) = bearer_and_emulator().await;
    let request = |emulator: &Emulator| http.get(introspect(emulator)).build().expect("a request");
    let response = bearer.send(&http, request(&emulator)).await.expect("a response");
    assert_eq!((response.status(), sent(&emulator)), (StatusCode::OK, (2, 2)));

    let (bearer, emulator) = bearer_and_emulator().await;
    bearer.tokens().expect("tokens").token().await.expect("a token");
    emulator_refuses(&emulator);
    let response = bearer.send(&http, request(&emulator)).await.expect("a response");
    assert_eq!((response.status(), sent(&emulator)), (StatusCode::UNAUTHORIZED, (2, 1)));
    assert_eq!(response.text().await.expect("the body"), EXPIRED);
}

#[tokio::test(start_paused = true)]
async fn send_returns_a_401_whose_body_never_arrives() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.read_buf(&mut Vec::with_capacity(4096)).await.expect("a request");
        stream.write_all(b"HTTP/1.1 401 \r\ncontent-length: 9\r\n\r\nhalf").await.expect("a response");
        std::future::pending::<()>().await;
    });
    let (cache, source) = crate::scripted::cache([]);
    let bearer = Authorizer::new(cache.handle(&[]).expect("a handle"), [&url]).expect("an origin");
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let tls = tls.with_safe_default_protocol_versions().expect("versions");
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let http = reqwest::Client::builder().tls_backend_preconfigured(tls).build().expect("the client builds");
    let request = http.get(url).build().expect("a request");
    let mut response = bearer.send(&http, request).await.expect("a response");
    assert_eq!((response.status(), source.count()), (StatusCode::UNAUTHORIZED, 1));
    assert_eq!(response.chunk().await.expect("a chunk").expect("data"), "half");
}

#[tokio::test]
async fn client_for_loopback_sends_plain_http_only_to_loopback() {
    let emulator = emulator().await;
    let address = emulator.url().trim_start_matches("http://").parse().expect("an address");
    let http = HttpOptions::default().with_client_builder(move |http| http.resolve("other.example", address));
    let (_, port) = emulator.url().rsplit_once(':').expect("a port");
    for base in ["http://localhost", "http://127.0.0.1:1", "http://[::1]", emulator.url()] {
        let http = http.to_reqwest(base).expect("the client builds");
        for host in ["other.example", "0.0.0.0", "[::ffff:127.0.0.1]", "localhost.other.example"] {
            let error = http.get(format!("http://{host}:{port}/")).send().await.unwrap_err();
            assert!(error.is_connect(), "{base} {host} {error:?}");
        }
        assert!(emulator.requests().is_empty(), "{base}");
        for host in ["127.0.0.1", "localhost", "LOCALHOST"] {
            http.get(format!("http://{host}:{port}/")).send().await.expect(host);
        }
        emulator.clear_requests();
    }
    let https = http.to_reqwest("https://localhost").expect("the client builds");
    for host in ["127.0.0.1", "localhost", "other.example"] {
        assert!(https.get(format!("http://{host}:{port}/")).send().await.is_err(), "{host}");
    }
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn client_for_custom_requests_does_not_follow_redirects() {
    let (ours, other) = (emulator().await, emulator().await);
    let to = HeaderValue::from_str(&introspect(&other)).expect("a value");
    let away = Fault::response(StatusCode::TEMPORARY_REDIRECT).with_header(LOCATION, to);
    ours.fault(Operation::MoneykitIntrospect, away);
    let response =
        http(moneykit(&ours).bearer(&[]).unwrap()).get(introspect(&ours)).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!((sent(&ours), sent(&other)), ((1, 1), (0, 0)));
    let error = HttpOptions::default().to_reqwest("http://api.example.com").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

#[tokio::test]
async fn key_pair_is_sent_in_vendor_headers_and_not_retried_on_a_401() {
    let emulator = emulator().await;
    let credentials = emulator.moneykit_credentials();
    let (id, secret) = (credentials.client_id(), credentials.client_secret().expose_secret());
    let authorizer = moneykit(&emulator).key_pair().expect("a key pair");
    assert!(authorizer.tokens().is_none() && !format!("{authorizer:?}").contains(secret));

    let request = reqwest().get(introspect(&emulator)).header("x-client-id", id).build().expect("a request");
    let response = authorizer.send(&reqwest(), request).await.expect("a response");
    assert_eq!((response.status(), sent(&emulator)), (StatusCode::OK, (0, 1)));
    emulator.fault(Operation::MoneykitIntrospect, json(401, EXPIRED));
    let response = http(authorizer.clone()).get(introspect(&emulator)).send().await.expect("a response");
    assert_eq!((response.status(), sent(&emulator)), (StatusCode::UNAUTHORIZED, (0, 2)));
    for request in emulator.requests() {
        assert_eq!(
            (&request.headers["x-client-id"], &request.headers["x-client-secret"]),
            (&id.parse::<HeaderValue>().expect("a value"), &secret.parse::<HeaderValue>().expect("a value"))
        );
        assert!(!request.headers.contains_key(AUTHORIZATION));
    }

    let moov = emulator.moov().build().expect("the client builds");
    let authorizer = moov.basic_auth().expect("a key pair");
    let credentials = emulator.moov_credentials();
    let pair = format!("{}:{}", credentials.client_id(), credentials.client_secret().expose_secret());
    let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
    emulator.clear_requests();
    let request = || reqwest().get(format!("{}/accounts", emulator.url())).build().expect("a request");
    authorizer.send(&reqwest(), request()).await.expect("a response");
    http(authorizer.clone()).execute(request()).await.expect("a response");
    ensure_token(&authorizer, &request()).await.expect("no token is needed");
    execute(&authorizer, &reqwest(), request()).await.expect("a response");
    let requests = emulator.requests();
    assert_eq!(requests.len(), 3, "each request must be sent once, without a token call");
    assert!(requests.iter().all(|request| request.headers[AUTHORIZATION] == value));
}

#[tokio::test]
async fn key_pair_is_not_sent_after_a_redirect() {
    let (ours, other) = (emulator().await, emulator().await);
    let authorizers = [
        (moneykit(&ours).key_pair().expect("a key pair"), Operation::MoneykitIntrospect),
        (crate::support::moov(&ours).basic_auth().expect("a key pair"), Operation::MoovAccounts),
    ];
    for (authorizer, operation) in authorizers {
        for status in [301, 302, 303, 307, 308] {
            let to = HeaderValue::from_str(&format!("{}{}", other.url(), operation.path())).expect("a url");
            let status = StatusCode::from_u16(status).expect("a status");
            ours.fault(operation, Fault::response(status).with_header(LOCATION, to));
            let request =
                reqwest().get(format!("{}{}", ours.url(), operation.path())).build().expect("a request");
            let response = authorizer.send(&reqwest(), request).await.expect("a response");
            assert_eq!(response.status(), status);
        }
        assert_eq!(ours.count(operation), 5);
    }
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn key_pair_is_not_sent_to_another_origin_or_with_other_credentials() {
    let (ours, other) = (emulator().await, emulator().await);
    let authorizer = moneykit(&ours).key_pair().expect("a key pair");
    let request = reqwest().get(introspect(&other)).build().expect("a request");
    let error = authorizer.send(&reqwest(), request).await.unwrap_err();
    assert!(matches!(error, SendError::Token(error) if error.kind() == ErrorKind::InvalidConfig));
    http(authorizer.clone()).get(introspect(&other)).send().await.expect("a response");
    let own = reqwest().get(introspect(&ours)).header(AUTHORIZATION, "Bearer of-my-own");
    authorizer.send(&reqwest(), own.build().expect("a request")).await.expect("a response");
    for request in [other.requests(), ours.requests()].concat() {
        assert!(!request.headers.contains_key("x-client-secret"));
    }
    assert_eq!((sent(&ours), sent(&other)), ((0, 1), (0, 1)));
}
