//! The arguments of a run.

use std::path::PathBuf;

use crate::fetch::Origin;

/// The arguments of `cargo xtask regen` and `cargo xtask drift`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The vendor; `None` means every vendor.
    pub vendor: Option<String>,
    /// The document to read.
    pub input: Input,
    /// The revision to record.
    pub revision: Option<String>,
    /// Whether to write.
    pub mode: Mode,
    /// The document to compare with, instead of the one that is checked in.
    pub base: Option<Origin>,
    /// The file for the report of a pull request.
    pub report: Option<PathBuf>,
    /// Whether to report in JSON.
    pub json: bool,
}

/// What to do with the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Write it.
    #[default]
    Write,
    /// Show the differences.
    Check,
    /// Report only what the changes mean.
    Drift,
}

/// The document that upstream.yaml is made from.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// upstream.yaml itself.
    #[default]
    Upstream,
    /// The vendor's document, at the url in `source.toml`.
    Recorded,
    /// The vendor's document at the given place.
    From(Origin),
}
