//! `cargo xtask features`: checks that the library builds without warnings with each feature alone,
//! and without any feature.

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
        // The tests are not checked, because the dev-dependencies enable additional features of the
        // library.
        let mut clippy = cargo(root);
        clippy.args(["clippy", "-q", "-p", "fintech-auth", "--no-default-features", "--features", name]);
        if let Err(problem) = cargo::run(clippy.args(["--", "-D", "warnings"])) {
            problems.extend(problem);
        }
    }
    problems.or(held(format!("features: {} builds without warnings", names.len())))
}

fn names(features: &BTreeMap<String, Vec<String>>) -> Vec<&str> {
    let alone = features.keys().map(String::as_str).filter(|name| *name != "default");
    [""].into_iter().chain(alone).collect()
}
