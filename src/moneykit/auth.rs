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
/// The names of the headers that carry the key pair.
pub(super) const KEY_PAIR: [HeaderName; 2] = [CLIENT_ID, CLIENT_SECRET];

/// Where a request contains the client credentials.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// In the `Authorization` header (RFC 6749 section 2.3.1, RFC 7617).
    #[default]
    Basic,
    /// In the body, as `client_id` and `client_secret` (RFC 6749 section 2.3.1).
    Body,
    /// In `X-Client-Id` and `X-Client-Secret`, the vendor's newest method.
    Headers,
}

/// The identity of a client, as the builder received it.
#[derive(Clone, Debug)]
pub(super) enum Identity {
    Credentials(Arc<dyn CredentialsProvider>),
    /// The client id of a client that only verifies webhooks, if given.
    Id(Option<String>),
}

/// The identity of a client, after validation.
#[derive(Debug)]
pub(super) enum Auth {
    Credentials(CurrentCredentials),
    /// The client id of a client that only verifies webhooks, if given.
    Id {
        id: Option<String>,
        name: Option<String>,
    },
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

    /// Returns the client id for requests that need no secret, or `None` if the id is unknown.
    pub(super) async fn client_id(&self) -> Option<String> {
        match self {
            Self::Credentials(credentials) => {
                Some(credentials.known_or_get().await.ok()?.credentials().client_id().to_owned())
            }
            Self::Id { id, .. } => id.clone(),
        }
    }

    /// Returns a text that distinguishes this account from others: see [`account`].
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

/// Returns the vendor's two custom headers with the key pair.
fn key_pair(credentials: &Credentials) -> Result<Headers, Error> {
    let id = visible("the client id", credentials.client_id())?;
    let secret = sensitive("the client secret", credentials.client_secret().expose_secret())?;
    Ok(vec![(CLIENT_ID, id), (CLIENT_SECRET, secret)])
}
