//! Reads the checked-in files and replaces those that differ: all of them or none.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::problems::Result;

/// The current and the wanted text of a file.
#[derive(Debug)]
pub struct Change {
    path: PathBuf,
    /// The path relative to the workspace.
    pub name: String,
    /// The current text; empty if there is no such file.
    pub old: String,
    /// The wanted text.
    pub new: String,
    is_new: bool,
}

impl Change {
    /// Compares the file called `name`, relative to `root`, with the text `new`.
    ///
    /// # Errors
    ///
    /// Fails if the file exists but cannot be read.
    pub fn new(root: &Path, name: String, new: String) -> Result<Self> {
        let path = root.join(&name);
        let old = read_if_there(root, &name)?;
        let is_new = old.is_none();
        Ok(Self { path, name, old: old.unwrap_or_default(), new, is_new })
    }

    /// Whether the texts differ.
    pub fn is_needed(&self) -> bool {
        self.old != self.new
    }

    /// The temporary file. It is in the same folder, because a rename cannot cross file systems.
    fn draft(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        name.into()
    }

    fn undo(&self) -> std::io::Result<()> {
        if self.is_new { fs::remove_file(&self.path) } else { fs::write(&self.path, &self.old) }
    }
}

/// Reads the file called `name`, relative to `root`.
pub(crate) fn read(root: &Path, name: &str) -> Result<String> {
    fs::read_to_string(root.join(name)).map_err(|error| format!("{name}: {error}").into())
}

/// Reads the file called `name`, or returns `None` if there is no such file.
pub(crate) fn read_if_there(root: &Path, name: &str) -> Result<Option<String>> {
    match fs::read_to_string(root.join(name)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{name}: {error}").into()),
    }
}

/// Makes every change, or none. All texts are on disk before the first file is replaced.
///
/// # Errors
///
/// Fails if a file cannot be written or replaced; files already replaced are restored.
pub fn write(changes: &[Change]) -> Result<()> {
    let told = |change: &Change, error: std::io::Error| format!("{}: {error}", change.name);
    let written = changes
        .iter()
        .try_for_each(|change| fs::write(change.draft(), &change.new).map_err(|error| told(change, error)));
    let mut replaced = Vec::new();
    let done = written.and_then(|()| {
        changes.iter().try_for_each(|change| {
            fs::rename(change.draft(), &change.path).map_err(|error| told(change, error))?;
            replaced.push(change);
            Ok(())
        })
    });
    if done.is_err() {
        // Report the first error only: a temporary file may never have been written.
        changes.iter().for_each(|change| drop(fs::remove_file(change.draft())));
        for change in replaced {
            change.undo().map_err(|error| told(change, error))?;
        }
    }
    Ok(done?)
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

    #[test]
    fn what_was_replaced_is_put_back_if_a_later_one_cannot_be() {
        let root = tempfile::tempdir().unwrap();
        fixture::put(root.path(), "a.yaml", "old");
        fs::create_dir_all(root.path().join("c.yaml/full")).unwrap();
        let mut changes: Vec<Change> = ["a.yaml", "b.yaml"]
            .map(|name| Change::new(root.path(), name.into(), "new".into()).unwrap())
            .into();
        let path = root.path().join("c.yaml");
        changes.push(Change {
            path,
            name: "c.yaml".into(),
            old: String::new(),
            new: "new".into(),
            is_new: true,
        });
        let before = fixture::files(root.path());
        let error = write(&changes).unwrap_err().to_string();
        assert!(error.starts_with("c.yaml: "), "{error}");
        assert_eq!(fixture::files(root.path()), before);
    }

    #[test]
    fn files_of_one_stem_do_not_get_in_each_others_way() {
        let root = tempfile::tempdir().unwrap();
        let changes =
            ["a.lock", "a.yaml"].map(|name| Change::new(root.path(), name.into(), name.into()).unwrap());
        write(&changes).unwrap();
        let expected = ["a.lock", "a.yaml"].map(|name| (name.to_owned(), name.to_owned()));
        assert_eq!(fixture::files(root.path()), expected);
    }
}
