//! Keeps a refresh token in a file. The file is made and its room is reserved before anything is sent, so that a token
//! is not spent for one that cannot be kept, and put in place in one step. Never writes to a file that others can
//! read, nor to anything but a regular file.

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
pub(super) struct Saving {
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
    pub(super) fn begin(path: &str) -> Result<Self, Failure> {
        if is_token(path) {
            return Err(Failure::usage("--save takes the path of a file, and this looks like a token"));
        }
        if path.ends_with(std::path::is_separator) {
            return Err(Failure::usage("--save names a folder"));
        }
        let path = target(Path::new(path))?;
        let mut name = path.file_name().ok_or_else(|| Failure::usage("--save names no file"))?.to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let draft = path.with_file_name(name);
        let file = private(&draft).map_err(|error| failed(&error))?;
        let mut saving = Self { path, draft, file, is_kept: false };
        saving.reserve().map_err(|error| failed(&error))?;
        Ok(saving)
    }

    fn reserve(&mut self) -> io::Result<()> {
        self.file.write_all(&vec![0; ROOM])?;
        self.file.sync_all()?;
        self.file.rewind()
    }

    /// Puts the token in place. Returns where it is.
    ///
    /// # Errors
    ///
    /// Local ones. A token that is written and cannot be put in place stays in another file.
    pub(super) fn finish(mut self, token: &Secret) -> Result<PathBuf, Unsaved> {
        let line = Zeroizing::new(format!("{}\n", token.expose_secret()));
        // Cut off after it is written: until then the room is there.
        let written = self
            .file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.set_len(line.len() as u64))
            .and_then(|()| self.file.sync_all());
        written.map_err(|error| Unsaved { failure: failed(&error), path: None })?;
        self.is_kept = true;
        if let Err(error) = fs::rename(&self.draft, &self.path) {
            return Err(Unsaved { failure: failed(&error), path: Some(self.draft.clone()) });
        }
        sync_folder(&self.path);
        Ok(self.path.clone())
    }
}

/// Why a token is not in its file, and the other file that it is in, if any.
pub(super) struct Unsaved {
    pub(super) failure: Failure,
    pub(super) path: Option<PathBuf>,
}

impl Drop for Saving {
    fn drop(&mut self) {
        if !self.is_kept {
            _ = fs::remove_file(&self.draft);
        }
    }
}

/// Keeps a token that has nowhere else to go: in a new file of this folder, or else of the one for temporary files.
pub(super) fn rescue(token: &Secret) -> io::Result<PathBuf> {
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
fn target(path: &Path) -> Result<PathBuf, Failure> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(Failure::usage("--save names a folder")),
        Ok(metadata) if metadata.is_file() => fs::canonicalize(path).map_err(|error| failed(&error)),
        Ok(_) => Err(Failure::usage(
            "--save takes a regular file or a new one, and this is a device, pipe or socket",
        )),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&error)),
        Err(_) if fs::symlink_metadata(path).is_ok() => {
            Err(Failure::usage("--save names a link to a file that does not exist"))
        }
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

fn failed(error: &io::Error) -> Failure {
    Failure::local(format!("the file of --save cannot be written: {error}"))
}
