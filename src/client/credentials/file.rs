//! Credentials in files. The files are read again before each call that sends the credentials.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use tokio::{sync::Mutex, task::spawn_blocking};

use super::{
    pair::Credentials,
    provider::{CredentialsFuture, CredentialsProvider},
    read::{named, read_file, read_secret},
};
use crate::{Error, ErrorKind, Secret, token::Fingerprint};

const CLIENT_ID: &str = "client_id";
const CLIENT_SECRET: &str = "client_secret";
const ATTEMPTS: usize = 8;

/// Client credentials in files, for example mounted by Kubernetes or a secrets agent.
///
/// If a file is replaced, the client uses the new content without a restart. The files are read
/// when this value is created. Before each call that sends the credentials, the files are read
/// again, on tokio's threads for blocking work. If a file cannot be read before a call, the client
/// logs a warning and uses the last valid credentials.
///
/// Each file may contain at most 16 KiB of UTF-8 text. A byte order mark at the start and a single
/// line break at the end are removed. Other white space, quotes and invisible characters around a
/// value are errors. A file that is not a regular file, such as a pipe, is read only once.
///
/// ```
/// # fn main() -> Result<(), fintech_auth::Error> {
/// use fintech_auth::{FileCredentials, moov};
///
/// # let path = std::env::temp_dir().join("fintech-auth-doc-file-credentials");
/// # std::fs::write(&path, "secret\n").expect("the file is written");
/// let credentials = FileCredentials::secret_file("client-id", &path)?; // /run/secrets/moov
/// let client = moov::Client::builder(credentials).build()?;
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// Neither `Debug` nor errors show the content of a file.
#[derive(Clone)]
pub struct FileCredentials {
    files: Arc<Files>,
    first: Credentials,
    is_read_again: bool,
    /// Locked while the files are read, so that a file system that hangs blocks only one thread.
    reading: Arc<Mutex<()>>,
}

