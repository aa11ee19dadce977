//! Whether a server rejected the token of a request.

/// Whether the server rejected the token that the request carried, and why.
///
/// For an HTTP response, [`Authorizer::classify`](crate::authorize::Authorizer::classify) and the
/// clients' `classify` return this type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rejection {
    /// The server accepted the token, or did not check it.
    None,
    /// The server refused the request, and would also refuse it with a new token.
    Other,
    /// The server refused the request without a reason. The token may have expired, the request may
    /// have the wrong origin, or the token may be for a different application. The cache requests a
    /// new token before it discards the old token.
    Unexplained,
    /// The server says that the token is expired, revoked or otherwise invalid.
    InvalidToken,
}
