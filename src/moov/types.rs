//! What Moov responds with, generated from `specs/moov/openapi.yaml`: the bodies of its responses, and those of
//! its errors for [`Error::body`](crate::Error::body).
//!
//! They follow the contract and are non-exhaustive: a field that the vendor adds is a new field here,
//! in a minor release; one that it drops or retypes is a breaking change here as well. Request bodies are not
//! public: the client's methods write them.
//!
//! # Security
//!
//! A type that holds a token does not implement `Serialize`, so a handler cannot hand out a refresh token by
//! responding with it.

use std::borrow::Cow;

use crate::{
    Secret,
    token::{AsRefreshToken, AsToken, sealed::Sealed},
};

pub use crate::generated::moov::types::{
    AccessToken, AuthToken, AuthTokenRequestError, GenericError, RefreshToken, RevokeTokenRequestError,
    TokenType,
};

impl Sealed for AccessToken {}

impl AsToken for AccessToken {
    fn as_token(&self) -> Cow<'_, Secret> {
        Cow::Borrowed(&self.0)
    }
}

impl Sealed for RefreshToken {}

impl AsToken for RefreshToken {
    fn as_token(&self) -> Cow<'_, Secret> {
        Cow::Borrowed(&self.0)
    }
}

impl AsRefreshToken for RefreshToken {
    fn as_refresh_token(&self) -> Option<&Secret> {
        Some(&self.0)
    }
}

impl Sealed for AuthToken {}

impl AsRefreshToken for AuthToken {
    fn as_refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref().map(|token| &token.0)
    }
}
