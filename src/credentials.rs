//! The long-lived pair that a vendor's dashboard hands out.

use std::env;

use crate::{Error, ErrorKind, Secret};

/// The longest id or secret that is taken; real ones are well under 100 bytes.
const LIMIT: usize = 4096;

/// A client id and its secret (RFC 6749 section 2.3.1). `Debug` shows the id alone.
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

    /// Reads `<PREFIX>_CLIENT_ID` and `<PREFIX>_CLIENT_SECRET`.
    pub(crate) fn from_env(prefix: &str) -> Result<Self, Error> {
        let required = |name: String| {
            var(&name)?.ok_or_else(|| {
                Error::new(ErrorKind::InvalidConfig, format!("the environment variable {name} is not set"))
            })
        };
        let client_id = required(format!("{prefix}_CLIENT_ID"))?;
        Ok(Self::new(client_id, required(format!("{prefix}_CLIENT_SECRET"))?))
    }

    /// The id; not secret.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The secret.
    pub fn client_secret(&self) -> &Secret {
        &self.client_secret
    }

    /// Refuses what no vendor issues, before it becomes a puzzling 401.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (what, value) in
            [("client id", self.client_id.as_str()), ("client secret", self.client_secret.expose())]
        {
            if value.is_empty() || value.len() > LIMIT || value.trim() != value {
                return Err(Error::new(
                    ErrorKind::InvalidConfig,
                    format!("the {what} is empty, over {LIMIT} bytes, or has white space around it"),
                ));
            }
        }
        Ok(())
    }
}

/// An environment variable; unset and empty are the same.
pub(crate) fn var(name: &str) -> Result<Option<String>, Error> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            let reason = format!("the environment variable {name} is not text");
            Err(Error::new(ErrorKind::InvalidConfig, reason))
        }
    }
}
