//! `cargo xtask minimal`: checks that the crate builds if each direct dependency has the lowest
//! version that the manifest allows.

use std::fs;
use std::path::Path;

use super::held;
use super::packed::Packed;
use crate::cargo;
use openapi_drift::{Output, Problems, Result};

pub(super) fn run(root: &Path) -> Result<Output> {
    let packed = Packed::unpack(root, "minimal")?;
    fs::remove_file(packed.folder.join("Cargo.lock")).map_err(|error| format!("Cargo.lock: {error}"))?;
    // Some dependencies build differently if `RUSTC_BOOTSTRAP` is set, so only `cargo update` gets
    // this variable.
    let mut resolve = packed.cargo();
    resolve.args(["update", "-q", "-Z", "direct-minimal-versions"]).env("RUSTC_BOOTSTRAP", "1");
    cargo::succeeded(&mut resolve).map_err(with_advice)?;
    cargo::run(packed.cargo().args(["check", "-q", "--locked", "--all-features"])).map_err(with_advice)?;
    Ok(held("minimal: builds with the lowest version of each dependency"))
}

fn with_advice(mut problems: Problems) -> Problems {
    problems
        .push("minimal: a lower bound in Cargo.toml is too low; raise it to the first version that works");
    problems
}
