//! What came in, for assertions. Printing it shows no secret.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header, request::Parts};

use super::Operation;

/// How many requests are kept; older ones are only counted.
const KEPT: usize = 10_000;
/// The most bytes that they take together.
const KEPT_BYTES: usize = 64 << 20;

/// The headers that carry a secret.
const SECRET: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-client-secret"];

/// A request as it came. Clones are of the same request and see the same response.
///
/// # Security
///
/// `Debug` leaves out the body, the query and the value of headers that carry a secret. The fields
/// have all of it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// The operation; `None` where path or method are of none.
    pub operation: Option<Operation>,
    /// The method.
    pub method: Method,
    /// The path with its query, if any.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty where it was over the limit of 64 KiB.
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

    /// The status it was answered with; `None` while it is not, and where the response was lost.
    pub fn status(&self) -> Option<StatusCode> {
        self.status.get().copied()
    }

    /// Why it was refused, or that a fault met it: what the services themselves do not say, such as whether a
    /// 403 is for the credentials or for the origin. For people, and without anything of the request.
    pub fn note(&self) -> Option<&'static str> {
        self.note.get().copied()
    }

    /// The path without its query.
    pub(super) fn path_alone(&self) -> &str {
        self.path.split_once('?').map_or(&self.path, |(path, _)| path)
    }

    fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        self.path.len() + self.body.len() + headers.sum::<usize>()
    }

    pub(super) fn set_status(&self, status: StatusCode) {
        // Each request is answered once.
        _ = self.status.set(status);
    }

    pub(super) fn set_note(&self, note: &'static str) {
        // What comes first is what decided.
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

/// The requests so far.
#[derive(Default)]
pub(super) struct Log(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    newest: VecDeque<Request>,
    /// The size of those.
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
    fn log_is_limited_in_requests_and_bytes() {
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
