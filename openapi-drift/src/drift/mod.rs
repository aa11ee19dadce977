//! Compares two revisions of a vendor's specs. Does no I/O.

mod change;
mod compare;
mod edit;
mod lock;
mod meaning;
mod reconcile;
#[cfg(test)]
mod refactorings;
mod report;
mod rules;
mod surface;
#[cfg(test)]
mod tests;
mod uses;
mod view;

use serde_json::Value;

pub(crate) use change::{Change, Drift};
pub(crate) use edit::identity;
pub(crate) use lock::{Lock, Omitted, omitted};
pub(crate) use report::{Heading, json, markdown, text};
pub(crate) use rules::Level;

use change::{Author, Semver};
use compare::edits;
use edit::Edit;
use lock::with_fingerprints;
use meaning::{classify_text, prose};
use reconcile::reconcile;
use rules::{Effect, Finding, classify};
use surface::{Surface, items};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct State<'a> {
    pub(crate) facts: &'a Value,
    pub(crate) contract: Option<&'a Value>,
    pub(crate) lock: &'a Lock,
}

pub(crate) fn drift(old: State<'_>, new: State<'_>, texts: &Omitted) -> Drift {
    let (before, after) = contracts(old, new);
    let surfaces = Surface::of(before).and_then(|old| Ok((old, Surface::of(after)?)));
    let mut changes = changes(old, new, texts, &surfaces);
    let changed = surfaces.map(|(old, new)| old.changed(&new));
    match &changed {
        Ok(changed) => reconcile(&mut changes, changed),
        Err(reason) => {
            let what = format!("the bindings cannot be generated: {reason}");
            let change = Change::new("surface-unknown", Level::Unhandled, "", what);
            changes.push(Change { semver: Semver::Major, ..change });
        }
    }
    let mut drift = Drift { changes, surface: changed };
    drift.sort();
    drift
}

pub(crate) fn generates(contract: &Value) -> Result<(), String> {
    Surface::of(contract).map(drop)
}

fn contracts<'a>(old: State<'a>, new: State<'a>) -> (&'a Value, &'a Value) {
    old.contract.zip(new.contract).unwrap_or((old.facts, new.facts))
}

fn changes(old: State<'_>, new: State<'_>, texts: &Omitted, surfaces: &Surfaces) -> Vec<Change> {
    let (before, after) = contracts(old, new);
    let with_texts = (with_fingerprints(old.facts, old.lock), with_fingerprints(new.facts, new.lock));
    let surfaces = surfaces.as_ref().ok();
    let vendors = Comparison {
        documents: (&with_texts.0, &with_texts.1),
        plain: (old.facts, new.facts),
        texts: Some(texts),
        surfaces,
    };
    let users = Comparison { documents: (before, after), plain: (before, after), texts: None, surfaces };
    merged(vendors.changes(), users.changes())
}

type Surfaces = Result<(Surface, Surface), String>;

struct Comparison<'v> {
    documents: (&'v Value, &'v Value),
    plain: (&'v Value, &'v Value),
    texts: Option<&'v Omitted>,
    surfaces: Option<&'v (Surface, Surface)>,
}

impl Comparison<'_> {
    fn changes(&self) -> Vec<Change> {
        let edits = edits(self.documents.0, self.documents.1);
        let mut changes: Vec<Change> = edits.iter().map(|edit| self.change(edit)).collect();
        let key =
            |change: &Change| (change.at.clone(), change.rule.clone(), change.what.clone(), change.side);
        changes.sort_by_key(key);
        changes.dedup_by_key(|change| key(change));
        changes
    }

    fn change(&self, edit: &Edit<'_>) -> Change {
        // Requests and responses can use the same component. So the change of a whole component is
        // assigned neither to requests nor to responses.
        let used = edit.used.filter(|_| !edit.is_component());
        let text = self.texts.and_then(|texts| Some((classify_text(edit)?, texts)));
        let prose = text.as_ref().map(|(_, texts)| prose(edit, texts));
        let finding = text.map(|(finding, _)| finding);
        let Finding { rule, level, effect, what } =
            finding.unwrap_or_else(|| classify(edit, used, self.plain));
        // If a part moves to another component, it is unknown whether the generated API changes.
        let is_moved = !edit.is_component() && holder(&edit.place.old) != holder(&edit.place.new);
        let effect = if is_moved && effect != Effect::None { Effect::Any } else { effect };
        let items = self.surfaces.map(|(old, new)| items(edit, self.plain, (old, new))).unwrap_or_default();
        Change {
            side: used.map(|used| used.side),
            formerly: (edit.place.old != edit.place.new).then(|| edit.place.old.clone()),
            by: Author::Vendor,
            items,
            semver: Semver::Patch,
            prose,
            effect,
            ..Change::new(&rule, level, edit.at(), what)
        }
    }
}

fn merged(mut vendors: Vec<Change>, mut users: Vec<Change>) -> Vec<Change> {
    let is_in = |change: &Change, others: &[Change]| {
        others
            .iter()
            .any(|other| (&other.rule, &other.at, &other.what) == (&change.rule, &change.at, &change.what))
    };
    for change in vendors.iter_mut().filter(|change| change.prose.is_none() && !is_in(change, &users)) {
        change.by = Author::VendorCorrected;
    }
    users.retain(|change| !is_in(change, &vendors));
    users.iter_mut().for_each(|change| change.by = Author::Us);
    vendors.append(&mut users);
    vendors
}

fn holder(pointer: &str) -> Vec<&str> {
    pointer.split('/').take(4).collect()
}
