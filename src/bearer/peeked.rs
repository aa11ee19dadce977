//! The body of an answer whose beginning was looked into. Whoever reads it gets all of it, in order.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf as _, Bytes};
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

use crate::token::is_expired;

/// As much of a 401 as is looked into. What is longer does not say that a token has expired.
const LIMIT: usize = 64 * 1024;

/// A body whose beginning may have been read already, to see why a request was refused. It comes
/// whole all the same.
pub struct Peeked<B: Body> {
    /// What was read.
    first: VecDeque<Frame<Bytes>>,
    /// What ended the reading, if it was a failure.
    failed: Option<B::Error>,
    rest: B,
    ended: bool,
}

impl<B: Body + Unpin> Peeked<B> {
    pub(super) fn untouched(rest: B) -> Self {
        Self { first: VecDeque::new(), failed: None, ended: false, rest }
    }

    /// Reads the beginning, and copies its data.
    async fn begin(&mut self) -> Vec<u8> {
        let mut begun = Vec::new();
        while begun.len() < LIMIT {
            match poll_fn(|context| poll(&mut self.rest, context)).await {
                Some(Ok(frame)) => {
                    begun.extend_from_slice(frame.data_ref().map_or(&[], |data| &data[..]));
                    self.first.push_back(frame);
                }
                Some(Err(error)) => {
                    self.failed = Some(error);
                    break;
                }
                None => {
                    self.ended = true;
                    break;
                }
            }
        }
        begun
    }
}

fn poll<B: Body + Unpin>(
    body: &mut B,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
    let frame = Pin::new(body).poll_frame(context);
    frame.map_ok(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
}

/// Whether an answer says that the token has expired, and the answer, which is whole.
///
/// A 401 is read up to its end even where its head says enough, so that its connection can be used again.
pub(super) async fn judge<B: Body + Unpin>(answer: Response<B>) -> (bool, Response<Peeked<B>>) {
    let mut answer = answer.map(Peeked::untouched);
    if answer.status() != StatusCode::UNAUTHORIZED {
        return (false, answer);
    }
    let body = answer.body_mut().begin().await;
    (is_expired(answer.status(), answer.headers(), &body), answer)
}

/// Nothing but the body itself could be pinned, and that need not be.
impl<B: Body + Unpin> Unpin for Peeked<B> {}

impl<B: Body + Unpin> Body for Peeked<B> {
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

impl<B: Body> fmt::Debug for Peeked<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peeked").field("read", &self.first.len()).finish_non_exhaustive()
    }
}
