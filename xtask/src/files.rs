//! Reads and replaces the checked-in files: all of them or none, and only those that differ.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::problems::Result;

/// A file as it is, and as it should be.
#[derive(Debug)]
pub(crate) struct Change {
    path: PathBuf,
    /// Relative to the workspace.
    pub(crate) name: String,
    pub(crate) old: String,
    pub(crate) new: String,
}

impl Change {
    /// # Errors
    ///
    /// When there is such a file but it cannot be read.
    pub(crate) fn new(root: &Path, name: String, new: String) -> Result<Self> {
        let path = root.join(&name);
        let old = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(format!("{name}: {error}").into()),
        };
        Ok(Self { path, name, old, new })
    }

    pub(crate) fn is_needed(&self) -> bool {
        self.old != self.new
    }

    /// In the same folder, because a rename does not cross file systems.
    fn draft(&self) -> PathBuf {
        self.path.with_extension("new")
    }
}

/// The text of the file called `name`, relative to `root`.
///
/// # Errors
///
/// When it cannot be read.
pub(crate) fn read(root: &Path, name: &str) -> Result<String> {
    fs::read_to_string(root.join(name)).map_err(|error| format!("{name}: {error}").into())
}

/// Makes every change. All texts are on disk before the first file is replaced.
///
/// # Errors
///
/// When a file cannot be written.
pub(crate) fn write(changes: &[Change]) -> Result<()> {
    let written = changes.iter().try_for_each(|change| {
        fs::write(change.draft(), &change.new).map_err(|error| format!("{}: {error}", change.name))
    });
    if written.is_err() {
        for change in changes {
            // The problem to tell is the one above; a draft never written is no other.
            let _ = fs::remove_file(change.draft());
        }
    }
    written?;
    for change in changes {
        fs::rename(change.draft(), &change.path).map_err(|error| format!("{}: {error}", change.name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn nothing_is_replaced_unless_all_can_be_written() {
        let root = tempfile::tempdir().unwrap();
        fixture::put(root.path(), "a.yaml", "old");
        let before = fixture::files(root.path());
        let changes = [
            Change::new(root.path(), "a.yaml".into(), "new".into()).unwrap(),
            Change::new(root.path(), "missing/b.yaml".into(), "new".into()).unwrap(),
        ];
        let error = write(&changes).unwrap_err().to_string();
        assert!(error.starts_with("missing/b.yaml: "), "{error}");
        assert_eq!(fixture::files(root.path()), before);
    }
}
