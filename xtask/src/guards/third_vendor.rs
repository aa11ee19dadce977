//! `cargo xtask third-vendor`: adds the vendor in `tests/third_vendor/acme.patch` to a copy of the
//! crate and runs the test of this vendor.

use std::path::Path;
use std::process::Command;

use super::{held, packed::Packed};
use crate::cargo;
use openapi_drift::{Output, Result};

const PATCH: &str = "tests/third_vendor/acme.patch";
/// A packed manifest must list each test.
const TEST: &str = "\n[[test]]\nname = \"acme\"\npath = \"tests/acme.rs\"\n";

pub(super) fn run(root: &Path) -> Result<Output> {
    let packed = Packed::unpack(root, "third-vendor")?;
    cargo::succeeded(&mut patch(root, &packed.folder))?;
    packed.edit_manifest(|manifest| Ok(manifest.to_owned() + TEST))?;
    // The package is cleaned before and after the test, because cargo may otherwise reuse a build
    // script that another step compiled.
    let clean = || cargo::run(packed.cargo().args(["clean", "--quiet", "-p", "fintech-auth"]));
    clean()?;
    let tested = cargo::run(packed.cargo().args(["test", "--quiet", "--locked", "--test", "acme"]));
    clean()?;
    tested?;
    Ok(held("third-vendor: the new vendor builds and issues a token"))
}

fn patch(root: &Path, folder: &Path) -> Command {
    let mut patch = cargo::starting("patch", folder);
    patch.args(["-p1", "--no-backup-if-mismatch", "-i"]).arg(root.join(PATCH));
    patch
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    #[test]
    fn adding_a_third_vendor_takes_fewer_than_300_lines() {
        let patch = fs::read_to_string(root().join(PATCH)).unwrap();
        let added = patch.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++ "));
        let added = added.count();
        assert!((100..300).contains(&added), "{added}");
    }

    #[test]
    fn third_vendor_patch_applies() {
        cargo::succeeded(patch(root(), root()).arg("--dry-run")).unwrap();
    }
}
