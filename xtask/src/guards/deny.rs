//! `cargo xtask deny`: checks `deny.toml` with cargo-deny: licences, duplicate and banned crates, sources,
//! and advisories if their database can be fetched. It installs nothing.

use std::path::Path;

use super::{held, skipped};
use crate::cargo::{self, cargo};
use openapi_drift::{Output, Result};

pub(super) fn run(root: &Path) -> Result<Output> {
    if cargo::succeeded(cargo(root).args(["deny", "--version"])).is_err() {
        let how = "`cargo install cargo-deny --locked`, or the binary of .ci/run";
        return Ok(skipped(format!("deny: cargo-deny is not installed ({how})")));
    }
    check(root, &["bans", "licenses", "sources"])?;
    // A database that cannot be fetched is not a fault of a dependency.
    if cargo::succeeded(cargo(root).args(["deny", "--workspace", "fetch", "db"])).is_err() {
        let why = "deny: cannot fetch the database of advisories (github.com/RustSec/advisory-db)";
        return Ok(skipped(format!("{why}; bans, licences and sources hold")));
    }
    check(root, &["advisories"])?;
    Ok(held("deny: bans, licences, sources and advisories hold"))
}

/// Checks all members of the workspace, not only the library.
fn check(root: &Path, what: &[&str]) -> Result<()> {
    let mut deny = cargo(root);
    cargo::run(deny.args(["deny", "--workspace", "--locked", "check", "--show-stats"]).args(what))
}
