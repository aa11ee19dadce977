//! Reads a secret from a setting, or from a file that a setting names.

use std::path::Path;

use crate::{
    Error, ErrorKind, Secret,
    client::credentials::{named, read_secret},
};

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
