//! Writes a file that only its owner can read. Replaces an old file atomically.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use fintech_auth::Secret;
use zeroize::Zeroizing;

use crate::exit::Failure;

/// The disk space, in bytes, that is reserved before the token request. Without this space, the new
/// refresh token would be lost if the disk is full.
const ROOM: usize = 16 * 1024;

/// The temporary file (the draft) is in the folder of the target file, so that a rename can replace
/// the target file atomically.
pub(crate) struct PrivateFile {
    option: &'static str,
    path: PathBuf,
    draft: PathBuf,
    file: File,
    /// Whether the draft contains the complete new content. If so, the draft must not be deleted,
    /// even if it cannot be renamed.
    is_kept: bool,
}

impl PrivateFile {
    pub(crate) fn begin(option: &'static str, path: &str) -> Result<Self, Failure> {
        let usage = |what: &str| Failure::usage(format!("{option} {what}"));
        if is_token(path) {
            return Err(usage("needs the path of a file, but the value looks like a token"));
        }
        if path.ends_with(std::path::is_separator) {
            return Err(usage("must name a file, not a folder"));
        }
        let path = target(option, Path::new(path))?;
        let mut name = path.file_name().ok_or_else(|| usage("must name a file"))?.to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let draft = path.with_file_name(name);
        let file = private(&draft).map_err(|error| failed(option, &error))?;
        let mut begun = Self { option, path, draft, file, is_kept: false };
        begun.reserve().map_err(|error| failed(option, &error))?;
        Ok(begun)
    }

    fn reserve(&mut self) -> io::Result<()> {
        self.file.write_all(&vec![0; ROOM])?;
        self.file.sync_all()?;
        self.file.rewind()
    }

    pub(crate) fn finish_token(self, token: &Secret) -> Result<PathBuf, Unsaved> {
        self.finish(Zeroizing::new(format!("{}\n", token.expose_secret())).as_bytes())
    }

    pub(crate) fn finish(mut self, content: &[u8]) -> Result<PathBuf, Unsaved> {
        // Truncate the file only after the write. Truncating the file earlier would free the
        // reserved disk space.
        let written = self
            .file
            .write_all(content)
            .and_then(|()| self.file.set_len(content.len() as u64))
            .and_then(|()| self.file.sync_all());
        written.map_err(|error| Unsaved { failure: failed(self.option, &error), path: None })?;
        self.is_kept = true;
        if let Err(error) = fs::rename(&self.draft, &self.path) {
            let failure = failed(self.option, &error);
            return Err(Unsaved { failure, path: Some(self.draft.clone()) });
        }
        sync_folder(&self.path);
        Ok(self.path.clone())
    }
}

pub(crate) struct Unsaved {
    pub(crate) failure: Failure,
    pub(crate) path: Option<PathBuf>,
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        if !self.is_kept {
            _ = fs::remove_file(&self.draft);
        }
    }
}

pub(crate) fn rescue(token: &Secret) -> io::Result<PathBuf> {
    let name = format!("fintech-auth-refresh-token.{}", std::process::id());
    let keep = |folder: PathBuf| {
        let path = folder.join(&name);
        let mut file = private(&path)?;
        file.write_all(format!("{}\n", token.expose_secret()).as_bytes())?;
        file.sync_all()?;
        Ok(path)
    };
    env::current_dir().and_then(keep).or_else(|_: io::Error| keep(env::temp_dir()))
}

pub(crate) fn target(option: &'static str, path: &Path) -> Result<PathBuf, Failure> {
    let usage = |what: &str| Err(Failure::usage(format!("{option} {what}")));
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => usage("must name a file, not a folder"),
        Ok(metadata) if metadata.is_file() => fs::canonicalize(path).map_err(|error| failed(option, &error)),
        Ok(_) => usage("must name a regular file, not a device, pipe or socket"),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(option, &error)),
        Err(_) if fs::symlink_metadata(path).is_ok() => usage("must not name a broken symbolic link"),
        Err(_) => Ok(path.to_owned()),
    }
}

fn is_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.split('.').count() == 3
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Some systems cannot sync a folder, so errors are ignored.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        _ = folder.sync_all();
    }
}

fn failed(option: &str, error: &io::Error) -> Failure {
    Failure::local(format!("cannot write the {option} file: {error}"))
}
