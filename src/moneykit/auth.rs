//! Authenticates requests to MoneyKit with the client credentials.

use std::sync::Arc;

use http::HeaderName;

use crate::{
    Credentials, CredentialsProvider, Error, ErrorKind,
    client::{Builder, CurrentCredentials, Headers, Scheme, account, basic_header},
    transport::{sensitive, visible},
};

const CLIENT_ID: HeaderName = HeaderName::from_static("x-client-id");
const CLIENT_SECRET: HeaderName = HeaderName::from_static("x-client-secret");
pub(super) const KEY_PAIR: [HeaderName; 2] = [CLIENT_ID, CLIENT_SECRET];

/// How the client sends the client credentials in a token request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// Sends the credentials in the `Authorization` header (RFC 6749 section 2.3.1, RFC 7617).
    #[default]
    Basic,
    /// Sends the credentials in the body, as `client_id` and `client_secret` (RFC 6749 section
    /// 2.3.1).
    Body,
    /// Sends the credentials in the headers `X-Client-Id` and `X-Client-Secret`, the vendor's
    /// newest method.
    Headers,
}

#[derive(Clone, Debug)]
pub(super) enum Identity {
    Credentials(Arc<dyn CredentialsProvider>),
    Id(Option<String>),
}

#[derive(Debug)]
pub(super) enum Auth {
    Credentials(CurrentCredentials),
    Id { id: Option<String>, name: Option<String> },
}

impl Auth {
    pub(super) fn new(identity: Identity, way: ClientAuth, builder: &Builder) -> Result<Self, Error> {
        let provider = match identity {
            Identity::Credentials(provider) => provider,
            Identity::Id(id) => {
                id.as_deref().map(|id| visible("the client id", id)).transpose()?;
                return Ok(Self::Id { id, name: builder.credentials_name.clone() });
            }
        };
        let own = match way {
            ClientAuth::Basic => basic_header,
            ClientAuth::Body => |_: &Credentials| Ok(Vec::new()),
            ClientAuth::Headers => key_pair,
        };
        Ok(Self::Credentials(builder.credentials(provider, Scheme { own, key_pair })?))
    }

    pub(super) async fn client_id(&self) -> Option<String> {
        match self {
            Self::Credentials(credentials) => {
                Some(credentials.known_or_get().await.ok()?.credentials().client_id().to_owned())
            }
            Self::Id { id, .. } => id.clone(),
        }
    }

    pub(super) fn account(&self) -> String {
        let account = match self {
            Self::Credentials(credentials) => credentials.account(),
            Self::Id { id, name } => account(name.as_deref(), id.as_deref()),
        };
        account.map(|account| account.to_string()).unwrap_or_default()
    }

    pub(super) fn credentials(&self) -> Result<&CurrentCredentials, Error> {
        match self {
            Self::Credentials(credentials) => Ok(credentials),
            Self::Id { .. } => {
                let reason = "this client only verifies webhooks: it has no credentials";
                Err(Error::new(ErrorKind::InvalidConfig, reason))
            }
        }
    }
}

fn key_pair(credentials: &Credentials) -> Result<Headers, Error> {
    let id = visible("the client id", credentials.client_id())?;
    let secret = sensitive("the client secret", credentials.client_secret().expose_secret())?;
    Ok(vec![(CLIENT_ID, id), (CLIENT_SECRET, secret)])
}
