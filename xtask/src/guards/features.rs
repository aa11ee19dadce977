//! `cargo xtask features`: each feature alone, and none, without a warning. Which features there are it
//! reads from the manifest, so that none is forgotten. It builds no combinations but those of the features
//! themselves.

use std::path::Path;

use serde_json::Value;

use super::{Verdict, ours};
use crate::cargo::{self, cargo};
use openapi_drift::{Problems, Result};

pub(super) fn run(root: &Path) -> Result<Verdict> {
    let metadata = cargo::metadata(root)?;
    let names = names(ours(&metadata)?);
    let mut problems = Problems::default();
    // All of them, so that one run tells everything there is to mend.
    for name in &names {
        eprintln!("features: {}", if name.is_empty() { "none" } else { name });
        // The library and its programs alone: tests have dependencies that switch features on.
        let mut clippy = cargo(root);
        clippy.args(["clippy", "-q", "-p", "fintech-auth", "--no-default-features", "--features", name]);
        if let Err(problem) = cargo::run(clippy.args(["--", "-D", "warnings"])) {
            problems.extend(problem);
        }
    }
    problems.or(Verdict::Held(format!("features: {} builds without a warning", names.len())))
}

/// Each feature of the package, after the empty name of none.
fn names(package: &Value) -> Vec<String> {
    let named = package["features"].as_object().into_iter().flatten();
    let alone = named.map(|(name, _)| name.clone()).filter(|name| name != "default");
    [String::new()].into_iter().chain(alone).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_feature_that_comes_later_is_built_as_well() {
        let mut package = json!({ "features": { "axum": ["dep:axum-core"], "default": ["axum"] } });
        assert_eq!(names(&package), ["", "axum"]);
        package["features"]["later"] = json!([]);
        assert_eq!(names(&package), ["", "axum", "later"]);
    }
}
