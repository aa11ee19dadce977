//! Compares two documents by what is used: from each operation on, every message as it is once its
//! references are followed. Names of components come second. It knows the grammar, so that lists of
//! parameters, alternatives and values are matched by what they are and not by where they stand; it
//! does not judge. What differs is never left out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};
use similar::get_close_matches;

use super::edit::{Edit, Kind, MOST, Place, Step, followed, identity, list_of, map_of};
use super::uses::{Use, use_of};
use super::view::{Field, View};
use crate::shape::{self, Shape, is_method, join};

/// Every difference.
pub(crate) fn edits<'v>(old: &'v Value, new: &'v Value) -> Vec<Edit<'v>> {
    let mut walk = Walk::of(old, new);
    let root = walk.root();
    let (before, after) = (map_of(Some(old)), map_of(Some(new)));
    if let (Some(before), Some(after)) = (before, after) {
        walk.steps.push(root);
        let is_used = |key: &str| key != "components";
        walk.map(root.shape, before, after, &Place::default(), &is_used);
        walk.security_schemes();
        walk.steps.pop();
    }
    walk.run_jobs();
    walk.components();
    walk.misshapen_components();
    walk.run_jobs();
    if walk.edits.is_empty() && old != new && unordered(old) != unordered(new) {
        walk.steps = vec![root];
        walk.tell(Kind::Changed, &Place::default());
    }
    let renames = walk.renames();
    walk.edits.retain(|edit| !is_rename(edit, &renames));
    walk.edits
}

/// Places looked at. A document in which everything refers to everything is not compared to its end.
const MOST_VISITED: usize = 2_000_000;

/// Pairs of names, and of items of a list: what has more is not matched.
const MOST_COMPARED: usize = 10_000;

/// Booleans that mean false where they are left out.
const FALSE_BY_DEFAULT: [&str; 9] = [
    "deprecated",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "nullable",
    "readOnly",
    "required",
    "uniqueItems",
    "writeOnly",
    "allowReserved",
];

static TRUE: Value = Value::Bool(true);

/// A kind of component, and a name of that kind.
type Name = (String, String);

/// Two things that are used in the same place.
struct Job<'v> {
    step: Step<'v>,
    place: Place,
    used: Option<Use>,
}

struct Walk<'v> {
    documents: (&'v Value, &'v Value),
    /// From the document, or from where the job begins.
    steps: Vec<Step<'v>>,
    /// What the job's beginning serves as.
    base: Option<Use>,
    edits: Vec<Edit<'v>>,
    jobs: VecDeque<Job<'v>>,
    /// What was compared already, so that a cycle ends and nothing is compared twice.
    seen: BTreeSet<(Place, Option<Use>, bool)>,
    /// Components that are used in the same place.
    pairs: BTreeSet<(Name, Name)>,
    used_old: BTreeSet<Name>,
    used_new: BTreeSet<Name>,
    left: usize,
}

