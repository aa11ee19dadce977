//! A response body whose beginning has been read in advance. A reader of the body still gets all
//! frames in order.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tokio::{runtime, time};

const MAX_BYTES: usize = 64 * 1024;
/// Without this limit, many empty frames could fill the memory.
const MAX_FRAMES: usize = 256;
const MAX_WAIT: Duration = Duration::from_secs(2);

/// A response body whose beginning may have been read already, to find out why a request was
/// rejected.
///
/// Reading the body still yields all of its data.
pub struct PeekedBody<B: Body> {
    first: VecDeque<Frame<Bytes>>,
    failed: Option<B::Error>,
    rest: B,
    ended: bool,
}

impl<B: Body + Unpin> PeekedBody<B> {
    pub(super) fn untouched(rest: B) -> Self {
        Self { first: VecDeque::new(), failed: None, ended: false, rest }
    }

    async fn begin(&mut self) -> Option<Vec<u8>> {
        // Without a tokio runtime there is no timer to limit the wait, so do not read the body.
        runtime::Handle::try_current().ok()?;
        let mut data = Vec::new();
        let _ = time::timeout(MAX_WAIT, self.fill(&mut data)).await;
        self.ended.then_some(data)
    }

    async fn fill(&mut self, data: &mut Vec<u8>) {
        while data.len() < MAX_BYTES && self.first.len() < MAX_FRAMES {
            match poll_fn(|context| poll(&mut self.rest, context)).await {
                Some(Ok(frame)) => {
                    data.extend_from_slice(frame.data_ref().map_or(&[], |data| &data[..]));
                    self.first.push_back(frame);
                }
                Some(Err(error)) => {
                    self.failed = Some(error);
                    return;
                }
                None => {
                    self.ended = true;
                    return;
                }
            }
        }
    }
}

fn poll<B: Body + Unpin>(
    body: &mut B,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
    let frame = Pin::new(body).poll_frame(context);
    frame.map_ok(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
}

/// Reads the body even if the headers already show the cause of the 401, so that the HTTP client
/// can reuse the connection.
pub(super) async fn peek<B: Body + Unpin>(
    response: Response<B>,
) -> (Option<Vec<u8>>, Response<PeekedBody<B>>) {
    let mut response = response.map(PeekedBody::untouched);
    if response.status() != StatusCode::UNAUTHORIZED {
        return (None, response);
    }
    (response.body_mut().begin().await, response)
}

/// Only the field `rest` could need pinning, and its type is `Unpin`.
impl<B: Body + Unpin> Unpin for PeekedBody<B> {}

impl<B: Body + Unpin> Body for PeekedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        if let Some(frame) = this.first.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if let Some(error) = this.failed.take() {
            this.ended = true;
            return Poll::Ready(Some(Err(error)));
        }
        if this.ended {
            return Poll::Ready(None);
        }
        poll(&mut this.rest, context)
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.failed.is_none() && (self.ended || self.rest.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.first.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum::<u64>();
        let rest = if self.ended { SizeHint::with_exact(0) } else { self.rest.size_hint() };
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(read)) {
            hint.set_upper(upper);
        }
        hint
    }
}

impl<B: Body> fmt::Debug for PeekedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeekedBody").field("read", &self.first.len()).finish_non_exhaustive()
    }
}
