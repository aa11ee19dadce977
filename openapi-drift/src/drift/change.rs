//! The result of a comparison: each change, what it means and what it asks of our version.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rules::{Effect, Level};
use super::uses::Side;

/// What it asks of our version. Before 1.0, cargo takes a new minor version for a major one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Semver {
    None,
    Patch,
    Minor,
    Major,
}

/// Whose doing a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Author {
    /// The vendor's, and users are to see it.
    Vendor,
    /// The vendor's, and the overlay says the same as before.
    #[serde(rename = "vendor, corrected")]
    VendorCorrected,
    /// Ours: the overlay, or a transcript.
    Us,
}

/// A difference and what it means.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) rule: String,
    pub(crate) level: Level,
    pub(crate) side: Option<Side>,
    /// JSON pointer.
    pub(crate) at: String,
    /// The pointer before, of what got another name.
    pub(crate) formerly: Option<String>,
    pub(crate) what: String,
    pub(crate) by: Author,
    /// Lines of the digest.
    pub(crate) items: Vec<String>,
    pub(crate) semver: Semver,
    pub(crate) prose: Option<Prose>,
    pub(super) effect: Effect,
}

impl Change {
    /// A change without an effect, made by us.
    pub(crate) fn new(rule: &str, level: Level, at: &str, what: String) -> Self {
        Self {
            rule: rule.to_owned(),
            level,
            side: None,
            at: at.to_owned(),
            formerly: None,
            what,
            by: Author::Us,
            items: Vec::new(),
            semver: Semver::None,
            prose: None,
            effect: Effect::None,
        }
    }
}

/// Text that we do not keep. It is shown, and never written to a file that is checked in.
#[derive(Clone, Debug)]
pub(crate) struct Prose {
    /// Fingerprint of what it was.
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
}

/// All that changed.
#[derive(Clone, Debug)]
pub(crate) struct Drift {
    /// The gravest first.
    pub(crate) changes: Vec<Change>,
    /// The lines of the digest that changed, or why that cannot be told.
    pub(crate) surface: Result<BTreeMap<String, Semver>, String>,
}

impl Drift {
    /// Adds findings of another kind.
    pub(crate) fn extend(&mut self, changes: Vec<Change>) {
        self.changes.extend(changes);
        self.sort();
    }

    pub(super) fn sort(&mut self) {
        let key = |change: &Change| {
            (std::cmp::Reverse(change.level), change.at.clone(), change.rule.clone(), change.side)
        };
        self.changes.sort_by_cached_key(key);
    }

    /// The gravest level, if anything changed.
    pub(crate) fn level(&self) -> Option<Level> {
        self.changes.iter().map(|change| change.level).max()
    }

    /// What all of it asks of our version.
    pub(crate) fn semver(&self) -> Result<Semver, &str> {
        let by_digest = self.surface.as_ref().map_err(String::as_str)?.values().copied();
        let by_rules = self.changes.iter().map(|change| change.semver);
        Ok(by_digest.chain(by_rules).max().unwrap_or(Semver::None))
    }
}
