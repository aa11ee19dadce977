//! The status page of the emulator, and the health check.

mod action;
mod guard;
mod records;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use action::Action;
use bytes::Bytes;
use fintech_auth::emulator::{Emulator, ListedToken, Operation, Request, TokenState};
use guard::Access;
pub(super) use guard::Guard;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use records::{Records, millis};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{SIGNING_KEY, fault, variables};
use crate::event;

pub(super) const HEALTH: &str = "/healthz";

const DELIVERIES: usize = 16;
const BODY: usize = 4096;

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("script.js");
const STYLE: &str = include_str!("style.css");
const ICON: &str = include_str!("icon.svg");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Vendor {
    Moneykit,
    Moov,
}

#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    fn new(status: StatusCode, why: &str) -> Self {
        Self { status, why: why.to_owned() }
    }
}

pub(super) struct Page {
    guard: Guard,
    webhook_hosts: Vec<String>,
    /// The emulator owns the page, so a strong reference would create a reference cycle.
    emulator: OnceLock<Weak<Emulator>>,
    /// A random id, so that a revision from before a restart never equals a new revision.
    run: String,
    records: Mutex<Records>,
    rotations: Mutex<usize>,
    deliveries: Arc<Semaphore>,
}

impl Page {
    pub(super) fn new(guard: Guard, webhook_hosts: &[String]) -> Arc<Self> {
        Arc::new(Self {
            guard,
            webhook_hosts: webhook_hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            emulator: OnceLock::new(),
            run: event::new_id(),
            records: Mutex::default(),
            rotations: Mutex::default(),
            deliveries: Arc::new(Semaphore::new(DELIVERIES)),
        })
    }

    pub(super) fn attach(&self, emulator: &Arc<Emulator>) {
        _ = self.emulator.set(Arc::downgrade(emulator));
    }

    /// The key is in the fragment, because browsers never send the fragment to a server.
    pub(super) fn address(&self, url: &str) -> String {
        let key = self.guard.key().map(|key| format!("#key={}", key.expose_secret()));
        format!("{url}/{}", key.unwrap_or_default())
    }

