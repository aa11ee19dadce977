//! Reads a file that the user names. Errors show the path only if the file exists, and never the
//! content.

use std::{fs::File, io, path::Path};

use crate::{Error, ErrorKind, Secret, text::check};

/// Reads a secret from a file. Errors call the file `name`.
pub(crate) fn read_secret(path: &Path, name: &str) -> Result<Secret, Error> {
    let secret = read_file(path, name, Secret::from_reader)?;
    check(name, secret.expose_secret()).map(|()| secret)
}

/// Opens a file, and passes it to `read`. Errors call the file `name`.
pub(crate) fn read_file<T>(
    path: &Path,
    name: &str,
    read: impl FnOnce(File) -> io::Result<T>,
) -> Result<T, Error> {
    let invalid = |reason| Error::new(ErrorKind::InvalidConfig, reason);
    match File::open(path).and_then(read) {
        Ok(content) => Ok(content),
        // The text of these errors comes from this crate, so it can be shown. Errors of the
        // operating system become the source of the error.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(invalid(format!("{name} {error}"))),
        Err(error) => Err(invalid(format!("{name} cannot be read")).with_source(error)),
    }
}

/// Returns a description of the file for errors. It contains the path only if the file exists,
/// because otherwise the path may be the secret itself.
pub(crate) fn named(path: &Path, of: &str) -> String {
    match path.exists() {
        true => format!("the file {} of {of}", path.display()),
        false => format!("the file of {of}"),
    }
}
