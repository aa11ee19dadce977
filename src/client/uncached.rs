//! A token that no cache holds, with its expiry interpreted.

use std::time::{Duration, SystemTime};

use crate::{
    Error, Response, Secret, Token,
    token::{AsRefreshToken, ExpiryRule, IssuedToken, TokenOptions, sealed::Sealed},
};

/// A token that is not cached, such as one for a page in a browser: nothing renews it.
///
/// `issue` of a client returns one. To interpret the response of an operation, convert it:
/// `UncachedToken::try_from(client.create_access_token(&scopes).await?)`.
///
/// # Security
///
/// `Debug` shows no token. It cannot be serialised, so that a handler does not hand out the refresh token by
/// accident.
#[derive(Clone, Debug)]
pub struct UncachedToken {
    token: Token,
    lifetime: Duration,
    refresh_token: Option<Secret>,
    request_id: Option<String>,
}

impl UncachedToken {
    /// Interprets what a response issued, which `issued` reads.
    ///
    /// # Errors
    ///
    /// `InvalidResponse` for a token that no header can carry.
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

    /// The token.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// The token alone.
    pub fn into_token(self) -> Token {
        self.token
    }

    /// Until when to use it, on the wall clock: the [leeway](TokenOptions::with_expiry_leeway), at most a tenth of
    /// the lifetime, is subtracted.
    pub fn expires_at(&self) -> SystemTime {
        self.token.expires_at()
    }

    /// For how long the server says that it works, from when the request was sent.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Which rule decided that.
    pub fn expiry_rule(&self) -> ExpiryRule {
        self.token.expiry_rule()
    }

    /// The granted scopes, separated by spaces, if the server names them.
    pub fn scope(&self) -> Option<&str> {
        self.token.scope()
    }

    /// The refresh token, if one was issued. Keep it on the server.
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }

    /// The id to quote to the vendor's support.
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
