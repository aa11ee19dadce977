//! Sends one call of a generated client and turns its response into a result.

use std::{
    borrow::Cow,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::SystemTime,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use progenitor_client::ResponseValue;
use serde::de::DeserializeOwned;
use tracing::{Instrument as _, Span, field};

use super::{
    CallCredentials, Http,
    classify::{classify_in_front, classify_send_error, classify_status, is_in_front},
    echoed::SentSecrets,
    error_body, json,
    record::{Exchange, Recorder},
    redact::{is_code, is_id},
    retry_after::retry_after,
};
use crate::{
    Error, ErrorKind, Response, Secret,
    error::{ErrorBody, ErrorResponse},
    resend,
    response::{Head, ShownHeaders},
};

#[derive(Clone, Copy)]
pub(crate) struct Contract {
    pub(crate) vendor: &'static str,
    pub(crate) fields: &'static [&'static str],
    pub(crate) forbidden: Option<&'static str>,
}

const API_VERSION: HeaderName = HeaderName::from_static("api-version");
const CF_RAY: HeaderName = HeaderName::from_static("cf-ray");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

type Generated<T, E> = Result<ResponseValue<T>, progenitor_client::Error<E>>;

#[derive(Clone)]
pub(crate) struct Call(Arc<Inner>);

struct Inner {
    contract: Contract,
    operation: &'static str,
    http: Http,
    secrets: SentSecrets,
    /// The generated client does not return the status and the headers of a response that cannot be
    /// decoded. So the status and the headers are stored here.
    received: Mutex<Option<Received>>,
    /// `Span::current` may return a span of the caller if debug spans are disabled. So the span is
    /// stored here.
    span: OnceLock<Span>,
}

struct Received {
    sent: SystemTime,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    is_complete: bool,
    over_limit: bool,
}

impl Call {
    pub(crate) fn new(contract: Contract, operation: &'static str, http: &Http) -> Self {
        Self(Arc::new(Inner {
            contract,
            operation,
            http: http.clone(),
            secrets: SentSecrets::default(),
            received: Mutex::default(),
            span: OnceLock::new(),
        }))
    }

