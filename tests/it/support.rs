//! Code that the tests share: the emulator, and clients of both vendors.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use fintech_auth::{
    Error, HttpOptions, RetryPolicy, Scope, Secret,
    emulator::{Emulator, Fault, Operation, SignedWebhook},
    moneykit, moov,
    token::TokenOptions,
};
use http::StatusCode;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tracing_subscriber::fmt::format::FmtSpan;

pub(crate) async fn emulator() -> Emulator {
    Emulator::start().await.expect("the emulator starts")
}

pub(crate) fn quick() -> HttpOptions {
    HttpOptions::default().with_timeout(Duration::from_secs(2))
}

pub(crate) fn plain(tokens: TokenOptions) -> TokenOptions {
    tokens
        .with_retry(|_| RetryPolicy::never())
        .with_negative_cache_ttl(Duration::ZERO)
        .with_rate_limit(100_000, Duration::from_secs(1))
}

pub(crate) fn moneykit(emulator: &Emulator) -> moneykit::Client {
    emulator.moneykit().with_http(|_| quick()).with_tokens(plain).build().expect("the client builds")
}

pub(crate) fn moov(emulator: &Emulator) -> moov::Client {
    emulator.moov().with_http(|_| quick()).with_tokens(plain).build().expect("the client builds")
}

pub(crate) fn scopes(scopes: &[&str]) -> Vec<Scope> {
    scopes.iter().map(|scope| scope.parse().expect("a scope")).collect()
}

pub(crate) fn json(status: u16, body: impl Into<String>) -> Fault {
    Fault::response(StatusCode::from_u16(status).expect("a status"))
        .with_body("application/json", body.into())
}

pub(crate) async fn issue(emulator: &Emulator, operation: Operation) -> Result<Secret, Error> {
    match operation {
        Operation::MoneykitToken => {
            moneykit(emulator).create_access_token(&[]).await.map(|token| token.into_body().access_token)
        }
        _ => {
            let token = moov(emulator).create_access_token(&scopes(&["/accounts.read"])).await?;
            Ok(token.into_body().access_token.0)
        }
    }
}

pub(crate) const TOKEN: [Operation; 2] = [Operation::MoneykitToken, Operation::MoovToken];

#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn start(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_span_events(FmtSpan::CLOSE)
            .with_writer(move || log.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) async fn post_webhook(address: &str, path: &str, webhook: &SignedWebhook) -> TcpStream {
    let mut request = format!(
        "POST /{path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {}\r\n",
        webhook.body.len()
    );
    for (name, value) in &webhook.headers {
        request += &format!("{name}: {}\r\n", value.to_str().expect("text"));
    }
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(format!("{request}\r\n").as_bytes()).await.expect("the request is sent");
    // If the body exceeds the limit, the server may close the connection early, so errors of this
    // write are ignored.
    let _ = stream.write_all(&webhook.body).await;
    stream
}
