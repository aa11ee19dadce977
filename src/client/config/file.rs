//! Reads the file of a setting. Shows the path of a file that exists and never a byte of what is in it.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

use crate::{Error, ErrorKind};

/// The most bytes of a file of certificates. The public authorities of all platforms together are under 300 KiB.
const PEM_LIMIT: u64 = 1024 * 1024;

/// What `read` makes of the file of a setting, and how errors name that file.
///
/// # Errors
///
/// `InvalidConfig` if it cannot be opened, and for what `read` fails with.
pub(super) fn read<T>(
    key: &str,
    path: &Path,
    read: impl FnOnce(File) -> io::Result<T>,
) -> Result<(T, String), Error> {
    let invalid = |reason: String| Error::new(ErrorKind::InvalidConfig, reason);
    // What is no file may be the content itself, put in the place of a path.
    let named = if path.exists() {
        format!("the file {} of `{key}`", path.display())
    } else {
        format!("the file of `{key}`")
    };
    match File::open(path).and_then(read) {
        Ok(content) => Ok((content, named)),
        // Ours, and a whole clause; the system's own errors are told as the source.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(invalid(format!("{named} {error}"))),
        Err(error) => Err(invalid(format!("{named} cannot be read")).with_source(error)),
    }
}

/// The bytes of a PEM file. Whether they hold what they should is checked where the client is built.
///
/// # Errors
///
/// As [`read`], and for a file that is empty, over 1 MiB, or not text, such as DER.
pub(super) fn pem(key: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let bytes = |file: File| {
        let invalid = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        // Room for all of it, since a buffer that grows leaves copies of a private key behind.
        let length = file.metadata()?.len().min(PEM_LIMIT) + 64;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length as usize));
        file.take(PEM_LIMIT + 1).read_to_end(&mut bytes)?;
        match () {
            () if bytes.is_empty() => invalid("is empty"),
            () if bytes.len() as u64 > PEM_LIMIT => invalid("is over 1 MiB"),
            () if bytes.contains(&0) || std::str::from_utf8(&bytes).is_err() => {
                invalid("is not text; convert it to PEM")
            }
            () => Ok(bytes),
        }
    };
    read(key, path, bytes).map(|(bytes, _)| bytes)
}
