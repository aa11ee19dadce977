//! The settings for client authentication, token types and the encoding of requests.

use crate::generated::moov::types;

/// How the client sends the client credentials in a request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// Sends the credentials in the `Authorization` header (RFC 6749 section 2.3.1, RFC 7617).
    #[default]
    Basic,
    /// Sends the credentials in the body, as `client_id` and `client_secret` (RFC 6749 section
    /// 2.3.1).
    Body,
}

/// The type of client that will use a token (`client_type`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientType {
    /// A web page in a browser, such as a page with Moov.js. A token for a web page needs the
    /// origin of the page.
    Web,
    /// A device, such as a terminal.
    Device,
    /// A service, such as your backend.
    Service,
}

impl ClientType {
    pub(super) fn generated(self) -> types::ClientType {
        match self {
            Self::Web => types::ClientType::Web,
            Self::Device => types::ClientType::Device,
            Self::Service => types::ClientType::Service,
        }
    }
}

/// The type of token to revoke (RFC 7009 section 2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TokenTypeHint {
    /// An access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
}

impl TokenTypeHint {
    pub(super) fn generated(self) -> types::RevokeTokenRequestTokenTypeHint {
        match self {
            Self::AccessToken => types::RevokeTokenRequestTokenTypeHint::AccessToken,
            Self::RefreshToken => types::RevokeTokenRequestTokenTypeHint::RefreshToken,
        }
    }
}

/// The encoding of request bodies. The service accepts both encodings.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Encoding {
    /// `application/x-www-form-urlencoded`, as RFC 6749 specifies.
    #[default]
    Form,
    /// `application/json`, which the vendor's newer SDKs send.
    Json,
}
