//! `cargo xtask shuttle`: the token cache keeps its promises in every interleaving that `tests/shuttle` explores.

use std::path::Path;

use super::Verdict;
use crate::cargo::{self, cargo};
use openapi_drift::Result;

pub(super) fn run(root: &Path) -> Result<Verdict> {
    let mut test = cargo(root);
    test.args(["test", "--quiet", "--locked", "--manifest-path", "tests/shuttle/Cargo.toml"]);
    // A workspace of its own, and an optimization level of its own.
    test.args(["--target-dir", "target/shuttle"]);
    cargo::run(&mut test)?;
    Ok(Verdict::Held("shuttle: no explored interleaving breaks a promise".to_owned()))
}