impl<'v> Walk<'v> {
    fn of(old: &'v Value, new: &'v Value) -> Self {
        Self {
            documents: (old, new),
            steps: Vec::new(),
            base: None,
            edits: Vec::new(),
            jobs: VecDeque::new(),
            seen: BTreeSet::new(),
            pairs: BTreeSet::new(),
            used_old: BTreeSet::new(),
            used_new: BTreeSet::new(),
            left: MOST_VISITED,
        }
    }

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
                (Some(old), Some(new)) => self.things(job.step.shape, old, new, &job.place),
                _ => {}
            }
            self.steps = outer;
            self.base = None;
        }
    }

    fn node(&mut self, step: Step<'v>, place: &Place) {
        if self.edits.len() > MOST {
            return;
        }
        let Some(left) = self.left.checked_sub(1) else { return self.too_many() };
        self.left = left;
        self.steps.push(step);
        let before = self.edits.len();
        self.inside(step, place);
        let is_schema = step.shape.is("schema") && step.old.is_some() && step.new.is_some();
        if is_schema && self.edits.len() == before && step.old != step.new {
            self.tell(Kind::Rephrased, place);
        }
        self.steps.pop();
    }

    fn inside(&mut self, step: Step<'v>, place: &Place) {
        let Step { shape, key, old, new, .. } = step;
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            // What is a map or list of things is reported thing by thing.
            (Some(old), None) if is_container(shape, old) => {
                return self.things(shape, old, empty(old), place);
            }
            (None, Some(new)) if is_container(shape, new) => {
                return self.things(shape, empty(new), new, place);
            }
            (None, Some(Value::Bool(false))) | (Some(Value::Bool(false)), None)
                if FALSE_BY_DEFAULT.contains(&key) && self.is_keyword() =>
            {
                return self.tell(Kind::Restated, place);
            }
            (None, _) => return self.tell(Kind::Added, place),
            (_, None) => return self.tell(Kind::Removed, place),
        };
        match (old, new) {
            (Value::Object(_), Value::Object(_)) if shape.is("schema") => self.reach(step, old, new, place),
            (Value::Object(_), Value::Object(_))
                if has_reference(shape, old) || has_reference(shape, new) =>
            {
                self.referred(step, old, new, place);
            }
            (Value::Object(_), Value::Object(_)) | (Value::Array(_), Value::Array(_)) => {
                self.things(shape, old, new, place);
            }
            (Value::String(_), Value::String(_)) if matches!(shape, Shape::Target) => {
                if old != new {
                    self.tell(Kind::Changed, place);
                }
                self.target(old, new);
            }
            _ if old != new => self.tell(Kind::Changed, place),
            _ => {}
        }
    }

    /// Whether where we are is a keyword of OpenAPI's, and not a name or data.
    fn is_keyword(&self) -> bool {
        self.steps.iter().rev().nth(1).is_some_and(|holder| holder.shape.has_keywords())
    }

    fn tell(&mut self, kind: Kind, place: &Place) {
        if self.edits.len() >= MOST {
            return self.too_many();
        }
        let used = use_of(self.base, &self.steps);
        self.edits.push(Edit { place: place.clone(), kind, steps: self.steps.clone(), used });
    }

    fn tell_under(&mut self, below: Step<'v>, kind: Kind, place: &Place) {
        self.steps.push(below);
        self.tell(kind, place);
        self.steps.pop();
    }

    fn too_many(&mut self) {
        if self.edits.len() <= MOST {
            self.edits.truncate(MOST - 1);
            let (kind, steps) = (Kind::TooMany, vec![self.root()]);
            // Above `MOST`, so that nothing more is looked at.
            for _ in self.edits.len()..=MOST {
                let (kind, steps) = (kind.clone(), steps.clone());
                self.edits.push(Edit { place: Place::default(), kind, steps, used: None });
            }
            self.jobs.clear();
        }
    }

    /// A component is referred to, or something in its place stands here.
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

    /// A schema: at once, or as a job of its own if it refers to another.
    fn reach(&mut self, step: Step<'v>, old: &'v Value, new: &'v Value, place: &Place) {
        let before = View::of(self.documents.0, old, &place.old);
        let after = View::of(self.documents.1, new, &place.new);
        if before.references.is_empty() && after.references.is_empty() {
            return self.views(step, before, after, place);
        }
        self.references(&before.references, &after.references, place);
        let pure = |document: &'v Value, value: &'v Value, at: &str| {
            let is_pure = value.as_object().is_some_and(|map| map.len() == 1 && map.contains_key("$ref"));
            let end = if is_pure { hop(document, value) } else { None };
            end.unwrap_or_else(|| (value, at.to_owned()))
        };
        let (old, old_at) = pure(self.documents.0, old, &place.old);
        let (new, new_at) = pure(self.documents.1, new, &place.new);
        let step = Step { old: Some(old), new: Some(new), ..step };
        self.enqueue(step, Place { old: old_at, new: new_at });
    }

    fn schema(&mut self, step: Step<'v>, old: &'v Value, new: &'v Value, place: &Place) {
        let before = View::of(self.documents.0, old, &place.old);
        let after = View::of(self.documents.1, new, &place.new);
        let count = self.edits.len();
        self.views(step, before, after, place);
        let is_reference = |value: &Value| value.get("$ref").is_some();
        if self.edits.len() == count && old != new && !is_reference(old) && !is_reference(new) {
            self.tell(Kind::Rephrased, place);
        }
    }

    fn enqueue(&mut self, step: Step<'v>, place: Place) {
        let used = use_of(self.base, &self.steps);
        if self.seen.insert((place.clone(), used, step.is_optional_property())) {
            self.jobs.push_back(Job { step, place, used });
        }
    }

    /// What is referred to here, by name. What it amounts to is compared by itself.
    fn references(&mut self, old: &[&'v Value], new: &[&'v Value], place: &Place) {
        let names = |list: &[&'v Value]| list.iter().filter_map(|to| component(to)).collect::<Vec<_>>();
        self.used_old.extend(names(old));
        self.used_new.extend(names(new));
        let mut gone: Vec<&'v Value> = old.iter().copied().filter(|to| !new.contains(to)).collect();
        for to in old.iter().filter(|to| new.contains(to)) {
            if let Some(name) = component(to) {
                self.pairs.insert((name.clone(), name));
            }
        }
        let fresh: Vec<&'v Value> = new.iter().copied().filter(|to| !old.contains(to)).collect();
        let place = place.under("$ref");
        for to in fresh {
            let from = (!gone.is_empty()).then(|| gone.remove(0));
            if let (Some(from), Some(to)) = (from.and_then(component), component(to)) {
                self.pairs.insert((from, to));
            }
            let kind = if from.is_some() { Kind::Changed } else { Kind::Added };
            self.tell_under(step(&shape::DATA, "$ref", from, Some(to)), kind, &place);
        }
        for from in gone {
            self.tell_under(step(&shape::DATA, "$ref", Some(from), None), Kind::Removed, &place);
        }
    }

    /// The target of a discriminator.
    fn target(&mut self, old: &'v Value, new: &'v Value) {
        let find = |document: &'v Value, to: &Value| {
            let text = to.as_str()?;
            let at = match text.strip_prefix('#') {
                Some(pointer) => pointer.to_owned(),
                None => join("/components/schemas", text),
            };
            Some((document.pointer(&at)?, at))
        };
        if let (Some((old, old_at)), Some((new, new_at))) =
            (find(self.documents.0, old), find(self.documents.1, new))
        {
            let names = (component_at(&old_at), component_at(&new_at));
            if let (Some(from), Some(to)) = names {
                self.used_old.insert(from.clone());
                self.used_new.insert(to.clone());
                self.pairs.insert((from, to));
            }
            let step = step(&shape::SCHEMA, "schema", Some(old), Some(new));
            self.enqueue(step, Place { old: old_at, new: new_at });
        }
    }

    fn views(&mut self, step: Step<'v>, mut old: View<'v>, mut new: View<'v>, place: &Place) {
        self.choices(&mut old, &mut new, place);
        if old.is_nullable != new.is_nullable {
            let flag = |is_nullable: bool| is_nullable.then_some(&TRUE);
            let below = self::step(&shape::DATA, "nullable", flag(old.is_nullable), flag(new.is_nullable));
            let kind = if new.is_nullable { Kind::Added } else { Kind::Removed };
            self.tell_under(below, kind, &place.under("nullable"));
        }
        self.properties(step, &old, &new, place);
        for (before, after) in pairs_of(&old.rest, &new.rest) {
            self.member("allOf", before, after, place);
        }
        let is_nullable = old.is_nullable || new.is_nullable;
        let keys = new.fields.iter().chain(old.fields.iter().filter(|field| new.field(field.key).is_none()));
        for field in keys.cloned().collect::<Vec<_>>() {
            let (before, after) = (old.field(field.key), new.field(field.key));
            let here = Place {
                old: before.map_or_else(|| join(&place.old, field.key), |field| field.at.clone()),
                new: after.map_or_else(|| join(&place.new, field.key), |field| field.at.clone()),
            };
            let (before, after) = (before.map(|it| it.value), after.map(|it| it.value));
            let below = self::step(shape::SCHEMA.under(field.key), field.key, before, after);
            if field.key == "enum"
                && let (Some(Value::Array(before)), Some(Value::Array(after))) = (before, after)
            {
                self.steps.push(below);
                self.set(before, after, is_nullable, &here);
                self.steps.pop();
            } else {
                self.node(below, &here);
            }
        }
    }

    /// Each part of a list of schemas.
    fn member(&mut self, key: &'v str, before: Option<&Field<'v>>, after: Option<&Field<'v>>, place: &Place) {
        let (old, new) = (before.map(|field| field.value), after.map(|field| field.value));
        let here = Place {
            old: before.map_or_else(|| place.old.clone(), |field| field.at.clone()),
            new: after.map_or_else(|| place.new.clone(), |field| field.at.clone()),
        };
        self.steps.push(step(&shape::SCHEMAS, key, None, None));
        self.node(step(&shape::SCHEMA, "", old, new), &here);
        self.steps.pop();
    }

    fn choices(&mut self, old: &mut View<'v>, new: &mut View<'v>, place: &Place) {
        let (was, is) = (std::mem::take(&mut old.choices), std::mem::take(&mut new.choices));
        match (was.first().map(|it| it.key), is.first().map(|it| it.key)) {
            (None, None) => {}
            (Some(from), Some(to)) => {
                if from != to {
                    let below = step(&shape::DATA, to, None, None);
                    self.tell_under(below, Kind::Renamed(from.into(), to.into()), &place.under(to));
                }
                for (before, after) in self.matched(&was, &is) {
                    self.member(to, before, after, place);
                }
            }
            (None, Some(key)) => {
                let document = self.documents.1;
                let Some((same, view)) = closest(document, old, new, &is) else {
                    return is.iter().for_each(|choice| self.member(key, None, Some(choice), place));
                };
                self.tell(Kind::BecameOneOf, place);
                let kind = view.value("type");
                new.merge(view);
                for (_, choice) in is.iter().enumerate().filter(|(index, _)| *index != same) {
                    self.further(key, choice, kind, place);
                }
            }
            (Some(key), None) => {
                let Some((same, view)) = closest(self.documents.0, new, old, &was) else {
                    return was.iter().for_each(|choice| self.member(key, Some(choice), None, place));
                };
                old.merge(view);
                for (_, choice) in was.iter().enumerate().filter(|(index, _)| *index != same) {
                    self.member(key, Some(choice), None, place);
                }
            }
        }
    }

    /// An alternative beside the one that was there alone, with what is said of it.
    fn further(&mut self, key: &'v str, choice: &Field<'v>, kind: Option<&Value>, place: &Place) {
        let view = View::of(self.documents.1, choice.value, &choice.at);
        let here = Place { old: place.old.clone(), new: choice.at.clone() };
        self.used_new.extend(view.references.iter().filter_map(|to| component(to)));
        self.steps.push(step(&shape::SCHEMAS, key, None, None));
        self.steps.push(step(&shape::SCHEMA, "", None, Some(choice.value)));
        let is_alike = view.value("type") == kind;
        self.tell(if is_alike { Kind::AddedAlike } else { Kind::Added }, &here);
        for field in ["description", "example"].iter().filter_map(|key| view.field(key)) {
            let here = Place { old: here.old.clone(), new: field.at.clone() };
            self.node(step(&shape::DATA, field.key, None, Some(field.value)), &here);
        }
        self.steps.truncate(self.steps.len() - 2);
    }

    /// Alternatives that are the same, then those of one type, then the rest one after the other.
    fn matched<'f>(
        &self,
        old: &'f [Field<'v>],
        new: &'f [Field<'v>],
    ) -> Vec<(Option<&'f Field<'v>>, Option<&'f Field<'v>>)> {
        if old.len() * new.len() > MOST_COMPARED {
            return pairs_of(old, new);
        }
        let views = |document: &'v Value, list: &[Field<'v>]| -> Vec<View<'v>> {
            list.iter().map(|field| View::of(document, field.value, &field.at)).collect()
        };
        let (before, after) = (views(self.documents.0, old), views(self.documents.1, new));
        let mut left: Vec<usize> = (0..old.len()).collect();
        let mut found: Vec<Option<usize>> = vec![None; new.len()];
        for (index, field) in new.iter().enumerate() {
            let same = left.iter().position(|was| old[*was].value == field.value);
            found[index] = same.map(|same| left.remove(same));
        }
        for (index, view) in
            after.iter().enumerate().filter(|(index, _)| found[*index].is_none()).collect::<Vec<_>>()
        {
            let likeness = |was: &usize| before[*was].likeness(view);
            let best = left.iter().copied().filter(|was| likeness(was).is_some()).max_by_key(likeness);
            if let Some(best) = best {
                left.retain(|was| *was != best);
                found[index] = Some(best);
            }
        }
        for (index, _) in new.iter().enumerate() {
            if found[index].is_none() && !left.is_empty() {
                found[index] = Some(left.remove(0));
            }
        }
        let kept = found.iter().zip(new).map(|(was, field)| (was.map(|was| &old[was]), Some(field)));
        kept.chain(left.into_iter().map(|was| (Some(&old[was]), None))).collect()
    }

    fn properties(&mut self, schema: Step<'v>, old: &View<'v>, new: &View<'v>, place: &Place) {
        let renamed = self.renamed(old, new);
        let below = |value: Option<&'v Value>| value.and_then(|value| value.get("properties"));
        self.steps.push(step(&shape::NAMED_SCHEMAS, "properties", below(schema.old), below(schema.new)));
        for field in &new.properties {
            let from = renamed.iter().find(|(_, to)| *to == field.key).map(|(from, _)| *from);
            let before = old.property(from.unwrap_or(field.key));
            self.property(before, Some(field), old, new, place);
        }
        for field in &old.properties {
            let is_renamed = renamed.iter().any(|(from, _)| *from == field.key);
            if new.property(field.key).is_none() && !is_renamed {
                self.property(Some(field), None, old, new, place);
            }
        }
        self.steps.pop();
        let is_loose = |name: &&&str| old.property(name).is_none() && new.property(name).is_none();
        let (was, is) = (&old.required, &new.required);
        let added = is.difference(was).filter(is_loose).map(|name| Kind::ItemAdded((*name).into()));
        let removed = was.difference(is).filter(is_loose).map(|name| Kind::ItemRemoved((*name).into()));
        for kind in added.chain(removed).collect::<Vec<_>>() {
            let below = |value: Option<&'v Value>| value.and_then(|value| value.get("required"));
            let step = step(&shape::DATA, "required", below(schema.old), below(schema.new));
            self.tell_under(step, kind, &place.under("required"));
        }
    }

    fn property(
        &mut self,
        before: Option<&Field<'v>>,
        after: Option<&Field<'v>>,
        old: &View<'v>,
        new: &View<'v>,
        place: &Place,
    ) {
        let Some(key) = after.or(before).map(|field| field.key) else { return };
        let was_required = before.is_some_and(|field| old.required.contains(field.key));
        let is_required = after.is_some_and(|field| new.required.contains(field.key));
        let below = place.under("properties").under(key);
        let here = Place {
            old: before.map_or(below.old, |field| field.at.clone()),
            new: after.map_or(below.new, |field| field.at.clone()),
        };
        let step = Step {
            is_property: true,
            is_required: if after.is_some() { is_required } else { was_required },
            ..step(&shape::SCHEMA, key, before.map(|it| it.value), after.map(|it| it.value))
        };
        if let (Some(before), Some(after)) = (before, after) {
            if before.key != after.key {
                self.tell_under(step, Kind::Renamed(before.key.into(), after.key.into()), &here);
            }
            match (was_required, is_required) {
                (false, true) => self.tell_under(step, Kind::BecameRequired, &here),
                (true, false) => self.tell_under(step, Kind::BecameOptional, &here),
                _ => {}
            }
        }
        self.node(step, &here);
    }

    /// Properties that seem to have got another name: one is gone and a similar one of the same type is
    /// new.
    fn renamed(&self, old: &View<'v>, new: &View<'v>) -> Vec<(&'v str, &'v str)> {
        let names = |fields: &[Field<'v>]| fields.iter().map(|it| it.key).collect::<BTreeSet<_>>();
        let (olds, news) = (names(&old.properties), names(&new.properties));
        let gone: Vec<&Field<'v>> = old.properties.iter().filter(|it| !news.contains(it.key)).collect();
        let mut fresh: Vec<&Field<'v>> = new.properties.iter().filter(|it| !olds.contains(it.key)).collect();
        let mut pairs = Vec::new();
        // Each is compared with each, letter by letter.
        if gone.len() * fresh.len() > MOST_COMPARED {
            return pairs;
        }
        for from in gone {
            let before = View::of(self.documents.0, from.value, &from.at);
            let is_alike = |to: &&&Field<'v>| {
                let after = View::of(self.documents.1, to.value, &to.at);
                ["type", "format"].iter().all(|key| before.value(key) == after.value(key))
            };
            let candidates: Vec<&str> = fresh.iter().filter(is_alike).map(|to| to.key).collect();
            if let Some(to) = get_close_matches(from.key, &candidates, 1, 0.7).first().copied() {
                fresh.retain(|field| field.key != to);
                pairs.push((from.key, to));
            }
        }
        pairs
    }

    fn set(&mut self, old: &'v [Value], new: &'v [Value], is_nullable: bool, place: &Place) {
        if old == new {
            return;
        }
        let texts = |list: &[Value]| list.iter().map(Value::to_string).collect::<BTreeSet<_>>();
        let (in_old, in_new) = (texts(old), texts(new));
        // That null is admitted is reported of the schema.
        let counts = |item: &&Value| !(is_nullable && item.is_null());
        for item in new.iter().filter(counts).filter(|item| !in_old.contains(&item.to_string())) {
            self.tell(Kind::ItemAdded(item.clone()), place);
        }
        for item in old.iter().filter(counts).filter(|item| !in_new.contains(&item.to_string())) {
            self.tell(Kind::ItemRemoved(item.clone()), place);
        }
    }

    fn things(&mut self, shape: &'static Shape, old: &'v Value, new: &'v Value, place: &Place) {
        match (old, new) {
            (Value::Object(old), Value::Object(new)) if shape.is("path item") => {
                self.path_item(old, new, place);
            }
            (Value::Object(old), Value::Object(new)) => self.map(shape, old, new, place, &|_| true),
            (Value::Array(old), Value::Array(new)) => self.list(shape, old, new, place),
            _ if old != new => self.tell(Kind::Changed, place),
            _ => {}
        }
    }

    fn map(
        &mut self,
        shape: &'static Shape,
        old: &'v Map<String, Value>,
        new: &'v Map<String, Value>,
        place: &Place,
        is_wanted: &dyn Fn(&str) -> bool,
    ) {
        let respelled = respelled(shape, old, new);
        for (key, value) in new.iter().filter(|(key, _)| is_wanted(key)) {
            let from = respelled.iter().find(|(_, to)| *to == key).map_or(key.as_str(), |(from, _)| from);
            let step = step(shape.under(key), key, old.get(from), Some(value));
            let here = Place { old: join(&place.old, from), new: join(&place.new, key) };
            if from != key {
                self.tell_under(step, Kind::Rephrased, &here);
            }
            self.node(step, &here);
        }
        for (key, value) in old.iter().filter(|(key, _)| is_wanted(key) && !new.contains_key(*key)) {
            if !respelled.iter().any(|(from, _)| *from == key) {
                self.node(step(shape.under(key), key, Some(value), None), &place.under(key));
            }
        }
    }

    /// A path: each operation has the parameters that stand beside it, unless it has its own.
    fn path_item(&mut self, old: &'v Map<String, Value>, new: &'v Map<String, Value>, place: &Place) {
        self.map(&shape::PATH_ITEM, old, new, place, &|key| key != "parameters" && !is_method(key));
        let count = self.edits.len();
        let methods: BTreeSet<&'v String> =
            old.keys().chain(new.keys()).filter(|key| is_method(key)).collect();
        for method in methods {
            let here = place.under(method);
            let step = step(shape::PATH_ITEM.under(method), method, old.get(method), new.get(method));
            let (Some(Value::Object(before)), Some(Value::Object(after))) = (step.old, step.new) else {
                self.node(step, &here);
                continue;
            };
            self.steps.push(step);
            self.map(step.shape, before, after, &here, &|key| key != "parameters");
            let before = self.in_force(self.documents.0, old, before, &place.old, method);
            let after = self.in_force(self.documents.1, new, after, &place.new, method);
            self.parameters(&before, &after);
            self.steps.pop();
        }
        let (before, after) = (old.get("parameters"), new.get("parameters"));
        if self.edits.len() == count && before != after {
            let below = step(&shape::DATA, "parameters", before, after);
            self.tell_under(below, Kind::Rephrased, &place.under("parameters"));
        }
    }

    fn in_force(
        &self,
        document: &'v Value,
        item: &'v Map<String, Value>,
        operation: &'v Map<String, Value>,
        at: &str,
        method: &str,
    ) -> Vec<Field<'v>> {
        let fields = |list: Option<&'v Value>, at: &str| -> Vec<Field<'v>> {
            let items = list_of(list).iter().enumerate();
            items.map(|(index, value)| Field { key: "", value, at: join(at, &index.to_string()) }).collect()
        };
        let mut found = fields(operation.get("parameters"), &join(&join(at, method), "parameters"));
        let own: BTreeSet<Option<Vec<String>>> =
            found.iter().map(|field| identity(document, parameter(), field.value)).collect();
        let shared = fields(item.get("parameters"), &join(at, "parameters"));
        found.extend(shared.into_iter().filter(|field| {
            let known = identity(document, parameter(), field.value);
            known.is_none() || !own.contains(&known)
        }));
        found
    }

    fn parameters(&mut self, old: &[Field<'v>], new: &[Field<'v>]) {
        let known = |document: &Value, list: &[Field<'v>]| -> Vec<Option<Vec<String>>> {
            list.iter().map(|field| identity(document, parameter(), field.value)).collect()
        };
        let (olds, news) = (known(self.documents.0, old), known(self.documents.1, new));
        let mut left: BTreeMap<&Option<Vec<String>>, Vec<usize>> = BTreeMap::new();
        for (index, name) in olds.iter().enumerate().rev() {
            left.entry(name).or_default().push(index);
        }
        let mut found: Vec<Option<usize>> = news.iter().map(|name| left.get_mut(name)?.pop()).collect();
        let mut rest: Vec<usize> = left.into_values().flatten().collect();
        // The same reference, to what has another name by now.
        if rest.len() * new.len() <= MOST_COMPARED {
            for (index, field) in new.iter().enumerate().filter(|(index, _)| news[*index].is_some()) {
                let same = rest
                    .iter()
                    .position(|was| old[*was].value == field.value && field.value.get("$ref").is_some());
                if found[index].is_none()
                    && let Some(same) = same
                {
                    found[index] = Some(rest.remove(same));
                }
            }
        }
        self.steps.push(step(&shape::DATA, "parameters", None, None));
        for (field, was) in new.iter().zip(found) {
            let before = was.map(|was| &old[was]);
            let here = Place {
                old: before.map_or_else(|| field.at.clone(), |before| before.at.clone()),
                new: field.at.clone(),
            };
            self.node(step(parameter(), "", before.map(|it| it.value), Some(field.value)), &here);
        }
        rest.sort_unstable();
        for field in rest.into_iter().map(|was| &old[was]) {
            self.node(step(parameter(), "", Some(field.value), None), &Place::both(&field.at));
        }
        self.steps.pop();
    }

    /// Things of a list are matched by what tells them apart; what is left, one after the other.
    fn list(&mut self, shape: &'static Shape, old: &'v [Value], new: &'v [Value], place: &Place) {
        let Shape::List(of) = shape else {
            if old != new {
                self.tell(Kind::Changed, place);
            }
            return;
        };
        if old.len() * new.len() > MOST_COMPARED {
            if old != new {
                self.tell(Kind::Changed, place);
            }
            return;
        }
        let (before, after) = self.documents;
        let is_same = |old: &Value, new: &Value| {
            old == new || {
                let old = identity(before, of, old);
                old.is_some() && old == identity(after, of, new)
            }
        };
        let mut left: Vec<usize> = (0..old.len()).collect();
        let mut pairs: Vec<(Option<usize>, usize)> = Vec::new();
        for (index, item) in new.iter().enumerate() {
            let found = left.iter().position(|was| is_same(&old[*was], item));
            pairs.push((found.map(|found| left.remove(found)), index));
        }
        if !matches!(of, Shape::Requirement) && !pairs.iter().flat_map(|(was, _)| was).is_sorted() {
            self.tell(Kind::Reordered, place);
        }
        let has_identity = new.iter().chain(old).any(|item| identity(after, of, item).is_some());
        if !has_identity {
            for (was, _) in pairs.iter_mut().filter(|(was, _)| was.is_none()) {
                *was = (!left.is_empty()).then(|| left.remove(0));
            }
        }
        for (was, index) in pairs {
            let here = Place {
                old: join(&place.old, &was.unwrap_or(index).to_string()),
                new: join(&place.new, &index.to_string()),
            };
            self.node(step(of, "", was.map(|was| &old[was]), Some(&new[index])), &here);
        }
        for index in left {
            self.node(step(of, "", Some(&old[index]), None), &place.under(&index.to_string()));
        }
    }

    /// They are referred to by name only.
    fn security_schemes(&mut self) {
        let kind = "securitySchemes";
        let below = |document: &'v Value| document.get("components").and_then(|it| it.get(kind));
        let (old, new) = (below(self.documents.0), below(self.documents.1));
        let empty = empty(&TRUE);
        let (Value::Object(old), Value::Object(new)) = (old.unwrap_or(empty), new.unwrap_or(empty)) else {
            return;
        };
        let shape = shape::COMPONENTS.under(kind);
        let (before, after) = (self.documents.0.get("components"), self.documents.1.get("components"));
        self.steps.push(step(&shape::COMPONENTS, "components", before, after));
        self.steps.push(step(shape, kind, None, None));
        self.map(shape, old, new, &Place::both("/components").under(kind), &|_| true);
        self.steps.truncate(self.steps.len() - 2);
    }

    /// Names that came, went or stand for something else, and components that nothing refers to.
    fn components(&mut self) {
        let renames = self.renames();
        let names = |document: &'v Value| -> BTreeMap<Name, (&'v str, &'v str, &'v Value)> {
            let kinds = map_of(document.get("components")).into_iter().flatten();
            kinds
                .filter(|(kind, _)| *kind != "securitySchemes")
                .filter(|(kind, _)| matches!(shape::COMPONENTS.under(kind), Shape::Names(_)))
                .flat_map(|(kind, names)| {
                    let names = names.as_object().into_iter().flatten();
                    names.map(move |(name, value)| {
                        ((kind.clone(), name.clone()), (kind.as_str(), name.as_str(), value))
                    })
                })
                .collect()
        };
        let (olds, news) = (names(self.documents.0), names(self.documents.1));
        for (from, to) in &renames {
            let (Some(old), Some(new)) = (olds.get(from), news.get(to)) else { continue };
            let kind = Kind::Renamed(from.1.clone(), to.1.clone());
            self.component(*new, Some(old.2), Some(new.2), Some(kind), (from, to));
        }
        for (name, new) in &news {
            let is_renamed = renames.iter().any(|(_, to)| to == name);
            match olds.get(name) {
                None if is_renamed => {}
                None => self.component(*new, None, Some(new.2), None, (name, name)),
                Some(_) if self.pairs.contains(&(name.clone(), name.clone())) => {}
                Some(old) if self.used_old.contains(name) || self.used_new.contains(name) => {
                    if old.2 != new.2 {
                        let kind = Some(Kind::Replaced);
                        self.component(*new, Some(old.2), Some(new.2), kind, (name, name));
                    }
                }
                // Nobody uses it: compared by name.
                Some(old) => self.component(*new, Some(old.2), Some(new.2), None, (name, name)),
            }
        }
        for (name, old) in olds.iter().filter(|(name, _)| !news.contains_key(*name)) {
            if !renames.iter().any(|(from, _)| from == name) {
                self.component(*old, Some(old.2), None, None, (name, name));
            }
        }
    }

    /// What stands among the components and is no map of things of one kind.
    fn misshapen_components(&mut self) {
        let (old, new) = (self.documents.0.get("components"), self.documents.1.get("components"));
        let is_map = |value: Option<&Value>| value.is_none_or(Value::is_object);
        let place = Place::both("/components");
        self.steps = vec![self.root()];
        if !is_map(old) || !is_map(new) {
            self.node(step(&shape::DATA, "components", old, new), &place);
        } else {
            self.steps.push(step(&shape::COMPONENTS, "components", old, new));
            let keys: BTreeSet<&'v String> = [old, new]
                .into_iter()
                .flat_map(|side| map_of(side).into_iter().flatten().map(|(kind, _)| kind))
                .collect();
            for kind in keys {
                let below = |side: Option<&'v Value>| side.and_then(|side| side.get(kind));
                let (old, new) = (below(old), below(new));
                let is_kind = matches!(shape::COMPONENTS.under(kind), Shape::Names(_));
                if !is_kind || !is_map(old) || !is_map(new) {
                    self.node(step(&shape::DATA, kind, old, new), &place.under(kind));
                }
            }
        }
        self.steps.clear();
    }

    fn component(
        &mut self,
        (kind, name, _): (&'v str, &'v str, &'v Value),
        old: Option<&'v Value>,
        new: Option<&'v Value>,
        edit: Option<Kind>,
        (from, to): (&Name, &Name),
    ) {
        let shape = shape::COMPONENTS.under(kind);
        let at = Place::both("/components").under(kind);
        let place = Place { old: join(&at.old, &from.1), new: join(&at.new, &to.1) };
        let last = step(shape.under(name), name, old, new);
        let (before, after) = self.documents;
        self.steps = vec![
            self.root(),
            step(&shape::COMPONENTS, "components", before.get("components"), after.get("components")),
            step(shape, kind, None, None),
        ];
        match edit {
            Some(edit) => self.tell_under(last, edit, &place),
            None => self.node(last, &place),
        }
        self.steps.clear();
    }

    /// Components of which one took the other's place: the old name is gone, and the new one stood for
    /// nothing, or for something else.
    fn renames(&self) -> Vec<(Name, Name)> {
        let has = |document: &Value, (kind, name): &Name| {
            document.get("components").and_then(|all| all.get(kind)?.get(name)).is_some()
        };
        let mut renames: Vec<(Name, Name)> = Vec::new();
        for (from, to) in &self.pairs {
            let is_rename = from.0 == to.0
                && has(self.documents.0, from)
                && has(self.documents.1, to)
                && !has(self.documents.1, from)
                && !(has(self.documents.0, to) && self.pairs.contains(&(to.clone(), to.clone())))
                && !renames.iter().any(|(other, another)| other == from || another == to);
            if is_rename {
                renames.push((from.clone(), to.clone()));
            }
        }
        renames
    }
}

