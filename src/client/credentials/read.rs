//! Reads a file that the user names. Errors show the path of an existing file, but never its
//! content.

use std::{fs::File, io, path::Path};

use crate::{Error, ErrorKind, Secret, text::check};

/// Reads a secret from a file. `name` is the name of the file in errors.
///
/// # Errors
///
/// `InvalidConfig` if the file cannot be read, is empty, is too large, is not text, or contains
/// more than the secret.
pub(crate) fn read_secret(path: &Path, name: &str) -> Result<Secret, Error> {
    let secret = read_file(path, name, Secret::from_reader)?;
    check(name, secret.expose_secret()).map(|()| secret)
}

/// Opens a file, and passes it to `read`.
///
/// # Errors
///
/// `InvalidConfig` if the file cannot be opened or `read` fails.
pub(crate) fn read_file<T>(
    path: &Path,
    name: &str,
    read: impl FnOnce(File) -> io::Result<T>,
) -> Result<T, Error> {
    let invalid = |reason| Error::new(ErrorKind::InvalidConfig, reason);
    match File::open(path).and_then(read) {
        Ok(content) => Ok(content),
        // The text of these errors comes from this crate, so it can be shown. Errors of the system
        // become the source.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(invalid(format!("{name} {error}"))),
        Err(error) => Err(invalid(format!("{name} cannot be read")).with_source(error)),
    }
}

/// Returns the name of the file in errors. If no such file exists, the path is not shown, because
/// it may be the secret itself.
pub(crate) fn named(path: &Path, of: &str) -> String {
    match path.exists() {
        true => format!("the file {} of {of}", path.display()),
        false => format!("the file of {of}"),
    }
}
