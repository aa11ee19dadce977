//! Reads a secret that is given, or that is in a file such as one that the platform mounts. Shows the path of a file
//! that exists and never a byte of what is in it.

use std::{fs::File, io, path::Path};

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
    let invalid = |reason: String| Error::new(ErrorKind::InvalidConfig, reason);
    let path = match (given, file) {
        (Some(_), Some(_)) => {
            return Err(invalid(format!("`{key}` and `{key}_file` are both given; keep one of them")));
        }
        (given, None) => return Ok(given.cloned()),
        (None, Some(path)) => path,
    };
    // What is no file may be the secret itself, put in the place of a path.
    let named = if path.exists() {
        format!("the file {} of `{key}_file`", path.display())
    } else {
        format!("the file of `{key}_file`")
    };
    match File::open(path).and_then(Secret::from_reader) {
        Ok(secret) => check(&named, secret.expose_secret()).map(|()| Some(secret)),
        // Ours, and a whole clause; the system's own errors are told as the source.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(invalid(format!("{named} {error}"))),
        Err(error) => Err(invalid(format!("{named} cannot be read")).with_source(error)),
    }
}
