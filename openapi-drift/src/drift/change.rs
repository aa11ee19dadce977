//! The result of a comparison: each change, its meaning, and the version bump that it requires.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rules::{Effect, Level};
use super::uses::Side;

/// The required version bump. Before version 1.0, cargo treats a new minor version as incompatible,
/// as it does a new major version later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Semver {
    None,
    Patch,
    Minor,
    Major,
}

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Author {
    /// The vendor changed the document.
    Vendor,
    /// The vendor changed the document, but the overlay keeps the contract unchanged.
    #[serde(rename = "vendor, corrected")]
    VendorCorrected,
    /// We changed the overlay or a transcript.
    Us,
}

/// A difference, with its rule, its level and its effects.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) rule: String,
    pub(crate) level: Level,
    pub(crate) side: Option<Side>,
    /// JSON pointer.
    pub(crate) at: String,
    /// The JSON pointer in the old document, if it is not the same as `at`.
    pub(crate) formerly: Option<String>,
    pub(crate) what: String,
    pub(crate) by: Author,
    /// The affected lines of the generated API.
    pub(crate) items: Vec<String>,
    pub(crate) semver: Semver,
    pub(crate) prose: Option<Prose>,
    pub(super) effect: Effect,
}

impl Change {
    /// Creates a change that we made and that has no effect on the generated API.
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

/// A text of the vendor that has changed. Reports quote the text, but checked-in files never
/// contain it.
#[derive(Clone, Debug)]
pub(crate) struct Prose {
    /// The fingerprint of the old text.
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
}

/// The result of comparing two states: all changes, and the differences of the generated API.
#[derive(Clone, Debug)]
pub(crate) struct Drift {
    /// The changes, sorted by level, highest first.
    pub(crate) changes: Vec<Change>,
    /// The changed lines of the generated API, or the reason why generating it failed.
    pub(crate) surface: Result<BTreeMap<String, Semver>, String>,
}

impl Drift {
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

    /// Returns the highest level, or `None` if nothing changed.
    pub(crate) fn level(&self) -> Option<Level> {
        self.changes.iter().map(|change| change.level).max()
    }

    /// Returns the version bump that all changes require.
    pub(crate) fn semver(&self) -> Result<Semver, &str> {
        let by_digest = self.surface.as_ref().map_err(String::as_str)?.values().copied();
        let by_rules = self.changes.iter().map(|change| change.semver);
        Ok(by_digest.chain(by_rules).max().unwrap_or(Semver::None))
    }
}
