//! Calls Moov's `GET /accounts` to find out whether the API accepts a token or a key pair.

use fintech_auth::reqwest::{Request, Response};
use http::{HeaderMap, StatusCode};
use uuid::Uuid;

pub(super) const ACCOUNTS: &str = "/accounts?count=1";

const LIMIT: usize = 64 << 10;

pub(super) struct Read {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Read {
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

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Acceptance {
    Accepted(StatusCode),
    Refused,
    /// The service responded with 403: the token lacks a scope, or the key pair is not accepted.
    Forbidden,
    Intercepted(StatusCode),
    Unknown,
}

/// A response of Moov itself has a request id or an empty body. Any other error response is from a
/// proxy or a CDN.
pub(super) fn classify(response: Option<&Read>) -> Acceptance {
    let Some(Read { status, headers, body }) = response else { return Acceptance::Unknown };
    let id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    let is_own = id.is_some_and(|id| Uuid::parse_str(id).is_ok()) || body.trim_ascii().is_empty();
    match *status {
        StatusCode::OK if looks_like_json(body) => Acceptance::Accepted(*status),
        status if !is_own || status.is_redirection() || status == StatusCode::OK => {
            Acceptance::Intercepted(status)
        }
        StatusCode::UNAUTHORIZED => Acceptance::Refused,
        StatusCode::FORBIDDEN => Acceptance::Forbidden,
        _ => Acceptance::Unknown,
    }
}

fn looks_like_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

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
    fn cdn_or_portal_response_is_not_reported_as_refused_credentials() {
        let id = "9383a65a-dc2d-40ab-b3d3-5849209f9667";
        for (response, expected) in [
            (read(200, id, "[]"), Acceptance::Accepted(StatusCode::OK)),
            (read(200, "", "[]"), Acceptance::Accepted(StatusCode::OK)),
            (read(200, "", "<html>log in</html>"), Acceptance::Intercepted(StatusCode::OK)),
            (read(302, "", ""), Acceptance::Intercepted(StatusCode::FOUND)),
            (read(401, id, ""), Acceptance::Refused),
            (read(401, "", ""), Acceptance::Refused),
            (read(401, "", "<html>log in</html>"), Acceptance::Intercepted(StatusCode::UNAUTHORIZED)),
            (read(403, id, "{}"), Acceptance::Forbidden),
            (read(403, "", "error code: 1010"), Acceptance::Intercepted(StatusCode::FORBIDDEN)),
            (read(403, "not an id", "error code: 1010"), Acceptance::Intercepted(StatusCode::FORBIDDEN)),
            (read(404, id, ""), Acceptance::Unknown),
            (read(500, "", "oops"), Acceptance::Intercepted(StatusCode::INTERNAL_SERVER_ERROR)),
        ] {
            assert_eq!(classify(Some(&response)), expected, "{} {:?}", response.status, response.body);
        }
        assert_eq!(classify(None), Acceptance::Unknown);
    }
}
