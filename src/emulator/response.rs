//! Creates responses, and sends their bodies whole or truncated.

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

/// The reason for a rejection. The emulator logs the reason, but does not send the reason to the
/// client.
#[derive(Clone, Copy)]
pub(super) struct Why(pub(super) &'static str);

/// The response comes from a proxy or CDN, so the emulator adds none of the service's headers.
#[derive(Clone, Copy)]
pub(super) struct BeforeService;

pub(super) fn because(mut response: BytesResponse, why: &'static str) -> BytesResponse {
    response.extensions_mut().insert(Why(why));
    response
}

pub(super) fn empty(status: StatusCode) -> BytesResponse {
    let mut response = BytesResponse::default();
    *response.status_mut() = status;
    response
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> BytesResponse {
    let Ok(body) = serde_json::to_vec(body) else {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = empty(status);
    *response.body_mut() = body.into();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A response with a token must not be cached (RFC 6749 section 5.1).
pub(super) fn token(status: StatusCode, body: &impl Serialize) -> BytesResponse {
    let mut response = json(status, body);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cut {
    Close,
    Reset,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("response truncated by an injected fault")
    }
}

impl std::error::Error for Cut {}

pub(super) enum Outgoing {
    Whole(Bytes),
    Part(Bytes),
    Flushing,
    Cut,
}

pub(super) fn whole(response: BytesResponse) -> Response<Outgoing> {
    response.map(Outgoing::Whole)
}

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
            // Return `Pending` once before the error, so that hyper writes its buffer before it
            // polls the body again. If the error came first, hyper would drop the buffer.
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
            // Report an unknown size, so that hyper uses the `Content-Length` header of the
            // response.
            _ => SizeHint::default(),
        }
    }
}

pub(super) fn merge<R: Into<BytesResponse>>(outcome: Result<BytesResponse, R>) -> BytesResponse {
    outcome.unwrap_or_else(Into::into)
}
