//! One call through a generated client: what is added to it, and what is made of its answer.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use progenitor_client::ResponseValue;
use reqwest::ResponseBuilderExt as _;
use tracing::{Instrument as _, field};
use zeroize::Zeroizing;

use super::{
    Http, Response, json,
    retry_after::{date, retry_after},
};
use crate::{
    Error, ErrorKind, Secret,
    error::{Answered, Details},
};

/// The longest text kept of a header or error field; the rest is cut.
const TEXT_LIMIT: usize = 1024;
const REDACTED: &str = "[redacted]";

/// What the transport must know of a vendor to send its calls.
#[derive(Clone, Copy)]
pub(crate) struct Contract {
    /// The name in errors and traces.
    pub(crate) vendor: &'static str,
    /// Reads an error body into the words that both vendors share.
    pub(crate) details: fn(StatusCode, &[u8]) -> Details,
}

/// The state of one call. The generated clients carry it to their hooks.
#[derive(Clone)]
pub(crate) struct Call(Arc<Inner>);

struct Inner {
    contract: Contract,
    operation: &'static str,
    http: Http,
    headers: Vec<(HeaderName, HeaderValue)>,
    secrets: Vec<Secret>,
    /// Where `exec` leaves what came back: on its way out the generator drops the status and
    /// headers of an answer that it cannot decode.
    received: Mutex<Option<Received>>,
}

struct Received {
    status: StatusCode,
    headers: HeaderMap,
    /// As far as it was read.
    body: Bytes,
    over_limit: bool,
}

impl Call {
    pub(crate) fn new(contract: Contract, operation: &'static str, http: &Http) -> Self {
        Self(Arc::new(Inner {
            contract,
            operation,
            http: http.clone(),
            headers: Vec::new(),
            secrets: Vec::new(),
            received: Mutex::default(),
        }))
    }

