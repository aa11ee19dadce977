//! The result of a comparison: the changes, and the version bump that each change requires.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rules::{Effect, Level};
use super::uses::Side;

/// Before version 1.0, `Major` means a new minor version, because cargo then treats each new minor
/// version as incompatible.
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
    #[serde(rename = "vendor, corrected")]
    VendorCorrected,
    Us,
}

#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) rule: String,
    pub(crate) level: Level,
    pub(crate) side: Option<Side>,
    pub(crate) at: String,
    pub(crate) formerly: Option<String>,
    pub(crate) what: String,
    pub(crate) by: Author,
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

/// The vendor wrote the text in `new`, so no checked-in file may contain it.
#[derive(Clone, Debug)]
pub(crate) struct Prose {
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Drift {
    pub(crate) changes: Vec<Change>,
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
