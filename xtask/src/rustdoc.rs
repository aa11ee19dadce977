//! Runs rustdoc over the library by way of cargo, with what it writes where we want it. It allows rustdoc,
//! and nothing else, what is not stable yet.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cargo::{self, cargo};
use openapi_drift::Result;

/// Where the rustdoc that cargo starts puts what it writes: that is this program again, see [`as_rustdoc`].
const MARK: &str = "XTASK_AS_RUSTDOC";

/// Documents the library into `folder`. `features` are arguments of cargo, `args` of rustdoc.
pub(crate) fn run(root: &Path, folder: &Path, features: &[&str], args: &[&str]) -> Result<()> {
    let this = env::current_exe().map_err(|error| format!("which program is this? {error}"))?;
    cargo::run(command(root, features, args).env("RUSTDOC", this).env(MARK, folder))
}

fn command(root: &Path, features: &[&str], args: &[&str]) -> Command {
    let mut command = cargo(root);
    command.args(["rustdoc", "-q", "--locked", "-p", "fintech-auth", "--lib"]);
    command.args(features).arg("--").args(args);
    command
}

/// Where cargo started us in rustdoc's place: rustdoc, with the unstable allowed and its output put where we
/// want it, without what was there. To allow it for all of cargo would have every dependency built anew.
/// `None` where it did not.
pub(crate) fn as_rustdoc() -> Option<bool> {
    let folder = env::var_os(MARK)?;
    let mut args: Vec<_> = env::args_os().skip(1).collect();
    if let Some(at) = args.iter().position(|arg| arg == "-o" || arg == "--out-dir")
        && let Some(given) = args.get_mut(at + 1)
    {
        // Absent at the first time; and rustdoc says if it cannot write there.
        let _ = fs::remove_dir_all(&folder);
        *given = folder;
    }
    let status = Command::new("rustdoc").args(args).env("RUSTC_BOOTSTRAP", "1").status();
    Some(status.is_ok_and(|status| status.success()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_keeps_the_lock_and_is_not_told_which_package_we_are() {
        let command = command(Path::new("."), &["--all-features"], &["-D", "warnings"]);
        let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
        assert!(args.iter().any(|arg| arg == "--locked"), "{args:?}");
        assert!(args.ends_with(&["--all-features".into(), "--".into(), "-D".into(), "warnings".into()]));
        assert!(command.get_envs().any(|(name, value)| name == "CARGO_PKG_NAME" && value.is_none()));
    }
}
