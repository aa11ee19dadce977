//! `GET /accounts` of Moov: whether a protected endpoint accepts a token or the key pair.

use fintech_auth::reqwest::{Request, Response};
use http::{HeaderMap, StatusCode};
use uuid::Uuid;

/// The path and query that is asked for.
pub(super) const ACCOUNTS: &str = "/accounts?count=1";

/// As much of a body as is read.
const LIMIT: usize = 64 << 10;

/// A response, read to its end or to the limit.
pub(super) struct Read {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Read {
    /// `None` if the body breaks off.
    pub(super) async fn all(mut response: Response) -> Option<Self> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.ok()? {
            body.extend_from_slice(&chunk[..chunk.len().min(LIMIT - body.len())]);
            if body.len() == LIMIT {
                break;
            }
        }
        Some(Self { status: response.status(), headers: response.headers().clone(), body })
    }
}

/// What a response says about the credentials.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Judged {
    /// They are accepted. With 403 they lack only a scope.
    Accepted(StatusCode),
    /// 401.
    Refused,
    /// 403 by the service: for a token a missing scope, for a key pair a refusal.
    Forbidden,
    /// Something in front of the service responded, so nothing is known of the credentials.
    InFront(StatusCode),
    /// There is no such endpoint, or it fails.
    Unknown,
}

/// Moov's own responses have a request id, or no body at all.
pub(super) fn judge(response: Option<&Read>) -> Judged {
    let Some(Read { status, headers, body }) = response else { return Judged::Unknown };
    let id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    let is_own = id.is_some_and(|id| Uuid::parse_str(id).is_ok()) || body.trim_ascii().is_empty();
    match *status {
        StatusCode::OK if looks_like_json(body) => Judged::Accepted(*status),
        status if !is_own || status.is_redirection() || status == StatusCode::OK => Judged::InFront(status),
        StatusCode::UNAUTHORIZED => Judged::Refused,
        StatusCode::FORBIDDEN => Judged::Forbidden,
        _ => Judged::Unknown,
    }
}

fn looks_like_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// The request, with what is added to it.
pub(super) fn request(
    http: &fintech_auth::reqwest::Client,
    base_url: &str,
    headers: HeaderMap,
) -> Option<Request> {
    let url = format!("{}{ACCOUNTS}", base_url.trim_end_matches('/'));
    http.get(url).headers(headers).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, id: &str, body: &str) -> Read {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", id.parse().expect("a value"));
        Read { status: StatusCode::from_u16(status).expect("a status"), headers, body: body.into() }
    }

    #[test]
    fn responses_from_a_cdn_or_captive_portal_do_not_count_as_refused_credentials() {
        let id = "9383a65a-dc2d-40ab-b3d3-5849209f9667";
        for (response, judged) in [
            (read(200, id, "[]"), Judged::Accepted(StatusCode::OK)),
            (read(200, "", "[]"), Judged::Accepted(StatusCode::OK)),
            (read(200, "", "<html>log in</html>"), Judged::InFront(StatusCode::OK)),
            (read(302, "", ""), Judged::InFront(StatusCode::FOUND)),
            (read(401, id, ""), Judged::Refused),
            (read(401, "", ""), Judged::Refused),
            (read(401, "", "<html>log in</html>"), Judged::InFront(StatusCode::UNAUTHORIZED)),
            (read(403, id, "{}"), Judged::Forbidden),
            (read(403, "", "error code: 1010"), Judged::InFront(StatusCode::FORBIDDEN)),
            (read(403, "not an id", "error code: 1010"), Judged::InFront(StatusCode::FORBIDDEN)),
            (read(404, id, ""), Judged::Unknown),
            (read(500, "", "oops"), Judged::InFront(StatusCode::INTERNAL_SERVER_ERROR)),
        ] {
            assert_eq!(judge(Some(&response)), judged, "{} {:?}", response.status, response.body);
        }
        assert_eq!(judge(None), Judged::Unknown);
    }
}
