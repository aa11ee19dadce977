//! `cargo xtask deny`: runs cargo-deny with `deny.toml`. Checks advisories only if the advisory
//! database can be fetched.

use std::path::Path;

use super::{held, skipped};
use crate::cargo::{self, cargo};
use openapi_drift::{Output, Result};

pub(super) fn run(root: &Path) -> Result<Output> {
    if cargo::succeeded(cargo(root).args(["deny", "--version"])).is_err() {
        let how = "run `cargo install cargo-deny --locked`, or .ci/run";
        return Ok(skipped(format!("deny: cargo-deny is not installed ({how})")));
    }
    check(root, &["bans", "licenses", "sources"])?;
    if cargo::succeeded(cargo(root).args(["deny", "--workspace", "fetch", "db"])).is_err() {
        let why = "deny: cannot fetch the advisory database (github.com/RustSec/advisory-db)";
        return Ok(skipped(format!("{why}; bans, licences and sources passed")));
    }
    check(root, &["advisories"])?;
    Ok(held("deny: bans, licences, sources and advisories passed"))
}

fn check(root: &Path, what: &[&str]) -> Result<()> {
    let mut deny = cargo(root);
    cargo::run(deny.args(["deny", "--workspace", "--locked", "check", "--show-stats"]).args(what))
}
