//! What a vendor's new document means: every difference with its rule, its level and its side, the
//! lines of the generated surface that it stands behind, and what all of it means for our version.
//! It reads no file and writes none.

mod components;
mod edit;
mod lock;
mod meaning;
mod reconcile;
mod report;
mod rules;
mod surface;
#[cfg(test)]
mod tests;
mod uses;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub(crate) use lock::{Lock, Omitted, omitted};
pub(crate) use report::{Heading, json, markdown, text};
pub(crate) use rules::Level;
pub(crate) use uses::Side;

use crate::shape::{self, join};
use components::Rename;
use edit::{Edit, Kind, Step, edits};
use meaning::meanings;
use reconcile::reconcile;
use rules::{Effect, Finding, judge};
use surface::{Shift, Surface, items};
use uses::Uses;

/// One state of a vendor's specs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State<'a> {
    /// What upstream.yaml holds.
    pub(crate) facts: &'a Value,
    /// What openapi.json holds, if the overlay applies.
    pub(crate) contract: Option<&'a Value>,
    /// Of what upstream.yaml leaves out.
    pub(crate) lock: &'a Lock,
}

/// What it asks of our version. Before 1.0, cargo takes a new minor version for a major one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Semver {
    None,
    Patch,
    Minor,
    Major,
}

/// Whose doing a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The vendor's, and users are to see it.
    Vendor,
    /// The vendor's, and the overlay says the same as before.
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
    pub(crate) by: By,
    /// Lines of the digest.
    pub(crate) items: Vec<String>,
    pub(crate) semver: Semver,
    pub(crate) prose: Option<Prose>,
    effect: Effect,
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
    /// What changed of the digest, or why that cannot be told.
    pub(crate) surface: Result<BTreeMap<String, Shift>, String>,
}

impl Drift {
    /// The gravest level, if anything changed.
    pub(crate) fn level(&self) -> Option<Level> {
        self.changes.iter().map(|change| change.level).max()
    }

    /// What all of it asks of our version.
    pub(crate) fn semver(&self) -> Result<Semver, &str> {
        let shifts = self.surface.as_ref().map_err(String::as_str)?.values();
        let by_digest = shifts.map(|shift| match shift {
            Shift::Added => Semver::Minor,
            Shift::Broken => Semver::Major,
        });
        let by_rules = self.changes.iter().map(|change| change.semver);
        Ok(by_digest.chain(by_rules).max().unwrap_or(Semver::None))
    }
}

/// Compares two states; `texts` is what the new document says and we leave out.
pub(crate) fn drift(old: State<'_>, new: State<'_>, texts: &Omitted) -> Drift {
    let (before, after) = contracts(old, new);
    let surfaces = Surface::of(before).and_then(|old| Ok((old, Surface::of(after)?)));
    let mut changes = changes(old, new, texts, &surfaces);
    let changed = surfaces.map(|(old, new)| old.changed(&new));
    match &changed {
        Ok(changed) => reconcile(&mut changes, changed),
        Err(reason) => changes.push(Change {
            rule: "surface-unknown".into(),
            level: Level::Unhandled,
            side: None,
            at: String::new(),
            formerly: None,
            what: format!("the bindings cannot be generated: {reason}"),
            by: By::Us,
            items: Vec::new(),
            semver: Semver::Major,
            prose: None,
            effect: Effect::Any,
        }),
    }
    changes.sort_by(|a, b| (b.level, &a.at, &a.rule, a.side).cmp(&(a.level, &b.at, &b.rule, b.side)));
    Drift { changes, surface: changed }
}

/// Whether the bindings can be generated from a contract.
///
/// # Errors
///
/// Why not.
pub(crate) fn generates(contract: &Value) -> Result<(), String> {
    Surface::of(contract).map(drop)
}

/// What users have and get. Without the overlay on both sides, it is what the vendors say.
fn contracts<'a>(old: State<'a>, new: State<'a>) -> (&'a Value, &'a Value) {
    old.contract.zip(new.contract).unwrap_or((old.facts, new.facts))
}

