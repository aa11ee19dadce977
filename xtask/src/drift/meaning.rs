//! Changes of meaning: what the vendor says of a thing is another, though the thing has the shape that
//! it had.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::components::Rename;
use super::edit::{Edit, Kind, MOST, Step, identity};
use super::rules::Effect;
use super::uses::Uses;
use super::{By, Change, Comparison, Level, Lock, Omitted, Prose, Semver, Surfaces, formerly, items_of};
use crate::shape::{self, Shape, join};

/// What the vendor says otherwise than before, of things that are still there.
pub(super) fn meanings(
    old: &Lock,
    new: &Lock,
    texts: &Omitted,
    vendors: &Comparison<'_>,
    surfaces: &Surfaces,
) -> Vec<Change> {
    let edits = vendors.edits();
    let renamed = old.0.iter().map(|(at, known)| (current(at, &vendors.renames, &edits), known));
    // What comes or goes as a whole is told by itself.
    let is_told = |at: &str, kind: Kind| edits.iter().any(|edit| edit.kind == kind && is_below(at, &edit.at));
    let moved: BTreeMap<String, &String> = renamed
        .filter(|(at, _)| !is_told(at, Kind::Removed))
        .filter_map(|(at, known)| Some((in_new_lists(&at, vendors)?, known)))
        .collect();
    let places: BTreeSet<&String> = moved.keys().chain(new.0.keys()).filter(|at| !at.is_empty()).collect();
    let uses = Uses::of(vendors.new);
    let mut changes = Vec::new();
    for at in places {
        let (was, is) = (moved.get(at).copied(), new.0.get(at));
        if was == is || is_told(at, Kind::Added) {
            continue;
        }
        if changes.len() > MOST {
            break;
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
            _ if at.contains("/flows/") => ("oauth-scope-description", Level::Meaning),
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

/// The same place, with the indices that the new document has for the things on its way. `None` if one
/// of them is gone.
fn in_new_lists(at: &str, vendors: &Comparison<'_>) -> Option<String> {
    let mut found = String::new();
    let (mut shape, mut old, mut new) = (&shape::DOCUMENT, Some(&vendors.old), Some(vendors.new));
    for segment in at.split('/').skip(1) {
        let mut here = segment.to_owned();
        if let (Shape::List(of), Some(Value::Array(was)), Some(Value::Array(is))) = (shape, old, new)
            && let Some(item) = segment.parse().ok().and_then(|index: usize| was.get(index))
            && let Some(wanted) = identity(&vendors.old, of, item)
        {
            here = is
                .iter()
                .position(|item| identity(vendors.new, of, item).as_ref() == Some(&wanted))?
                .to_string();
        }
        let below = |value: Option<&'_ Value>, segment: &str| value.is_some().then(|| format!("/{segment}"));
        let (before, after) = (below(old, segment), below(new, &here));
        old = old.zip(before).and_then(|(value, step)| value.pointer(&step));
        new = new.zip(after).and_then(|(value, step)| value.pointer(&step));
        let name = segment.replace("~1", "/").replace("~0", "~");
        shape = if let Shape::List(of) = shape { of } else { shape.under(&name) };
        found = format!("{found}/{here}");
    }
    Some(found)
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
