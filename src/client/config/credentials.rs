//! Creates the credentials provider that the settings describe: fixed credentials, or files.

use std::{path::Path, sync::Arc};

use crate::{Credentials, CredentialsProvider, Error, ErrorKind, FileCredentials, Secret};

pub(crate) struct CredentialsSettings<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) client_id: Option<&'a str>,
    pub(crate) client_secret: Option<&'a Secret>,
    pub(crate) client_secret_file: Option<&'a Path>,
    pub(crate) credentials_dir: Option<&'a Path>,
}

impl CredentialsSettings<'_> {
    pub(crate) fn provider(self) -> Result<Arc<dyn CredentialsProvider>, Error> {
        let invalid = |reason| Error::new(ErrorKind::InvalidConfig, reason);
        if let Some(path) = self.credentials_dir {
            let others = [
                ("client_id", self.client_id.is_some()),
                ("client_secret", self.client_secret.is_some()),
                ("client_secret_file", self.client_secret_file.is_some()),
            ];
            return match others.iter().find(|(_, is_given)| *is_given) {
                Some((key, _)) => {
                    let reason = format!("`{key}` and `credentials_dir` are both given; keep one of them");
                    Err(invalid(reason))
                }
                None => Ok(Arc::new(FileCredentials::directory_of(path.into(), "`credentials_dir`")?)),
            };
        }
        let prefix = self.prefix;
        let missing =
            |keys: &str, vars: &str| invalid(format!("no {keys} is set; the environment variable is {vars}"));
        let client_id =
            self.client_id.ok_or_else(|| missing("`client_id`", &format!("{prefix}_CLIENT_ID")))?;
        match (self.client_secret, self.client_secret_file) {
            (Some(_), Some(_)) => Err(invalid(
                "`client_secret` and `client_secret_file` are both given; keep one of them".to_owned(),
            )),
            (Some(secret), None) => Ok(Arc::new(Credentials::new(client_id, secret.clone()))),
            (None, Some(path)) => {
                let (id, path) = (client_id.to_owned(), path.to_owned());
                Ok(Arc::new(FileCredentials::secret_file_of(id, path, "`client_secret_file`")?))
            }
            (None, None) => {
                let vars = format!("{prefix}_CLIENT_SECRET or, for a file, {prefix}_CLIENT_SECRET_FILE");
                Err(missing("`client_secret` or `client_secret_file`", &vars))
            }
        }
    }
}
