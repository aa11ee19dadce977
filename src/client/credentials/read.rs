//! Reads files whose paths are settings. Errors never show the content of a file.

use std::{fs::File, io, path::Path};

use crate::{Error, ErrorKind, Secret, text::check};

pub(crate) fn read_secret(path: &Path, name: &str) -> Result<Secret, Error> {
    let secret = read_file(path, name, Secret::from_reader)?;
    check(name, secret.expose_secret()).map(|()| secret)
}

pub(crate) fn read_file<T>(
    path: &Path,
    name: &str,
    read: impl FnOnce(File) -> io::Result<T>,
) -> Result<T, Error> {
    let invalid = |reason| Error::new(ErrorKind::InvalidConfig, reason);
    match File::open(path).and_then(read) {
        Ok(content) => Ok(content),
        // This crate creates the errors of this kind, so their text can be shown.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(invalid(format!("{name} {error}"))),
        Err(error) => Err(invalid(format!("{name} cannot be read")).with_source(error)),
    }
}

/// Names the file in errors. The result contains the path only if the file exists, because
/// otherwise the user may have written the secret in the place of the path.
pub(crate) fn named(path: &Path, of: &str) -> String {
    match path.exists() {
        true => format!("the file {} of {of}", path.display()),
        false => format!("the file of {of}"),
    }
}
