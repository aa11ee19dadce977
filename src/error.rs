//! The error of every call.
//!
//! It never shows a body, a query, a secret or the text of its source. Webhooks have an error type of their own, because
//! callers respond to such an error and do not retry.

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

/// The longest error code that is kept for later callers, in bytes.
const MAX_KEPT_CODE: usize = 128;

/// What a caller can do about an [`Error`].
///
/// ```
/// use std::time::Duration;
///
/// use fintech_auth::{Error, ErrorKind};
///
/// /// Returns when to try again, if that can help.
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
/// [Troubleshooting](crate::guide::troubleshooting#calls) explains for each kind the symptom, likely causes, what to check
/// first, and what is at risk.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration or an argument is wrong. Nothing was sent.
    InvalidConfig,
    /// The vendor does not accept the credentials or the token (401, `invalid_client`, and 403 without a code that blames
    /// the request). Correct the credentials, or get a new token.
    Unauthorized,
    /// The vendor refuses the request or its scope (400, 404, 422). Correct the request.
    InvalidRequest,
    /// Too many requests (429). Wait for [`Error::retry_after`], if it is given, then send the request again.
    RateLimited,
    /// The vendor or the network failed (5xx, no connection, a connection reset), or a proxy or CDN blocked the request.
    /// Try again later. This says nothing about the credentials.
    Unavailable,
    /// No complete response within the timeout. Try again, or allow more time.
    Timeout,
    /// The response does not match the API schema (no JSON, too large, a redirect). Report it.
    InvalidResponse,
}

impl ErrorKind {
    /// A name for metrics and logs, such as `rate_limited`.
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
/// `Display` is one line in lower case, without the text of the source: [`std::error::Error::source`] has that. Neither
/// `Display` nor `Debug` shows a secret, a token or a body, so you can log both.
///
/// An error is cheap to clone, so callers that waited for the same request share its failure. See
/// [Troubleshooting](crate::guide::troubleshooting).
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
    /// Set where an earlier call failed with this, and so this one was not sent for so long yet.
    held_for: Option<Duration>,
}

struct Inner {
    kind: ErrorKind,
    operation: Option<(&'static str, &'static str)>,
    reason: Cow<'static, str>,
    sent: bool,
    retry_after: Option<Duration>,
    response: Option<ErrorResponse>,
    /// The fingerprint of the credentials that the call was sent with.
    credentials: Option<[u8; 32]>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What an error response said, as far as it is kept.
#[derive(Default)]
pub(crate) struct ErrorResponse {
    pub(crate) head: Head,
    pub(crate) ray_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) www_authenticate: Option<String>,
    pub(crate) details: ErrorBody,
    /// The names of request fields, which may be shown.
    pub(crate) known_fields: &'static [&'static str],
    pub(crate) body: Bytes,
}

/// What a vendor's error body says, in the words that both vendors share.
#[derive(Default)]
pub(crate) struct ErrorBody {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) fields: Vec<FieldError>,
}

impl ErrorResponse {
    /// The refused fields whose names we know from the API schema.
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

/// What a vendor finds wrong with one field of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FieldError {
    /// The field, as the vendor names it; a path is joined by dots.
    pub field: String,
    /// The vendor's explanation, for people.
    pub message: String,
}

impl Error {
    /// An error of a [`TokenSource`](crate::token::TokenSource) of your own. The reason is one clause
    /// in lower case, without a secret. It counts as not sent until [`Error::with_sent`] says so.
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

