//! `--record`: writes a transcript of the calls that `doctor` makes.
//!
//! # Security
//!
//! The file contains only texts from allow-lists, JSON types, lengths, statuses, and small numbers
//! such as times of at most one year. Nothing else is copied from a request or a response. So the
//! file contains no secret, no matter where a server puts one.

mod header;
mod shape;
mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fintech_auth::{Error, HttpOptions, moneykit, moov, reqwest::Url};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::{
    check::{Checks, Verdict},
    probe::Read,
};
use crate::{exit::Failure, private_file::PrivateFile};

const MAX_CALLS: usize = 64;

#[derive(Clone, Default)]
pub(super) struct Recorder(Option<Arc<Mutex<Vec<Value>>>>);

#[derive(Clone, Copy)]
pub(super) struct Received<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) is_complete: bool,
}

impl Recorder {
    pub(super) fn new(is_on: bool) -> Self {
        Self(is_on.then(Arc::default))
    }

    fn calls(&self) -> Option<MutexGuard<'_, Vec<Value>>> {
        self.0.as_ref().map(|calls| calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn moneykit(&self, config: &moneykit::Config) -> Result<moneykit::ClientBuilder, Error> {
        Ok(config.builder()?.with_http(|options| self.attach(options, None)))
    }

    pub(super) fn moov(&self, config: &moov::Config) -> Result<moov::ClientBuilder, Error> {
        let origin = config.origin.as_deref().or(config.referer.as_deref());
        Ok(config.builder()?.with_http(|options| self.attach(options, origin)))
    }

    fn attach(&self, options: HttpOptions, origin: Option<&str>) -> HttpOptions {
        if self.0.is_none() {
            return options;
        }
        let (recorder, origin) = (self.clone(), origin.map(str::to_owned));
        options.with_recorder(move |exchange| {
            let received = exchange.response.map(|(status, headers, body)| Received {
                status,
                headers,
                body,
                is_complete: exchange.is_complete,
            });
            let request = (exchange.method, exchange.url, exchange.request_headers, exchange.request_body);
            recorder.add(request, received, origin.as_deref());
        })
    }

    pub(super) fn add_read(&self, method: &Method, url: &Url, headers: &HeaderMap, read: Option<&Read>) {
        let received = read.map(|read| Received {
            status: read.status,
            headers: &read.headers,
            body: &read.body,
            is_complete: true,
        });
        self.add((method, url, headers, &[]), received, None);
    }

    fn add(
        &self,
        (method, url, headers, body): (&Method, &Url, &HeaderMap, &[u8]),
        received: Option<Received<'_>>,
        origin: Option<&str>,
    ) {
        let Some(mut calls) = self.calls().filter(|calls| calls.len() < MAX_CALLS) else { return };
        calls.push(json!({
            "call": format!("{} {}", words::known(words::METHODS, method.as_str()), words::path(url.path())),
            "host": words::host(url),
            "sent": { "headers": header::all(headers), "body": shape::request(headers, body) },
            "received": received.map(|received| json!({
                "status": received.status.as_u16(),
                "headers": header::all(received.headers),
                "body": shape::response(received.body, origin),
                "is_complete": received.is_complete,
            })),
        }));
    }

    fn text(&self) -> (String, usize) {
        let calls = self.calls().map(|calls| calls.clone()).unwrap_or_default();
        let about = json!({
            "transcript": 1,
            "program": concat!("fintech-auth ", env!("CARGO_PKG_VERSION")),
            "about": "Redacted calls of fintech-auth doctor: names and words of a fixed list, JSON types, lengths, \
                      statuses, and times in seconds relative to now.",
        });
        let lines = std::iter::once(&about).chain(&calls).map(|line| format!("{line}\n"));
        (lines.collect(), calls.len())
    }

    pub(super) fn finish(&self, checks: &mut Checks<'_>, path: &str) -> Result<(), Failure> {
        let (text, count) = self.text();
        let path = PrivateFile::begin(OPTION, path)?.finish(text.as_bytes());
        let path = path.map_err(|unsaved| unsaved.failure)?;
        let found = format!(
            "{count} calls are recorded in {}: only names, types, lengths, statuses and relative times, no values that \
             could be secret",
            path.display()
        );
        let next = "check the file, then attach it to an issue in the fintech-auth repository";
        checks.add("transcript.written", Verdict::Ok, &found, next)
    }
}

const OPTION: &str = "--record";

pub(super) fn check_file(path: &str) -> Result<(), Failure> {
    PrivateFile::begin(OPTION, path).map(drop)
}