    pub(super) fn note(&self, request: &Request) {
        self.records().add_request(request);
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rotations(&self) -> MutexGuard<'_, usize> {
        self.rotations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn serve(self: &Arc<Self>, request: &http::Request<Bytes>) -> Option<Response<Bytes>> {
        let path = request.uri().path();
        if path == HEALTH {
            return Some(health(request.method()));
        }
        if path != "/" && !path.starts_with("/_page/") {
            return None;
        }
        let mut response = self
            .respond(request)
            .unwrap_or_else(|refusal| text(refusal.status, format!("{}\n", refusal.why)));
        secure(response.headers_mut());
        Some(response)
    }

    fn respond(self: &Arc<Self>, request: &http::Request<Bytes>) -> Result<Response<Bytes>, Refusal> {
        let asset = match request.uri().path() {
            "/" => Some((PAGE, "text/html; charset=utf-8", Access::Page)),
            "/_page/script.js" => Some((SCRIPT, "text/javascript; charset=utf-8", Access::Asset)),
            "/_page/style.css" => Some((STYLE, "text/css; charset=utf-8", Access::Asset)),
            "/_page/icon.svg" => Some((ICON, "image/svg+xml", Access::Asset)),
            _ => None,
        };
        if let Some((content, content_type, access)) = asset {
            self.guard.check(request, access)?;
            is_method(request, &[Method::GET, Method::HEAD])?;
            return Ok(body(StatusCode::OK, content_type, content));
        }
        let action = match request.uri().path() {
            "/_page/state" => {
                self.guard.check(request, Access::State)?;
                is_method(request, &[Method::GET])?;
                return self.state(request.uri().query());
            }
            "/_page/webhook" => Self::run_action::<action::Webhook>,
            "/_page/fault" => Self::run_action::<action::Fault>,
            "/_page/cancel-faults" => Self::run_action::<action::CancelFaults>,
            "/_page/rotate" => Self::run_action::<action::Rotate>,
            "/_page/clock" => Self::run_action::<action::Clock>,
            _ => return Err(Refusal::new(StatusCode::NOT_FOUND, "unknown path")),
        };
        self.guard.check(request, Access::Action)?;
        is_method(request, &[Method::POST])?;
        action(self, request)
    }

    fn run_action<A: Action + DeserializeOwned>(
        self: &Arc<Self>,
        request: &http::Request<Bytes>,
    ) -> Result<Response<Bytes>, Refusal> {
        // A form on a web page of a different origin cannot send `application/json`, so such a form
        // cannot start an action.
        let content_type = request.headers().get(header::CONTENT_TYPE);
        if content_type.is_none_or(|value| value != "application/json") {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the content type must be application/json",
            ));
        }
        if request.body().len() > BODY {
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body must be at most 4096 bytes"));
        }
        let action: A = serde_json::from_slice(request.body())
            .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "the body is not a valid action"))?;
        let said = action.run(self, &*self.emulator()?)?;
        self.records().revision += 1;
        Ok(text(StatusCode::OK, said))
    }

    fn emulator(&self) -> Result<Arc<Emulator>, Refusal> {
        let emulator = self.emulator.get().and_then(Weak::upgrade);
        emulator.ok_or(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the emulator is starting or stopping"))
    }

    fn state(&self, query: Option<&str>) -> Result<Response<Bytes>, Refusal> {
        let emulator = self.emulator()?;
        let (revision, requests, webhooks) = {
            let records = self.records();
            let revision = format!("{}-{}", self.run, records.revision);
            if query.and_then(|query| query.strip_prefix("known=")) == Some(&revision) {
                return Ok(body(StatusCode::NO_CONTENT, "application/json", Bytes::new()));
            }
            (revision, records.requests(), records.webhooks())
        };
        let tokens = emulator.tokens();
        let newest: Vec<Value> = tokens.iter().rev().take(records::KEPT).map(token).collect();
        let shown: Vec<_> =
            variables(&emulator).into_iter().filter(|(name, _)| *name != SIGNING_KEY).collect();
        let moov_secret = emulator.moov_webhook_secret();
        let state = json!({
            "revision": revision,
            "now": millis(emulator.now()),
            "moved_seconds": self.moved(&emulator).as_secs(),
            "environment": shown,
            "origin": emulator.origin(),
            "webhook_hosts": self.webhook_hosts,
            "operations": fault::NAMES.map(|(name, it)| (name, it.method().to_string(), it.path())),
            "faults": emulator.pending_faults().iter().map(pending).collect::<Vec<_>>(),
            "keys": {"moneykit": emulator.moneykit_key_id(), "moov": redacted(moov_secret.expose_secret())},
            "requests": requests,
            "tokens": {"total": tokens.len().max(emulator.issued()), "rows": newest},
            "webhooks": webhooks,
        });
        Ok(body(StatusCode::OK, "application/json", state.to_string()))
    }
}

fn pending(pending: &fintech_auth::emulator::PendingFault) -> Value {
    let times = (pending.times < usize::MAX / 2).then_some(pending.times);
    json!({"operation": fault::name(pending.operation), "fault": pending.fault.to_string(), "times": times})
}

fn token(token: &ListedToken) -> Value {
    let vendor = if token.operation == Operation::MoovToken { Vendor::Moov } else { Vendor::Moneykit };
    json!({
        "vendor": vendor,
        "is_refresh_token": token.is_refresh_token,
        "shown": redacted(token.text.expose_secret()),
        "scope": token.scope,
        "issued_at": millis(token.issued_at),
        "expires_at": token.expires_at.map(millis),
        "state": match token.state {
            TokenState::Live => "live",
            TokenState::Spent => "spent",
            TokenState::Revoked => "revoked",
            _ => "expired",
        },
    })
}

/// The last four characters identify a token, but cannot be used as the token.
fn redacted(text: &str) -> String {
    let end = text.char_indices().rev().nth(3).map_or(0, |(start, _)| start);
    format!("…{}", text.get(end..).filter(|_| text.len() >= 32).unwrap_or_default())
}

/// Anyone may send a health check, with any host name, because the response reveals nothing.
fn health(method: &Method) -> Response<Bytes> {
    if matches!(*method, Method::GET | Method::HEAD) {
        text(StatusCode::OK, "ok\n")
    } else {
        text(StatusCode::METHOD_NOT_ALLOWED, "")
    }
}

fn is_method(request: &http::Request<Bytes>, allowed: &[Method]) -> Result<(), Refusal> {
    if allowed.contains(request.method()) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed for this path"))
}

fn text(status: StatusCode, content: impl Into<Bytes>) -> Response<Bytes> {
    body(status, "text/plain; charset=utf-8", content)
}

fn body(status: StatusCode, content_type: &'static str, content: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(content.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Adds no CORS headers, so that pages of other origins cannot read the responses.
fn secure(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
