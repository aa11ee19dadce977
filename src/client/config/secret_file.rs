//! Reads a secret that a setting contains, or that is in a file which a setting names.

use std::path::Path;

use crate::{
    Error, ErrorKind, Secret,
    client::credentials::{named, read_secret},
};

/// Returns the secret under a key, or from the file under the same key with `_file`.
///
/// # Errors
///
/// `InvalidConfig` if both are set, or if the file cannot be read, is empty, is too large, is not
/// text, or contains more than the secret.
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
