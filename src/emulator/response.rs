//! Responses: JSON from the contract's types, and the body as it goes out, whole or cut off.

use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};
use serde::Serialize;

pub(super) type BytesResponse = Response<Bytes>;

/// Why a service refused, for whoever reads the log. It goes nowhere else: the services say less.
#[derive(Clone, Copy)]
pub(super) struct Why(pub(super) &'static str);

/// Marks a response of a proxy or CDN in front of the service, which has nothing of the service's own.
#[derive(Clone, Copy)]
pub(super) struct BeforeService;

/// The response with what the log says of it.
pub(super) fn because(mut response: BytesResponse, why: &'static str) -> BytesResponse {
    response.extensions_mut().insert(Why(why));
    response
}

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> BytesResponse {
    let mut response = BytesResponse::default();
    *response.status_mut() = status;
    response
}

/// A response whose body is a type of the contract, or made from one.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> BytesResponse {
    let Ok(body) = serde_json::to_vec(body) else {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = empty(status);
    *response.body_mut() = body.into();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A response with a token in it, which no cache may keep (RFC 6749 section 5.1).
pub(super) fn token(status: StatusCode, body: &impl Serialize) -> BytesResponse {
    let mut response = json(status, body);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A connection that ends without a whole response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cut {
    /// In order: the client reads an end of file.
    Close,
    /// By a TCP reset.
    Reset,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut off on order")
    }
}

impl std::error::Error for Cut {}

/// The body on its way out.
pub(super) enum Outgoing {
    Whole(Bytes),
    /// Its first part, after which the connection is cut.
    Part(Bytes),
    /// That part is given out and must reach the wire before the cut.
    Flushing,
    Cut,
}

/// The whole response.
pub(super) fn whole(response: BytesResponse) -> Response<Outgoing> {
    response.map(Outgoing::Whole)
}

/// The first half of the body under the `Content-Length` of the whole. A response without a body has
/// nothing to cut, so it is lost.
pub(super) fn half(response: BytesResponse) -> Result<Response<Outgoing>, Cut> {
    let length = response.body().len();
    if length == 0 {
        return Err(Cut::Close);
    }
    let mut response = response.map(|body| Outgoing::Part(body.slice(..length / 2)));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut *self {
            Self::Whole(body) if body.is_empty() => Poll::Ready(None),
            Self::Whole(body) => Poll::Ready(Some(Ok(Frame::data(mem::take(body))))),
            Self::Part(body) => {
                let body = mem::take(body);
                *self = Self::Flushing;
                Poll::Ready(Some(Ok(Frame::data(body))))
            }
            // hyper writes what it has before it asks again, and drops it on an error.
            Self::Flushing => {
                *self = Self::Cut;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Cut => Poll::Ready(Some(Err(Cut::Close))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(body) if body.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.len() as u64),
            // Unknown, so that hyper goes by the header.
            _ => SizeHint::default(),
        }
    }
}

/// One response of what an operation comes to. Operations give refusals apart, to be left by `?`.
pub(super) fn merge<R: Into<BytesResponse>>(outcome: Result<BytesResponse, R>) -> BytesResponse {
    outcome.unwrap_or_else(Into::into)
}
