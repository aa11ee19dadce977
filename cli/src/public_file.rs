//! Replaces a file atomically. A program that reads the file gets either the old content or the new
//! content, and never a part of it.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

/// Replaces the file. The new file has default permissions.
///
/// # Errors
///
/// Fails if the file cannot be written. The old file is then not changed.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let draft = path.with_file_name(name);
    let mut file = File::create_new(&draft)?;
    let replaced =
        file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&draft, path));
    replaced.inspect_err(|_| _ = fs::remove_file(&draft))
}
