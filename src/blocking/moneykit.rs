//! MoneyKit's blocking client. Each method calls the async client and waits for the result.

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
    /// Returns an authorizer that adds the key pair to your own requests.
    ///
    /// See [`moneykit::Client::key_pair`](crate::moneykit::Client::key_pair).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as
    /// [`moneykit::Client::key_pair`](crate::moneykit::Client::key_pair).
    pub fn key_pair(&self) -> Result<Authorizer, Error> {
        self.0.client.key_pair().map(|authorizer| self.0.authorizer(authorizer))
    }

    /// Requests a token and returns it without caching it.
    ///
    /// See [`moneykit::Client::issue`](crate::moneykit::Client::issue).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`moneykit::Client::issue`](crate::moneykit::Client::issue).
    /// Always fails [in async code](super#in-async-code).
    pub fn issue(&self, scopes: &[Scope]) -> Result<UncachedToken, Error> {
        let scopes = scopes.to_vec();
        self.0.wait(|client| async move { client.issue(&scopes).await })
    }

    /// Requests a token and returns the whole response, without caching the token.
    ///
    /// See [`moneykit::Client::create_access_token`](crate::moneykit::Client::create_access_token).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as
    /// [`moneykit::Client::create_access_token`](crate::moneykit::Client::create_access_token).
    /// Always fails [in async code](super#in-async-code).
    pub fn create_access_token(
        &self,
        scopes: &[Scope],
    ) -> Result<Response<types::CreateAccessTokenResponse>, Error> {
        let scopes = scopes.to_vec();
        self.0.wait(|client| async move { client.create_access_token(&scopes).await })
    }

    /// Fetches the client application that an access token belongs to.
    ///
    /// See [`moneykit::Client::introspect`](crate::moneykit::Client::introspect).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as
    /// [`moneykit::Client::introspect`](crate::moneykit::Client::introspect). Always fails [in
    /// async code](super#in-async-code).
    pub fn introspect(&self, token: &impl AsToken) -> Result<Response<types::AppClientResponse>, Error> {
        let token = token.as_token().into_owned();
        self.0.wait(|client| async move { client.introspect(&token).await })
    }

    /// Fetches the client application that this client's credentials belong to.
    ///
    /// See [`moneykit::Client::introspect_client`](crate::moneykit::Client::introspect_client).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as
    /// [`moneykit::Client::introspect_client`](crate::moneykit::Client::introspect_client). Always
    /// fails [in async code](super#in-async-code).
    pub fn introspect_client(&self) -> Result<Response<types::AppClientResponse>, Error> {
        self.0.wait(|client| async move { client.introspect_client().await })
    }

    /// Fetches the public keys that verify the signatures of MoneyKit's webhooks.
    ///
    /// See [`moneykit::Client::jwks`](crate::moneykit::Client::jwks).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`moneykit::Client::jwks`](crate::moneykit::Client::jwks).
    /// Always fails [in async code](super#in-async-code).
    pub fn jwks(&self) -> Result<Response<types::JwkSet>, Error> {
        self.0.wait(|client| async move { client.jwks().await })
    }

    /// Verifies a MoneyKit webhook.
    ///
    /// See
    /// [`moneykit::webhook::WebhookVerifier::verify`](crate::moneykit::webhook::WebhookVerifier::verify).
    ///
    /// # Errors
    ///
    /// Fails with the same errors as
    /// [`WebhookVerifier::verify`](crate::moneykit::webhook::WebhookVerifier::verify). [In async
    /// code](super#in-async-code) this method fails with
    /// [`KeysUnavailable`](VerifyErrorKind::KeysUnavailable).
    ///
    /// # Security
    ///
    /// Pass the received bytes unchanged. JSON that was parsed and serialized again has a different
    /// digest.
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
