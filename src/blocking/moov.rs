//! Moov's blocking client. Each method calls the async client and waits for the result.

use super::{Authorizer, inner::client};
use crate::{
    Error, Response, Scope, UncachedToken,
    moov::{TokenTypeHint, present_refresh_token, types},
    token::{AsRefreshToken, AsToken},
};

client!(moov, "Moov");

impl Client {
    /// Returns an authorizer that adds the API key pair to your own requests.
    ///
    /// See [`moov::Client::basic_auth`](crate::moov::Client::basic_auth).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`moov::Client::basic_auth`](crate::moov::Client::basic_auth).
    pub fn basic_auth(&self) -> Result<Authorizer, Error> {
        self.0.client.basic_auth().map(|authorizer| self.0.authorizer(authorizer))
    }

    /// Requests a token and returns it without caching it.
    ///
    /// See [`moov::Client::issue`](crate::moov::Client::issue).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`moov::Client::issue`](crate::moov::Client::issue). Always
    /// fails [in async code](super#in-async-code).
    pub fn issue(&self, scopes: &[Scope]) -> Result<UncachedToken, Error> {
        let scopes = scopes.to_vec();
        self.0.wait(|client| async move { client.issue(&scopes).await })
    }

    /// Requests a token and returns the whole response, without caching the token.
    ///
    /// See [`moov::Client::create_access_token`](crate::moov::Client::create_access_token).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as
    /// [`moov::Client::create_access_token`](crate::moov::Client::create_access_token). Always
    /// fails [in async code](super#in-async-code).
    pub fn create_access_token(&self, scopes: &[Scope]) -> Result<Response<types::AuthToken>, Error> {
        let scopes = scopes.to_vec();
        self.0.wait(|client| async move { client.create_access_token(&scopes).await })
    }

    /// Exchanges a refresh token for a new pair of tokens.
    ///
    /// See [`moov::Client::refresh`](crate::moov::Client::refresh).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`moov::Client::refresh`](crate::moov::Client::refresh).
    /// Always fails [in async code](super#in-async-code).
    pub fn refresh(
        &self,
        refresh_token: &impl AsRefreshToken,
        scopes: &[Scope],
    ) -> Result<Response<types::AuthToken>, Error> {
        let (refresh_token, scopes) = (present_refresh_token(refresh_token)?.clone(), scopes.to_vec());
        self.0.wait(|client| async move { client.refresh(&refresh_token, &scopes).await })
    }

    /// Revokes an access token or a refresh token.
    ///
    /// See [`moov::Client::revoke`](crate::moov::Client::revoke).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`moov::Client::revoke`](crate::moov::Client::revoke). Always
    /// fails [in async code](super#in-async-code).
    pub fn revoke(&self, token: &impl AsToken, hint: Option<TokenTypeHint>) -> Result<Response<()>, Error> {
        let token = token.as_token().into_owned();
        self.0.wait(|client| async move { client.revoke(&token, hint).await })
    }
}
