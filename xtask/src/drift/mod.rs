//! What a vendor's new document means: every difference with its rule, its level and its side, the
//! lines of the generated surface that it stands behind, and what all of it means for our version.
//! It reads no file and writes none.

mod components;
mod edit;
mod lock;
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

use crate::shape::{self, Shape, join};
use components::Rename;
use edit::{Edit, Kind, Step, edits};
use rules::{Effect, Finding, judge};
use surface::{Shift, Surface, items};
use uses::Uses;

/// One state of a vendor's specs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State<'a> {
    /// What upstream.yaml holds.
    pub(crate) facts: &'a Value,
    /// What openapi.yaml holds, if the overlay applies.
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
    if let Ok(changed) = &changed {
        reconcile(&mut changes, changed);
    }
    changes.sort_by(|a, b| (b.level, &a.at, &a.rule, a.side).cmp(&(a.level, &b.at, &b.rule, b.side)));
    Drift { changes, surface: changed }
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

/// What the vendor says otherwise than before, of things that are still there.
fn meanings(
    old: &Lock,
    new: &Lock,
    texts: &Omitted,
    vendors: &Comparison<'_>,
    surfaces: &Surfaces,
) -> Vec<Change> {
    let edits = vendors.edits();
    let moved: BTreeMap<String, &String> =
        old.0.iter().map(|(at, known)| (current(at, &vendors.renames, &edits), known)).collect();
    let is_told = |at: &str| {
        edits.iter().any(|edit| matches!(edit.kind, Kind::Added | Kind::Removed) && is_below(at, &edit.at))
    };
    let places: BTreeSet<&String> = moved.keys().chain(new.0.keys()).filter(|at| !at.is_empty()).collect();
    let uses = Uses::of(vendors.new);
    let mut changes = Vec::new();
    for at in places {
        let (was, is) = (moved.get(at).copied(), new.0.get(at));
        if was == is || is_told(at) {
            continue;
        }
        let key = at.rsplit('/').next().unwrap_or_default();
        let verb = match (was, is) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        let (name, level) = match key {
            "operationId" => ("api-operation-id", Level::Trivial),
            "description" | "example" | "examples" | "summary" => (key, Level::Meaning),
            "title" | "tags" => (key, Level::Trivial),
            "externalDocs" => ("external-docs", Level::Trivial),
            _ => ("extension", Level::Trivial),
        };
        let edit = Edit { at: at.clone(), kind: Kind::Changed, steps: steps(vendors, at) };
        let used = uses.at(&edit.steps);
        changes.push(Change {
            rule: format!("{name}-{verb}"),
            level,
            side: used.first().map(|used| used.side),
            at: at.clone(),
            formerly: None,
            what: said(key, verb),
            by: By::Vendor,
            items: items_of(&edit, vendors, surfaces),
            semver: Semver::Patch,
            prose: Some(Prose { old: was.cloned(), new: texts.get(at).map(shown) }),
            effect: Effect::None,
        });
    }
    changes
}

