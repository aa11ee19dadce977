//! The response of a successful call.

use std::{
    fmt,
    ops::Deref,
    panic::{AssertUnwindSafe, UnwindSafe},
    sync::{Arc, LazyLock},
    time::SystemTime,
};

use http::{HeaderMap, HeaderValue, StatusCode};

/// The decoded body of a successful call, with the status and headers of its HTTP response.
///
/// A `Response` dereferences to the body, so `response.access_token` reads a field. `Debug` omits
/// the headers.
#[derive(Clone)]
pub struct Response<T> {
    head: Head,
    body: T,
}

#[derive(Clone)]
pub(crate) struct Head {
    pub(crate) sent: SystemTime,
    pub(crate) status: StatusCode,
    pub(crate) headers: ShownHeaders,
    pub(crate) request_id: Option<String>,
    pub(crate) date: Option<HeaderValue>,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            sent: SystemTime::UNIX_EPOCH,
            status: StatusCode::default(),
            headers: ShownHeaders::new(HeaderMap::new),
            request_id: None,
            date: None,
        }
    }
}

impl Head {
    pub(crate) fn date(&self) -> Option<SystemTime> {
        parse_date(self.date.as_ref()?)
    }
}

pub(crate) fn parse_date(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

#[derive(Clone)]
pub(crate) struct ShownHeaders(Arc<LazyLock<HeaderMap, Select>>);

type Select = Box<dyn FnOnce() -> HeaderMap + Send + UnwindSafe>;

impl ShownHeaders {
    pub(crate) fn new(select: impl FnOnce() -> HeaderMap + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(AssertUnwindSafe(select)))))
    }

    pub(crate) fn get(&self) -> &HeaderMap {
        &self.0
    }
}

impl<T> Response<T> {
    pub(crate) fn new(head: Head, body: T) -> Self {
        Self { head, body }
    }

    /// Returns the HTTP status. MoneyKit issues tokens with 201, Moov with 200.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// Returns the headers, except headers that may contain a secret.
    ///
    /// The result contains no cookies, no credentials, no headers that repeat a secret of the
    /// request, and no headers that are longer than 1,024 bytes or not ASCII.
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers.get()
    }

    /// Returns the `x-request-id` header. Give this id to the vendor's support.
    ///
    /// Returns `None` if the header does not look like an id. An id consists of at most 64 letters,
    /// digits and hyphens.
    pub fn request_id(&self) -> Option<&str> {
        self.head.request_id.as_deref()
    }

    /// Returns the time at which the server sent the response, according to the server's clock (the
    /// `Date` header).
    ///
    /// Compare this time with [`sent_at`](Self::sent_at) to estimate the clock skew.
    pub fn date(&self) -> Option<SystemTime> {
        self.head.date()
    }

    /// Returns the time at which the request was sent, according to the local clock. The lifetime
    /// of a token is counted from this time.
    pub fn sent_at(&self) -> SystemTime {
        self.head.sent
    }

    /// Returns the decoded body.
    pub fn body(&self) -> &T {
        &self.body
    }

    /// Returns the decoded body, and drops the status and the headers.
    pub fn into_body(self) -> T {
        self.body
    }
}

impl<T> Deref for Response<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.body
    }
}

impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.head.status)
            .field("request_id", &self.head.request_id)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
