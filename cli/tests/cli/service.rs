//! A test server for responses that the emulator cannot send.

use std::{
    net::SocketAddr,
    process::Command,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Uri},
};
use http::{Response, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::program::{Ran, program};

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }
}

pub(crate) struct Service {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Service {
    pub(crate) async fn start(
        respond: impl Fn(&Request) -> Response<Vec<u8>> + Clone + Send + Sync + 'static,
    ) -> Self {
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let log = requests.clone();
        let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let body = String::from_utf8_lossy(&body).into_owned();
            let request = Request { path: uri.path().to_owned(), headers, body };
            let response = respond(&request);
            log.lock().expect("no panic").push(request);
            async { response.map(axum::body::Body::from) }
        });
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, requests }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic").clone()
    }

    pub(crate) fn program(&self, args: &str) -> Command {
        let mut command = program(args);
        for prefix in ["MONEYKIT", "MOOV"] {
            command
                .env(format!("{prefix}_CLIENT_ID"), "a-client-id")
                .env(format!("{prefix}_CLIENT_SECRET"), SECRET)
                .env(format!("{prefix}_BASE_URL"), &self.url)
                .env(format!("{prefix}_ATTEMPTS"), "1")
                .env(format!("{prefix}_TIMEOUT"), "5s");
        }
        command
    }
}

pub(crate) const SECRET: &str = "MARK-client-secret-0123456789";

pub(crate) fn respond(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Response<Vec<u8>> {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    for (name, value) in headers {
        let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a name");
        response.headers_mut().append(name, value.parse().expect("a value"));
    }
    response
}

pub(crate) const REQUEST_ID: (&str, &str) = ("x-request-id", "9383a65a-dc2d-40ab-b3d3-5849209f9667");

pub(crate) fn moov(status: u16, body: &str) -> Response<Vec<u8>> {
    match body {
        "" => respond(status, &[REQUEST_ID], ""),
        body => respond(status, &[REQUEST_ID, ("content-type", "application/json")], body),
    }
}

pub(crate) fn cdn() -> Response<Vec<u8>> {
    let headers = [
        ("server", "cloudflare"),
        ("cf-ray", "9a0b1c2d3e4f5a6b-IAD"),
        ("content-type", "text/plain; charset=UTF-8"),
    ];
    respond(403, &headers, "error code: 1010")
}

pub(crate) struct Findings(Vec<Value>);

impl Findings {
    pub(crate) fn of(ran: &Ran) -> Self {
        let lines = ran.out.lines().filter(|line| line.starts_with('{'));
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let findings: Vec<Value> = lines.map(parse).collect();
        assert!(!findings.is_empty(), "{}", ran.all());
        let has_failed = findings.iter().any(|finding| finding["verdict"] == "fail");
        assert_eq!(ran.code, Some(if has_failed { 10 } else { 0 }), "{}", ran.all());
        Self(findings)
    }

    pub(crate) fn verdict(&self, id: &str, next: &str) -> &str {
        let finding = self.0.iter().find(|finding| finding["id"] == id);
        let finding = finding.unwrap_or_else(|| panic!("no {id} among {:#?}", self.ids()));
        let says = finding["next"].as_str().unwrap_or_default();
        assert!(says.contains(next), "finding {id} does not contain {next:?}: {finding}");
        finding["verdict"].as_str().expect("a verdict")
    }

    pub(crate) fn ids(&self) -> Vec<&str> {
        self.0.iter().map(|finding| finding["id"].as_str().expect("an id")).collect()
    }

    pub(crate) fn failed(&self) -> Vec<&str> {
        let failed = self.0.iter().filter(|finding| finding["verdict"] == "fail");
        failed.map(|finding| finding["id"].as_str().expect("an id")).collect()
    }
}
