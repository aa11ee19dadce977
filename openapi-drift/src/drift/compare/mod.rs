//! Finds all differences between two documents. Does not classify the differences.

mod components;
mod lists;
mod names;
mod schemas;

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::edit::{Edit, Kind, MAX_EDITS, Place, Step, followed};
use super::uses::{Part, Side, Use};
use super::view::Field;
use crate::canonical::is_empty;
use crate::shape::{self, Shape, join};
use names::{Name, is_of_names, is_rename};

pub(crate) fn edits<'v>(old: &'v Value, new: &'v Value) -> Vec<Edit<'v>> {
    let mut walk = Walk {
        documents: (old, new),
        steps: Vec::new(),
        base: None,
        edits: Vec::new(),
        is_full: false,
        jobs: VecDeque::new(),
        seen: BTreeSet::new(),
        pairs: BTreeSet::new(),
        used_old: BTreeSet::new(),
        used_new: BTreeSet::new(),
        left: MAX_VISITED,
    };
    let root = walk.root();
    if let (Value::Object(before), Value::Object(after)) = (old, new) {
        walk.steps.push(root);
        walk.map(root.shape, before, after, &Place::default(), &|key| key != "components");
        // Security requirements refer to security schemes by name and not by `$ref`. So compare all
        // security schemes here.
        walk.component_kinds(&|kind| kind == "securitySchemes");
    }
    walk.run_jobs();
    walk.components();
    let is_map = |document: &Value, kind: &str| document["components"].get(kind).is_none_or(Value::is_object);
    walk.component_kinds(&|kind| !is_of_names(kind) || !is_map(old, kind) || !is_map(new, kind));
    walk.run_jobs();
    if walk.edits.is_empty() && old != new && unordered(old) != unordered(new) {
        walk.steps = vec![root];
        walk.report(Kind::Changed, &Place::default());
    }
    let renames = walk.renames();
    walk.edits.retain(|edit| !is_rename(edit, &renames));
    walk.edits
}

const MAX_VISITED: usize = 2_000_000;

const MAX_COMPARED: usize = 10_000;

fn is_false_by_default(key: &str) -> bool {
    const KEYS: &str = "deprecated exclusiveMaximum exclusiveMinimum nullable readOnly required uniqueItems \
        writeOnly allowReserved";
    KEYS.split(' ').any(|other| other == key)
}

static TRUE: Value = Value::Bool(true);

type Object = Map<String, Value>;

struct Job<'v> {
    step: Step<'v>,
    place: Place,
    used: Option<Use>,
}

struct Walk<'v> {
    documents: (&'v Value, &'v Value),
    steps: Vec<Step<'v>>,
    base: Option<Use>,
    edits: Vec<Edit<'v>>,
    is_full: bool,
    jobs: VecDeque<Job<'v>>,
    /// Contains each job that was ever queued. Without this set, the comparison of components that
    /// refer to each other would not end.
    seen: BTreeSet<(Place, Option<Use>, bool)>,
    pairs: BTreeSet<(Name, Name)>,
    used_old: BTreeSet<Name>,
    used_new: BTreeSet<Name>,
    left: usize,
}

