//! Keeps a refresh token in a file: made before anything is sent, so that a token is not spent for one that
//! cannot be kept, and put in place in one step. It never writes to a file that others can read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use fintech_auth::Secret;
use zeroize::Zeroizing;

use crate::exit::Failure;

/// A file beside the one that is to be written.
pub(crate) struct Saving {
    path: PathBuf,
    draft: PathBuf,
    file: File,
    /// Whether the draft has the token.
    is_kept: bool,
}

impl Saving {
    /// # Errors
    ///
    /// Local ones, before anything is sent.
    pub(crate) fn begin(path: &str) -> Result<Self, Failure> {
        let path = PathBuf::from(path);
        if path.is_dir() {
            return Err(Failure::usage("--save names a folder"));
        }
        let mut name = path.file_name().ok_or_else(|| Failure::usage("--save names no file"))?.to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let draft = path.with_file_name(name);
        let file = private(&draft).map_err(|error| failed(&path, &error))?;
        Ok(Self { path, draft, file, is_kept: false })
    }

    /// # Errors
    ///
    /// Local ones. A token that is written and cannot be put in place stays in the file that the error names.
    pub(crate) fn finish(mut self, token: &Secret) -> Result<(), Failure> {
        let line = Zeroizing::new(format!("{}\n", token.expose()));
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_all());
        written.map_err(|error| failed(&self.path, &error))?;
        self.is_kept = true;
        let placed = fs::rename(&self.draft, &self.path);
        placed.map_err(|error| {
            let Failure { reason, .. } = failed(&self.path, &error);
            Failure::local(format!("{reason}; the refresh token is in {}", self.draft.display()))
        })
    }
}

impl Drop for Saving {
    fn drop(&mut self) {
        if !self.is_kept {
            _ = fs::remove_file(&self.draft);
        }
    }
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::local(format!("the file {} cannot be written: {error}", path.display()))
}
