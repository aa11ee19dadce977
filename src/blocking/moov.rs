//! Moov's client, its calls waited for. It does nothing that the async client does not.

use super::{Authorizer, inner::client};
use crate::{
    Error, Response, Scope, UncachedToken,
    moov::{TokenTypeHint, present_refresh_token, types},
    token::{AsRefreshToken, AsToken},
};

client!(moov, "Moov");

impl Client {
    /// Credentials for requests of your own with the API key pair, as
    /// [`moov::Client::basic_auth`](crate::moov::Client::basic_auth).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn basic_auth(&self) -> Result<Authorizer, Error> {
        self.0.client.basic_auth().map(|authorizer| self.0.authorizer(authorizer))
    }

    /// As [`moov::Client::issue`](crate::moov::Client::issue).
    ///
    /// # Errors
    ///
    /// As there, and [in async code](super#in-async-code).
    pub fn issue(&self, scopes: &[Scope]) -> Result<UncachedToken, Error> {
        let scopes = scopes.to_vec();
        self.0.wait(|client| async move { client.issue(&scopes).await })
    }

    /// As [`moov::Client::create_access_token`](crate::moov::Client::create_access_token).
    ///
    /// # Errors
    ///
    /// As there, and [in async code](super#in-async-code).
    pub fn create_access_token(&self, scopes: &[Scope]) -> Result<Response<types::AuthToken>, Error> {
        let scopes = scopes.to_vec();
        self.0.wait(|client| async move { client.create_access_token(&scopes).await })
    }

    /// As [`moov::Client::refresh`](crate::moov::Client::refresh).
    ///
    /// # Errors
    ///
    /// As there, and [in async code](super#in-async-code).
    pub fn refresh(
        &self,
        refresh_token: &impl AsRefreshToken,
        scopes: &[Scope],
    ) -> Result<Response<types::AuthToken>, Error> {
        let (refresh_token, scopes) = (present_refresh_token(refresh_token)?.clone(), scopes.to_vec());
        self.0.wait(|client| async move { client.refresh(&refresh_token, &scopes).await })
    }

    /// As [`moov::Client::revoke`](crate::moov::Client::revoke).
    ///
    /// # Errors
    ///
    /// As there, and [in async code](super#in-async-code).
    pub fn revoke(&self, token: &impl AsToken, hint: Option<TokenTypeHint>) -> Result<Response<()>, Error> {
        let token = token.as_token().into_owned();
        self.0.wait(|client| async move { client.revoke(&token, hint).await })
    }
}