/// What the digest did, held against what the changes should have done to it: each has to explain
/// the other.
fn reconcile(changes: &mut Vec<Change>, changed: &BTreeMap<String, Shift>) {
    let mut surprises = Vec::new();
    for change in changes.iter_mut() {
        let expected = match change.effect {
            _ if change.by == By::VendorCorrected => Semver::None,
            Effect::None => Semver::Patch,
            Effect::Adds => Semver::Minor,
            Effect::Breaks => Semver::Major,
            Effect::Any => Semver::Patch,
        };
        let shifts: Vec<Shift> = change.items.iter().filter_map(|item| changed.get(item)).copied().collect();
        let seen = if shifts.contains(&Shift::Broken) {
            Semver::Major
        } else if shifts.is_empty() {
            Semver::Patch
        } else {
            Semver::Minor
        };
        change.semver = if change.effect == Effect::Any { seen } else { expected };
        if expected > Semver::Patch && shifts.is_empty() {
            change.semver = Semver::Patch;
            surprises.push(Change {
                rule: "surface-unchanged".into(),
                level: Level::Unhandled,
                what: format!("`{}` should show in the generated surface, and does not", change.rule),
                semver: Semver::Patch,
                prose: None,
                ..change.clone()
            });
        }
    }
    let explained: BTreeSet<&String> = changes
        .iter()
        .filter(|change| change.effect != Effect::None)
        .flat_map(|change| &change.items)
        .collect();
    for (item, _) in changed.iter().filter(|(item, _)| !explained.contains(item)) {
        surprises.push(Change {
            rule: "surface-unexplained".into(),
            level: Level::Unhandled,
            side: None,
            at: String::new(),
            formerly: None,
            what: format!("`{item}` of the generated surface changed, and no change of the spec says why"),
            by: By::Us,
            items: vec![item.clone()],
            semver: Semver::Major,
            prose: None,
            effect: Effect::Any,
        });
    }
    changes.append(&mut surprises);
}

fn items_of(edit: &Edit<'_>, compared: &Comparison<'_>, surfaces: &Surfaces) -> Vec<String> {
    let surfaces = surfaces.as_ref().map(|(old, new)| (old, new));
    surfaces.map(|surfaces| items(edit, (&compared.old, compared.new), surfaces)).unwrap_or_default()
}

fn formerly(edit: &Edit<'_>) -> Option<String> {
    let Kind::Renamed(from, _) = &edit.kind else { return None };
    edit.at.rsplit_once('/').map(|(parent, _)| join(parent, from))
}

/// Where a place of the old document is in the new one.
fn current(at: &str, renames: &[Rename], edits: &[Edit<'_>]) -> String {
    let mut at = at.to_owned();
    for Rename { kind, from, to } in renames {
        let parent = join("/components", kind);
        at = moved(at, &join(&parent, from), &join(&parent, to));
    }
    for edit in edits.iter().filter(|edit| edit.steps.len() != 4) {
        if let Some(from) = formerly(edit) {
            at = moved(at, &from, &edit.at);
        }
    }
    at
}

fn moved(at: String, from: &str, to: &str) -> String {
    if is_below(&at, from) { at.replacen(from, to, 1) } else { at }
}

fn is_below(at: &str, parent: &str) -> bool {
    at.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The way to a place.
fn steps<'v>(compared: &'v Comparison<'_>, at: &'v str) -> Vec<Step<'v>> {
    let root = Step { shape: &shape::DOCUMENT, key: "", old: Some(&compared.old), new: Some(compared.new) };
    let mut steps = vec![root];
    let mut open = (Some(&compared.old), Some(compared.new));
    for (start, _) in at.match_indices('/') {
        let segment = at[start + 1..].split('/').next().unwrap_or_default();
        let below = |value: Option<&'v Value>| value.and_then(|value| value.pointer(&format!("/{segment}")));
        open = (below(open.0), below(open.1));
        let last = steps[steps.len() - 1];
        let key = key(last, segment);
        let shape = if let Shape::List(of) = last.shape { of } else { last.shape.under(key) };
        steps.push(Step { shape, key, old: open.0, new: open.1 });
    }
    steps
}

/// The key that a segment of a pointer is of.
fn key<'v>(holder: Step<'v>, segment: &'v str) -> &'v str {
    let name = segment.replace("~1", "/").replace("~0", "~");
    let entry = |value: Option<&'v Value>| value?.as_object()?.get_key_value(&name);
    entry(holder.new).or_else(|| entry(holder.old)).map_or(segment, |(key, _)| key)
}

fn said(name: &str, verb: &str) -> String {
    match verb {
        "added" => format!("`{name}` is new"),
        "removed" => format!("`{name}` is gone"),
        _ => format!("`{name}` changed"),
    }
}

/// Without what could command a terminal.
fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}
