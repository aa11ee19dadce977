//! A server that implements the operations of both vendors, and credential providers that a test
//! controls.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use fintech_auth::{Credentials, CredentialsFuture, CredentialsProvider, moneykit, moov};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::support::{plain, quick};

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    accepted: Mutex<Vec<String>>,
    log: Mutex<Vec<String>>,
    scripted: Mutex<VecDeque<String>>,
    held: Mutex<Option<String>>,
    released: Notify,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State::default());
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        let server = Self { url, state };
        server.accept(&["id:one"]);
        server
    }

    pub(crate) fn accept(&self, pairs: &[&str]) {
        *self.state.accepted.lock().unwrap() = pairs.iter().map(|pair| (*pair).to_owned()).collect();
    }

    pub(crate) fn respond_once(&self, status: u16, body: &str) {
        self.state.scripted.lock().unwrap().push_back(response(status, body));
    }

    pub(crate) fn issue_once_with(&self, header: &str) {
        let response = response(200, r#"{"access_token":"token"}"#);
        let response = response.replacen("\r\n", &format!("\r\n{header}\r\n"), 1);
        self.state.scripted.lock().unwrap().push_back(response);
    }

    pub(crate) fn hold(&self, pair: &str) {
        *self.state.held.lock().unwrap() = Some(pair.to_owned());
    }

    pub(crate) fn release(&self) {
        *self.state.held.lock().unwrap() = None;
        self.state.released.notify_waiters();
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.log.lock().unwrap())
    }

    pub(crate) async fn until_requested(&self, count: usize) {
        let requested = async {
            while self.state.log.lock().unwrap().len() < count {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), requested)
            .await
            .expect("the requests arrive in time");
    }

    pub(crate) fn moov(&self, credentials: impl CredentialsProvider) -> moov::ClientBuilder {
        moov::Client::builder(credentials).with_base_url(&self.url).with_http(|_| quick()).with_tokens(plain)
    }

    pub(crate) fn moneykit(&self, credentials: impl CredentialsProvider) -> moneykit::ClientBuilder {
        moneykit::Client::builder(credentials)
            .with_base_url(&self.url)
            .with_http(|_| quick())
            .with_tokens(plain)
    }
}

fn response(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    while let Some((path, pair)) = read_request(&mut stream).await {
        let number = {
            let mut log = state.log.lock().unwrap();
            log.push(format!("{path} {pair}"));
            log.len()
        };
        let released = state.released.notified();
        if state.held.lock().unwrap().as_deref() == Some(&*pair) {
            released.await;
        }
        let scripted = state.scripted.lock().unwrap().pop_front();
        let token = format!("{}-{number}", pair.replace(':', "-"));
        let is_accepted = state.accepted.lock().unwrap().contains(&pair);
        let response = scripted.unwrap_or_else(|| match (path.as_str(), is_accepted) {
            (_, false) => response(401, ""),
            ("/oauth2/token" | "/auth/token", true) => response(
                if path == "/auth/token" { 201 } else { 200 },
                &format!(
                    r#"{{"access_token":"{token}","token_type":"bearer","expires_in":3600,"refresh_token":"r"}}"#
                ),
            ),
            ("/auth/introspect", true) => response(
                200,
                r#"{"client_id":"id","client_name":"name","scope":"","disabled":false,"created_at":"2025-01-01T00:00:00Z","expires_in":1}"#,
            ),
            (_, true) => response(200, "{}"),
        });
        if stream.write_all(response.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (given, value) = line.split_once(": ")?;
            given.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    let basic = header("authorization").and_then(|value| {
        let pair = BASE64_STANDARD.decode(value.strip_prefix("Basic ")?).unwrap();
        Some(String::from_utf8(pair).unwrap())
    });
    let headers = header("x-client-id").zip(header("x-client-secret"));
    let text = String::from_utf8(body).unwrap_or_default();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let form: std::collections::BTreeMap<String, String> =
        serde_urlencoded::from_str(&text).unwrap_or_default();
    let field = |name: &str| json[name].as_str().map(str::to_owned).or_else(|| form.get(name).cloned());
    let fields = field("client_id").zip(field("client_secret"));
    let pair = basic.or_else(|| headers.or(fields).map(|(id, secret)| format!("{id}:{secret}")));
    let path = head.split(' ').nth(1)?.split('?').next()?.to_owned();
    Some((path, pair.unwrap_or_default()))
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Behaviour {
    #[default]
    Responds,
    Fails,
    Panics,
}

#[derive(Clone, Debug)]
pub(crate) struct Cached(Arc<CachedState>);

#[derive(Debug)]
struct CachedState {
    known: Option<Credentials>,
    pair: Mutex<Credentials>,
    next: Mutex<Credentials>,
    behaviour: Mutex<Behaviour>,
    calls: Mutex<(u32, u32)>,
}

pub(crate) fn pair(pair: &str) -> Credentials {
    let (id, secret) = pair.split_once(':').unwrap();
    Credentials::new(id, secret)
}

impl Cached {
    pub(crate) fn new(first: &str) -> Self {
        Self::with_known(first, Some(pair(first)))
    }

    pub(crate) fn lazy(first: &str) -> Self {
        Self::with_known(first, None)
    }

    fn with_known(first: &str, known: Option<Credentials>) -> Self {
        let (next, behaviour, calls) = (Mutex::new(pair(first)), Mutex::default(), Mutex::default());
        Self(Arc::new(CachedState { known, pair: Mutex::new(pair(first)), next, behaviour, calls }))
    }

    pub(crate) fn set(&self, text: &str) {
        *self.0.pair.lock().unwrap() = pair(text);
        self.set_next(text);
    }

    pub(crate) fn set_next(&self, text: &str) {
        *self.0.next.lock().unwrap() = pair(text);
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.0.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn calls(&self) -> (u32, u32) {
        *self.0.calls.lock().unwrap()
    }

    fn respond(&self) -> CredentialsFuture<'_> {
        let behaviour = *self.0.behaviour.lock().unwrap();
        Box::pin(async move {
            match behaviour {
                Behaviour::Responds => Ok(self.0.pair.lock().unwrap().clone()),
                // The cache must not treat this error as a refusal by the vendor. Otherwise the
                // whole fleet would stop sending these credentials.
                Behaviour::Fails => {
                    let error = fintech_auth::Error::new(fintech_auth::ErrorKind::Unauthorized, "sealed");
                    Err(error.with_status(http::StatusCode::UNAUTHORIZED))
                }
                Behaviour::Panics => std::panic::resume_unwind(Box::new("the provider panics")),
            }
        })
    }
}

impl CredentialsProvider for Cached {
    fn credentials(&self) -> CredentialsFuture<'_> {
        self.0.calls.lock().unwrap().0 += 1;
        self.respond()
    }

    fn after_refusal<'a>(&'a self, _: &'a Credentials) -> CredentialsFuture<'a> {
        self.0.calls.lock().unwrap().1 += 1;
        let next = self.0.next.lock().unwrap().clone();
        *self.0.pair.lock().unwrap() = next;
        self.respond()
    }

    fn known(&self) -> Option<Credentials> {
        self.0.known.clone()
    }
}
