//! A secret that is given, or lies in a file such as one that the platform mounts. It shows the file's
//! path and never a byte of what is in it.

use std::{fs::File, io, path::Path};

use crate::{Error, ErrorKind, Secret};

/// The secret under a key, or in the file under the same key with `_file`; not both.
///
/// # Errors
///
/// `InvalidConfig` for both, and for a file that cannot be read, is empty, too large or not text.
pub(crate) fn secret(
    key: &str,
    given: Option<&Secret>,
    file: Option<&Path>,
) -> Result<Option<Secret>, Error> {
    let invalid = |reason: String| Error::new(ErrorKind::InvalidConfig, reason);
    let path = match (given, file) {
        (Some(_), Some(_)) => {
            return Err(invalid(format!("`{key}` and `{key}_file` are both given; keep one of them")));
        }
        (given, None) => return Ok(given.cloned()),
        (None, Some(path)) => path,
    };
    let named = format!("the file {} of `{key}_file`", path.display());
    match File::open(path).and_then(Secret::read) {
        Ok(secret) => Ok(Some(secret)),
        // Ours, and a whole clause; the system's own errors are told as the source.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(invalid(format!("{named} {error}"))),
        Err(error) => Err(invalid(format!("{named} cannot be read")).with_source(error)),
    }
}
