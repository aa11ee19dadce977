//! Tests the service without a vendor. The tests provide the tokens, and a listener replaces the
//! API.

use std::{
    io::{ErrorKind::WouldBlock, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use fintech_auth::{
    Error, ErrorKind, HttpOptions, Scope, Token,
    token::{StaticTokenProvider, TokenFuture, TokenProvider},
};
use user_service::{AccountError, Accounts};
use uuid::Uuid;

fn token() -> Token {
    Token::new("test-token", Duration::from_secs(60)).expect("a token")
}

fn api() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

fn accounts(tokens: Arc<dyn TokenProvider>, url: &str) -> Accounts {
    Accounts::new(tokens, HttpOptions::default().to_reqwest(url).expect("a client"), url)
}

fn respond_once(listener: TcpListener, response: &'static str) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            let length = stream.read(&mut buffer).expect("a request");
            assert_ne!(length, 0, "the request ended early");
            request.extend_from_slice(&buffer[..length]);
        }
        stream.write_all(response.as_bytes()).expect("sent");
        String::from_utf8(request).expect("text")
    })
}

#[tokio::test]
async fn request_carries_the_token() {
    let (listener, url) = api();
    let request =
        respond_once(listener, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"displayName\":\"Whisky 1\"}");
    let accounts = accounts(Arc::new(StaticTokenProvider::new(token())), &url);
    assert_eq!(accounts.name(Uuid::nil()).await.expect("a name"), "Whisky 1");
    let request = request.join().expect("a request");
    assert!(request.starts_with("GET /accounts/00000000-0000-0000-0000-000000000000 "), "{request}");
    assert!(request.contains("authorization: Bearer test-token\r\n"), "{request}");
}

#[tokio::test]
async fn request_is_not_sent_without_a_token() {
    let (listener, url) = api();
    let unavailable = Error::new(ErrorKind::Unavailable, "no token");
    let accounts = accounts(Arc::new(StaticTokenProvider::failing(unavailable)), &url);
    let error = accounts.name(Uuid::nil()).await.unwrap_err();
    assert!(matches!(error, AccountError::Token(error) if error.kind() == ErrorKind::Unavailable));
    listener.set_nonblocking(true).expect("set");
    assert_eq!(listener.accept().unwrap_err().kind(), WouldBlock);
}

#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<String>>);

impl TokenProvider for Recorder {
    fn cached(&self, _: &[Scope]) -> Option<Token> {
        None
    }

    fn token<'a>(&'a self, scopes: &'a [Scope]) -> TokenFuture<'a, Result<Token, Error>> {
        self.0.lock().expect("unpoisoned").extend(scopes.iter().map(|scope| format!("token {scope}")));
        Box::pin(async { Ok(token()) })
    }

    fn invalidate<'a>(&'a self, token: &'a Token) -> TokenFuture<'a, ()> {
        self.0.lock().expect("unpoisoned").push(format!("invalidate {}", token.expose_secret()));
        Box::pin(async {})
    }
}

#[tokio::test]
async fn token_rejected_by_the_server_is_invalidated() {
    let (listener, url) = api();
    let request = respond_once(
        listener,
        "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer error=\"invalid_token\"\r\n\
         connection: close\r\ncontent-length: 0\r\n\r\n",
    );
    let recorder = Arc::new(Recorder::default());
    let error = accounts(recorder.clone(), &url).name(Uuid::nil()).await.unwrap_err();
    assert!(matches!(error, AccountError::Http(_)), "{error:?}");
    request.join().expect("a request");
    let recorded = recorder.0.lock().expect("unpoisoned").join(", ");
    let scope = "/accounts/00000000-0000-0000-0000-000000000000/profile.read";
    assert_eq!(recorded, format!("token {scope}, invalidate test-token"));
}
