//! How a request to Moov shows who asks, and for whom.

use crate::generated::moov::types;

/// Where the client credentials go.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// In the `Authorization` header (RFC 6749 section 2.3.1, RFC 7617).
    #[default]
    Basic,
    /// In the body, as `client_id` and `client_secret` (RFC 6749 section 2.3.1).
    Body,
}

/// Who will use a token (`client_type`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientType {
    /// A page in a browser, such as one with Moov.js. Needs the page's origin.
    Web,
    /// A device, such as a terminal.
    Device,
    /// A service, such as this backend itself.
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

/// Which kind of token is revoked (RFC 7009 section 2.1).
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

/// How request bodies are written. The service takes both.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Encoding {
    /// `application/x-www-form-urlencoded`, as RFC 6749 has it.
    #[default]
    Form,
    /// `application/json`, as the vendor's newer SDKs send it.
    Json,
}
