//! Types of Moov's response bodies and error bodies, generated from `specs/moov/openapi.yaml`.
//!
//! Error bodies are available from [`Error::body`](crate::Error::body). The types are
//! non-exhaustive and follow the API schema. If the vendor adds a field, a minor release of this
//! crate adds the field. If the vendor removes a field or changes the type of a field, only a
//! breaking release of this crate makes the same change. The types of request bodies are not
//! public, because the methods of the client create the request bodies.
//!
//! # Security
//!
//! Types that hold a token do not implement `Serialize`, so that your HTTP handler cannot return a
//! token by mistake.

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
