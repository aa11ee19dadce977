//! `cargo xtask deny`: licences, doubled and banned crates and where they are from, by cargo-deny and
//! `deny.toml`; and what is known against a version, where the database of that is in reach. It installs
//! nothing, and says what it could not look at.

use std::path::Path;

use super::Verdict;
use crate::cargo::{self, cargo};
use openapi_drift::Result;

pub(super) fn run(root: &Path) -> Result<Verdict> {
    if cargo::succeeded(cargo(root).args(["deny", "--version"])).is_err() {
        let how = "`cargo install cargo-deny --locked`, or the binary of .ci/run";
        return Ok(Verdict::Skipped(format!("deny: there is no cargo-deny here ({how})")));
    }
    check(root, &["bans", "licenses", "sources"])?;
    // Without the database there is nothing to check by, which is no fault of a dependency.
    if cargo::succeeded(cargo(root).args(["deny", "--workspace", "fetch", "db"])).is_err() {
        let why = "deny: the database of advisories is out of reach (github.com/RustSec/advisory-db)";
        return Ok(Verdict::Skipped(format!("{why}; bans, licences and sources hold")));
    }
    check(root, &["advisories"])?;
    Ok(Verdict::Held("deny: bans, licences, sources and advisories hold".to_owned()))
}

/// Of all members of the workspace, not of the crate alone.
fn check(root: &Path, what: &[&str]) -> Result<()> {
    let mut deny = cargo(root);
    cargo::run(deny.args(["deny", "--workspace", "--locked", "check", "--show-stats"]).args(what))
}
