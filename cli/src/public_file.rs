//! Replaces a file that others may read, in one step: they see the old content or the new one, and never a part.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

/// Makes the file with the rights that new files get.
///
/// # Errors
///
/// Those of the system. Then the file is as it was.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let draft = path.with_file_name(name);
    let mut file = File::create_new(&draft)?;
    let replaced =
        file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&draft, path));
    replaced.inspect_err(|_| _ = fs::remove_file(&draft))
}
