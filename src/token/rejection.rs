//! Which 401 says that a new token would help.

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

/// The longest body that is looked into.
const LIMIT: usize = 64 * 1024;

/// Whether this response of a vendor says that the token it was sent is expired or no longer valid:
/// a 401 with the code `api_error.auth.expired_access_token`, or a challenge with the error
/// `invalid_token` (RFC 6750 section 3.1). Any other 401 is of another cause, and a new token would
/// not help.
///
/// For [`TokenCache::run`](super::TokenCache::run). Give an empty body where you have none.
pub fn is_expired(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
    status == StatusCode::UNAUTHORIZED && (challenged(headers) || coded(body))
}

fn challenged(headers: &HeaderMap) -> bool {
    let challenges = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    challenges.flat_map(|challenge| challenge.split([',', ' '])).any(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else { return false };
        name.eq_ignore_ascii_case("error") && value.trim_matches('"') == "invalid_token"
    })
}

fn coded(body: &[u8]) -> bool {
    let body = body.get(..LIMIT.min(body.len())).and_then(|body| serde_json::from_slice::<Value>(body).ok());
    body.is_some_and(|body| body["error_code"] == "api_error.auth.expired_access_token")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, challenge: Option<&str>, body: &str) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge.parse().unwrap());
        }
        is_expired(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn only_a_401_that_means_the_token_counts() {
        let expired = r#"{"error_code": "api_error.auth.expired_access_token"}"#;
        let other = r#"{"error_code": "api_error.auth.unauthorized"}"#;
        for (status, challenge, body, expected) in [
            (401, None, expired, true),
            (401, None, other, false),
            (401, None, "", false),
            (401, None, "<html>", false),
            (401, Some(r#"Bearer error="invalid_token""#), "", true),
            (
                401,
                Some(r#"Bearer realm="x", error="invalid_token", error_description="it, expired""#),
                "",
                true,
            ),
            (401, Some("Bearer error=invalid_token"), "", true),
            (401, Some(r#"Bearer error="insufficient_scope""#), other, false),
            (401, Some("Bearer"), "", false),
            (403, Some(r#"Bearer error="invalid_token""#), expired, false),
            (200, None, expired, false),
        ] {
            assert_eq!(verdict(status, challenge, body), expected, "{status} {challenge:?} {body}");
        }
    }
}
