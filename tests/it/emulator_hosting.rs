//! Tests an emulator that runs inside a program.

use std::{net::Ipv6Addr, time::Duration};

use fintech_auth::{
    Secret,
    emulator::{Emulator, Fault, Operation, TokenState},
    webhook::testing::SigningKey,
};
use http::{Response, StatusCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

const LONG: Duration = Duration::from_secs(30);

async fn connect(emulator: &Emulator) -> TcpStream {
    TcpStream::connect(emulator.url().trim_start_matches("http://")).await.expect("the port is open")
}

async fn send(emulator: &Emulator, request: &str) -> String {
    let mut stream = connect(emulator).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: emulator\r\nConnection: close\r\n\r\n")
}

async fn arrived(emulator: &Emulator, operation: Operation) {
    let waited = timeout(LONG, async {
        while emulator.count(operation) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("the request arrives");
}

#[tokio::test]
async fn custom_handler_runs_before_the_services_and_without_logging() {
    let builder = Emulator::builder().with_handler(|request| {
        let body = request.body().clone();
        (request.uri().path() == "/echo").then(|| Response::new(body))
    });
    let emulator = builder.start().await.unwrap();
    let posted = "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    let response = send(&emulator, posted).await;
    assert!(response.starts_with("HTTP/1.1 200") && response.ends_with("\r\n\r\nhello"), "{response}");
    assert!(emulator.requests().is_empty());
    assert!(send(&emulator, &get("/other")).await.starts_with("HTTP/1.1 404"));
    let large = "x".repeat(64 * 1024 + 1);
    let head = format!(
        "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        large.len()
    );
    assert!(send(&emulator, &(head + &large)).await.starts_with("HTTP/1.1 413"));
    assert_eq!(emulator.requests().len(), 2);
}

#[tokio::test]
async fn emulator_on_all_addresses_is_reachable_by_loopback() {
    let emulator = Emulator::builder().with_host(Ipv6Addr::UNSPECIFIED.into()).start().await;
    let (emulator, expected) = match emulator {
        Ok(emulator) => (emulator, "http://[::1]:"),
        Err(_) => {
            let any = std::net::Ipv4Addr::UNSPECIFIED.into();
            (Emulator::builder().with_host(any).start().await.unwrap(), "http://127.0.0.1:")
        }
    };
    assert!(emulator.url().starts_with(expected), "{}", emulator.url());
    emulator.moneykit().build().unwrap().token(&[]).await.unwrap();
}

#[tokio::test]
async fn tokens_are_listed_with_their_state() {
    let emulator = Emulator::start().await.unwrap();
    let moov = emulator.moov().with_origin(emulator.origin()).build().unwrap();
    let scopes = ["/accounts.read".parse().unwrap()];
    let first = moov.create_access_token(&scopes).await.unwrap();
    let refresh_token = first.refresh_token.as_ref().expect("a refresh token");
    emulator.clock().advance(Duration::from_secs(1));
    let moneykit = emulator.moneykit().build().unwrap();
    let linked = moneykit.create_access_token(&["institutions:read".parse().unwrap()]).await.unwrap();
    emulator.clock().advance(Duration::from_secs(1));
    moov.refresh(refresh_token, &[]).await.unwrap();
    emulator.revoke(linked.access_token.expose_secret());

    let tokens = emulator.tokens();
    let seen: Vec<_> = tokens
        .iter()
        .map(|token| (token.operation, token.is_refresh_token, token.scope.as_str(), token.state))
        .collect();
    let (moov, read) = (Operation::MoovToken, "/accounts.read");
    let expected = [
        (moov, false, read, TokenState::Live),
        (moov, true, read, TokenState::Spent),
        (Operation::MoneykitToken, false, "institutions:read", TokenState::Revoked),
        (moov, false, read, TokenState::Live),
        (moov, true, read, TokenState::Live),
    ];
    assert_eq!(seen, expected);
    assert_eq!(tokens[2].text.expose_secret(), linked.access_token.expose_secret());
    let lifetime = tokens[0].expires_at.unwrap().duration_since(tokens[0].issued_at).unwrap();
    assert_eq!(lifetime, Duration::from_secs(3600));
    let shown = format!("{tokens:?}");
    assert!(!shown.contains(linked.access_token.expose_secret()), "{shown}");

    emulator.clock().advance(Duration::from_secs(3600));
    let states: Vec<_> = emulator.tokens().iter().map(|token| token.state).collect();
    assert_eq!(states[..2], [TokenState::Expired, TokenState::Spent]);
}

#[tokio::test]
async fn faults_are_listed_until_they_are_applied() {
    let emulator = Emulator::start().await.unwrap();
    let unavailable = Fault::response(StatusCode::SERVICE_UNAVAILABLE);
    emulator.fault_times(Operation::MoneykitToken, unavailable, 2);
    emulator.fault(Operation::MoneykitToken, Fault::cdn_block().with_delay(Duration::from_secs(2)));
    emulator.fault(Operation::MoovToken, Fault::close().after_serving());
    let pending = || -> Vec<_> {
        let faults = emulator.pending_faults();
        faults.iter().map(|fault| (fault.operation, fault.fault.to_string(), fault.times)).collect()
    };
    let (moneykit, moov) = (Operation::MoneykitToken, Operation::MoovToken);
    let late = (moneykit, "blocked by the CDN, after 2s".to_owned(), 1);
    let lost = (moov, "closed connection, after the request was processed".to_owned(), 1);
    assert_eq!(pending(), [(moneykit, "status 503".to_owned(), 2), late.clone(), lost.clone()]);
    let client = emulator.moneykit().with_tokens(crate::support::plain).build().unwrap();
    client.create_access_token(&[]).await.unwrap_err();
    assert_eq!(pending(), [(moneykit, "status 503".to_owned(), 1), late, lost]);
    emulator.clear_faults();
    assert_eq!(pending(), []);
}

#[tokio::test]
async fn initial_signing_keys_can_be_configured() {
    let key = SigningKey::generate("ignored").unwrap();
    let (key, id) = (SigningKey::from_pkcs8(key.pkcs8()).unwrap(), key.jwk()["x"].clone());
    let secret = Secret::from("whsec_mine");
    let builder = Emulator::builder().with_moov_webhook_secret(secret.clone());
    let emulator = builder.with_moneykit_signing_key(key).start().await.unwrap();
    assert_eq!(emulator.moov_webhook_secret().expose_secret(), secret.expose_secret());
    let published = emulator.moneykit().build().unwrap().jwks().await.unwrap().into_body();
    assert_eq!(published.keys.len(), 1);
    assert_eq!(published.keys[0]["x"], id);
}

#[tokio::test]
async fn shutdown_completes_in_flight_requests_and_accepts_no_more() {
    let emulator = Emulator::start().await.unwrap();
    emulator.fault(Operation::MoneykitJwks, Fault::delay(Duration::from_millis(300)));
    let mut in_flight = connect(&emulator).await;
    let idle = connect(&emulator).await;
    in_flight.write_all(get("/.well-known/jwks.json").as_bytes()).await.unwrap();
    arrived(&emulator, Operation::MoneykitJwks).await;
    timeout(LONG, emulator.shutdown(Duration::MAX))
        .await
        .expect("idle connections do not delay the shutdown");
    let mut response = String::new();
    in_flight.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200") && response.ends_with('}'), "{response}");
    assert!(TcpStream::connect(emulator.url().trim_start_matches("http://")).await.is_err());
    drop(idle);
}

#[tokio::test]
async fn shutdown_does_not_exceed_its_time_limit() {
    let emulator = Emulator::start().await.unwrap();
    emulator.fault(Operation::MoneykitJwks, Fault::hang());
    let mut hanging = connect(&emulator).await;
    hanging.write_all(get("/.well-known/jwks.json").as_bytes()).await.unwrap();
    arrived(&emulator, Operation::MoneykitJwks).await;
    timeout(LONG, emulator.shutdown(Duration::from_millis(50))).await.expect("the shutdown ends");
    let mut response = String::new();
    timeout(LONG, hanging.read_to_string(&mut response)).await.expect("the connection is closed").ok();
    assert_eq!(response, "");
}

async fn remote() -> Emulator {
    Emulator::builder().with_host(std::net::Ipv4Addr::UNSPECIFIED.into()).start().await.unwrap()
}

#[tokio::test]
async fn number_of_connections_from_other_machines_is_limited() {
    let emulator = remote().await;
    let mut held = Vec::new();
    for _ in 0..256 {
        held.push(connect(&emulator).await);
    }
    let mut waiting = connect(&emulator).await;
    waiting.write_all(get("/waiting").as_bytes()).await.unwrap();
    for mut stream in held {
        stream.write_all(get("/held").as_bytes()).await.unwrap();
        let mut first = [0];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(emulator.requests()[0].path, "/held", "a connection over the limit must wait");
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    }
    let mut response = String::new();
    waiting.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 404"), "{response}");
}

#[tokio::test(start_paused = true)]
async fn remote_connection_is_closed_after_30_s_without_a_complete_request() {
    let emulator = remote().await;
    let half_a_body = "POST /auth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe";
    for sent in ["", "GET / HTTP/1.1\r\nHost:", half_a_body] {
        let mut stream = connect(&emulator).await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        let began = tokio::time::Instant::now();
        let mut response = String::new();
        let ended = timeout(Duration::from_secs(3600), stream.read_to_string(&mut response)).await;
        ended.expect("the connection is closed").ok();
        assert!(
            began.elapsed() >= Duration::from_secs(29) && began.elapsed() < Duration::from_secs(60),
            "{sent}"
        );
        assert!(!response.starts_with("HTTP/1.1 2"), "{response}");
    }
    assert!(emulator.requests().is_empty());
}
