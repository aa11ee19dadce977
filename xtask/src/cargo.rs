//! Cargo and what it starts, started by us: without what the cargo that started us said of ourselves.
//! It decides nothing.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use openapi_drift::Result;

/// Cargo in `folder`, without arguments.
pub(crate) fn cargo(folder: &Path) -> Command {
    starting(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), folder)
}

/// Another program in `folder` that may start cargo.
pub(crate) fn starting(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    // `cargo run` told us which package we are. Passed on, that has ring built anew each time.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    command
}

/// The workspace in `folder` and all that it depends on, as `Cargo.lock` has it.
///
/// # Errors
///
/// When cargo has none.
pub(crate) fn metadata(folder: &Path) -> Result<Value> {
    let mut command = cargo(folder);
    command.args(["metadata", "--format-version", "1", "--locked", "--all-features"]);
    let output = succeeded(&mut command)?;
    Ok(serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?)
}

/// Runs `command`, which shows what it says.
///
/// # Errors
///
/// When it does not start or does not succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("{} does not start: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed", shown(command)).into()) }
}

/// Runs `command`, and keeps what it says.
///
/// # Errors
///
/// When it does not start or does not succeed, with what it said of that.
pub(crate) fn succeeded(command: &mut Command) -> Result<Output> {
    let output = command.output().map_err(|error| format!("{} does not start: {error}", shown(command)))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{} failed: {}", shown(command), said.trim()).into())
}

/// The program's name and its arguments.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = [program].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_not_told_which_package_we_are() {
        let command = cargo(Path::new("."));
        let removed = command.get_envs().filter(|(_, value)| value.is_none());
        let removed: Vec<_> = removed.map(|(name, _)| name.to_string_lossy()).collect();
        assert!(removed.iter().any(|name| name == "CARGO_PKG_NAME"), "{removed:?}");
    }

    #[test]
    fn a_failure_says_what_failed_and_why() {
        let error = succeeded(cargo(Path::new(".")).arg("--no-such-flag")).unwrap_err().to_string();
        assert!(error.contains("cargo --no-such-flag failed: "), "{error}");
        assert!(error.contains("unexpected argument"), "{error}");
    }
}
