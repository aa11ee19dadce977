//! The result of a comparison: the changes, and the version bump that each change requires.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rules::{Effect, Level};
use super::uses::Side;

/// The version bump that a change requires. Before version 1.0, `Major` means a new minor version,
/// because cargo treats such a version as incompatible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Semver {
    None,
    Patch,
    Minor,
    Major,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Author {
    Vendor,
    /// The vendor changed the document, but the overlay corrects this part, so the contract does
    /// not change.
    #[serde(rename = "vendor, corrected")]
    VendorCorrected,
    /// We changed the overlay, or a document that we transcribed by hand.
    Us,
}

#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) rule: String,
    pub(crate) level: Level,
    pub(crate) side: Option<Side>,
    pub(crate) at: String,
    /// The JSON pointer in the old document. `None` if the new document has the same pointer.
    pub(crate) formerly: Option<String>,
    pub(crate) what: String,
    pub(crate) by: Author,
    /// The parts of the generated API that the change affects, such as `type AuthToken.scope`.
    pub(crate) items: Vec<String>,
    pub(crate) semver: Semver,
    pub(crate) prose: Option<Prose>,
    pub(super) effect: Effect,
}

impl Change {
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

/// A changed text in the vendor's document. Reports quote the new text, but checked-in files must
/// not contain any text that the vendor wrote.
#[derive(Clone, Debug)]
pub(crate) struct Prose {
    /// The fingerprint of the old text. The old text itself is not stored.
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Drift {
    /// The changes, sorted by level. The most severe level is first.
    pub(crate) changes: Vec<Change>,
    /// The changed parts of the generated API, and the version bump that each part requires. `Err`
    /// contains the reason why the generator failed.
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

    pub(crate) fn level(&self) -> Option<Level> {
        self.changes.iter().map(|change| change.level).max()
    }

    pub(crate) fn semver(&self) -> Result<Semver, &str> {
        let by_digest = self.surface.as_ref().map_err(String::as_str)?.values().copied();
        let by_rules = self.changes.iter().map(|change| change.semver);
        Ok(by_digest.chain(by_rules).max().unwrap_or(Semver::None))
    }
}