#[derive(Debug)]
enum Files {
    Secret { client_id: String, path: PathBuf, of: &'static str },
    Directory { path: PathBuf, of: &'static str },
    Json(PathBuf),
}

impl FileCredentials {
    /// Reads the client secret from the file at `path`. Blocks while the file is read.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidConfig`] if the file cannot be read, is empty, is too large, is
    /// not text, or contains more than the secret.
    pub fn secret_file(client_id: impl Into<String>, path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::secret_file_of(client_id.into(), path.into(), "the client secret")
    }

    /// Reads the files `client_id` and `client_secret` in a directory. Blocks while the files are
    /// read.
    ///
    /// Kubernetes mounts a secret with the keys `client_id` and `client_secret` as such a
    /// directory. Both files are links into a second directory, which Kubernetes replaces in one
    /// step. So the client never combines an old id with a new secret.
    ///
    /// If you create the directory yourself, also replace both files in one step. Otherwise the
    /// client may combine an old id with a new secret. Pass the path of a symbolic link that points
    /// to the directory. To change the files, create a second directory and a second link that
    /// points to it. Then rename the second link to the path of the first link.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Self::secret_file`] if one of the two files is invalid.
    pub fn directory(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::directory_of(path.into(), "the credentials")
    }

    /// Reads a file with a JSON object, for example a file that a secrets agent writes. Blocks
    /// while the file is read.
    ///
    /// The object must have the strings `client_id` and `client_secret`. Other keys are ignored.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidConfig`] if the file cannot be read, is too large, or does not
    /// contain an object with these strings.
    pub fn json_file(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::read_first(Files::Json(path.into()))
    }

    pub(crate) fn secret_file_of(client_id: String, path: PathBuf, of: &'static str) -> Result<Self, Error> {
        Self::read_first(Files::Secret { client_id, path, of })
    }

    pub(crate) fn directory_of(path: PathBuf, of: &'static str) -> Result<Self, Error> {
        Self::read_first(Files::Directory { path, of })
    }

    fn read_first(files: Files) -> Result<Self, Error> {
        let is_regular = |path: &PathBuf| fs::metadata(path).is_ok_and(|file| file.is_file());
        let is_read_again = files.paths().iter().all(is_regular);
        let first = if is_read_again { files.read_whole()? } else { files.read(&files.paths())? };
        Ok(Self { files: Arc::new(files), first, is_read_again, reading: Arc::default() })
    }
}

impl Files {
    fn paths(&self) -> Vec<PathBuf> {
        match self {
            Self::Secret { path, .. } | Self::Json(path) => vec![path.clone()],
            Self::Directory { path, .. } => vec![path.join(CLIENT_ID), path.join(CLIENT_SECRET)],
        }
    }

    /// Reads the files until two readings are equal. Otherwise the client could use a half-written
    /// file, or combine an old id with a new secret. The resolved paths are compared too, so that
    /// two readings also differ if a link was replaced between them.
    fn read_whole(&self) -> Result<Credentials, Error> {
        let paths = self.paths();
        let mut before: Option<(Vec<PathBuf>, Fingerprint)> = None;
        let mut error = None;
        for _ in 0..ATTEMPTS {
            let real = paths.iter().map(|path| fs::canonicalize(path).unwrap_or_else(|_| path.clone()));
            let real: Vec<PathBuf> = real.collect();
            match self.read(&real) {
                Ok(credentials) => {
                    let now = Some((real, credentials.fingerprint()));
                    if before == now {
                        return Ok(credentials);
                    }
                    (before, error) = (now, None);
                }
                Err(failed) => (before, error) = (None, Some(failed)),
            }
        }
        Err(error.unwrap_or_else(|| {
            Error::new(ErrorKind::Unavailable, "the credentials files changed on every read")
        }))
    }

    fn read(&self, paths: &[PathBuf]) -> Result<Credentials, Error> {
        match (self, paths) {
            (Self::Secret { client_id, path, of }, [secret]) => {
                Ok(Credentials::new(client_id, read_secret(secret, &named(path, of))?))
            }
            (Self::Directory { path, of }, [id, secret]) => {
                let read = |real: &Path, name: &str| {
                    let given = path.join(name);
                    let named = if path.exists() { given.display().to_string() } else { name.to_owned() };
                    read_secret(real, &format!("the file {named} of {of}"))
                };
                let id = read(id, CLIENT_ID)?;
                Ok(Credentials::new(id.expose_secret(), read(secret, CLIENT_SECRET)?))
            }
            (Self::Json(path), [json]) => read_json(json, &named(path, "the credentials")),
            _ => Err(Error::new(ErrorKind::InvalidConfig, "a credentials file is missing")),
        }
    }
}

#[derive(Deserialize)]
struct Pair {
    client_id: String,
    client_secret: Secret,
}

fn read_json(path: &Path, name: &str) -> Result<Credentials, Error> {
    let text = read_file(path, name, Secret::from_reader)?;
    // The parser's error is not shown, because the error may contain text from the file.
    let Ok(pair) = serde_json::from_str::<Pair>(text.expose_secret()) else {
        let reason = format!("{name} is not a JSON object with the strings client_id and client_secret");
        return Err(Error::new(ErrorKind::InvalidConfig, reason));
    };
    let credentials = Credentials::new(pair.client_id, pair.client_secret);
    credentials.check().map(|()| credentials)
}

impl CredentialsProvider for FileCredentials {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(async {
            if self.is_constant() {
                return Ok(self.first.clone());
            }
            let reading = self.reading.clone().lock_owned().await;
            let files = self.files.clone();
            let read = spawn_blocking(move || {
                let _reading = reading;
                files.read_whole()
            });
            read.await.unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Unavailable, "reading the credentials files was cancelled"))
            })
        })
    }

    fn known(&self) -> Option<Credentials> {
        Some(self.first.clone())
    }

    fn is_constant(&self) -> bool {
        !self.is_read_again
    }
}

impl fmt::Debug for FileCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileCredentials").field(&self.files).finish()
    }
}
