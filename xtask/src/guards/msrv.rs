//! `cargo xtask msrv`: the Rust version in the manifest is true. No dependency of users' asks for a later
//! one, and the crate builds with it, where rustup has that toolchain; else it says that it did not build.
//! (What std had not yet in that version, clippy's `incompatible_msrv` refuses.) It installs nothing.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::packed::Packed;
use super::{Verdict, ours};
use crate::cargo;
use openapi_drift::{Problems, Result};

pub(super) fn run(root: &Path) -> Result<Verdict> {
    let metadata = cargo::metadata(root)?;
    let stated = ours(&metadata)?["rust_version"].as_str().unwrap_or_default();
    let asking = asking(&metadata, stated)?;
    let list = Command::new("rustup").args(["toolchain", "list"]).output();
    let list = list.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let Some(toolchain) = toolchain(&list, stated) else {
        return Ok(Verdict::Skipped(format!(
            "msrv: {asking}; but it was not built with {stated}: rustup has no such toolchain here \
             (`rustup toolchain install {stated}`)"
        )));
    };
    let packed = Packed::unpack(root, "msrv")?;
    cargo::run(packed.cargo_of(toolchain).args(["check", "-q", "--locked", "--all-features"]))?;
    Ok(Verdict::Held(format!("msrv: {asking}; it builds with {toolchain}")))
}

/// Who asks for the latest version, in words.
///
/// # Errors
///
/// Names each that asks for a later one than is stated.
fn asking(metadata: &Value, stated: &str) -> Result<String> {
    let own = version(stated).ok_or_else(|| "rust-version is not in the manifest".to_owned())?;
    let mut problems = Problems::default();
    let mut most = Vec::new();
    for package in built_by_users(metadata)? {
        let Some(asked) = package["rust_version"].as_str().and_then(version) else { continue };
        let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
        if asked > own {
            let asked = text(&package["rust_version"]);
            problems.push(format!("msrv: {name} asks for Rust {asked}, and we state {stated}"));
        }
        most.push((asked, name));
    }
    let latest = most.iter().map(|(asked, _)| *asked).max().unwrap_or_default();
    let names: Vec<_> =
        most.into_iter().filter(|(asked, _)| *asked == latest).map(|(_, name)| name).collect();
    let (major, minor, _) = latest;
    let who = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    problems.or(format!("{stated} is stated, and dependencies ask for at most {major}.{minor} ({who})"))
}

/// The packages that users build with us, whatever the platform and the feature: not those of our tests.
fn built_by_users(metadata: &Value) -> Result<Vec<&Value>> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let packages: HashMap<_, _> = packages.map(|package| (text(&package["id"]), package)).collect();
    let nodes = metadata["resolve"]["nodes"].as_array().into_iter().flatten();
    let nodes: HashMap<_, _> = nodes.map(|node| (text(&node["id"]), node)).collect();
    let own = text(&ours(metadata)?["id"]);
    let (mut seen, mut open) = (HashSet::from([own]), vec![own]);
    let mut built = Vec::new();
    while let Some(id) = open.pop() {
        built.extend(packages.get(id).filter(|_| id != own));
        for dependency in nodes.get(id).and_then(|node| node["deps"].as_array()).into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array();
            let is_built = kinds.into_iter().flatten().any(|kind| kind["kind"] != "dev");
            let id = text(&dependency["pkg"]);
            if is_built && seen.insert(id) {
                open.push(id);
            }
        }
    }
    Ok(built)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// `1.89` or `1.89.0`, to be compared.
fn version(text: &str) -> Option<(u64, u64, u64)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?))
}

/// The toolchain of that version, as rustup lists it.
fn toolchain<'a>(list: &'a str, stated: &str) -> Option<&'a str> {
    let mut names = list.lines().filter_map(|line| line.split_whitespace().next());
    names.find(|name| {
        let rest = name.strip_prefix(stated);
        // 1.8 is no beginning of 1.89; 1.89.0 is the same.
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A workspace whose crate builds `a`, which builds `b`, and tests with `c`.
    fn workspace(b: &str) -> Value {
        let package = |name: &str, asks: &str, source: Value| json!({ "id": name, "name": name, "version": "1.0.0", "rust_version": asks, "source": source });
        let on = |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        json!({
            "packages": [
                package("fintech-auth", "1.89", json!(null)),
                package("a", "1.60", json!("registry")),
                package("b", b, json!("registry")),
                package("c", "1.99", json!("registry")),
            ],
            "resolve": { "nodes": [
                { "id": "fintech-auth", "deps": [on("a", json!("build")), on("c", json!("dev"))] },
                { "id": "a", "deps": [on("b", json!(null))] },
                { "id": "b", "deps": [on("a", json!(null))] },
                { "id": "c", "deps": [] },
            ] },
        })
    }

    #[test]
    fn a_dependency_that_asks_for_a_later_rust_is_named() {
        insta::assert_snapshot!(asking(&workspace("1.90.0"), "1.89").unwrap_err(), @"msrv: b 1.0.0 asks for Rust 1.90.0, and we state 1.89");
    }

    #[test]
    fn what_only_tests_build_may_ask_for_what_it_likes() {
        insta::assert_snapshot!(asking(&workspace("1.89.0"), "1.89").unwrap(), @"1.89 is stated, and dependencies ask for at most 1.89 (b 1.0.0)");
    }

    #[test]
    fn a_toolchain_is_found_by_the_whole_of_its_version() {
        let list =
            "stable-x86_64-unknown-linux-gnu (active, default)\n1.89.0-x86_64-unknown-linux-gnu\n1.9-b\n";
        assert_eq!(toolchain(list, "1.89"), Some("1.89.0-x86_64-unknown-linux-gnu"));
        assert_eq!(toolchain(list, "1.8"), None);
        assert_eq!(toolchain(list, "1.90"), None);
    }
}
