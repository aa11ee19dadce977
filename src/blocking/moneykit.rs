//! MoneyKit's client, its calls waited for. It does nothing that the async client does not.

use http::HeaderMap;

use super::{Authorizer, inner::client};
use crate::{
    Error, Response, Scope, UncachedToken,
    moneykit::types,
    token::AsToken,
    webhook::{Verified, VerifyError, VerifyErrorKind},
};

client!(moneykit, "MoneyKit");

impl Client {
    /// Credentials for requests of your own with the key pair, as
    /// [`moneykit::Client::key_pair`](crate::moneykit::Client::key_pair).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn key_pair(&self) -> Result<Authorizer, Error> {
        self.0.client.key_pair().map(|authorizer| self.0.authorizer(authorizer))
    }

    /// As [`moneykit::Client::issue`](crate::moneykit::Client::issue).
    ///
    /// # Errors
    ///
    /// As there, and [in async code](super#in-async-code).
    pub fn issue(&self, scopes: &[Scope]) -> Result<UncachedToken, Error> {
        let scopes = scopes.to_vec();
        self.0.wait(|client| async move { client.issue(&scopes).await })
    }

    /// As [`moneykit::Client::create_access_token`](crate::moneykit::Client::create_access_token).
    ///
    /// # Errors
    ///
    /// As there, and [in async code](super#in-async-code).
    pub fn create_access_token(
        &self,
        scopes: &[Scope],
    ) -> Result<Response<types::CreateAccessTokenResponse>, Error> {
        let scopes = scopes.to_vec();
        self.0.wait(|client| async move { client.create_access_token(&scopes).await })
    }

    /// As [`moneykit::Client::introspect`](crate::moneykit::Client::introspect).
    ///
    /// # Errors
    ///
    /// As there, and [in async code](super#in-async-code).
    pub fn introspect(&self, token: &impl AsToken) -> Result<Response<types::AppClientResponse>, Error> {
        let token = token.as_token().into_owned();
        self.0.wait(|client| async move { client.introspect(&token).await })
    }

    /// As [`moneykit::Client::introspect_client`](crate::moneykit::Client::introspect_client).
    ///
    /// # Errors
    ///
    /// As there, and [in async code](super#in-async-code).
    pub fn introspect_client(&self) -> Result<Response<types::AppClientResponse>, Error> {
        self.0.wait(|client| async move { client.introspect_client().await })
    }

    /// As [`moneykit::Client::jwks`](crate::moneykit::Client::jwks).
    ///
    /// # Errors
    ///
    /// As there, and [in async code](super#in-async-code).
    pub fn jwks(&self) -> Result<Response<types::JwkSet>, Error> {
        self.0.wait(|client| async move { client.jwks().await })
    }

    /// Verifies a webhook of MoneyKit's, as [`moneykit::webhook::WebhookVerifier::verify`](crate::moneykit::webhook::WebhookVerifier::verify).
    ///
    /// # Errors
    ///
    /// As there; [`KeysUnavailable`](VerifyErrorKind::KeysUnavailable) [in async code](super#in-async-code).
    ///
    /// # Security
    ///
    /// The body must be the bytes that came, not JSON that was read and written again.
    pub fn verify_webhook<B: AsRef<[u8]> + Send + 'static>(
        &self,
        headers: &HeaderMap,
        body: B,
    ) -> Result<Verified<B>, VerifyError> {
        let (webhooks, headers) = (self.0.client.webhooks(), headers.clone());
        let verified = self.0.wait(|_| async move { Ok(webhooks.verify(&headers, body).await) });
        verified.unwrap_or_else(|error| {
            Err(VerifyError::from(VerifyErrorKind::KeysUnavailable).with_source(error))
        })
    }
}
