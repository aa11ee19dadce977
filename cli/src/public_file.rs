//! Replaces a file atomically, so that other programs never read a partly written file.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let draft = path.with_file_name(name);
    let mut file = File::create_new(&draft)?;
    let replaced =
        file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&draft, path));
    replaced.inspect_err(|_| _ = fs::remove_file(&draft))
}
