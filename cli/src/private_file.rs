//! A file that only its owner can read, put in place in one step. It is made and its room is reserved before anything
//! is sent, so that a token is not spent for one that cannot be kept. Never replaces anything but a regular file.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use fintech_auth::Secret;
use zeroize::Zeroizing;

use crate::exit::Failure;

/// The most that a vendor's refresh token takes, and to spare.
const ROOM: usize = 16 * 1024;

/// A file beside the one that is to be written.
pub(crate) struct PrivateFile {
    /// What names the file.
    option: &'static str,
    path: PathBuf,
    draft: PathBuf,
    file: File,
    /// Whether the draft has the content.
    is_kept: bool,
}

impl PrivateFile {
    /// # Errors
    ///
    /// Local ones, before anything is sent.
    pub(crate) fn begin(option: &'static str, path: &str) -> Result<Self, Failure> {
        let usage = |what: &str| Failure::usage(format!("{option} {what}"));
        if is_token(path) {
            return Err(usage("takes the path of a file, and this looks like a token"));
        }
        if path.ends_with(std::path::is_separator) {
            return Err(usage("names a folder"));
        }
        let path = target(option, Path::new(path))?;
        let mut name = path.file_name().ok_or_else(|| usage("names no file"))?.to_owned();
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

    /// Puts a token in place, on a line of its own. Returns where it is.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish).
    pub(crate) fn finish_token(self, token: &Secret) -> Result<PathBuf, Unsaved> {
        self.finish(Zeroizing::new(format!("{}\n", token.expose_secret())).as_bytes())
    }

    /// Puts the content in place. Returns where it is.
    ///
    /// # Errors
    ///
    /// Local ones. What is written and cannot be put in place stays in another file.
    pub(crate) fn finish(mut self, content: &[u8]) -> Result<PathBuf, Unsaved> {
        // Cut off after it is written: until then the room is there.
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

/// Why the content is not in its file, and the other file that it is in, if any.
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

/// Keeps a token that has nowhere else to go: in a new file of this folder, or else of the one for temporary files.
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

/// The regular file that is to be replaced, behind all links, or a new one.
pub(crate) fn target(option: &'static str, path: &Path) -> Result<PathBuf, Failure> {
    let usage = |what: &str| Err(Failure::usage(format!("{option} {what}")));
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => usage("names a folder"),
        Ok(metadata) if metadata.is_file() => fs::canonicalize(path).map_err(|error| failed(option, &error)),
        Ok(_) => usage("takes a regular file or a new one, and this is a device, pipe or socket"),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(option, &error)),
        Err(_) if fs::symlink_metadata(path).is_ok() => usage("names a link to a file that does not exist"),
        Err(_) => Ok(path.to_owned()),
    }
}

/// A JWT, which somebody meant to pipe in.
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

/// So that the new name survives a crash. Not every system has it.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        _ = folder.sync_all();
    }
}

fn failed(option: &str, error: &io::Error) -> Failure {
    Failure::local(format!("the file of {option} cannot be written: {error}"))
}
