//! Packs the crate with `cargo package`, and unpacks the package below `target/packed/` as a
//! separate workspace.
//!
//! Removes the dev-dependencies. Otherwise they would enable features that a user's build does not
//! have, and would select newer versions of some crates.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::Metadata;
use toml_edit::{DocumentMut, Item, Table};

use super::library;
use crate::cargo::{self, cargo, starting};
use openapi_drift::Result;

#[derive(Debug)]
pub(super) struct Packed {
    pub(super) folder: PathBuf,
    /// The target directory of the main workspace. It is shared, so that dependencies are built
    /// only once.
    target: PathBuf,
}

impl Packed {
    pub(super) fn unpack(root: &Path, place: &str) -> Result<Self> {
        let metadata = cargo::metadata(root)?;
        let target = metadata.target_directory.clone().into_std_path_buf();
        let folder = target.join("packed").join(place);
        let archive = archive(&metadata)?;
        let pack = ["package", "-q", "-p", "fintech-auth", "--allow-dirty", "--no-verify"];
        cargo::succeeded(cargo(root).args(pack))?;
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut tar = Command::new("tar");
        // Packed files have a date in 2006. With this date, cargo would not notice changes, so the
        // flag `m` sets the times of the extracted files to now.
        tar.arg("xzmf").arg(archive).arg("-C").arg(&folder).args(["--strip-components", "1"]);
        cargo::succeeded(&mut tar)?;
        let packed = Self { folder, target };
        packed.edit_manifest(as_own_workspace)?;
        cargo::succeeded(packed.cargo().args(["update", "-q", "--workspace", "--offline"]))?;
        Ok(packed)
    }

    pub(super) fn edit_manifest(&self, edit: impl FnOnce(&str) -> Result<String>) -> Result<()> {
        let manifest = self.folder.join("Cargo.toml");
        let failed = |error| format!("cannot edit the packed manifest: {error}");
        let text = fs::read_to_string(&manifest).map_err(failed)?;
        Ok(fs::write(&manifest, edit(&text)?).map_err(failed)?)
    }

    pub(super) fn cargo(&self) -> Command {
        let mut command = cargo(&self.folder);
        command.env("CARGO_TARGET_DIR", &self.target);
        command
    }

    pub(super) fn cargo_of(&self, toolchain: &str) -> Command {
        let mut command = starting("rustup", &self.folder);
        command.args(["run", toolchain, "cargo"]).env("CARGO_TARGET_DIR", &self.target);
        command
    }
}

pub(super) fn archive(metadata: &Metadata) -> Result<PathBuf> {
    let name = format!("package/fintech-auth-{}.crate", library(metadata)?.version);
    Ok(metadata.target_directory.join(name).into_std_path_buf())
}

fn as_own_workspace(manifest: &str) -> Result<String> {
    let mut toml: DocumentMut =
        manifest.parse().map_err(|error| format!("cannot parse the packed manifest: {error}"))?;
    toml.remove("dev-dependencies");
    toml.insert("workspace", Item::Table(Table::new()));
    Ok(toml.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_manifest_has_no_dev_dependencies() {
        let manifest = "[package]\nname = \"a\"\n[dependencies.b]\nversion = \"1\"\n[dev-dependencies.c]\nversion = \"2\"\n";
        insta::assert_snapshot!(as_own_workspace(manifest).unwrap(), @r#"
        [package]
        name = "a"
        [dependencies.b]
        version = "1"

        [workspace]
        "#);
    }
}