    /// Has no effect after the call was passed to the generated client, because the call is then
    /// shared.
    fn with(mut self, add: impl FnOnce(&mut Inner)) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            add(inner);
        }
        self
    }

    pub(crate) fn http(&self) -> &Http {
        &self.0.http
    }

    /// If `value` is marked as sensitive, it is redacted from error responses.
    pub(crate) fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        self.with(|inner| inner.secrets.headers.push((name, value)))
    }

    pub(crate) fn with_secret(self, secret: &Secret) -> Self {
        self.with(|inner| inner.secrets.secrets.push(secret.clone()))
    }

    pub(crate) fn with_credentials(self, credentials: Arc<CallCredentials>) -> Self {
        self.with(|inner| inner.secrets.credentials = Some(credentials))
    }

    pub(crate) fn failed(&self, error: Error) -> Error {
        Error::new(error.kind(), "the request was not sent")
            .with_operation(self.0.contract.vendor, self.0.operation)
            .with_source(error)
    }

    pub(crate) fn run<T: DeserializeOwned, E>(
        self,
        sending: Pin<&mut impl Future<Output = Generated<T, E>>>,
        check: impl FnOnce(&mut T) -> Result<(), Cow<'static, str>>,
    ) -> impl Future<Output = Result<Response<T>, Error>> {
        self.receive(sending, json::decode, check)
    }

    pub(crate) fn run_without_body<E>(
        self,
        sending: Pin<&mut impl Future<Output = Generated<(), E>>>,
    ) -> impl Future<Output = Result<Response<()>, Error>> {
        self.receive(sending, |_| Ok(()), |()| Ok(()))
    }

    async fn receive<T, E>(
        self,
        sending: Pin<&mut impl Future<Output = Generated<T, E>>>,
        decode: fn(&[u8]) -> serde_json::Result<T>,
        check: impl FnOnce(&mut T) -> Result<(), Cow<'static, str>>,
    ) -> Result<Response<T>, Error> {
        let span = tracing::debug_span!(
            "call",
            otel.name = field::Empty,
            otel.kind = "client",
            otel.status_code = field::Empty,
            http.request.method = field::Empty,
            http.request.resend_count = field::Empty,
            http.response.status_code = field::Empty,
            server.address = field::Empty,
            server.port = field::Empty,
            url.full = field::Empty,
            url.template = field::Empty,
            "error.type" = field::Empty,
            fintech_auth.vendor = self.0.contract.vendor,
            fintech_auth.operation = self.0.operation,
            fintech_auth.request_id = field::Empty,
        );
        let _ = self.0.span.set(span.clone());
        let result = sending.instrument(span.clone()).await;
        let outcome = self
            .classify_response(result, decode, check)
            .map_err(|error| error.with_operation(self.0.contract.vendor, self.0.operation))
            .map_err(|error| match &self.0.secrets.credentials {
                Some(credentials) => error.with_credentials(credentials.fingerprint),
                None => error,
            });
        let (status, request_id) = match &outcome {
            Ok(response) => (Some(response.status()), response.request_id()),
            Err(error) => (error.status(), error.request_id()),
        };
        span.record("http.response.status_code", status.map(|status| status.as_u16()));
        span.record("fintech_auth.request_id", request_id);
        if let Err(error) = &outcome {
            span.record("otel.status_code", "ERROR");
            match status.filter(|status| !status.is_success()) {
                Some(status) => span.record("error.type", status.as_str()),
                None => span.record("error.type", error.kind().as_str()),
            };
        }
        outcome
    }

    fn classify_response<T, E>(
        &self,
        result: Generated<T, E>,
        decode: fn(&[u8]) -> serde_json::Result<T>,
        check: impl FnOnce(&mut T) -> Result<(), Cow<'static, str>>,
    ) -> Result<Response<T>, Error> {
        let received = self.0.received.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(received) = received else {
            return Err(match result {
                Err(progenitor_client::Error::CommunicationError(error)) => classify_send_error(error),
                // This case does not occur, because `exec` either stores a response or returns a
                // communication error. The error of the generated client is omitted, because that
                // error may contain secrets.
                _ => Error::new(ErrorKind::InvalidConfig, "cannot build the request"),
            });
        };
        let Received { sent, status, headers, body, is_complete, over_limit } = received;
        let (request_id, date) = (self.id(&headers, &X_REQUEST_ID), headers.get(header::DATE).cloned());
        let secrets = &self.0.secrets;
        // Select the headers now, not when they are first used. A later selection would keep the
        // secrets in memory as long as the caller keeps the error.
        let shown_now = || {
            let shown = secrets.shown_headers(&headers, &secrets.echoed());
            ShownHeaders::new(|| shown)
        };
        let error_response = |details: ErrorBody| ErrorResponse {
            head: Head {
                sent,
                status,
                headers: shown_now(),
                request_id: request_id.clone(),
                date: date.clone(),
            },
            ray_id: self.id(&headers, &CF_RAY),
            retry_after: retry_after(&headers, SystemTime::now()),
            www_authenticate: self.text(&headers, &header::WWW_AUTHENTICATE),
            details: self.scrub(details),
            known_fields: self.0.contract.fields,
            body: Bytes::copy_from_slice(&body),
        };
        // The body of a successful response may contain a token. The caller may keep the error for
        // a long time. So the error does not contain the body.
        let failed = |kind: ErrorKind, reason: Cow<'static, str>, details: ErrorBody| {
            Error::new(kind, reason)
                .with_response(ErrorResponse { body: Bytes::new(), ..error_response(details) })
        };
        let unreadable = |reason| failed(ErrorKind::InvalidResponse, reason, ErrorBody::default());
        if status.is_redirection() {
            let reason = "response is a redirect, which is never followed; check the base url";
            return Err(unreadable(reason.into()));
        }
        let details = match status.is_success() && !error_body::may_have_code(&body) {
            true => ErrorBody::default(),
            false => error_body::read(status, &body, self.0.contract.fields),
        };
        if !status.is_success() {
            let (kind, reason) = if is_complete && is_in_front(&headers, &body, !details.is_empty()) {
                classify_in_front(status, &headers)
            } else {
                classify_status(status, details.code.as_deref())
            };
            let ambiguous = kind == ErrorKind::Unauthorized && status == StatusCode::FORBIDDEN;
            let reason = self.0.contract.forbidden.filter(|_| ambiguous).unwrap_or(reason);
            return Err(Error::new(kind, reason).with_response(error_response(details)));
        }
        if over_limit {
            return Err(unreadable(format!("response is over {} bytes", self.0.http.body_limit).into()));
        }
        if is_markup(&body) {
            let reason =
                "response is an HTML page and not JSON: check the base url, and any proxy on the way";
            return Err(unreadable(reason.into()));
        }
        if details.code.is_some() {
            let (kind, reason) = classify_status(status, details.code.as_deref());
            return Err(failed(kind, reason.into(), details));
        }
        let mut value = decode(&body).map_err(|error| unreadable(schema_mismatch(&body, &error)))?;
        check(&mut value).map_err(unreadable)?;
        let (secrets, echoed) = (secrets.clone(), secrets.echoed());
        let headers = ShownHeaders::new(move || secrets.shown_headers(&headers, &echoed));
        Ok(Response::new(Head { sent, status, headers, request_id, date }, value))
    }

    fn text(&self, headers: &HeaderMap, name: &HeaderName) -> Option<String> {
        headers.get(name)?.to_str().ok().map(|text| self.clean(text))
    }

    fn id(&self, headers: &HeaderMap, name: &HeaderName) -> Option<String> {
        self.text(headers, name).filter(|id| is_id(id))
    }

    fn scrub(&self, mut details: ErrorBody) -> ErrorBody {
        details.code = details.code.map(|code| self.clean(&code));
        details.message = details.message.map(|message| self.clean(&message));
        // `Display` of an error shows the code, but not the message. A code in an unexpected format
        // may contain any text. So such a code becomes the message.
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

    fn clean(&self, text: &str) -> String {
        self.0.secrets.clean(text)
    }

    pub(crate) fn prepare(&self, request: &mut reqwest::Request) {
        // The generated client sets this header to the version of the OpenAPI document. The API
        // schemas do not define the header, so do not send it.
        request.headers_mut().remove(API_VERSION);
        // If an operation accepts two request formats, `build.rs` adds a fragment to the path for
        // the second format. A fragment must not be sent (RFC 9110 section 4.2.5).
        request.url_mut().set_fragment(None);
        request.headers_mut().entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        for (name, value) in self.0.secrets.headers() {
            request.headers_mut().insert(name, value.clone());
        }
        *request.timeout_mut() = Some(self.0.http.timeout);
        self.describe(request);
    }

    /// Request URLs have no query and no path parameters. So a URL contains no secret, and its path
    /// is also the value of `url.template`.
    fn describe(&self, request: &reqwest::Request) {
        let Some(span) = self.0.span.get().filter(|span| !span.is_disabled()) else { return };
        let (method, url) = (request.method().as_str(), request.url());
        span.record("otel.name", format_args!("{method} {}", url.path()));
        span.record("url.template", url.path());
        span.record("http.request.method", method);
        if resend::count() > 0 {
            span.record("http.request.resend_count", resend::count());
        }
        span.record("server.address", url.host_str());
        span.record("server.port", url.port_or_known_default());
        span.record("url.full", url.as_str());
    }

    pub(crate) fn exec(
        &self,
        request: reqwest::Request,
    ) -> impl Future<Output = reqwest::Result<reqwest::Response>> {
        let recorded = self
            .0
            .http
            .recorder
            .as_ref()
            .and_then(|recorder| Some((recorder, Box::new(request.try_clone()?))));
        let sent = SystemTime::now();
        let response = self.0.http.client.execute(request);
        async move {
            let result = self.receive_body(sent, response).await;
            if let Some((recorder, request)) = recorded {
                self.record(recorder, &request);
            }
            result
        }
    }

    fn record(&self, recorder: &Recorder, request: &reqwest::Request) {
        let received = self.0.received.lock().unwrap_or_else(PoisonError::into_inner);
        let received = received.as_ref();
        recorder.record(&Exchange {
            method: request.method(),
            url: request.url(),
            request_headers: request.headers(),
            request_body: request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default(),
            response: received.map(|received| (received.status, &received.headers, &*received.body)),
            is_complete: received.is_some_and(|received| received.is_complete && !received.over_limit),
        });
    }

    async fn receive_body(
        &self,
        sent: SystemTime,
        response: impl Future<Output = reqwest::Result<reqwest::Response>>,
    ) -> reqwest::Result<reqwest::Response> {
        let mut response = response.await?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Bytes::new();
        let (mut is_complete, mut over_limit) = (true, false);
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if chunk.len() > self.0.http.body_limit - body.len() => {
                    over_limit = true;
                    break;
                }
                Ok(Some(chunk)) => body = append(body, chunk),
                Ok(None) => break,
                Err(error) if status.is_success() => return Err(error),
                // The status and the headers of an error response are enough, so it does not matter
                // that the body could not be read.
                Err(_) => {
                    is_complete = false;
                    break;
                }
            }
        }
        let received = Received { sent, status, headers, body, is_complete, over_limit };
        *self.0.received.lock().unwrap_or_else(PoisonError::into_inner) = Some(received);
        Ok(response)
    }
}

fn append(body: Bytes, chunk: Bytes) -> Bytes {
    if body.is_empty() {
        return chunk;
    }
    let mut body = BytesMut::from(body);
    body.extend_from_slice(&chunk);
    body.freeze()
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("vendor", &self.0.contract.vendor)
            .field("operation", &self.0.operation)
            .finish_non_exhaustive()
    }
}

/// The error of the decoder may contain parts of the body. So only the name of a missing field is
/// taken from the error.
fn schema_mismatch(body: &[u8], error: &serde_json::Error) -> Cow<'static, str> {
    if json::object(body).is_none() {
        return "response is not a JSON object".into();
    }
    let text = error.to_string();
    let field = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    match field {
        Some(field) => format!("response does not match the API schema: missing {field}").into(),
        None => "response does not match the API schema: a required field is unreadable or repeated".into(),
    }
}

fn is_markup(body: &[u8]) -> bool {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    text.trim_ascii_start().starts_with(b"<")
}
