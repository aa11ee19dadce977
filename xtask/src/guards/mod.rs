//! The guards check promises to users that the tests of the workspace do not check, such as the
//! minimum supported Rust version. Each guard is a command and a step of `cargo xtask ci`.

mod deny;
mod features;
mod minimal;
mod msrv;
mod outside;
mod package;
mod packed;
mod third_vendor;

use std::fmt::Display;
use std::path::Path;

use cargo_metadata::{Metadata, Package};
use clap::Subcommand;
use openapi_drift::{Outcome, Output, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Guard {
    /// Checks licences, duplicate and banned crates, sources and advisories with cargo-deny.
    Deny,
    /// Tests the examples outside the workspace.
    Examples,
    /// Builds the library with each single feature.
    Features,
    /// Builds the crate with the lowest dependency versions that Cargo.toml allows.
    Minimal,
    /// Builds the crate with the Rust version stated in Cargo.toml.
    Msrv,
    /// Builds the packed crate.
    Package,
    /// Tests the interleavings of the token cache in tests/shuttle.
    Shuttle,
    /// Adds a third vendor to a copy of the crate and runs its test.
    ThirdVendor,
}

pub(crate) fn run(root: &Path, guard: Guard) -> Result<Output> {
    match guard {
        Guard::Deny => deny::run(root),
        Guard::Examples => outside::examples(root),
        Guard::Features => features::run(root),
        Guard::Minimal => minimal::run(root),
        Guard::Msrv => msrv::run(root),
        Guard::Package => package::run(root),
        Guard::Shuttle => outside::shuttle(root),
        Guard::ThirdVendor => third_vendor::run(root),
    }
}

fn held(what: impl Display) -> Output {
    Output::new(Outcome::Success, format!("{what}\n"))
}

fn skipped(why: impl Display) -> Output {
    Output::new(Outcome::Skipped, format!("skipped: {why}\n"))
}

fn library(metadata: &Metadata) -> Result<&Package> {
    let mut packages = metadata.workspace_packages().into_iter();
    let found = packages.find(|package| package.name.as_str() == "fintech-auth");
    Ok(found.ok_or_else(|| "fintech-auth is not in this workspace".to_owned())?)
}
