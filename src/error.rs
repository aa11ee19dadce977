//! The error type of all calls to the vendors.

use std::{
    borrow::Cow,
    error::Error as StdError,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::response::Head;

/// What a caller can do about an [`Error`].
///
/// ```
/// use std::time::Duration;
///
/// use fintech_auth::{Error, ErrorKind};
///
/// /// Returns how long to wait before the next attempt, if another attempt can help.
/// fn next_attempt(error: &Error) -> Option<Duration> {
///     match error.kind() {
///         // Transient: the same call may succeed later.
///         ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout => {
///             Some(error.retry_after().unwrap_or(Duration::from_secs(1)))
///         }
///         // Someone has to correct the configuration, the credentials or the request,
///         // or to report a response that does not match the API schema.
///         _ => None,
///     }
/// }
///
/// let error = Error::new(ErrorKind::RateLimited, "too many token requests");
/// assert_eq!(next_attempt(&error), Some(Duration::from_secs(1)));
/// assert_eq!(next_attempt(&Error::new(ErrorKind::Unauthorized, "wrong secret")), None);
/// ```
///
/// [Troubleshooting](crate::guide::troubleshooting#calls) lists the symptom, the likely causes, the
/// first checks and the risks of each kind.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration or an argument is wrong. Nothing was sent.
    InvalidConfig,
    /// The vendor rejects the credentials or the token: the response is a 401 or 403, or contains
    /// the error code `invalid_client`. Correct the credentials, or get a new token. A 403 with an
    /// error code such as `invalid_scope` is [`ErrorKind::InvalidRequest`] instead.
    Unauthorized,
    /// The vendor refuses the request or its scope, for example with a 400, 404 or 422, or with a
    /// 403 and an error code such as `invalid_scope`. Correct the request.
    InvalidRequest,
    /// The client has sent too many requests (429). Wait for the time in [`Error::retry_after`], if
    /// any, then send the request again.
    RateLimited,
    /// The vendor or the network failed (5xx, no connection, a connection reset), or a proxy or CDN
    /// blocked the request. Try again later. The credentials may still be valid.
    Unavailable,
    /// No complete response arrived within the timeout. Try again, or allow more time.
    Timeout,
    /// The response does not match the API schema: for example, it is not JSON, it is too large, or
    /// it is a redirect. Check the base URL. If the base URL is correct, report the error to the
    /// vendor, and open an issue for this crate.
    InvalidResponse,
}

impl ErrorKind {
    /// Returns a name for metrics and logs, such as `rate_limited`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidConfig => "invalid_config",
            Self::Unauthorized => "unauthorized",
            Self::InvalidRequest => "invalid_request",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::InvalidResponse => "invalid_response",
        }
    }
}

/// A failed call. Its [`kind`](Error::kind) says what to do next.
///
/// `Display` prints one line in lower case, without the text of the
/// [source](std::error::Error::source). Neither `Display` nor `Debug` shows a secret, a token or a
/// body, so you can log both.
///
/// An error is cheap to clone. If several callers wait for the same request, each caller gets a
/// clone of the same error. See [Troubleshooting](crate::guide::troubleshooting).
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
    held_for: Option<Duration>,
}

struct Inner {
    kind: ErrorKind,
    operation: Option<(&'static str, &'static str)>,
    reason: Cow<'static, str>,
    sent: bool,
    retry_after: Option<Duration>,
    response: Option<ErrorResponse>,
    credentials: Option<[u8; 32]>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

#[derive(Default)]
pub(crate) struct ErrorResponse {
    pub(crate) head: Head,
    pub(crate) ray_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) www_authenticate: Option<String>,
    pub(crate) details: ErrorBody,
    pub(crate) known_fields: &'static [&'static str],
    pub(crate) body: Bytes,
}

#[derive(Default)]
pub(crate) struct ErrorBody {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) fields: Vec<FieldError>,
}

impl ErrorResponse {
    fn shown_fields(&self) -> impl Iterator<Item = &str> {
        let names = self.details.fields.iter().filter_map(|field| {
            field.field.rsplit('.').find(|step| step.bytes().any(|byte| !byte.is_ascii_digit()))
        });
        names.filter(|name| self.known_fields.contains(name))
    }
}

