//! `cargo xtask shuttle`: runs the tests of `tests/shuttle`, which explore interleavings of the token cache.

use std::path::Path;

use super::held;
use crate::cargo::{self, cargo};
use openapi_drift::{Output, Result};

pub(super) fn run(root: &Path) -> Result<Output> {
    let mut test = cargo(root);
    test.args(["test", "--quiet", "--locked", "--manifest-path", "tests/shuttle/Cargo.toml"]);
    // A workspace and an optimization level of its own.
    test.args(["--target-dir", "target/shuttle"]);
    cargo::run(&mut test)?;
    Ok(held("shuttle: all explored interleavings passed"))
}
