//! The operations, with their paths and methods.

use http::Method;

/// An operation of one of the two services.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// MoneyKit's `POST /auth/token`.
    MoneykitToken,
    /// MoneyKit's `GET /auth/introspect`.
    MoneykitIntrospect,
    /// MoneyKit's `GET /.well-known/jwks.json`.
    MoneykitJwks,
    /// Moov's `POST /oauth2/token`.
    MoovToken,
    /// Moov's `POST /oauth2/revoke`.
    MoovRevoke,
    /// Moov's `GET /accounts`, for tests of requests that use a token.
    MoovAccounts,
}

impl Operation {
    /// All operations.
    pub const ALL: &'static [Self] = &[
        Self::MoneykitToken,
        Self::MoneykitIntrospect,
        Self::MoneykitJwks,
        Self::MoovToken,
        Self::MoovRevoke,
        Self::MoovAccounts,
    ];

    /// Returns the path. No two operations have the same path.
    pub fn path(self) -> &'static str {
        match self {
            Self::MoneykitToken => "/auth/token",
            Self::MoneykitIntrospect => "/auth/introspect",
            Self::MoneykitJwks => "/.well-known/jwks.json",
            Self::MoovToken => "/oauth2/token",
            Self::MoovRevoke => "/oauth2/revoke",
            Self::MoovAccounts => "/accounts",
        }
    }

    /// Returns the HTTP method.
    pub fn method(self) -> Method {
        match self {
            Self::MoneykitToken | Self::MoovToken | Self::MoovRevoke => Method::POST,
            Self::MoneykitIntrospect | Self::MoneykitJwks | Self::MoovAccounts => Method::GET,
        }
    }

    pub(super) fn at(path: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.path() == path)
    }

    pub(super) fn is_moov(self) -> bool {
        matches!(self, Self::MoovToken | Self::MoovRevoke | Self::MoovAccounts)
    }
}
