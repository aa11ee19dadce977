//! A secret that is given, or that is in a file such as one that the platform mounts.

use std::path::Path;

use crate::{
    Error, ErrorKind, Secret,
    client::credentials::{named, read_secret},
};

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
    match (given, file) {
        (Some(_), Some(_)) => {
            let reason = format!("`{key}` and `{key}_file` are both given; keep one of them");
            Err(Error::new(ErrorKind::InvalidConfig, reason))
        }
        (given, None) => Ok(given.cloned()),
        (None, Some(path)) => read_secret(path, &named(path, &format!("`{key}_file`"))).map(Some),
    }
}