impl<'v> Walk<'v> {
    fn root(&self) -> Step<'v> {
        let (old, new) = self.documents;
        step(&shape::DOCUMENT, "", Some(old), Some(new))
    }

    fn run_jobs(&mut self) {
        while let Some(job) = self.jobs.pop_front() {
            let outer = std::mem::take(&mut self.steps);
            self.base = job.used;
            self.steps.push(job.step);
            match (job.step.old, job.step.new) {
                (Some(old), Some(new)) if job.step.shape.is("schema") => {
                    self.schema(job.step, old, new, &job.place);
                }
                (Some(old), Some(new)) => self.compare_children(job.step.shape, old, new, &job.place),
                _ => {}
            }
            self.steps = outer;
            self.base = None;
        }
    }

    fn compare(&mut self, step: Step<'v>, place: &Place) {
        if self.is_full {
            return;
        }
        let Some(left) = self.left.checked_sub(1) else { return self.too_many() };
        self.left = left;
        self.steps.push(step);
        let before = self.edits.len();
        self.compare_values(step, place);
        let is_schema = step.shape.is("schema") && step.old.is_some() && step.new.is_some();
        if is_schema && self.edits.len() == before && step.old != step.new {
            self.report(Kind::Rephrased, place);
        }
        self.steps.pop();
    }

    fn compare_values(&mut self, step: Step<'v>, place: &Place) {
        let Step { shape, key, old, new, .. } = step;
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            (Some(old), None) if is_container(shape, old) => {
                return self.compare_children(shape, old, empty(old), place);
            }
            (None, Some(new)) if is_container(shape, new) => {
                return self.compare_children(shape, empty(new), new, place);
            }
            (None, Some(Value::Bool(false))) | (Some(Value::Bool(false)), None)
                if is_false_by_default(key) && self.is_keyword() =>
            {
                return self.report(Kind::Restated, place);
            }
            (None, _) => return self.report(Kind::Added, place),
            (_, None) => return self.report(Kind::Removed, place),
        };
        match (old, new) {
            (Value::Object(_), Value::Object(_)) if shape.is("schema") => {
                self.compare_schema(step, old, new, place)
            }
            (Value::Object(_), Value::Object(_))
                if has_reference(shape, old) || has_reference(shape, new) =>
            {
                self.referred(step, old, new, place);
            }
            (Value::String(_), Value::String(_)) if matches!(shape, Shape::Target) => {
                if old != new {
                    self.report(Kind::Changed, place);
                }
                self.target(old, new);
            }
            _ => self.compare_children(shape, old, new, place),
        }
    }

    fn is_keyword(&self) -> bool {
        self.steps.iter().rev().nth(1).is_some_and(|holder| holder.shape.has_keywords())
    }

    fn report(&mut self, kind: Kind, place: &Place) {
        if self.edits.len() == MAX_EDITS {
            return self.too_many();
        }
        let used = use_of(self.base, &self.steps);
        self.edits.push(Edit { place: place.clone(), kind, steps: self.steps.clone(), used });
    }

    fn report_under(&mut self, below: Step<'v>, kind: Kind, place: &Place) {
        self.steps.push(below);
        self.report(kind, place);
        self.steps.pop();
    }

    fn too_many(&mut self) {
        if !self.is_full {
            self.is_full = true;
            self.edits.truncate(MAX_EDITS - 1);
            let (place, steps) = (Place::default(), vec![self.root()]);
            self.edits.push(Edit { place, kind: Kind::TooMany, steps, used: None });
            self.jobs.clear();
        }
    }

    fn referred(&mut self, step: Step<'v>, old: &'v Value, new: &'v Value, place: &Place) {
        let to = |value: &'v Value| value.get("$ref").filter(|to| to.is_string());
        self.references(to(old).as_slice(), to(new).as_slice(), place);
        let before = followed(self.documents.0, old, &place.old);
        let after = followed(self.documents.1, new, &place.new);
        if let (Some((old, old_at)), Some((new, new_at))) = (before, after) {
            let step = Step { old: Some(old), new: Some(new), ..step };
            self.enqueue(step, Place { old: old_at, new: new_at });
        }
    }

    fn enqueue(&mut self, step: Step<'v>, place: Place) {
        let used = use_of(self.base, &self.steps);
        if self.seen.insert((place.clone(), used, step.is_optional_property())) {
            self.jobs.push_back(Job { step, place, used });
        }
    }

    fn compare_children(&mut self, shape: &'static Shape, old: &'v Value, new: &'v Value, place: &Place) {
        match (old, new) {
            (Value::Object(old), Value::Object(new)) if shape.is("path item") => {
                self.path_item(old, new, place);
            }
            (Value::Object(old), Value::Object(new)) => self.map(shape, old, new, place, &|_| true),
            (Value::Array(old), Value::Array(new)) => self.list(shape, old, new, place),
            _ if old != new => self.report(Kind::Changed, place),
            _ => {}
        }
    }

    fn map(
        &mut self,
        shape: &'static Shape,
        old: &'v Object,
        new: &'v Object,
        place: &Place,
        is_wanted: &dyn Fn(&str) -> bool,
    ) {
        let respelled = respelled(shape, old, new);
        for (key, value) in new.iter().filter(|(key, _)| is_wanted(key)) {
            let from = respelled.iter().find(|(_, to)| *to == key).map_or(key.as_str(), |(from, _)| from);
            let step = step(shape.under(key), key, old.get(from), Some(value));
            let here = Place { old: join(&place.old, from), new: join(&place.new, key) };
            if from != key {
                self.report_under(step, Kind::Rephrased, &here);
            }
            self.compare(step, &here);
        }
        for (key, value) in old.iter().filter(|(key, _)| is_wanted(key) && !new.contains_key(*key)) {
            if !respelled.iter().any(|(from, _)| *from == key) {
                self.compare(step(shape.under(key), key, Some(value), None), &place.under(key));
            }
        }
    }
}

