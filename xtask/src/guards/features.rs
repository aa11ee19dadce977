//! `cargo xtask features`: each feature alone, and no feature, builds without a warning. The features are
//! read from the manifest, so none is forgotten.

use std::collections::BTreeMap;
use std::path::Path;

use super::{held, library};
use crate::cargo::{self, cargo};
use openapi_drift::{Output, Problems, Result};

pub(super) fn run(root: &Path) -> Result<Output> {
    let metadata = cargo::metadata(root)?;
    let names = names(&library(&metadata)?.features);
    let mut problems = Problems::default();
    for name in &names {
        eprintln!("features: {}", if name.is_empty() { "none" } else { name });
        // Not the tests: their dependencies enable features.
        let mut clippy = cargo(root);
        clippy.args(["clippy", "-q", "-p", "fintech-auth", "--no-default-features", "--features", name]);
        if let Err(problem) = cargo::run(clippy.args(["--", "-D", "warnings"])) {
            problems.extend(problem);
        }
    }
    problems.or(held(format!("features: {} builds without a warning", names.len())))
}

/// Each feature of the package but `default`, after the empty name for no feature.
fn names(features: &BTreeMap<String, Vec<String>>) -> Vec<&str> {
    let alone = features.keys().map(String::as_str).filter(|name| *name != "default");
    [""].into_iter().chain(alone).collect()
}
