//! Checks of what the crate promises to its dependants besides behaviour. Each guard is a command and a
//! step of `cargo xtask ci`. None changes a file that is checked in.

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

/// The guards by the names of their commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Guard {
    /// Licences, duplicate and banned crates, sources, advisories (cargo-deny).
    Deny,
    /// The examples outside of the workspace pass their tests.
    Examples,
    /// Each feature alone builds without a warning.
    Features,
    /// The crate builds with the lowest versions that Cargo.toml allows.
    Minimal,
    /// The crate builds with the Rust version that Cargo.toml states.
    Msrv,
    /// The packed crate builds by itself without a warning.
    Package,
    /// The token cache behaves in every interleaving that tests/shuttle explores.
    Shuttle,
    /// A third vendor is added to a copy of the crate, by the recipe in CONTRIBUTING.md.
    ThirdVendor,
}

/// Runs a guard in the workspace at `root`.
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

/// The guard found nothing wrong.
fn held(what: impl Display) -> Output {
    Output::new(Outcome::Success, format!("{what}\n"))
}

/// The guard could not run here, or not completely.
fn skipped(why: impl Display) -> Output {
    Output::new(Outcome::Skipped, format!("skipped: {why}\n"))
}

/// The package of the library.
fn library(metadata: &Metadata) -> Result<&Package> {
    let mut packages = metadata.workspace_packages().into_iter();
    let found = packages.find(|package| package.name.as_str() == "fintech-auth");
    Ok(found.ok_or_else(|| "fintech-auth is not in this workspace".to_owned())?)
}
