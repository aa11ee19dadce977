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

/// `cargo xtask examples`: webhook handlers in actix-web and AWS Lambda, and metrics for Prometheus.
pub(super) fn examples(root: &Path) -> Result<Output> {
    test(root, "examples/webhook_frameworks/Cargo.toml", "target/examples")?;
    Ok(held("examples: those outside of the workspace passed"))
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
