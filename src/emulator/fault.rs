//! Faults that are scheduled for the next requests of an operation.

use std::{
    collections::{HashMap, VecDeque},
    fmt, future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use super::{
    Operation,
    response::{self, BeforeService, BytesResponse, Cut, Outgoing},
};

/// A fault that the emulator applies to one request.
///
/// ```
/// use std::time::Duration;
///
/// use fintech_auth::emulator::Fault;
/// use http::StatusCode;
///
/// // The gateway responds slowly.
/// let gateway = Fault::response(StatusCode::BAD_GATEWAY)
///     .with_body("text/html", "<h1>502</h1>")
///     .with_delay(Duration::from_millis(20));
/// // The token is issued, but its response is lost.
/// let lost = Fault::close().after_serving();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    delay: Duration,
    serve: bool,
    ending: Ending,
}

#[derive(Clone, Debug)]
enum Ending {
    Served,
    Half,
    Response(Box<BytesResponse>),
    Cut(Cut),
    Hang,
}

impl Fault {
    fn new(ending: Ending) -> Self {
        Self { delay: Duration::ZERO, serve: false, ending }
    }

    /// Sends this status instead of the service's own response. The response has no body, unless
    /// [`Fault::with_body`] sets a body.
    pub fn response(status: StatusCode) -> Self {
        Self::new(Ending::Response(Box::new(response::empty(status))))
    }

    /// Simulates a CDN that blocks the request, for example because of the IP address or the user
    /// agent of the client.
    ///
    /// The response is a 403 with the headers of Cloudflare and the text `error code: 1010`, but
    /// without an `x-request-id`. The service never receives the request.
    pub fn cdn_block() -> Self {
        let mut response = response::empty(StatusCode::FORBIDDEN);
        response.extensions_mut().insert(BeforeService);
        Self::new(Ending::Response(Box::new(response)))
            .with_header(header::SERVER, HeaderValue::from_static("cloudflare"))
            .with_header(HeaderName::from_static("cf-ray"), HeaderValue::from_static("9a0b1c2d3e4f5a6b-IAD"))
            .with_body("text/plain; charset=UTF-8", "error code: 1010")
    }

    /// Delays the service's own response. The delay follows tokio's clock, which tests can pause.
    pub fn delay(by: Duration) -> Self {
        Self::new(Ending::Served).with_delay(by)
    }

    /// Sends only the first half of the service's own response body, and then closes the
    /// connection. If the response has no body, closes the connection without a response.
    pub fn truncate() -> Self {
        Self::new(Ending::Half)
    }

    /// Closes the connection without a response and without a reset.
    pub fn close() -> Self {
        Self::new(Ending::Cut(Cut::Close))
    }

    /// Resets the connection (a TCP RST), without a response.
    pub fn reset() -> Self {
        Self::new(Ending::Cut(Cut::Reset))
    }

    /// Sends no response until the client gives up or the emulator is dropped.
    pub fn hang() -> Self {
        Self::new(Ending::Hang)
    }

    /// First waits for `delay`. After that, the service processes the request, the fault occurs, or
    /// both.
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Adds a header to the response of [`Fault::response`] or [`Fault::cdn_block`]. This method
    /// has no effect on other faults.
    pub fn with_header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        if let Ending::Response(response) = &mut self.ending {
            response.headers_mut().append(name, value.into());
        }
        self
    }

    /// Sets the body of [`Fault::response`] or [`Fault::cdn_block`]. This method has no effect on
    /// other faults.
    pub fn with_body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        if let Ending::Response(response) = &mut self.ending {
            *response.body_mut() = body.into();
            if let Ok(content_type) = HeaderValue::from_str(content_type) {
                response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            }
        }
        self
    }

    /// Lets the service process the request before the fault occurs. For example, the service
    /// revokes a token, but the client does not receive the response.
    pub fn after_serving(mut self) -> Self {
        self.serve = true;
        self
    }

    pub(super) async fn play(self, serve: impl FnOnce() -> BytesResponse) -> Result<Response<Outgoing>, Cut> {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        match self.ending {
            Ending::Served => return Ok(response::whole(serve())),
            Ending::Half => return response::half(serve()),
            _ if self.serve => drop(serve()),
            _ => {}
        }
        match self.ending {
            Ending::Response(response) => Ok(response::whole(*response)),
            Ending::Cut(cut) => Err(cut),
            _ => future::pending().await,
        }
    }
}

/// Writes the fault as text, such as `status 503` or `no response, after 2s, after the request was
/// processed`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ending {
            Ending::Served => f.write_str("late response")?,
            Ending::Half => f.write_str("truncated response")?,
            Ending::Response(response) if response.extensions().get::<BeforeService>().is_some() => {
                f.write_str("blocked by the CDN")?;
            }
            Ending::Response(response) => write!(f, "status {}", response.status().as_u16())?,
            Ending::Cut(Cut::Close) => f.write_str("closed connection")?,
            Ending::Cut(Cut::Reset) => f.write_str("reset connection")?,
            Ending::Hang => f.write_str("no response")?,
        }
        if !self.delay.is_zero() {
            write!(f, ", after {:?}", self.delay)?;
        }
        f.write_str(if self.serve { ", after the request was processed" } else { "" })
    }
}

/// A scheduled fault that has not occurred yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PendingFault {
    /// The operation whose requests the fault affects.
    pub operation: Operation,
    /// The fault.
    pub fault: Fault,
    /// The number of requests that the fault will affect.
    pub times: usize,
}

#[derive(Default)]
pub(super) struct Faults(Mutex<HashMap<Operation, VecDeque<(Fault, usize)>>>);

impl Faults {
    fn lock(&self) -> MutexGuard<'_, HashMap<Operation, VecDeque<(Fault, usize)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn order(&self, operation: Operation, fault: Fault, times: usize) {
        if times > 0 {
            self.lock().entry(operation).or_default().push_back((fault, times));
        }
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    pub(super) fn pending(&self) -> Vec<PendingFault> {
        let ordered = self.lock();
        let of = |operation| {
            ordered.get(&operation).into_iter().flatten().map(move |pending| (operation, pending))
        };
        let pending = Operation::ALL.iter().copied().flat_map(of);
        pending
            .map(|(operation, (fault, times))| PendingFault {
                operation,
                fault: fault.clone(),
                times: *times,
            })
            .collect()
    }

    pub(super) fn next(&self, operation: Operation) -> Option<Fault> {
        let mut ordered = self.lock();
        let queue = ordered.get_mut(&operation)?;
        let (fault, times) = queue.front_mut()?;
        *times -= 1;
        if *times > 0 { Some(fault.clone()) } else { queue.pop_front().map(|(fault, _)| fault) }
    }
}
