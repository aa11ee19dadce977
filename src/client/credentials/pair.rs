//! The long-lived pair that a vendor's dashboard hands out.

use crate::{Error, ErrorKind, Secret, text, token::Fingerprint};

/// The longest id or secret that is taken; real ones are well under 100 bytes.
const LIMIT: usize = 4096;

/// A client id and its secret (RFC 6749 section 2.3.1). `Debug` shows the id alone.
///
/// As a [`CredentialsProvider`](crate::CredentialsProvider) it never changes.
#[derive(Clone, Debug)]
pub struct Credentials {
    client_id: String,
    client_secret: Secret,
}

impl Credentials {
    /// Takes both as they are; [`moneykit::ClientBuilder::build`](crate::moneykit::ClientBuilder::build)
    /// and [`moov::ClientBuilder::build`](crate::moov::ClientBuilder::build) check them.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self { client_id: client_id.into(), client_secret: client_secret.into() }
    }

    /// The id; not secret.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The secret.
    pub fn client_secret(&self) -> &Secret {
        &self.client_secret
    }

    /// Tells this pair from others without holding the secret.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(["pair", &*self.client_id, self.client_secret.expose_secret()])
    }

    /// Refuses what no vendor issues, before it becomes a puzzling 401.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check("client id", &self.client_id)?;
        check("client secret", self.client_secret.expose_secret())
    }
}

/// # Errors
///
/// `InvalidConfig` for a value that no id, secret or name can be.
pub(super) fn check(what: &str, value: &str) -> Result<(), Error> {
    if value.is_empty() || value.len() > LIMIT {
        let reason = format!("the {what} is empty or over {LIMIT} bytes");
        return Err(Error::new(ErrorKind::InvalidConfig, reason));
    }
    text::check(&format!("the {what}"), value)
}
