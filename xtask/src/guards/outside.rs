//! Tests of the packages that are workspaces of their own, because their lock file or their optimization level
//! differs.

use std::path::Path;

use super::held;
use crate::cargo::{self, cargo};
use openapi_drift::{Output, Result};

/// `cargo xtask shuttle`: the interleavings of the token cache.
pub(super) fn shuttle(root: &Path) -> Result<Output> {
    test(root, "tests/shuttle/Cargo.toml", "target/shuttle")?;
    Ok(held("shuttle: all explored interleavings passed"))
}

/// `cargo xtask frameworks`: webhook handlers in actix-web and AWS Lambda.
pub(super) fn frameworks(root: &Path) -> Result<Output> {
    test(root, "examples/webhook_frameworks/Cargo.toml", "target/frameworks")?;
    Ok(held("frameworks: the handlers of all frameworks passed"))
}

fn test(root: &Path, manifest: &str, target: &str) -> Result<()> {
    let mut test = cargo(root);
    test.args(["test", "--quiet", "--locked", "--manifest-path", manifest, "--target-dir", target]);
    cargo::run(&mut test)
}
