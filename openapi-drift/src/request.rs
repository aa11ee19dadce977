//! The arguments of `regen` and `drift`.

use std::path::PathBuf;

use crate::fetch::Origin;

/// The arguments of `cargo xtask regen` and `cargo xtask drift`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The name of a vendor, or `None` for all vendors.
    pub vendor: Option<String>,
    /// The document to read.
    pub input: Input,
    /// The name of the revision to record.
    pub revision: Option<String>,
    /// What to do with the result.
    pub mode: Mode,
    /// The document to compare with. Default: the checked-in upstream.yaml.
    pub base: Option<Origin>,
    /// Where to write the report for a pull request.
    pub report: Option<PathBuf>,
    /// Whether to report in JSON.
    pub json: bool,
}

/// What to do with the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Write the files.
    #[default]
    Write,
    /// Show the differences, but write no files.
    Check,
    /// Report only what the changes mean for callers.
    Drift,
}

/// The document from which upstream.yaml is generated.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// Use the checked-in upstream.yaml.
    #[default]
    Upstream,
    /// Download the vendor's document from the URL in `source.toml`.
    Recorded,
    /// Read a copy of the vendor's document.
    From(Origin),
}
