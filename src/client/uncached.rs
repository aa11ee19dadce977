//! A token that is not cached, with its computed expiry.

use std::time::{Duration, SystemTime};

use crate::{
    Error, Response, Secret, Token,
    token::{AsRefreshToken, ExpiryRule, IssuedToken, TokenOptions, sealed::Sealed},
};

/// A token that is neither cached nor renewed, for example one that you pass to a web page.
///
/// The method `issue` of a client returns this type. A response can be converted to this type:
/// `UncachedToken::try_from(client.create_access_token(&scopes).await?)`.
///
/// # Security
///
/// `Debug` shows no token. The type cannot be serialized, so that a web handler cannot accidentally
/// return the refresh token.
#[derive(Clone, Debug)]
pub struct UncachedToken {
    token: Token,
    lifetime: Duration,
    refresh_token: Option<Secret>,
    request_id: Option<String>,
}

impl UncachedToken {
    pub(crate) fn new<T>(
        response: Response<T>,
        issued: fn(Response<T>) -> IssuedToken,
        options: &TokenOptions,
    ) -> Result<Self, Error> {
        let (sent, request_id) = (response.sent_at(), response.request_id().map(str::to_owned));
        let issued = issued(response);
        let refresh_token = issued.refresh_token.clone();
        let (token, lifetime) = issued.interpret(sent, options)?;
        Ok(Self { token, lifetime, refresh_token, request_id })
    }

    /// Returns the token.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Returns the token, and drops the refresh token and the request id.
    pub fn into_token(self) -> Token {
        self.token
    }

    /// Returns the system time until which you can safely use the token.
    ///
    /// The server accepts the token until a little after this time. The difference is the
    /// [leeway](TokenOptions::with_expiry_leeway), which is at most a tenth of the lifetime.
    pub fn expires_at(&self) -> SystemTime {
        self.token.expires_at()
    }

    /// Returns the lifetime of the token according to the server, counted from the time at which
    /// the request was sent.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Returns the rule that determined the lifetime.
    pub fn expiry_rule(&self) -> ExpiryRule {
        self.token.expiry_rule()
    }

    /// Returns the granted scopes, separated by spaces, if the response contains them.
    pub fn scope(&self) -> Option<&str> {
        self.token.scope()
    }

    /// Returns the refresh token, if one was issued. Keep the refresh token on your server: do not
    /// send it to a browser.
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }

    /// Returns the request id, which the vendor's support may ask for.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

impl Sealed for UncachedToken {}

impl AsRefreshToken for UncachedToken {
    fn as_refresh_token(&self) -> Option<&Secret> {
        self.refresh_token()
    }
}
