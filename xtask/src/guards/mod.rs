//! What the crate promises those who depend on it besides its behaviour. Each guard is a command, and a
//! step of `cargo xtask ci`. None changes a file that is checked in.

mod deny;
mod features;
mod minimal;
mod msrv;
mod package;
mod packed;
mod shuttle;

use std::path::Path;

use serde_json::Value;

use openapi_drift::Result;
use openapi_drift::{Answer, Outcome};

/// What a guard found, unless that something is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All is as promised.
    Held(String),
    /// It could not be seen here, or not all of it, and why.
    Skipped(String),
}

pub(crate) type Guard = fn(&Path) -> Result<Verdict>;

/// The guards, by the names of their commands.
const GUARDS: [(&str, Guard); 6] = [
    ("deny", deny::run),
    ("features", features::run),
    ("minimal", minimal::run),
    ("msrv", msrv::run),
    ("package", package::run),
    ("shuttle", shuttle::run),
];

/// The guard called `name`.
pub(crate) fn named(name: &str) -> Option<Guard> {
    GUARDS.iter().find(|(other, _)| *other == name).map(|(_, guard)| *guard)
}

/// What the guard says of the workspace at `root`.
pub(crate) fn run(root: &Path, guard: Guard) -> Answer {
    let (outcome, err) = match guard(root) {
        Ok(Verdict::Held(what)) => (Outcome::Same, what),
        Ok(Verdict::Skipped(why)) => (Outcome::Skipped, format!("skipped: {why}")),
        Err(problems) => (Outcome::Failed, problems.to_string()),
    };
    Answer { outcome, out: String::new(), err: format!("{err}\n") }
}

/// What cargo's metadata says of our own crate.
///
/// # Errors
///
/// When it says nothing.
fn ours(metadata: &Value) -> Result<&Value> {
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let ours = packages.find(|package| package["name"] == "fintech-auth" && package["source"].is_null());
    Ok(ours.ok_or_else(|| "fintech-auth is not in this workspace".to_owned())?)
}
