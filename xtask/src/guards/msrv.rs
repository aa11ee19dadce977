//! `cargo xtask msrv`: checks the Rust version that the manifest states (MSRV).
//!
//! The crate must build with a toolchain of the stated version, and no dependency may require a
//! newer version. Dev-dependencies are not checked, because users do not build them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use cargo_metadata::semver::Version;
use cargo_metadata::{DependencyKind, Metadata, Package};
use openapi_drift::{Output, Problems, Result};

use super::packed::Packed;
use super::{held, library, skipped};
use crate::cargo;

pub(super) fn run(root: &Path) -> Result<Output> {
    let metadata = cargo::metadata(root)?;
    let stated = library(&metadata)?.rust_version.clone();
    let stated = stated.ok_or_else(|| "the manifest has no rust-version".to_owned())?;
    check_dependencies(&metadata, &stated)?;
    let list = Command::new("rustup").args(["toolchain", "list"]).output();
    let list = list.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let short = format!("{}.{}", stated.major, stated.minor);
    let Some(toolchain) = toolchain(&list, &short) else {
        return Ok(skipped(format!(
            "msrv: no dependency requires a newer Rust; not built with {short}, because the toolchain is \
             not installed (run `rustup toolchain install {short}`)"
        )));
    };
    let packed = Packed::unpack(root, "msrv")?;
    cargo::run(packed.cargo_of(toolchain).args(["check", "-q", "--locked", "--all-features"]))?;
    Ok(held(format!("msrv: no dependency requires a newer Rust; builds with {toolchain}")))
}

fn check_dependencies(metadata: &Metadata, stated: &Version) -> Result<()> {
    let mut problems = Problems::default();
    for package in built_by_users(metadata)? {
        if let Some(asked) = package.rust_version.as_ref().filter(|asked| *asked > stated) {
            let name = format!("{} {}", package.name, package.version);
            problems.push(format!("msrv: {name} requires Rust {asked}, but the manifest states {stated}"));
        }
    }
    problems.or(())
}

fn built_by_users(metadata: &Metadata) -> Result<Vec<&Package>> {
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let nodes: BTreeMap<_, _> = nodes.map(|node| (&node.id, node)).collect();
    let own = &library(metadata)?.id;
    let (mut seen, mut open) = (BTreeSet::from([own]), vec![own]);
    while let Some(id) = open.pop() {
        for dependency in nodes.get(id).iter().flat_map(|node| &node.deps) {
            let is_built = dependency.dep_kinds.iter().any(|it| it.kind != DependencyKind::Development);
            if is_built && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    seen.remove(own);
    Ok(metadata.packages.iter().filter(|package| seen.contains(&package.id)).collect())
}

fn toolchain<'a>(list: &'a str, stated: &str) -> Option<&'a str> {
    let mut names = list.lines().filter_map(|line| line.split_whitespace().next());
    names.find(|name| {
        let rest = name.strip_prefix(stated);
        // The version 1.8 must not match the toolchain 1.89. The version 1.89 must match the
        // toolchain 1.89.0.
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn workspace(b: &str) -> Metadata {
        let id = |name: &str| format!("path+file:///{name}#1.0.0");
        let package = |name: &str, rust: &str| {
            json!({
                "id": id(name), "name": name, "version": "1.0.0", "rust_version": rust, "dependencies": [],
                "targets": [], "features": {}, "manifest_path": "/Cargo.toml",
            })
        };
        let dependency = |name: &str, kind: Value| json!({ "pkg": id(name), "name": name, "dep_kinds": [{ "kind": kind, "target": null }] });
        let node = |name: &str, deps: Value| json!({ "id": id(name), "dependencies": [], "deps": deps });
        let metadata = json!({
            "version": 1, "workspace_root": "/", "target_directory": "/target",
            "workspace_members": [id("fintech-auth")], "workspace_default_members": [id("fintech-auth")],
            "packages": [
                package("fintech-auth", "1.89"), package("a", "1.60"), package("b", b), package("c", "1.99"),
            ],
            "resolve": { "root": null, "nodes": [
                node("fintech-auth", json!([dependency("a", json!("build")), dependency("c", json!("dev"))])),
                node("a", json!([dependency("b", json!(null))])),
                node("b", json!([dependency("a", json!(null))])),
                node("c", json!([])),
            ] },
        });
        serde_json::from_value(metadata).unwrap()
    }

    fn check(b: &str) -> Result<()> {
        check_dependencies(&workspace(b), &Version::new(1, 89, 0))
    }

    #[test]
    fn dependency_that_requires_a_newer_rust_is_reported() {
        insta::assert_snapshot!(check("1.90.0").unwrap_err(), @"msrv: b 1.0.0 requires Rust 1.90.0, but the manifest states 1.89.0");
    }

    #[test]
    fn dev_dependencies_may_require_a_newer_rust() {
        assert!(check("1.89.0").is_ok());
    }

    #[test]
    fn toolchain_is_found_by_its_full_version() {
        let list =
            "stable-x86_64-unknown-linux-gnu (active, default)\n1.89.0-x86_64-unknown-linux-gnu\n1.9-b\n";
        assert_eq!(toolchain(list, "1.89"), Some("1.89.0-x86_64-unknown-linux-gnu"));
        assert_eq!(toolchain(list, "1.8"), None);
        assert_eq!(toolchain(list, "1.90"), None);
    }
}
