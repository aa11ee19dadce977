//! The long-lived client id and secret from a vendor's dashboard.

use crate::{Error, ErrorKind, Secret, text, token::Fingerprint};

const LIMIT: usize = 4096;

/// A client id and its secret (RFC 6749 section 2.3.1). `Debug` shows only the id.
///
/// As a [`CredentialsProvider`](crate::CredentialsProvider), this type always provides the same
/// credentials.
#[derive(Clone, Debug)]
pub struct Credentials {
    client_id: String,
    client_secret: Secret,
}

impl Credentials {
    /// Creates credentials without checking them.
    ///
    /// [`moneykit::ClientBuilder::build`](crate::moneykit::ClientBuilder::build) and
    /// [`moov::ClientBuilder::build`](crate::moov::ClientBuilder::build) check the credentials.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self { client_id: client_id.into(), client_secret: client_secret.into() }
    }

    /// Returns the client id, which is not secret.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Returns the client secret.
    pub fn client_secret(&self) -> &Secret {
        &self.client_secret
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["pair", &*self.client_id, self.client_secret.expose_secret()])
    }

    /// The comparison is not constant-time, so do not pass credentials that a peer has sent.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.client_id == other.client_id
            && self.client_secret.expose_secret() == other.client_secret.expose_secret()
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        check("client id", &self.client_id)?;
        check("client secret", self.client_secret.expose_secret())
    }
}

pub(super) fn check(what: &str, value: &str) -> Result<(), Error> {
    if value.is_empty() || value.len() > LIMIT {
        let reason = format!("the {what} is empty or over {LIMIT} bytes");
        return Err(Error::new(ErrorKind::InvalidConfig, reason));
    }
    text::check(&format!("the {what}"), value)
}
