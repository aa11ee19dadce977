//! Traits for the token arguments of methods such as `revoke` and `refresh`.

use std::borrow::Cow;

use crate::{Secret, response::Response, token::token::Token};

/// An argument that contains an access token or a refresh token, for example a [`Token`] or a
/// [`Secret`].
///
/// This trait is sealed: only this crate can implement it.
pub trait AsToken: sealed::Sealed + Sync {
    /// Returns the token as a secret.
    fn as_token(&self) -> Cow<'_, Secret>;
}

/// A refresh token to exchange: a [`Secret`], or a response that contains a refresh token.
///
/// A [`Token`] is an access token, so this trait does not accept a [`Token`]:
///
/// ```compile_fail,E0277
/// # async fn refresh(client: fintech_auth::moov::Client) -> Result<(), fintech_auth::Error> {
/// let token = client.token(&["/accounts.read".parse()?]).await?;
/// client.refresh(&token, &[]).await?;
/// # Ok(())
/// # }
/// ```
///
/// This trait is sealed: only this crate can implement it.
pub trait AsRefreshToken: sealed::Sealed + Sync {
    /// Returns the refresh token. Returns `None` if the response contains no refresh token.
    fn as_refresh_token(&self) -> Option<&Secret>;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

impl<T: sealed::Sealed> sealed::Sealed for &T {}

impl<T: AsToken> AsToken for &T {
    fn as_token(&self) -> Cow<'_, Secret> {
        (*self).as_token()
    }
}

impl<T: AsRefreshToken> AsRefreshToken for &T {
    fn as_refresh_token(&self) -> Option<&Secret> {
        (*self).as_refresh_token()
    }
}

impl sealed::Sealed for Secret {}

impl AsToken for Secret {
    fn as_token(&self) -> Cow<'_, Secret> {
        Cow::Borrowed(self)
    }
}

impl AsRefreshToken for Secret {
    fn as_refresh_token(&self) -> Option<&Secret> {
        Some(self)
    }
}

impl sealed::Sealed for Token {}

impl AsToken for Token {
    fn as_token(&self) -> Cow<'_, Secret> {
        Cow::Owned(self.to_secret())
    }
}

impl<T: sealed::Sealed> sealed::Sealed for Response<T> {}

impl<T: AsRefreshToken> AsRefreshToken for Response<T> {
    fn as_refresh_token(&self) -> Option<&Secret> {
        self.body().as_refresh_token()
    }
}