    /// Adds to a call while it is being made, which is before the generated client has it.
    fn with(mut self, add: impl FnOnce(&mut Inner)) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            add(inner);
        }
        self
    }

    /// Sends a header that the contract has as security, not as a parameter. A sensitive one is a
    /// secret of the request as well, whether it is the value or what follows its scheme.
    pub(crate) fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        self.with(|inner| inner.headers.push((name, value)))
    }

    /// A secret that the request carries: cleared from what is kept of an error answer.
    pub(crate) fn with_secret(self, secret: &Secret) -> Self {
        self.with(|inner| inner.secrets.push(secret.clone()))
    }

    /// Runs a generated method and classifies its outcome. `check` says why a response that matches
    /// the schema cannot be used.
    pub(crate) async fn run<T, E>(
        self,
        sending: impl Future<Output = Result<ResponseValue<T>, progenitor_client::Error<E>>>,
        check: impl FnOnce(&mut T) -> Result<(), Cow<'static, str>>,
    ) -> Result<Response<T>, Error> {
        let span = tracing::debug_span!(
            "call",
            vendor = self.0.contract.vendor,
            operation = self.0.operation,
            status = field::Empty,
            request_id = field::Empty,
            error = field::Empty,
        );
        let result = sending.instrument(span.clone()).await;
        let outcome = self
            .classify_response(result, check)
            .map_err(|error| error.with_operation(self.0.contract.vendor, self.0.operation));
        let (status, request_id) = match &outcome {
            Ok(response) => (Some(response.status), response.request_id.as_deref()),
            Err(error) => (error.status(), error.request_id()),
        };
        span.record("status", status.map(|status| status.as_u16()));
        span.record("request_id", request_id);
        if let Err(error) = &outcome {
            span.record("error", field::debug(error.kind()));
        }
        outcome
    }

    fn classify_response<T, E>(
        &self,
        result: Result<ResponseValue<T>, progenitor_client::Error<E>>,
        check: impl FnOnce(&mut T) -> Result<(), Cow<'static, str>>,
    ) -> Result<Response<T>, Error> {
        use progenitor_client::Error as Generated;

        let received = self.0.received.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(received) = received else {
            return Err(match result {
                Err(Generated::CommunicationError(error)) => unanswered(error),
                // Not reached while `exec` is ours; and the other errors must not be shown.
                _ => Error::new(ErrorKind::InvalidConfig, "the request cannot be made"),
            });
        };
        let Received { status, headers, body, over_limit } = received;
        let answered = |details: Details| Answered {
            status,
            request_id: self.text(&headers, HeaderName::from_static("x-request-id")),
            retry_after: retry_after(&headers, SystemTime::now()),
            www_authenticate: self.text(&headers, header::WWW_AUTHENTICATE),
            details: self.scrub(details),
            body: body.clone(),
        };
        // The body of a success may hold a token, and an error may be kept for long.
        let unreadable = |reason: Cow<'static, str>| {
            let answer = Answered { body: Bytes::new(), ..answered(Details::default()) };
            Error::new(ErrorKind::Unreadable, reason).with_answer(answer)
        };
        if status.is_redirection() {
            let reason = "response is a redirect, which is never followed; check the base url";
            return Err(unreadable(reason.into()));
        }
        if !status.is_success() {
            let details = (self.0.contract.details)(status, &body);
            let (kind, reason) = refusal(status, details.code.as_deref());
            let reason = details.reason.unwrap_or(reason);
            return Err(Error::new(kind, reason).with_answer(answered(details)));
        }
        if over_limit {
            return Err(unreadable(format!("response is over {} bytes", self.0.http.body_limit).into()));
        }
        if is_markup(&body) {
            let reason =
                "response is an HTML page and not JSON: check the base url, and any proxy on the way";
            return Err(unreadable(reason.into()));
        }
        match result {
            Ok(value) => {
                let mut value = value.into_inner();
                check(&mut value).map_err(unreadable)?;
                Ok(Response {
                    status,
                    request_id: self.text(&headers, HeaderName::from_static("x-request-id")),
                    date: date(&headers),
                    body: value,
                })
            }
            Err(Generated::InvalidResponsePayload(_, error)) => {
                Err(unreadable(schema_mismatch(&body, &error)))
            }
            Err(_) => Err(unreadable("response does not match the API schema".into())),
        }
    }

    /// A header as short text without the request's secrets.
    fn text(&self, headers: &HeaderMap, name: HeaderName) -> Option<String> {
        headers.get(name)?.to_str().ok().map(|text| self.clean(text))
    }

    fn scrub(&self, mut details: Details) -> Details {
        details.code = details.code.map(|code| self.clean(&code));
        details.message = details.message.map(|message| self.clean(&message));
        // A code is shown wherever the error is, so whatever does not look like one is no code.
        if details.code.as_deref().is_some_and(|code| !is_code(code)) {
            let code = details.code.take();
            details.message = details.message.or(code);
        }
        for field in &mut details.fields {
            field.field = self.clean(&field.field);
            field.message = self.clean(&field.message);
        }
        details
    }

    /// A vendor's text without the request's secrets, on one line and not too long. A server may
    /// quote what it got, so they are looked for as they are, as in a form, and as in JSON.
    fn clean(&self, text: &str) -> String {
        let mut text: String = text.chars().filter(|c| !c.is_control()).collect();
        let in_headers = self.0.headers.iter().filter(|(_, value)| value.is_sensitive());
        let in_headers = in_headers.filter_map(|(_, value)| value.to_str().ok()?.rsplit(' ').next());
        let secrets = self.0.secrets.iter().map(Secret::expose).chain(in_headers);
        for secret in secrets.filter(|secret| !secret.is_empty()) {
            let form = Zeroizing::new(form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>());
            let json = Zeroizing::new(serde_json::to_string(secret).unwrap_or_default());
            for shape in [secret, &form, json.trim_matches('"')] {
                text = text.replace(shape, REDACTED);
            }
        }
        text.chars().take(TEXT_LIMIT).collect()
    }

    /// For the hook `pre`: completes the request that the generator made.
    pub(crate) fn prepare(&self, request: &mut reqwest::Request) {
        // The generator sends the document's own version to every service.
        request.headers_mut().remove("api-version");
        // It tells the two encodings of one path apart (see build.rs).
        request.url_mut().set_fragment(None);
        request.headers_mut().entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        for (name, value) in &self.0.headers {
            request.headers_mut().insert(name, value.clone());
        }
        *request.timeout_mut() = Some(self.0.http.timeout);
    }

    /// For the hook `exec`: sends, and reads the answer up to the limit.
    pub(crate) async fn exec(&self, request: reqwest::Request) -> reqwest::Result<reqwest::Response> {
        let mut response = self.0.http.client.execute(request).await?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = BytesMut::new();
        let mut over_limit = false;
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if chunk.len() > self.0.http.body_limit - body.len() => {
                    over_limit = true;
                    break;
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) if status.is_success() => return Err(error),
                // What a refusal says in its head stands, whatever became of its body.
                Err(_) => break,
            }
        }
        let body = body.freeze();
        let decoded = status.is_success().then(|| json::normalize(&body)).flatten();
        let decoded = decoded.unwrap_or_else(|| body.clone());
        // Without a url, reqwest would parse a stand-in for each answer. It cannot fail: there is no
        // header, and the status has been one before.
        let copy = http::Response::builder().status(status).url(response.url().clone()).body(decoded);
        let copy = copy.unwrap_or_else(|_| http::Response::new(Bytes::new()));
        let received = Received { status, headers, body, over_limit };
        *self.0.received.lock().unwrap_or_else(PoisonError::into_inner) = Some(received);
        Ok(copy.into())
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("vendor", &self.0.contract.vendor)
            .field("operation", &self.0.operation)
            .finish_non_exhaustive()
    }
}

