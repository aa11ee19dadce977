//! How a request shows the client credentials in the two ways of RFC 6749 section 2.3.1.

use http::{HeaderValue, header};

use super::Credentials;
use crate::{
    Error, Secret,
    transport::{Call, basic},
};

/// The credentials, checked and ready to send.
#[derive(Clone, Debug)]
pub(crate) struct Auth {
    pub(crate) credentials: Credentials,
    basic: Option<HeaderValue>,
}

impl Auth {
    /// `in_header`: by HTTP Basic, otherwise in the body.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` for credentials that cannot be sent so.
    pub(crate) fn new(credentials: Credentials, in_header: bool) -> Result<Self, Error> {
        credentials.check()?;
        let (id, secret) = (credentials.client_id(), credentials.client_secret());
        let basic = if in_header { Some(basic(id, secret)?) } else { None };
        Ok(Self { credentials, basic })
    }

    /// The `Authorization` header of HTTP Basic, for requests that this crate does not make.
    pub(crate) fn basic(&self) -> Result<HeaderValue, Error> {
        match &self.basic {
            Some(value) => Ok(value.clone()),
            None => basic(self.credentials.client_id(), self.credentials.client_secret()),
        }
    }

    /// Puts the credentials into a request: into its header, or else into these two fields.
    pub(crate) fn apply(&self, call: Call, id: &mut Option<String>, secret: &mut Option<Secret>) -> Call {
        let call = call.with_secret(self.credentials.client_secret());
        if let Some(value) = &self.basic {
            return call.with_header(header::AUTHORIZATION, value.clone());
        }
        *id = Some(self.credentials.client_id().to_owned());
        *secret = Some(self.credentials.client_secret().clone());
        call
    }
}
