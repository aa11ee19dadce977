//! Reads files whose paths the user sets. Errors never show the content of a file.

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
        // Only this crate's own checks return `InvalidData`, so the error text is safe to show.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(invalid(format!("{name} {error}"))),
        Err(error) => Err(invalid(format!("{name} cannot be read")).with_source(error)),
    }
}

/// If the file does not exist, errors do not show the path, because the user may have entered a
/// secret in place of the path.
pub(crate) fn named(path: &Path, of: &str) -> String {
    match path.exists() {
        true => format!("the file {} of {of}", path.display()),
        false => format!("the file of {of}"),
    }
}
