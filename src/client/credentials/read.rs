//! Reads a file that users name. Shows the path of a file that exists, and never a byte of what is in it.

use std::{fs::File, io, path::Path};

use crate::{Error, ErrorKind, Secret, text::check};

/// `name` is what errors call the file.
///
/// # Errors
///
/// `InvalidConfig` for a file that cannot be read, is empty, too large or not text, or contains more than the
/// secret.
pub(crate) fn read_secret(path: &Path, name: &str) -> Result<Secret, Error> {
    let secret = read_file(path, name, Secret::from_reader)?;
    check(name, secret.expose_secret()).map(|()| secret)
}

/// What `read` makes of a file.
///
/// # Errors
///
/// `InvalidConfig` if it cannot be opened, and for what `read` fails with.
pub(crate) fn read_file<T>(
    path: &Path,
    name: &str,
    read: impl FnOnce(File) -> io::Result<T>,
) -> Result<T, Error> {
    let invalid = |reason| Error::new(ErrorKind::InvalidConfig, reason);
    match File::open(path).and_then(read) {
        Ok(content) => Ok(content),
        // Ours, and a whole clause; the system's own errors are told as the source.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(invalid(format!("{name} {error}"))),
        Err(error) => Err(invalid(format!("{name} cannot be read")).with_source(error)),
    }
}

/// What errors call the file. What is no file may be the content itself, put in the place of a path.
pub(crate) fn named(path: &Path, of: &str) -> String {
    match path.exists() {
        true => format!("the file {} of {of}", path.display()),
        false => format!("the file of {of}"),
    }
}