/// A reference that only follows a component to its new name.
fn is_rename(edit: &Edit<'_>, renames: &[(Name, Name)]) -> bool {
    let Step { shape, key, old, new, .. } = edit.last();
    let named = |value: Option<&Value>| {
        let text = value?.as_str()?;
        component(value?).or_else(|| Some(("schemas".to_owned(), text.to_owned())))
    };
    (key == "$ref" || matches!(shape, Shape::Target))
        && edit.kind == Kind::Changed
        && named(old).zip(named(new)).is_some_and(|(from, to)| renames.contains(&(from, to)))
}

fn step<'v>(shape: &'static Shape, key: &'v str, old: Option<&'v Value>, new: Option<&'v Value>) -> Step<'v> {
    Step { shape, key, old, new, is_property: false, is_required: false }
}

fn parameter() -> &'static Shape {
    shape::PATH_ITEM.under("parameters").items()
}

fn has_reference(shape: &Shape, value: &Value) -> bool {
    shape.has_keywords() && !shape.is("document") && value.get("$ref").is_some_and(Value::is_string)
}

/// Where a chain of references ends that say nothing beside.
fn hop<'v>(document: &'v Value, mut value: &'v Value) -> Option<(&'v Value, String)> {
    let mut end = None;
    for _ in 0..16 {
        let Some(map) = value.as_object().filter(|map| map.len() == 1) else { break };
        let Some(to) = map.get("$ref").and_then(Value::as_str) else { break };
        let at = to.strip_prefix('#')?;
        value = document.pointer(at)?;
        end = Some((value, at.to_owned()));
    }
    end
}