    /// Adds to an error while it is being made, which is before anyone shares it.
    fn with(mut self, add: impl FnOnce(&mut Inner)) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            add(inner);
        }
        self
    }

    pub(crate) fn with_operation(self, vendor: &'static str, operation: &'static str) -> Self {
        self.with(|inner| inner.operation = Some((vendor, operation)))
    }

    /// Adds what caused it. Printing the chain prints this too, so it must show no secret.
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

    /// Adds the fingerprint of the credentials that the call was sent with. It is never shown.
    pub(crate) fn with_credentials(self, fingerprint: [u8; 32]) -> Self {
        self.with(|inner| inner.credentials = Some(fingerprint))
    }

    /// The fingerprint of the credentials that the call was sent with, if it is known.
    pub(crate) fn credentials(&self) -> Option<[u8; 32]> {
        self.inner.credentials
    }

    /// Says whether the request may have reached the server.
    #[must_use]
    pub fn with_sent(self, sent: bool) -> Self {
        self.with(|inner| inner.sent = sent)
    }

    /// Adds the HTTP status of the response. The token cache decides by it what a refusal is about: a 401
    /// to the client credentials is about the credentials, any other may be about the scopes.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        self.with(|inner| {
            inner.sent = true;
            inner.response.get_or_insert_default().head.status = status;
        })
    }

    /// Whether a refusal of the client credentials grant is about the credentials, rather than maybe
    /// about the scopes.
    pub(crate) fn is_about_credentials(&self) -> bool {
        self.status() == Some(StatusCode::UNAUTHORIZED) || self.code() == Some("invalid_client")
    }

    /// Says how long the server asks to wait.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        self.with(|inner| inner.retry_after = Some(wait))
    }

    /// The same failure without what the response told of one request, to be kept for other callers:
    /// no message, fields, body, request id or challenge. So the size of what is kept does not depend on the
    /// response.
    pub(crate) fn without_details(&self) -> Self {
        let response = self.response().map(|response| ErrorResponse {
            head: Head { status: response.head.status, ..Head::default() },
            details: ErrorBody {
                code: response.details.code.clone().filter(|code| code.len() <= MAX_KEPT_CODE),
                ..ErrorBody::default()
            },
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

    /// The same failure, as later callers get it while nothing is sent.
    pub(crate) fn held_for(mut self, left: Duration) -> Self {
        self.held_for = Some(left);
        self
    }

    fn response(&self) -> Option<&ErrorResponse> {
        self.inner.response.as_ref()
    }

    /// What the caller does next.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Whether the same call may well succeed later, unchanged.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind(), ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout)
    }

    /// Whether the request may have reached the vendor, so that repeating it may act twice. `false`
    /// only where it certainly did not: nothing was sent, or no connection came about.
    pub fn may_have_been_sent(&self) -> bool {
        self.inner.sent && self.held_for.is_none()
    }

    /// The HTTP status of the response, if one came.
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(|response| response.head.status)
    }

    /// How long the vendor asks to wait: `Retry-After` in seconds or as a date (RFC 9110 section
    /// 10.2.3), or Moov's older `X-Retry-In` in milliseconds. Where this call was not sent because an
    /// earlier one failed, the time until one will be.
    pub fn retry_after(&self) -> Option<Duration> {
        self.held_for.or(self.inner.retry_after).or_else(|| self.response()?.retry_after)
    }

    /// The vendor's error code, such as `invalid_grant` (RFC 6749 section 5.2) or
    /// `api_error.auth.unauthorized`: at most 64 lower-case letters, `_` and `.`. Text of another
    /// shape is part of [`Error::message`].
    pub fn code(&self) -> Option<&str> {
        self.response()?.details.code.as_deref()
    }

    /// The vendor's explanation, at most 1,024 characters. Written for people, by the vendor: log it
    /// with care.
    pub fn message(&self) -> Option<&str> {
        self.response()?.details.message.as_deref()
    }

    /// What the vendor says of single fields (422), at most 16 of them.
    pub fn fields(&self) -> &[FieldError] {
        self.response().map_or(&[], |response| &response.details.fields)
    }

    /// The id to quote to the vendor's support (`x-request-id`), if it looks like one: at most 64
    /// letters, digits and hyphens.
    pub fn request_id(&self) -> Option<&str> {
        self.response()?.head.request_id.as_deref()
    }

    /// The headers of the response, if one came, without those that may hold a secret: cookies,
    /// credentials, whatever repeats a secret of the request, and whatever is longer than 1,024 bytes or
    /// not ASCII. An error that is kept for later callers has none.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.response().map(|response| &response.head.headers)
    }

    /// When the server sent the response, by its own clock (`Date`).
    pub fn date(&self) -> Option<SystemTime> {
        self.response()?.head.date
    }

    /// The id of the request at Cloudflare (`cf-ray`), which is in front of Moov. Quote it to the
    /// vendor's support where the service itself did not see the request.
    pub fn ray_id(&self) -> Option<&str> {
        self.response()?.ray_id.as_deref()
    }

    /// The challenge of a 401 (`WWW-Authenticate`, RFC 6750 section 3).
    pub fn www_authenticate(&self) -> Option<&str> {
        self.response()?.www_authenticate.as_deref()
    }

    /// The error body as the contract types it, such as `moov::types::AuthTokenRequestError` for a
    /// 422. `None` where no response came or its body is something else.
    ///
    /// # Security
    ///
    /// This is the vendor's text as it came. [`Error::code`] and [`Error::fields`] are cleared of
    /// the secrets that the request carried; this is not.
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