fn changes(old: State<'_>, new: State<'_>, texts: &Omitted, surfaces: &Surfaces) -> Vec<Change> {
    let (before, after) = contracts(old, new);
    let (vendors, users) = (compare(old.facts, new.facts), compare(before, after));
    let mut changes = merged(vendors.changes(surfaces), users.changes(surfaces));
    changes.extend(meanings(old.lock, new.lock, texts, &vendors, surfaces));
    changes
}

/// Before and after, or why the generator does not make them.
type Surfaces = Result<(Surface, Surface), String>;

/// Two documents of which one has the other's names.
struct Comparison<'v> {
    old: Value,
    new: &'v Value,
    renames: Vec<Rename>,
}

fn compare<'v>(old: &Value, new: &'v Value) -> Comparison<'v> {
    let (old, renames) = components::aligned(old, new);
    Comparison { old, new, renames }
}

impl Comparison<'_> {
    fn edits(&self) -> Vec<Edit<'_>> {
        let mut edits = edits(&self.old, self.new);
        edits.extend(self.renames.iter().map(|rename| self.renamed(rename)));
        edits
    }

    fn renamed<'v>(&'v self, rename: &'v Rename) -> Edit<'v> {
        let Rename { kind, from, to } = rename;
        let mut steps =
            vec![Step { shape: &shape::DOCUMENT, key: "", old: Some(&self.old), new: Some(self.new) }];
        for key in ["components", kind, to] {
            let last = steps[steps.len() - 1];
            let (old, new) =
                (last.old.and_then(|value| value.get(key)), last.new.and_then(|value| value.get(key)));
            steps.push(Step { shape: last.shape.under(key), key, old, new });
        }
        let at = join(&join("/components", kind), to);
        Edit { at, kind: Kind::Renamed(from.clone(), to.clone()), steps }
    }

    fn changes(&self, surfaces: &Surfaces) -> Vec<Change> {
        let documents = (&self.old, self.new);
        let uses = Uses::of(&self.old).and(Uses::of(self.new));
        let mut changes = Vec::new();
        for edit in self.edits() {
            let is_component = edit.steps.len() == 4 && edit.steps[1].key == "components";
            let found: BTreeSet<_> = uses.at(&edit.steps);
            let items = items_of(&edit, self, surfaces);
            // A component as a whole is one thing, whoever sends it.
            let each = found.into_iter().map(Some).filter(|_| !is_component).collect::<Vec<_>>();
            let each = if each.is_empty() { vec![None] } else { each };
            for used in each {
                let Finding { rule, level, effect, what } = judge(&edit, used, documents);
                changes.push(Change {
                    rule,
                    level,
                    side: used.map(|used| used.side),
                    at: edit.at.clone(),
                    formerly: formerly(&edit),
                    what,
                    by: By::Vendor,
                    items: items.clone(),
                    semver: Semver::Patch,
                    prose: None,
                    effect,
                });
            }
        }
        let key = |change: &Change| (change.at.clone(), change.rule.clone(), change.what.clone());
        changes.sort_by_key(key);
        changes.dedup_by_key(|change| key(change));
        changes
    }
}

/// The vendor's changes and those of the contract, each once.
fn merged(vendors: Vec<Change>, users: Vec<Change>) -> Vec<Change> {
    let is_same = |a: &Change, b: &Change| a.rule == b.rule && a.at == b.at && a.what == b.what;
    let mut changes = Vec::new();
    for mut change in vendors.iter().cloned() {
        if !users.iter().any(|other| is_same(&change, other)) {
            change.by = By::VendorCorrected;
        }
        changes.push(change);
    }
    for mut change in users {
        if !vendors.iter().any(|other| is_same(&change, other)) {
            change.by = By::Us;
            changes.push(change);
        }
    }
    changes
}

fn items_of(edit: &Edit<'_>, compared: &Comparison<'_>, surfaces: &Surfaces) -> Vec<String> {
    let surfaces = surfaces.as_ref().map(|(old, new)| (old, new));
    surfaces.map(|surfaces| items(edit, (&compared.old, compared.new), surfaces)).unwrap_or_default()
}

fn formerly(edit: &Edit<'_>) -> Option<String> {
    let Kind::Renamed(from, _) = &edit.kind else { return None };
    edit.at.rsplit_once('/').map(|(parent, _)| join(parent, from))
}
