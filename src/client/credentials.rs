//! The long-lived pair that a vendor's dashboard hands out.

use crate::{Error, ErrorKind, Secret, text};

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

    /// The id; not secret.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The secret.
    pub fn client_secret(&self) -> &Secret {
        &self.client_secret
    }

    /// From a configuration of which each may be missing. `prefix` is that of its environment variables.
    ///
    /// # Errors
    ///
    /// `InvalidConfig` naming the key that is not set.
    pub(crate) fn configured(
        prefix: &str,
        client_id: Option<&str>,
        client_secret: Option<Secret>,
    ) -> Result<Self, Error> {
        let missing = |keys: &str, vars: &str| {
            let reason = format!("no {keys} is set; from the environment it is read from {vars}");
            Error::new(ErrorKind::InvalidConfig, reason)
        };
        let client_id = client_id.ok_or_else(|| missing("`client_id`", &format!("{prefix}_CLIENT_ID")))?;
        let client_secret = client_secret.ok_or_else(|| {
            let vars = format!("{prefix}_CLIENT_SECRET or, as a file, {prefix}_CLIENT_SECRET_FILE");
            missing("`client_secret` or `client_secret_file`", &vars)
        })?;
        Ok(Self::new(client_id, client_secret))
    }

    /// Refuses what no vendor issues, before it becomes a puzzling 401.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (what, value) in
            [("client id", self.client_id.as_str()), ("client secret", self.client_secret.expose_secret())]
        {
            if value.is_empty() || value.len() > LIMIT {
                let reason = format!("the {what} is empty or over {LIMIT} bytes");
                return Err(Error::new(ErrorKind::InvalidConfig, reason));
            }
            text::check(&format!("the {what}"), value)?;
        }
        Ok(())
    }
}
