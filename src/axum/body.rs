//! Reads the raw body of a request, up to a size limit.

use axum_core::body::Body;
use bytes::Bytes;
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError};

use crate::webhook::{Reason, VerifyError};

pub(super) async fn read(mut body: Body, limit: usize) -> Result<Bytes, VerifyError> {
    // hyper enforces `Content-Length`, so the announced length is reliable.
    if announced(&body) > limit {
        return Err(Reason::BodyTooLarge.into());
    }
    let Some(first) = chunk(&mut body, limit).await? else { return Ok(Bytes::new()) };
    let Some(second) = chunk(&mut body, limit - first.len()).await? else { return Ok(first) };
    let mut read = Vec::with_capacity(room(announced(&body), first.len() + second.len(), limit));
    read.extend_from_slice(&first);
    read.extend_from_slice(&second);
    while let Some(next) = chunk(&mut body, limit - read.len()).await? {
        if read.capacity() - read.len() < next.len() {
            let wanted = room(announced(&body), read.len() + next.len(), limit);
            read.reserve_exact(wanted - read.len());
        }
        read.extend_from_slice(&next);
    }
    Ok(read.into())
}

fn announced(body: &Body) -> usize {
    usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX)
}

fn room(announced: usize, there: usize, limit: usize) -> usize {
    there.saturating_add(announced.max(there)).min(limit)
}

async fn chunk(body: &mut Body, left: usize) -> Result<Option<Bytes>, Reason> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.into_inner().is::<LengthLimitError>() {
            true => Reason::BodyTooLarge,
            false => Reason::IncompleteBody,
        })?;
        match frame.into_data() {
            Ok(data) if data.len() > left => return Err(Reason::BodyTooLarge),
            Ok(data) if !data.is_empty() => return Ok(Some(data)),
            // Trailers are ignored, because they are not signed.
            _ => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::room;

    #[test]
    fn buffer_capacity_does_not_exceed_the_limit() {
        assert_eq!(room(0, 100, 1000), 200);
        assert_eq!(room(500, 100, 1000), 600);
        assert_eq!(room(usize::MAX, 100, 1000), 1000);
        assert_eq!(room(0, 999, 1000), 1000);
    }
}
