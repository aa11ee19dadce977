//! Reads the checked-in files and replaces the files that differ. If an error occurs, no file
//! changes.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use similar::TextDiff;

use crate::problems::Result;

/// The search for a minimal diff takes quadratic time if the texts have little in common. If the
/// search takes longer than this, the diff is still correct, but may not be minimal.
const MAX_DIFF_TIME: Duration = Duration::from_secs(2);

/// A file with its current and its new text.
#[derive(Debug)]
pub struct Change {
    path: PathBuf,
    pub(crate) name: String,
    old: Option<String>,
    new: String,
}

impl Change {
    /// Compares the text `new` with the text of the file `name` in the folder `root`.
    ///
    /// # Errors
    ///
    /// Fails if the file exists but cannot be read.
    pub fn new(root: &Path, name: String, new: String) -> Result<Self> {
        Ok(Self { path: root.join(&name), old: read_if_there(root, &name)?, name, new })
    }

    /// Returns whether the texts differ.
    pub fn is_needed(&self) -> bool {
        self.old.as_deref().unwrap_or_default() != self.new
    }

    /// Returns the unified diff of the texts, in a form that `patch` accepts.
    pub fn diff(&self) -> String {
        unified(&self.name, self.old.as_deref().unwrap_or_default(), &self.new)
    }

    fn draft(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".draft");
        name.into()
    }

    fn undo(&self) -> std::io::Result<()> {
        match &self.old {
            Some(old) => fs::write(&self.path, old),
            None => fs::remove_file(&self.path),
        }
    }
}

pub(crate) fn unified(name: &str, old: &str, new: &str) -> String {
    let mut config = TextDiff::configure();
    let diff = config.timeout(MAX_DIFF_TIME).diff_lines(old, new);
    diff.unified_diff().context_radius(3).header(&format!("a/{name}"), &format!("b/{name}")).to_string()
}

pub(crate) fn read(root: &Path, name: &str) -> Result<String> {
    fs::read_to_string(root.join(name)).map_err(|error| format!("{name}: {error}").into())
}

pub(crate) fn read_if_there(root: &Path, name: &str) -> Result<Option<String>> {
    match fs::read_to_string(root.join(name)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{name}: {error}").into()),
    }
}

/// Makes all necessary changes, or no change if an error occurs. A crash does not leave a partly
/// written file, because each text is first written to a temporary file.
///
/// # Errors
///
/// Fails if a file cannot be written or replaced. Files that were already replaced are restored.
pub fn write(changes: &[Change]) -> Result<()> {
    let changes: Vec<&Change> = changes.iter().filter(|change| change.is_needed()).collect();
    let failed = |change: &Change, error| Err(format!("{}: {error}", change.name).into());
    for (index, change) in changes.iter().enumerate() {
        let Err(error) = fs::write(change.draft(), &change.new) else { continue };
        changes[..=index].iter().for_each(|change| drop(fs::remove_file(change.draft())));
        return failed(change, error);
    }
    for (index, change) in changes.iter().enumerate() {
        let Err(error) = fs::rename(change.draft(), &change.path) else { continue };
        changes[index..].iter().for_each(|change| drop(fs::remove_file(change.draft())));
        changes[..index].iter().for_each(|change| drop(change.undo()));
        return failed(change, error);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn files_are_changed_only_if_every_file_can_be_written() {
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
    fn written_files_are_restored_if_a_later_file_cannot_be_written() {
        let root = tempfile::tempdir().unwrap();
        fixture::put(root.path(), "a.yaml", "old");
        fs::create_dir_all(root.path().join("c.yaml/full")).unwrap();
        let mut changes: Vec<Change> = ["a.yaml", "b.yaml"]
            .map(|name| Change::new(root.path(), name.into(), "new".into()).unwrap())
            .into();
        let path = root.path().join("c.yaml");
        changes.push(Change { path, name: "c.yaml".into(), old: None, new: "new".into() });
        let before = fixture::files(root.path());
        let error = write(&changes).unwrap_err().to_string();
        assert!(error.starts_with("c.yaml: "), "{error}");
        assert_eq!(fixture::files(root.path()), before);
    }
}
