//! What the outcome of a request says about its token.

/// What the outcome of a request says about the token that the request carried.
///
/// For an HTTP response, [`Authorizer::classify`](crate::authorize::Authorizer::classify) and the clients'
/// `classify` return it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rejection {
    /// The server accepted the token, or did not look at it.
    None,
    /// The server refused the request for another reason than the token's age. A new token would not help.
    Other,
    /// The server refused the request without a reason. The token may have expired, or the request has the
    /// wrong origin, or goes to another application than the token is for. The cache tries a new token before
    /// it gives up the old one.
    Unexplained,
    /// The server says that the token is expired, revoked or otherwise invalid.
    InvalidToken,
}
