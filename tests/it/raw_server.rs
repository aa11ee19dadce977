//! A TCP server that responds to each request with the given bytes, even if the bytes are not valid
//! HTTP.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fintech_auth::{Credentials, Error, HttpOptions, moneykit, moov, token::TokenOptions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::support::{plain, scopes};

#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) bytes: Vec<u8>,
    pub(crate) drip: Option<Duration>,
    pub(crate) end: End,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Keep,
    Close,
    Hang,
}

/// Each line of `headers` must end with a line break.
pub(crate) fn raw(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Script {
    let body = body.as_ref();
    let mut bytes =
        format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    Script { bytes, drip: None, end: End::Keep }
}

pub(crate) struct RawServer {
    url: String,
    script: Arc<Mutex<Script>>,
    connections: Arc<AtomicUsize>,
}

impl RawServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(raw(500, "", "")));
        let connections = Arc::new(AtomicUsize::new(0));
        let (shared, counted) = (Arc::clone(&script), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, script, connections }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn respond(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }

    pub(crate) fn clients(&self) -> Clients {
        self.clients_with("a-client-secret", Duration::from_secs(20), plain)
    }

    pub(crate) fn clients_with(
        &self,
        secret: &str,
        timeout: Duration,
        tokens: impl Fn(TokenOptions) -> TokenOptions,
    ) -> Clients {
        let credentials = Credentials::new("id", secret);
        let http = HttpOptions::default().with_timeout(timeout);
        let moneykit = moneykit::Client::builder(credentials.clone()).with_http(|_| http.clone());
        let moov = moov::Client::builder(credentials).with_http(|_| http);
        Clients {
            moneykit: moneykit.with_base_url(&self.url).with_tokens(&tokens).build().unwrap(),
            moov: moov.with_base_url(&self.url).with_tokens(&tokens).build().unwrap(),
        }
    }
}

pub(crate) struct Clients {
    pub(crate) moneykit: moneykit::Client,
    pub(crate) moov: moov::Client,
}

impl Clients {
    pub(crate) async fn token_errors(&self) -> [Error; 2] {
        [
            self.moneykit.create_access_token(&[]).await.expect_err("an error"),
            self.moov.create_access_token(&scopes(&["/ping.read"])).await.expect_err("an error"),
        ]
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    while read_request(&mut stream).await.is_some() {
        let Script { bytes, drip, end } = script.lock().unwrap().clone();
        match drip {
            None => drop(stream.write_all(&bytes).await),
            Some(pause) => {
                for byte in bytes {
                    if stream.write_all(&[byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        }
        match end {
            End::Keep => {}
            End::Close => return drop(stream.shutdown().await),
            End::Hang => return drop(stream.read_u8().await),
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    stream.read_exact(&mut body).await.ok().map(|_| ())
}
