//! Determines the error kind of a failed call, and whether the vendor or a proxy sent the response.

use http::{HeaderMap, StatusCode, header};
use uuid::Uuid;

#[cfg(feature = "rustls")]
use super::tls::is_misconfigured;
use crate::{Error, ErrorKind};

type Reason = &'static str;

/// Some error codes take precedence over the status. For example, RFC 6749 section 5.2 allows
/// `invalid_client` with status 400.
pub(super) fn classify_status(status: StatusCode, code: Option<&str>) -> (ErrorKind, Reason) {
    let refused = (ErrorKind::InvalidRequest, "the service rejected the request");
    match (status.as_u16(), code) {
        (401, _) | (_, Some("invalid_client")) => {
            (ErrorKind::Unauthorized, "the service rejected the credentials or the token")
        }
        // These codes do not mean that the credentials are invalid.
        (
            403,
            Some(
                "access_denied"
                | "insufficient_scope"
                | "invalid_grant"
                | "invalid_request"
                | "invalid_scope"
                | "unauthorized_client"
                | "unsupported_grant_type",
            ),
        ) => (ErrorKind::InvalidRequest, "the service rejected the request or its scope"),
        (403, _) => (ErrorKind::Unauthorized, "the service rejected the credentials or the token"),
        (429, _) => (ErrorKind::RateLimited, "too many requests"),
        (408 | 425, _) => (ErrorKind::Unavailable, "the service asked for a retry"),
        (400..=499, _) => refused,
        (200..=299, Some(code)) => match code {
            "invalid_token" | "unauthorized" => classify_status(StatusCode::UNAUTHORIZED, None),
            code if code.starts_with("api_error.auth.") => classify_status(StatusCode::UNAUTHORIZED, None),
            code if code.ends_with("rate_limit_exceeded") => {
                classify_status(StatusCode::TOO_MANY_REQUESTS, None)
            }
            "server_error" | "temporarily_unavailable" => (ErrorKind::Unavailable, "the service failed"),
            _ => refused,
        },
        (200..=299, None) => refused,
        _ => (ErrorKind::Unavailable, "the service failed"),
    }
}

/// A response from a proxy does not show whether the credentials are valid. So the error kind is
/// never `Unauthorized`.
pub(super) fn classify_in_front(status: StatusCode, headers: &HeaderMap) -> (ErrorKind, Reason) {
    let server = headers.get(header::SERVER).and_then(|server| server.to_str().ok()).unwrap_or_default();
    let is_cloudflare = headers.contains_key("cf-ray") || server.eq_ignore_ascii_case("cloudflare");
    match status.as_u16() {
        429 => (ErrorKind::RateLimited, "a proxy or CDN in front of the service received too many requests"),
        404 | 405 => (
            ErrorKind::Unavailable,
            "a proxy or CDN in front of the service does not know the address; check the base url",
        ),
        500.. => (ErrorKind::Unavailable, "a proxy or CDN in front of the service failed"),
        _ if is_cloudflare => (
            ErrorKind::Unavailable,
            "a proxy or CDN (Cloudflare) blocked the request before it reached the service",
        ),
        _ => (ErrorKind::Unavailable, "a proxy or CDN blocked the request before it reached the service"),
    }
}

/// Returns whether a proxy in front of the service sent the response. A response from the service
/// contains a request id, a known error body or a `WWW-Authenticate: Bearer` challenge. A response
/// with an empty body also counts as a response from the service, because Moov sends empty bodies.
pub(super) fn is_in_front(headers: &HeaderMap, body: &[u8], is_known_body: bool) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let has_request_id = Uuid::parse_str(text("x-request-id")).is_ok();
    let challenge = text(header::WWW_AUTHENTICATE.as_str());
    let has_challenge = challenge.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"));
    !body.trim_ascii().is_empty() && !is_known_body && !has_request_id && !has_challenge
}

pub(crate) fn classify_send_error(error: reqwest::Error) -> Error {
    let sent = !error.is_connect() && !error.is_builder();
    let (kind, reason) = if is_misconfigured(&error) {
        (
            ErrorKind::InvalidConfig,
            "tls handshake failed; check the base url and the trusted root certificates",
        )
    } else if error.is_builder() {
        (ErrorKind::InvalidConfig, "cannot build the request")
    } else if error.is_timeout() {
        (ErrorKind::Timeout, "no complete response within the timeout")
    } else if error.is_connect() {
        (ErrorKind::Unavailable, "connection failed")
    } else {
        (ErrorKind::Unavailable, "the connection broke before the response was complete")
    };
    Error::new(kind, reason).with_sent(sent).with_source(error.without_url())
}

/// The errors of other TLS libraries do not show why a handshake failed.
#[cfg(not(feature = "rustls"))]
fn is_misconfigured(_: &reqwest::Error) -> bool {
    false
}
