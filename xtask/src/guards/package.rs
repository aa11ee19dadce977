//! `cargo xtask package`: checks that the packed crate builds and that cargo prints no unexpected
//! warnings.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use super::held;
use super::packed::archive;
use crate::cargo::{self, cargo};
use openapi_drift::{Output, Problems, Result};

pub(super) fn run(root: &Path) -> Result<Output> {
    let mut package = cargo(root);
    package.args(["package", "-p", "fintech-auth", "--allow-dirty"]).stderr(Stdio::piped());
    let failed = |error| format!("package: {error}");
    let mut cargo = package.spawn().map_err(failed)?;
    let mut problems = Problems::default();
    for line in cargo.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).lines()) {
        let line = line.map_err(failed)?;
        if is_unexpected_warning(&line) {
            problems.push(format!("package: {line}"));
        }
        eprintln!("{line}");
    }
    if !cargo.wait().map_err(failed)?.success() {
        problems.push("package: cargo package failed");
    }
    let archive = archive(&cargo::metadata(root)?)?;
    let size = fs::metadata(&archive).map_err(failed)?.len();
    problems.or(held(format!("package: builds, {} KiB", size.div_ceil(1024))))
}

fn is_unexpected_warning(line: &str) -> bool {
    // These warnings are expected, because the repository has no URL yet, and tests and benchmarks
    // are not packed. The wording of the warnings depends on the version of cargo.
    let is_unknown_place = line.strip_prefix("warning: manifest has no ").is_some_and(|lacked| {
        let mut words = lacked.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.all(|word| ["documentation", "homepage", "repository", "or", "and"].contains(&word))
    });
    let stays_out =
        line.starts_with("warning: ignoring ") && line.contains("not included in the published package");
    line.starts_with("warning") && !is_unknown_place && !stays_out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_packaging_warnings_are_ignored() {
        for places in ["documentation, homepage or repository", "documentation, homepage, or repository."] {
            assert!(!is_unexpected_warning(&format!("warning: manifest has no {places}")), "{places}");
        }
        assert!(!is_unexpected_warning(
            "warning: ignoring test `it` as `tests/it/main.rs` is not included in the published package"
        ));
        assert!(!is_unexpected_warning("    Packaged 161 files"));
    }

    #[test]
    fn unexpected_packaging_warnings_are_reported() {
        assert!(is_unexpected_warning(
            "warning: package `a v1.0.0` in Cargo.lock is yanked in registry `crates-io`"
        ));
        assert!(is_unexpected_warning("warning: ignoring the readme"));
        assert!(is_unexpected_warning(
            "warning: manifest has no description, documentation, homepage or repository"
        ));
        assert!(is_unexpected_warning("warning: unused import: `std::fmt`"));
    }
}
