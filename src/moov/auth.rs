//! How a request to Moov shows who asks, and for whom.

use http::{HeaderValue, header};

use super::types;
use crate::{
    Credentials, Error, Secret,
    transport::{Call, basic},
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
}

/// Who will use a token (`client_type`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientType {
    /// A page in a browser, such as one with Moov.js. Needs the page's origin.
    Web,
    /// A device, such as a terminal.
    Device,
    /// A service, such as this backend itself.
    Service,
}

impl From<ClientType> for types::ClientType {
    fn from(client_type: ClientType) -> Self {
        match client_type {
            ClientType::Web => Self::Web,
            ClientType::Device => Self::Device,
            ClientType::Service => Self::Service,
        }
    }
}

/// How request bodies are written. The service takes both.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Encoding {
    /// `application/x-www-form-urlencoded`, as RFC 6749 has it.
    #[default]
    Form,
    /// `application/json`, as the vendor's newer SDKs send it.
    Json,
}

/// The credentials, checked and ready to send in either way.
#[derive(Clone, Debug)]
pub(super) struct Auth {
    pub(super) credentials: Credentials,
    basic: Option<HeaderValue>,
}

impl Auth {
    pub(super) fn new(credentials: Credentials, way: ClientAuth) -> Result<Self, Error> {
        credentials.check()?;
        let (id, secret) = (credentials.client_id(), credentials.client_secret());
        let basic = if way == ClientAuth::Basic { Some(basic(id, secret)?) } else { None };
        Ok(Self { credentials, basic })
    }

    /// Puts the credentials into a request: into its header, or else into these two fields.
    pub(super) fn apply(&self, call: Call, id: &mut Option<String>, secret: &mut Option<Secret>) -> Call {
        let call = call.with_secret(self.credentials.client_secret());
        if let Some(value) = &self.basic {
            return call.with_header(header::AUTHORIZATION, value.clone());
        }
        *id = Some(self.credentials.client_id().to_owned());
        *secret = Some(self.credentials.client_secret().clone());
        call
    }
}
