//! Reads a PEM file whose path is given in a setting.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

use crate::{
    Error,
    client::credentials::{named, read_file},
};

/// A file with the certificates of all public certificate authorities is smaller than 300 KiB.
const PEM_LIMIT: u64 = 1024 * 1024;

pub(super) fn pem(key: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let bytes = |file: File| {
        let invalid = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        // Allocate space for the whole file, because a buffer that grows leaves copies of a private
        // key in memory.
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
    read_file(path, &named(path, &format!("`{key}`")), bytes)
}
