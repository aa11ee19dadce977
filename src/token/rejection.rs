//! Whether a server rejected the token of a request.

/// Tells whether the server rejected the token of a request, and why.
///
/// For an HTTP response, [`Authorizer::classify`](crate::authorize::Authorizer::classify) and the
/// clients' `classify` return this type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rejection {
    /// The server accepted the token, or did not check the token.
    None,
    /// The server refused the request, and would also refuse the same request with a new token.
    Other,
    /// The server refused the request and gave no reason. The token may have expired, the request
    /// may have the wrong origin, or the token may be for a different application. The cache
    /// discards the old token only after the server has accepted a new token.
    Unexplained,
    /// The server says that the token is expired, revoked or otherwise invalid.
    InvalidToken,
}