/// The alternative that is most like what stands alone in the other document, and its view.
fn closest<'v>(
    document: &'v Value,
    alone: &View<'v>,
    holder: &View<'v>,
    choices: &[Field<'v>],
) -> Option<(usize, View<'v>)> {
    if holder.value("type").is_some() {
        return None;
    }
    let views = choices.iter().map(|field| View::of(document, field.value, &field.at)).enumerate();
    // The first of those that are as like as the best.
    views
        .filter_map(|(index, view)| Some((alone.likeness(&view)?, index, view)))
        .reduce(|best, other| if other.0 > best.0 { other } else { best })
        .map(|(_, index, view)| (index, view))
}

/// The kind and name in `#/components/kind/name`.
fn component(reference: &Value) -> Option<Name> {
    component_at(reference.as_str()?.strip_prefix('#')?)
}

fn component_at(pointer: &str) -> Option<Name> {
    let (kind, rest) = pointer.strip_prefix("/components/")?.split_once('/')?;
    let name = rest.split('/').next()?.replace("~1", "/").replace("~0", "~");
    Some((kind.to_owned(), name))
}

fn pairs_of<'f, 'v>(
    old: &'f [Field<'v>],
    new: &'f [Field<'v>],
) -> Vec<(Option<&'f Field<'v>>, Option<&'f Field<'v>>)> {
    (0..old.len().max(new.len())).map(|index| (old.get(index), new.get(index))).collect()
}

/// Names that are spelled in another way and mean the same: headers ignore case, and a media type may
/// have parameters.
fn respelled<'v>(
    shape: &'static Shape,
    old: &'v Map<String, Value>,
    new: &'v Map<String, Value>,
) -> Vec<(&'v String, &'v String)> {
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
    let mut pairs: Vec<(&String, &String)> = found.take(MOST).collect();
    pairs.dedup_by_key(|(_, to)| *to);
    pairs
}

/// Whether each thing in it has a name or place of its own, so that it can be reported by itself.
fn is_container(shape: &Shape, value: &Value) -> bool {
    let is_of_things = matches!(shape, Shape::Names(_) | Shape::Patterned(_) | Shape::List(_));
    // An empty one is a statement of its own.
    let is_empty = value.as_object().map_or_else(|| list_of(Some(value)).is_empty(), Map::is_empty);
    is_of_things && !is_empty
}

/// With each list sorted.
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
