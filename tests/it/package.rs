//! Checks which files are in the published crate, and which crates are built with it.

use std::{collections::BTreeSet, env, path::PathBuf, process::Command};

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

fn cargo(args: &[&str]) -> Vec<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(args).current_dir(root()).output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

fn packed() -> Vec<String> {
    let list = cargo(&["package", "--list", "--allow-dirty", "--offline", "-p", "fintech-auth"]);
    let list = list.iter().map(|file| file.replace('\\', "/"));
    list.filter(|file| file != ".cargo_vcs_info.json").collect()
}

#[test]
fn package_contains_only_sources_and_specs() {
    let (sources, others): (Vec<_>, Vec<_>) =
        packed().into_iter().partition(|file| file.starts_with("src/") && file.ends_with(".rs"));
    let there = super::layers::sources(&root().join("src"));
    let there =
        there.iter().map(|path| path.strip_prefix(root()).expect("below").to_string_lossy().into_owned());
    assert_eq!(BTreeSet::from_iter(sources), there.map(|file| file.replace('\\', "/")).collect());
    insta::assert_snapshot!(others.join("\n"), @"
    CHANGELOG.md
    Cargo.lock
    Cargo.toml
    Cargo.toml.orig
    LICENSE-APACHE
    LICENSE-MIT
    README.md
    build.rs
    docs/guide/README.md
    docs/guide/bindings.svg
    docs/guide/browser_tokens.md
    docs/guide/first_token.md
    docs/guide/fleet.md
    docs/guide/fleet_lease.svg
    docs/guide/many_merchants.md
    docs/guide/observability.md
    docs/guide/other_languages.md
    docs/guide/reactions.md
    docs/guide/rotate_credentials.md
    docs/guide/testing.md
    docs/guide/token_life.md
    docs/guide/token_life.svg
    docs/guide/token_or_key_pair.md
    docs/guide/troubleshooting.md
    docs/guide/upgrading.md
    docs/guide/webhook_delivery.svg
    docs/guide/webhooks.md
    specs/moneykit/openapi.yaml
    specs/moov/openapi.yaml
    src/token/store/redis/scripts/acquire_permit.lua
    src/token/store/redis/scripts/block.lua
    src/token/store/redis/scripts/claim.lua
    src/token/store/redis/scripts/get.lua
    src/token/store/redis/scripts/invalidate.lua
    src/token/store/redis/scripts/lease.lua
    src/token/store/redis/scripts/marks.lua
    src/token/store/redis/scripts/prelude.lua
    src/token/store/redis/scripts/put.lua
    src/token/store/redis/scripts/release.lua
    src/token/store/redis/scripts/remove.lua
    src/token/store/redis/scripts/renew.lua
    src/token/store/redis/scripts/revoke.lua
    src/token/store/redis/scripts/take.lua
    src/webhook/delivery/redis/delivery.lua
    ");
}

fn all_but_native_tls() -> String {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("readable");
    let (_, features) = manifest.split_once("\n[features]\n").expect("features");
    let (features, _) = features.split_once("\n[").expect("an end");
    let names = features.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    let names: Vec<_> = names.filter(|name| *name != "native-tls").collect();
    assert!(names.len() > 5, "{names:?}");
    names.join(",")
}

fn built_with(features: &str) -> BTreeSet<String> {
    let tree = ["tree", "--locked", "-p", "fintech-auth", "-e", "normal,build", "--target", "all"];
    let what = ["--prefix", "none", "--format", "{p}", "--no-default-features", "--features", features];
    let lines = cargo(&[&tree[..], &what[..]].concat());
    lines.iter().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn openssl_is_built_only_with_native_tls() {
    let foreign = ["aws-lc-rs", "native-tls", "openssl", "openssl-sys"];
    let crates = built_with(&all_but_native_tls());
    assert!(crates.contains("ring"), "{crates:?}");
    let found: Vec<_> = foreign.iter().filter(|name| crates.contains(**name)).collect();
    assert!(found.is_empty(), "{found:?}");
    assert!(built_with("native-tls").contains("openssl-sys"));
}

#[test]
fn no_tls_library_is_built_without_a_tls_feature() {
    let crates = built_with("");
    let found: Vec<_> = ["native-tls", "rustls"].iter().filter(|name| crates.contains(**name)).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// If the library and the build script use different features of a crate, cargo compiles the crate
/// twice.
#[test]
fn no_dependency_is_compiled_twice() {
    let tree = ["tree", "-q", "--offline", "-p", "fintech-auth", "-e", "normal,build", "--prefix", "none"];
    let lines = cargo(&[&tree[..], &["--no-dedupe", "-f", "{p} {f}"]].concat());
    let builds: BTreeSet<&str> = lines.iter().map(|line| line.trim_end_matches(" (*)")).collect();
    let names: Vec<&str> = builds.iter().filter_map(|build| build.split(' ').next()).collect();
    assert!(names.contains(&"saphyr-parser"), "{names:?}");
    let twice: BTreeSet<&str> =
        names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    // syn is compiled twice, because the crate schemars_derive still needs syn 2.
    assert_eq!(twice, BTreeSet::from(["syn"]));
}
