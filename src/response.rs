//! A successful response.

use std::{fmt, ops::Deref, time::SystemTime};

use http::{HeaderMap, StatusCode};

/// A typed response, with the status and headers of its HTTP response.
///
/// It derefs to the body, so that `response.access_token` reads the field. `Debug` does not show the
/// headers.
#[derive(Clone)]
pub struct Response<T> {
    head: Head,
    body: T,
}

/// The status and headers of an HTTP response, as far as they may be shown.
#[derive(Clone)]
pub(crate) struct Head {
    /// When the request was sent, by the local clock.
    pub(crate) sent: SystemTime,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) request_id: Option<String>,
    pub(crate) date: Option<SystemTime>,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            sent: SystemTime::UNIX_EPOCH,
            status: StatusCode::default(),
            headers: HeaderMap::new(),
            request_id: None,
            date: None,
        }
    }
}

impl<T> Response<T> {
    pub(crate) fn new(head: Head, body: T) -> Self {
        Self { head, body }
    }

    /// The status: MoneyKit issues tokens with 201, Moov with 200.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The headers, without those that may hold a secret: cookies, credentials, whatever repeats a secret
    /// of the request, and whatever is longer than 1,024 bytes or not ASCII.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The id to quote to the vendor's support (`x-request-id`), if it looks like one: at most 64
    /// letters, digits and hyphens.
    pub fn request_id(&self) -> Option<&str> {
        self.head.request_id.as_deref()
    }

    /// When the server sent the response, by its own clock (`Date`). Compared with the local clock it
    /// shows skew.
    pub fn date(&self) -> Option<SystemTime> {
        self.head.date
    }

    /// When the request was sent, by the local clock. A token's lifetime is counted from then.
    pub fn sent_at(&self) -> SystemTime {
        self.head.sent
    }

    /// The body, as the contract types it.
    pub fn body(&self) -> &T {
        &self.body
    }

    /// The body alone.
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
