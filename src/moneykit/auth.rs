//! How a request to MoneyKit shows who asks.

use http::{HeaderName, HeaderValue};

use crate::{
    Credentials, Error, ErrorKind, client,
    generated::moneykit::types::CreateAccessTokenRequest,
    transport::{Call, sensitive, visible},
};

const CLIENT_ID: HeaderName = HeaderName::from_static("x-client-id");
const CLIENT_SECRET: HeaderName = HeaderName::from_static("x-client-secret");

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
pub(super) enum Auth {
    Credentials(client::Auth, ClientAuth),
    /// Where webhooks are all there is to do: the id alone, if that.
    Id(Option<String>),
}

/// As whom a client acts.
#[derive(Clone, Debug)]
pub(super) enum Identity {
    Credentials(Credentials),
    /// Where webhooks are all there is to do: the id alone, if that.
    Id(Option<String>),
}

impl Auth {
    pub(super) fn new(identity: Identity, way: ClientAuth) -> Result<Self, Error> {
        let credentials = match identity {
            Identity::Credentials(credentials) => credentials,
            Identity::Id(id) => {
                id.as_deref().map(|id| visible("the client id", id)).transpose()?;
                return Ok(Self::Id(id));
            }
        };
        let auth = Self::Credentials(client::Auth::new(credentials, way == ClientAuth::Basic)?, way);
        if way == ClientAuth::Headers {
            auth.pair()?;
        }
        Ok(auth)
    }

    /// The client id, for what may be asked without a secret.
    pub(super) fn client_id(&self) -> Option<&str> {
        match self {
            Self::Credentials(auth, _) => Some(auth.credentials.client_id()),
            Self::Id(id) => id.as_deref(),
        }
    }

    /// What tells these credentials from others; empty without any.
    pub(super) fn id_and_secret(&self) -> (&str, &str) {
        self.checked().map_or(("", ""), |(auth, _)| {
            (auth.credentials.client_id(), auth.credentials.client_secret().expose_secret())
        })
    }

    fn checked(&self) -> Result<(&client::Auth, ClientAuth), Error> {
        match self {
            Self::Credentials(auth, way) => Ok((auth, *way)),
            Self::Id(_) => {
                let reason = "this client is for webhooks alone: it has no credentials";
                Err(Error::new(ErrorKind::InvalidConfig, reason))
            }
        }
    }

    /// Puts the credentials into a token request.
    pub(super) fn apply(&self, call: Call, body: &mut CreateAccessTokenRequest) -> Result<Call, Error> {
        match self.checked()? {
            (_, ClientAuth::Headers) => self.apply_pair(call),
            (auth, _) => Ok(auth.apply(call, &mut body.client_id, &mut body.client_secret)),
        }
    }

    /// Puts the credentials into any request, in the vendor's own two headers.
    pub(super) fn apply_pair(&self, call: Call) -> Result<Call, Error> {
        let (id, secret) = self.pair()?;
        Ok(call
            .with_secret(self.checked()?.0.credentials.client_secret())
            .with_header(CLIENT_ID, id)
            .with_header(CLIENT_SECRET, secret))
    }

    /// The vendor's own two headers, for requests that this crate does not make.
    pub(super) fn pair_headers(&self) -> Result<[(HeaderName, HeaderValue); 2], Error> {
        let (id, secret) = self.pair()?;
        Ok([(CLIENT_ID, id), (CLIENT_SECRET, secret)])
    }

    fn pair(&self) -> Result<(HeaderValue, HeaderValue), Error> {
        let credentials = &self.checked()?.0.credentials;
        let id = visible("the client id", credentials.client_id())?;
        Ok((id, sensitive("the client secret", credentials.client_secret().expose_secret())?))
    }
}
