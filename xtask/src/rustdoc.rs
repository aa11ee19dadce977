//! Runs rustdoc on the library through cargo, with a separate output folder and with unstable
//! options.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cargo::{self, cargo};
use openapi_drift::Result;

/// If this variable is set, cargo has started this program in place of rustdoc. The value is the
/// output folder of rustdoc.
const MARK: &str = "XTASK_AS_RUSTDOC";

pub(crate) fn run(root: &Path, folder: &Path, features: &[&str], args: &[&str]) -> Result<()> {
    let this =
        env::current_exe().map_err(|error| format!("cannot find the path of this program: {error}"))?;
    cargo::run(command(root, features, args).env("RUSTDOC", this).env(MARK, folder))
}

fn command(root: &Path, features: &[&str], args: &[&str]) -> Command {
    let mut command = cargo(root);
    command.args(["rustdoc", "-q", "--locked", "-p", "fintech-auth", "--lib"]);
    command.args(features).arg("--").args(args);
    command
}

/// If cargo got the unstable options of rustdoc, cargo would rebuild every dependency.
pub(crate) fn as_rustdoc() -> Option<bool> {
    let folder = env::var_os(MARK)?;
    let mut args: Vec<_> = env::args_os().skip(1).collect();
    if let Some(at) = args.iter().position(|arg| arg == "-o" || arg == "--out-dir")
        && let Some(given) = args.get_mut(at + 1)
    {
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
    fn rustdoc_command_uses_the_lock_file_and_no_cargo_pkg_variables() {
        let command = command(Path::new("."), &["--all-features"], &["-D", "warnings"]);
        let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
        assert!(args.iter().any(|arg| arg == "--locked"), "{args:?}");
        assert!(args.ends_with(&["--all-features".into(), "--".into(), "-D".into(), "warnings".into()]));
        assert!(command.get_envs().any(|(name, value)| name == "CARGO_PKG_NAME" && value.is_none()));
    }
}