impl ErrorBody {
    pub(crate) fn is_empty(&self) -> bool {
        self.code.is_none() && self.message.is_none() && self.fields.is_empty()
    }
}

/// The reason why the vendor refused one field of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FieldError {
    /// The vendor's name for the field. If the vendor sends several names as the path of the field,
    /// the names are joined by dots, as in `header.MoneyKit-Version`.
    pub field: String,
    /// The vendor's human-readable explanation.
    pub message: String,
}

impl Error {
    /// Creates an error for your own [`TokenSource`](crate::token::TokenSource).
    ///
    /// `reason` is a short text in lower case, and must not contain a secret. By default, the error
    /// reports that the request was not sent. To change this, call [`Error::with_sent`] or
    /// [`Error::with_status`].
    pub fn new(kind: ErrorKind, reason: impl Into<Cow<'static, str>>) -> Self {
        let inner = Inner {
            kind,
            operation: None,
            reason: reason.into(),
            sent: false,
            retry_after: None,
            response: None,
            credentials: None,
            source: None,
        };
        Self { inner: Arc::new(inner), held_for: None }
    }

    /// Does nothing if the error has already been cloned.
    fn with(mut self, add: impl FnOnce(&mut Inner)) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            add(inner);
        }
        self
    }

    pub(crate) fn with_operation(self, vendor: &'static str, operation: &'static str) -> Self {
        self.with(|inner| inner.operation = Some((vendor, operation)))
    }

    /// Adds the error that caused this error. The added error must contain no secret, because code
    /// that prints an error often prints its sources too.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.with(|inner| inner.source = Some(source.into().into()))
    }

    pub(crate) fn with_response(self, response: ErrorResponse) -> Self {
        self.with(|inner| {
            inner.sent = true;
            inner.response = Some(response);
        })
    }

    pub(crate) fn with_credentials(self, fingerprint: [u8; 32]) -> Self {
        self.with(|inner| inner.credentials = Some(fingerprint))
    }

    pub(crate) fn credentials(&self) -> Option<[u8; 32]> {
        self.inner.credentials
    }

    /// Sets whether the request may have reached the server.
    #[must_use]
    pub fn with_sent(self, sent: bool) -> Self {
        self.with(|inner| inner.sent = sent)
    }

    /// Adds the HTTP status of the response.
    ///
    /// The token cache uses the status to find the cause of a refusal. If the response to the
    /// client credentials grant is a 401, the credentials are the cause. After any other refusal,
    /// the scopes may be the cause.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        self.with(|inner| {
            inner.sent = true;
            inner.response.get_or_insert_default().head.status = status;
        })
    }

    pub(crate) fn is_about_credentials(&self) -> bool {
        self.status() == Some(StatusCode::UNAUTHORIZED) || self.code() == Some("invalid_client")
    }

    /// Sets how long the server asks the client to wait.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        self.with(|inner| inner.retry_after = Some(wait))
    }

    /// Keeps only the status and the error code of the response, so that the size of a cached error
    /// does not depend on the response.
    pub(crate) fn without_details(&self) -> Self {
        let response = self.response().map(|response| ErrorResponse {
            head: Head { status: response.head.status, ..Head::default() },
            details: ErrorBody { code: response.details.code.clone(), ..ErrorBody::default() },
            ..ErrorResponse::default()
        });
        let inner = Inner {
            kind: self.inner.kind,
            operation: self.inner.operation,
            reason: self.inner.reason.clone(),
            sent: false,
            retry_after: None,
            response,
            credentials: None,
            source: self.inner.source.clone(),
        };
        Self { inner: Arc::new(inner), held_for: None }
    }

    pub(crate) fn held_for(mut self, left: Duration) -> Self {
        self.held_for = Some(left);
        self
    }

    fn response(&self) -> Option<&ErrorResponse> {
        self.inner.response.as_ref()
    }

    /// Returns the kind, which says what the caller can do next.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns `true` if the same call, with the same arguments and configuration, may succeed
    /// later.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind(), ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout)
    }

    /// Returns `true` if the request may have reached the vendor. In this case, the request may
    /// take effect twice if you repeat the call.
    ///
    /// Returns `false` only if the vendor certainly did not receive the request: nothing was sent,
    /// or no connection was established.
    pub fn may_have_been_sent(&self) -> bool {
        self.inner.sent && self.held_for.is_none()
    }

    /// Returns the HTTP status of the response, if there is one.
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(|response| response.head.status)
    }

    /// Returns how long to wait before the next attempt.
    ///
    /// The vendor asks for this time with `Retry-After` in seconds or as a date (RFC 9110 section
    /// 10.2.3), or with Moov's older `X-Retry-In` in milliseconds. If this call was not sent
    /// because an earlier call failed, the result is the time until the client sends calls again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.held_for.or(self.inner.retry_after).or_else(|| self.response()?.retry_after)
    }

    /// Returns the vendor's error code, such as `invalid_grant` (RFC 6749 section 5.2) or
    /// `api_error.auth.unauthorized`.
    ///
    /// A code consists of at most 64 lower-case letters, underscores and dots. Any other text
    /// becomes part of [`Error::message`].
    pub fn code(&self) -> Option<&str> {
        self.response()?.details.code.as_deref()
    }

    /// Returns the vendor's explanation, at most 1,024 characters.
    ///
    /// # Security
    ///
    /// Secrets of the request are removed from this text. The text may still contain other
    /// confidential data, because the vendor can write anything into it.
    pub fn message(&self) -> Option<&str> {
        self.response()?.details.message.as_deref()
    }

    /// Returns the vendor's explanations for individual fields (422), at most 16.
    pub fn fields(&self) -> &[FieldError] {
        self.response().map_or(&[], |response| &response.details.fields)
    }

    /// Returns the `x-request-id` header. Give this id to the vendor's support.
    ///
    /// Returns `None` if the header does not look like an id. An id consists of at most 64 letters,
    /// digits and hyphens.
    pub fn request_id(&self) -> Option<&str> {
        self.response()?.head.request_id.as_deref()
    }

    /// Returns the headers of the response, except headers that may contain a secret. Returns
    /// `None` if there is no response.
    ///
    /// The result contains no cookies, no credentials, no headers that repeat a secret of the
    /// request, and no headers that are longer than 1,024 bytes or not ASCII. The result is empty
    /// for an error that was cached for later callers.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.response().map(|response| response.head.headers.get())
    }

    /// Returns the time at which the server sent the response, according to the server's clock (the
    /// `Date` header).
    pub fn date(&self) -> Option<SystemTime> {
        self.response()?.head.date()
    }

    /// Returns Cloudflare's id of the request (`cf-ray`). Moov uses Cloudflare.
    ///
    /// If Cloudflare itself created the response, there may be no [`Error::request_id`]. In this
    /// case, give the ray id to Moov's support.
    pub fn ray_id(&self) -> Option<&str> {
        self.response()?.ray_id.as_deref()
    }

    /// Returns the challenge of a 401 (`WWW-Authenticate`, RFC 6750 section 3).
    pub fn www_authenticate(&self) -> Option<&str> {
        self.response()?.www_authenticate.as_deref()
    }

    /// Deserializes the error body as a type of the API schema, such as
    /// `moov::types::AuthTokenRequestError` for a 422.
    ///
    /// Returns `None` if there is no response, or if the response body does not have this type.
    ///
    /// # Security
    ///
    /// The body is the vendor's text, unchanged. Secrets of the request are removed from
    /// [`Error::code`] and [`Error::fields`], but not from the body.
    pub fn body<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.response()?.body).ok()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((vendor, operation)) = self.inner.operation {
            write!(f, "{vendor} {operation}: ")?;
        }
        f.write_str(&self.inner.reason)?;
        if let Some(response) = self.response() {
            write!(f, " (status {}", response.head.status.as_u16())?;
            if let Some(code) = &response.details.code {
                write!(f, ", code {code}")?;
            }
            match (&response.head.request_id, &response.ray_id) {
                (Some(id), _) => write!(f, ", request {id}")?,
                (None, Some(id)) => write!(f, ", ray {id}")?,
                (None, None) => {}
            }
            for field in response.shown_fields() {
                write!(f, ", field {field}")?;
            }
            f.write_str(")")?;
        }
        match self.held_for {
            Some(left) => write!(f, "; next attempt in {:.1} s", left.as_secs_f64()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.kind()).field("display", &format_args!("{self}"));
        if let Some(source) = &self.inner.source {
            debug.field("source", source);
        }
        debug.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as _)
    }
}
