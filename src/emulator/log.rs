//! The log of received requests, for assertions. `Debug` shows no secret.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header, request::Parts};

use super::Operation;

const KEPT: usize = 10_000;
const KEPT_BYTES: usize = 64 << 20;

const SECRET: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-client-secret"];

/// A received request. All clones of a request share its status and its note.
///
/// # Security
///
/// `Debug` does not show the body, the query or the values of headers with secrets. To read these
/// values, use the public fields.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// The operation, or `None` if no operation has this path and method.
    pub operation: Option<Operation>,
    /// The HTTP method.
    pub method: Method,
    /// The path and the query.
    pub path: String,
    /// The headers of the request.
    pub headers: HeaderMap,
    /// The body. Empty if it exceeded the limit of 64 KiB.
    pub body: Bytes,
    status: Arc<OnceLock<StatusCode>>,
    note: Arc<OnceLock<&'static str>>,
}

impl Request {
    pub(super) fn new(parts: Parts, body: Bytes) -> Self {
        let operation =
            Operation::at(parts.uri.path()).filter(|operation| operation.method() == parts.method);
        let mut headers = parts.headers;
        for name in SECRET {
            if let header::Entry::Occupied(mut values) = headers.entry(name) {
                values.iter_mut().for_each(|value| value.set_sensitive(true));
            }
        }
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str()).to_owned();
        Self {
            operation,
            method: parts.method,
            path,
            headers,
            body,
            status: Arc::default(),
            note: Arc::default(),
        }
    }

    /// Returns the status of the response. Returns `None` if the response is not ready yet, or if a
    /// fault or a closed connection ended the request without a response.
    pub fn status(&self) -> Option<StatusCode> {
        self.status.get().copied()
    }

    /// Returns the reason why the service rejected the request, or `injected fault` if a fault
    /// affected the request. If Moov issued a token although the origin is not allowed, the note
    /// says so. The note contains no part of the request.
    ///
    /// The note tells you more than the response. For example, a 403 does not reveal whether the
    /// credentials or the origin caused the rejection.
    pub fn note(&self) -> Option<&'static str> {
        self.note.get().copied()
    }

    pub(super) fn path_alone(&self) -> &str {
        self.path.split_once('?').map_or(&self.path, |(path, _)| path)
    }

    fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        self.path.len() + self.body.len() + headers.sum::<usize>()
    }

    pub(super) fn set_status(&self, status: StatusCode) {
        _ = self.status.set(status);
    }

    pub(super) fn set_note(&self, note: &'static str) {
        // The first note is kept, because the first note names the cause.
        _ = self.note.set(note);
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("path", &self.path_alone())
            .field("headers", &self.headers)
            .field("body", &format_args!("[{} bytes]", self.body.len()))
            .field("status", &self.status())
            .finish()
    }
}

#[derive(Default)]
pub(super) struct Log(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    newest: VecDeque<Request>,
    bytes: usize,
    counts: HashMap<Operation, usize>,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, request: Request) {
        let mut entries = self.lock();
        if let Some(operation) = request.operation {
            *entries.counts.entry(operation).or_default() += 1;
        }
        entries.bytes += request.size();
        entries.newest.push_back(request);
        while (entries.newest.len() > KEPT || entries.bytes > KEPT_BYTES)
            && let Some(oldest) = entries.newest.pop_front()
        {
            entries.bytes -= oldest.size();
        }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.lock().newest.iter().cloned().collect()
    }

    pub(super) fn count(&self, operation: Operation) -> usize {
        self.lock().counts.get(&operation).copied().unwrap_or_default()
    }

    pub(super) fn clear(&self) {
        *self.lock() = Entries::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_requests_and_bytes_in_the_log_is_limited() {
        let request = |size: usize| {
            let (parts, ()) = http::Request::new(()).into_parts();
            Request::new(parts, vec![0; size].into())
        };
        let log = Log::default();
        (0..KEPT + 5).for_each(|_| log.add(request(0)));
        assert_eq!(log.requests().len(), KEPT);
        log.clear();
        (0..100).for_each(|_| log.add(request(1 << 20)));
        let kept = log.requests().len();
        assert!((60..=64).contains(&kept), "{kept}");
    }
}
