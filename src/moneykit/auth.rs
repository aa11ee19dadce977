//! How a request to MoneyKit shows who asks.

use http::{HeaderName, HeaderValue, header};

use super::types::CreateAccessTokenRequest;
use crate::{
    Credentials, Error,
    transport::{Call, basic, sensitive, visible},
};

/// Where the client credentials go.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// In the `Authorization` header (RFC 6749 section 2.3.1, RFC 7617).
    #[default]
    Basic,
    /// In the body, as `client_id` and `client_secret` (RFC 6749 section 2.3.1).
    Body,
    /// In `X-Client-Id` and `X-Client-Secret`, the vendor's newest way.
    Headers,
}

/// The credentials, checked and ready to send in any of the ways.
#[derive(Clone, Debug)]
pub(super) struct Auth {
    pub(super) credentials: Credentials,
    basic: Option<HeaderValue>,
    way: ClientAuth,
}

impl Auth {
    pub(super) fn new(credentials: Credentials, way: ClientAuth) -> Result<Self, Error> {
        credentials.check()?;
        let (id, secret) = (credentials.client_id(), credentials.client_secret());
        let basic = if way == ClientAuth::Basic { Some(basic(id, secret)?) } else { None };
        let auth = Self { credentials, basic, way };
        if way == ClientAuth::Headers {
            auth.pair()?;
        }
        Ok(auth)
    }

    /// Puts the credentials into a token request.
    pub(super) fn apply(&self, call: Call, body: &mut CreateAccessTokenRequest) -> Result<Call, Error> {
        let call = call.with_secret(self.credentials.client_secret());
        match (self.way, &self.basic) {
            (ClientAuth::Basic, Some(value)) => Ok(call.with_header(header::AUTHORIZATION, value.clone())),
            (ClientAuth::Headers, _) => self.apply_pair(call),
            _ => {
                body.client_id = Some(self.credentials.client_id().to_owned());
                body.client_secret = Some(self.credentials.client_secret().clone());
                Ok(call)
            }
        }
    }

    /// Puts the credentials into any request, in the vendor's own two headers.
    pub(super) fn apply_pair(&self, call: Call) -> Result<Call, Error> {
        let (id, secret) = self.pair()?;
        Ok(call
            .with_secret(self.credentials.client_secret())
            .with_header(HeaderName::from_static("x-client-id"), id)
            .with_header(HeaderName::from_static("x-client-secret"), secret))
    }

    fn pair(&self) -> Result<(HeaderValue, HeaderValue), Error> {
        let id = visible("the client id", self.credentials.client_id())?;
        Ok((id, sensitive("the client secret", self.credentials.client_secret().expose())?))
    }
}
