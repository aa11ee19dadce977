//! Starts cargo and other programs without the environment variables that `cargo run` has set for
//! this program.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use cargo_metadata::{CargoOpt, Metadata, MetadataCommand};

use openapi_drift::Result;

pub(crate) fn cargo(folder: &Path) -> Command {
    starting(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), folder)
}

pub(crate) fn starting(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    // If cargo got the variables of the running cargo, it would rebuild ring each time.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    command
}

pub(crate) fn metadata(folder: &Path) -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.current_dir(folder).features(CargoOpt::AllFeatures).other_options(["--locked".to_owned()]);
    Ok(command.exec().map_err(|error| format!("cargo metadata: {error}"))?)
}

pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed", shown(command)).into()) }
}

pub(crate) fn succeeded(command: &mut Command) -> Result<Output> {
    let output = command.output().map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
    if output.status.success() {
        return Ok(output);
    }
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{} failed: {}", shown(command), stderr.trim()).into())
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = [program].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_command_runs_without_cargo_pkg_variables() {
        let command = cargo(Path::new("."));
        let removed = command.get_envs().filter(|(_, value)| value.is_none());
        let removed: Vec<_> = removed.map(|(name, _)| name.to_string_lossy()).collect();
        assert!(removed.iter().any(|name| name == "CARGO_PKG_NAME"), "{removed:?}");
    }

    #[test]
    fn error_shows_the_command_and_its_output() {
        let error = succeeded(cargo(Path::new(".")).arg("--no-such-flag")).unwrap_err().to_string();
        assert!(error.contains("cargo --no-such-flag failed: "), "{error}");
        assert!(error.contains("unexpected argument"), "{error}");
    }
}
