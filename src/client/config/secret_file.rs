//! Takes a secret that is given, or that is in a file such as one that the platform mounts.

use std::path::Path;

use super::file;
use crate::{Error, ErrorKind, Secret, text::check};

/// The secret under a key, or in the file under the same key with `_file`; not both.
///
/// # Errors
///
/// `InvalidConfig` for both, and for a file that cannot be read, is empty, too large or not text, or contains
/// more than the secret.
pub(crate) fn secret(
    key: &str,
    given: Option<&Secret>,
    file: Option<&Path>,
) -> Result<Option<Secret>, Error> {
    let path = match (given, file) {
        (Some(_), Some(_)) => {
            let reason = format!("`{key}` and `{key}_file` are both given; keep one of them");
            return Err(Error::new(ErrorKind::InvalidConfig, reason));
        }
        (given, None) => return Ok(given.cloned()),
        (None, Some(path)) => path,
    };
    let (secret, named) = file::read(&format!("{key}_file"), path, Secret::from_reader)?;
    check(&named, secret.expose_secret()).map(|()| Some(secret))
}
