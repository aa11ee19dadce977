//! The crate as its users get it: packed, and unpacked as a workspace of its own, in a folder under
//! `target/packed/`. What only our tests need is left out of its manifest, because that would switch features
//! on and raise versions that users do not have. Nothing that is checked in is touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table};

use super::ours;
use crate::cargo::{self, cargo, starting};
use openapi_drift::Result;

/// The crate, unpacked.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) folder: PathBuf,
    /// Where cargo builds the workspace: with it, what was built once is not built again.
    target: PathBuf,
}

impl Packed {
    /// Packs the crate at `root` and unpacks it in `target/packed/<place>`, in which nothing else is left.
    ///
    /// # Errors
    ///
    /// When it cannot be packed or unpacked.
    pub(super) fn unpack(root: &Path, place: &str) -> Result<Self> {
        let metadata = cargo::metadata(root)?;
        let target = target(&metadata)?;
        let folder = target.join("packed").join(place);
        let archive = archive(&metadata)?;
        let pack = ["package", "-q", "-p", "fintech-auth", "--allow-dirty", "--no-verify"];
        cargo::succeeded(cargo(root).args(pack))?;
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut tar = Command::new("tar");
        // As of now: all packed files are of one day in 2006, by which cargo would take a new one for built.
        tar.arg("xzmf").arg(archive).arg("-C").arg(&folder).args(["--strip-components", "1"]);
        cargo::succeeded(&mut tar)?;
        let manifest = folder.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).map_err(|error| format!("the packed manifest: {error}"))?;
        fs::write(&manifest, alone(&text)?).map_err(|error| format!("the packed manifest: {error}"))?;
        let packed = Self { folder, target };
        // What is left of the packed lock: the versions stay, those of tests go.
        cargo::succeeded(packed.cargo().args(["update", "-q", "--workspace", "--offline"]))?;
        Ok(packed)
    }

    /// Cargo in the folder.
    pub(super) fn cargo(&self) -> Command {
        let mut command = cargo(&self.folder);
        command.env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// The same, of another toolchain.
    pub(super) fn cargo_of(&self, toolchain: &str) -> Command {
        let mut command = starting("rustup", &self.folder);
        command.args(["run", toolchain, "cargo"]).env("CARGO_TARGET_DIR", &self.target);
        command
    }
}

fn target(metadata: &Value) -> Result<PathBuf> {
    let target = metadata["target_directory"].as_str();
    Ok(target.map(PathBuf::from).ok_or_else(|| "cargo did not say where it builds".to_owned())?)
}

/// Where `cargo package` puts the crate.
///
/// # Errors
///
/// When the metadata is not that of our workspace.
pub(super) fn archive(metadata: &Value) -> Result<PathBuf> {
    let version = ours(metadata)?["version"].as_str().unwrap_or_default();
    Ok(target(metadata)?.join(format!("package/fintech-auth-{version}.crate")))
}

/// The manifest of a workspace of its own, without what only tests need.
fn alone(manifest: &str) -> Result<String> {
    let mut toml: DocumentMut =
        manifest.parse().map_err(|error| format!("the packed manifest does not parse: {error}"))?;
    toml.remove("dev-dependencies");
    toml.insert("workspace", Item::Table(Table::new()));
    Ok(toml.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_tests_need_is_left_out() {
        let manifest = "[package]\nname = \"a\"\n[dependencies.b]\nversion = \"1\"\n[dev-dependencies.c]\nversion = \"2\"\n";
        insta::assert_snapshot!(alone(manifest).unwrap(), @r#"
        [package]
        name = "a"
        [dependencies.b]
        version = "1"

        [workspace]
        "#);
    }
}
