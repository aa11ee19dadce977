//! Runs the tests of the packages that are outside the workspace.

use std::path::Path;

use super::held;
use crate::cargo::{self, cargo};
use openapi_drift::{Output, Result};

pub(super) fn shuttle(root: &Path) -> Result<Output> {
    test(root, "tests/shuttle/Cargo.toml", "target/shuttle")?;
    Ok(held("shuttle: all explored interleavings passed"))
}

pub(super) fn examples(root: &Path) -> Result<Output> {
    test(root, "examples/webhook_frameworks/Cargo.toml", "target/examples")?;
    Ok(held("examples: all examples outside the workspace passed"))
}

fn test(root: &Path, manifest: &str, target: &str) -> Result<()> {
    let mut test = cargo(root);
    test.args([
        "test",
        "--quiet",
        "--locked",
        "--workspace",
        "--manifest-path",
        manifest,
        "--target-dir",
        target,
    ]);
    cargo::run(&mut test)
}