/// A request that brought no whole answer.
fn unanswered(error: reqwest::Error) -> Error {
    let sent = !error.is_connect() && !error.is_builder();
    let (kind, reason) = if is_tls(&error) {
        (ErrorKind::InvalidConfig, "no tls connection; check the base url, and the roots that are trusted")
    } else if error.is_builder() {
        (ErrorKind::InvalidConfig, "the request cannot be made")
    } else if error.is_timeout() {
        (ErrorKind::Timeout, "no whole answer within the timeout")
    } else if error.is_connect() {
        (ErrorKind::Unavailable, "no connection")
    } else {
        (ErrorKind::Unavailable, "the connection broke before a whole answer came")
    };
    Error::new(kind, reason).with_sent(sent).with_source(error.without_url())
}

/// Whether TLS itself failed, as by an untrusted certificate: trying again does not help.
#[cfg(feature = "rustls")]
fn is_tls(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An io::Error tells the source of what it holds, and not what it holds.
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = held.map_or_else(|| error.source(), |held| Some(held));
    }
    false
}

#[cfg(not(feature = "rustls"))]
fn is_tls(_: &reqwest::Error) -> bool {
    false
}

/// What an error code looks like, of either vendor: `invalid_grant`, `api_error.auth.unauthorized`.
fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-');
    text == REDACTED || !text.is_empty() && text.len() <= 64 && text.bytes().all(plain)
}

/// What an error answer means for the caller. The code decides where the vendor's status misleads:
/// RFC 6749 section 5.2 lets `invalid_client` come by 400.
fn refusal(status: StatusCode, code: Option<&str>) -> (ErrorKind, &'static str) {
    match (status.as_u16(), code) {
        (401 | 403, _) | (_, Some("invalid_client")) => {
            (ErrorKind::Unauthorized, "the credentials or the token are not accepted")
        }
        (429, _) => (ErrorKind::RateLimited, "too many requests"),
        (408 | 425, _) => (ErrorKind::Unavailable, "the service asks to try again"),
        (400..=499, _) => (ErrorKind::Rejected, "the request is refused"),
        _ => (ErrorKind::Unavailable, "the service fails"),
    }
}

/// Why a body cannot be decoded. The decoder's own text may quote the body, except where it names a
/// field that is missing.
fn schema_mismatch(body: &[u8], error: &serde_json::Error) -> Cow<'static, str> {
    if json::object(body).is_none() {
        return "response is not a JSON object".into();
    }
    let text = error.to_string();
    let field = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    match field {
        Some(field) => format!("response does not match the API schema: no {field}").into(),
        None => "response does not match the API schema: a required field is unreadable or repeated".into(),
    }
}

/// Whether a body is HTML or XML, whatever its `Content-Type` says.
fn is_markup(body: &[u8]) -> bool {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    text.trim_ascii_start().starts_with(b"<")
}