fn step<'v>(shape: &'static Shape, key: &'v str, old: Option<&'v Value>, new: Option<&'v Value>) -> Step<'v> {
    Step { shape, key, old, new, is_property: false, is_required: false }
}

fn use_of(base: Option<Use>, steps: &[Step<'_>]) -> Option<Use> {
    let mut known = base;
    let mut holder = "";
    for step in steps {
        let name = step.shape.name().unwrap_or_default();
        let side = known.map(|known| known.side);
        let (side, part) = match name {
            "parameter" => (Some(Side::Request), Part::Parameter),
            "request body" => (Some(Side::Request), Part::Body),
            "response" => (Some(Side::Response), Part::Body),
            "header" => (side.or(Some(Side::Response)), Part::Header),
            "schema" if holder == "schema" => (side, Part::Property),
            _ => (side, known.map_or(Part::Body, |known| known.part)),
        };
        known = side.map(|side| Use { side, part });
        holder = if name.is_empty() { holder } else { name };
    }
    known
}

fn place_of(before: Option<&Field<'_>>, after: Option<&Field<'_>>, otherwise: Place) -> Place {
    Place {
        old: before.map_or(otherwise.old, |field| field.at.clone()),
        new: after.map_or(otherwise.new, |field| field.at.clone()),
    }
}

fn pair(found: &mut [Option<usize>], left: &mut Vec<usize>, is_same: impl Fn(usize, usize) -> bool) {
    for (new, found) in found.iter_mut().enumerate().filter(|(_, found)| found.is_none()) {
        *found = left.iter().position(|old| is_same(*old, new)).map(|at| left.remove(at));
    }
}

fn has_reference(shape: &Shape, value: &Value) -> bool {
    shape.has_keywords() && !shape.is("document") && value.get("$ref").is_some_and(Value::is_string)
}

fn respelled<'v>(shape: &'static Shape, old: &'v Object, new: &'v Object) -> Vec<(&'v String, &'v String)> {
    let Shape::Names(of) = shape else { return Vec::new() };
    if !of.is("header") && !of.is("media type") {
        return Vec::new();
    }
    let plain = |name: &str| name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let found = gone.filter_map(|from| {
        let to = new.keys().find(|to| !old.contains_key(*to) && plain(to) == plain(from))?;
        Some((from, to))
    });
    let mut pairs: Vec<(&String, &String)> = found.take(MAX_EDITS).collect();
    pairs.dedup_by_key(|(_, to)| *to);
    pairs
}

fn is_container(shape: &Shape, value: &Value) -> bool {
    let is_of_things = matches!(shape, Shape::Names(_) | Shape::Patterned(_) | Shape::List(_));
    // If a map or list is added or removed, each of its items is reported. If the map or list is
    // empty, it is reported itself, because an empty value can mean something different from a
    // missing value.
    is_of_things && (value.is_object() || value.is_array()) && !is_empty(value)
}

fn unordered(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), unordered(value))).collect(),
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().map(unordered).collect();
            list.sort_by_cached_key(Value::to_string);
            list.into()
        }
        scalar => scalar.clone(),
    }
}

fn empty(like: &Value) -> &'static Value {
    static LIST: Value = Value::Array(Vec::new());
    static MAP: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| Value::Object(Map::new()));
    if like.is_array() { &LIST } else { &MAP }
}
