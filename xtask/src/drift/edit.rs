//! What differs between two documents, place by place. It knows the grammar, so that lists of
//! parameters, alternatives and values are matched by what they are and not by where they stand;
//! it does not judge. What differs is never left out.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use similar::get_close_matches;

use crate::shape::{self, Shape, join};

/// One difference.
#[derive(Clone, Debug)]
pub(crate) struct Edit<'v> {
    /// JSON pointer into the new document, or into the old one for what is gone.
    pub(crate) at: String,
    pub(crate) kind: Kind,
    /// From the root to what differs.
    pub(crate) steps: Vec<Step<'v>>,
}

/// What happened there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Added,
    Removed,
    Changed,
    /// From this name to that.
    Renamed(String, String),
    /// A property that stays.
    BecameRequired,
    BecameOptional,
    /// An item of a list whose order means nothing.
    ItemAdded(Value),
    ItemRemoved(Value),
    /// The same things in another order, where order means something.
    Reordered,
    /// There are more differences than are told.
    TooMany,
    /// What was meant without being said is said, or the reverse: `required: false`.
    Restated,
}

/// One step on the way to a difference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'v> {
    pub(crate) shape: &'static Shape,
    /// The last segment of its pointer.
    pub(crate) key: &'v str,
    pub(crate) old: Option<&'v Value>,
    pub(crate) new: Option<&'v Value>,
}

impl<'v> Edit<'v> {
    /// The last step, which is what differs.
    pub(crate) fn last(&self) -> Step<'v> {
        self.steps[self.steps.len() - 1]
    }

    /// The step before, which holds it.
    pub(crate) fn holder(&self) -> Step<'v> {
        self.steps[self.steps.len().saturating_sub(2)]
    }
}

/// Told one by one; of more, that there are more. Nobody reads on, and a stranger's document must
/// not keep us for long.
pub(crate) const MOST: usize = 2_000;

/// Every difference, in the order of the new document.
pub(crate) fn edits<'v>(old: &'v Value, new: &'v Value) -> Vec<Edit<'v>> {
    let mut walk =
        Walk { documents: (old, new), steps: Vec::new(), edits: Vec::new(), following: BTreeSet::new() };
    walk.node(Step { shape: &shape::DOCUMENT, key: "", old: Some(old), new: Some(new) }, &Place::default());
    walk.edits
}

/// Where we are in each document.
#[derive(Clone, Debug, Default)]
struct Place {
    old: String,
    new: String,
}

impl Place {
    fn under(&self, key: &str) -> Self {
        self.under_both(key, key)
    }

    fn under_both(&self, old: &str, new: &str) -> Self {
        Self { old: join(&self.old, old), new: join(&self.new, new) }
    }
}

struct Walk<'v> {
    documents: (&'v Value, &'v Value),
    steps: Vec<Step<'v>>,
    edits: Vec<Edit<'v>>,
    /// References that are being followed, so that a cycle ends.
    following: BTreeSet<(String, String)>,
}

/// Booleans that mean false where they are not said.
const FALSE_UNLESS_SAID: [&str; 9] = [
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

impl<'v> Walk<'v> {
    fn node(&mut self, step: Step<'v>, place: &Place) {
        if self.edits.len() > MOST || step.old == step.new {
            return;
        }
        self.steps.push(step);
        self.inside(step, place);
        self.steps.pop();
    }

    fn inside(&mut self, step: Step<'v>, place: &Place) {
        let Step { shape, key, old, new } = step;
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            // What is a map or list of things is told thing by thing.
            (Some(old), None) if is_container(shape, old) => {
                return self.things(shape, old, empty(old), place);
            }
            (None, Some(new)) if is_container(shape, new) => {
                return self.things(shape, empty(new), new, place);
            }
            (None, Some(Value::Bool(false))) | (Some(Value::Bool(false)), None)
                if FALSE_UNLESS_SAID.contains(&key) && self.is_keyword() =>
            {
                return self.tell(Kind::Restated, place);
            }
            (None, _) => return self.tell(Kind::Added, place),
            (_, None) => return self.tell(Kind::Removed, place),
        };
        match (old, new) {
            (Value::Object(_), Value::Object(_)) if old.get("$ref") != new.get("$ref") => {
                self.reference(step, old, new, place);
            }
            (Value::Object(_), Value::Object(_)) | (Value::Array(_), Value::Array(_)) => {
                self.things(shape, old, new, place);
            }
            _ => self.tell(Kind::Changed, place),
        }
    }

    /// Whether where we are is a keyword of OpenAPI's, and not a name or data.
    fn is_keyword(&self) -> bool {
        self.steps.iter().rev().nth(1).is_some_and(|holder| holder.shape.has_keywords())
    }

    fn tell(&mut self, kind: Kind, place: &Place) {
        if self.edits.len() >= MOST {
            let (old, new) = self.documents;
            let root = Step { shape: &shape::DOCUMENT, key: "", old: Some(old), new: Some(new) };
            self.edits.truncate(MOST);
            self.edits.push(Edit { at: String::new(), kind: Kind::TooMany, steps: vec![root] });
            return;
        }
        let is_gone = self.steps.last().is_some_and(|step| step.new.is_none());
        let at = if is_gone { &place.old } else { &place.new };
        self.edits.push(Edit { at: at.clone(), kind, steps: self.steps.clone() });
    }

    /// Something is referred to here that was not, or no longer. What it amounts to is told as well.
    fn reference(&mut self, step: Step<'v>, old: &'v Value, new: &'v Value, place: &Place) {
        let at = place.under("$ref");
        self.node(Step { shape: &shape::DATA, key: "$ref", old: old.get("$ref"), new: new.get("$ref") }, &at);
        let name = |value: &Value, at: &str| value["$ref"].as_str().unwrap_or(at).to_owned();
        let pair = (name(old, &place.old), name(new, &place.new));
        if !self.following.insert(pair.clone()) {
            return;
        }
        let (old, new) = (resolved(self.documents.0, old), resolved(self.documents.1, new));
        if let (Some(old), Some(new)) = (old, new)
            && old != new
        {
            self.things(step.shape, old, new, place);
        }
        self.following.remove(&pair);
    }

    fn things(&mut self, shape: &'static Shape, old: &'v Value, new: &'v Value, place: &Place) {
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => self.map(shape, old, new, place),
            (Value::Array(old), Value::Array(new)) => self.list(shape, old, new, place),
            _ => self.tell(Kind::Changed, place),
        }
    }

    fn map(
        &mut self,
        shape: &'static Shape,
        old: &'v Map<String, Value>,
        new: &'v Map<String, Value>,
        place: &Place,
    ) {
        let is_properties = matches!(shape, Shape::Names(_))
            && self.steps.last().is_some_and(|step| step.key == "properties");
        let renamed = if is_properties { renamed(old, new) } else { Vec::new() };
        for (from, to) in &renamed {
            let step = Step { shape: shape.under(to), key: to, old: old.get(*from), new: new.get(*to) };
            let place = place.under_both(from, to);
            self.steps.push(step);
            self.tell(Kind::Renamed((*from).to_owned(), (*to).to_owned()), &place);
            self.steps.pop();
            self.node(step, &place);
        }
        let is_schema = shape.is("schema");
        if is_schema {
            self.required(old, new, place);
        }
        let gone = old.keys().filter(|key| !new.contains_key(*key));
        for key in new.keys().chain(gone) {
            let is_told = renamed.iter().any(|(from, to)| from == key || to == key);
            if is_told || (is_schema && key == "required") {
                continue;
            }
            let step = Step { shape: shape.under(key), key, old: old.get(key), new: new.get(key) };
            if shape.has_keywords()
                && key == "enum"
                && let (Some(old), Some(new)) = (step.old, step.new)
            {
                self.steps.push(step);
                self.set(list_of(Some(old)), list_of(Some(new)), &place.under(key));
                self.steps.pop();
            } else {
                self.node(step, &place.under(key));
            }
        }
    }

    /// Told of the property and not of the list, as that is what it is about.
    fn required(&mut self, old: &'v Map<String, Value>, new: &'v Map<String, Value>, place: &Place) {
        let properties = |schema: &'v Map<String, Value>| schema.get("properties").and_then(Value::as_object);
        let (in_old, in_new) = (properties(old), properties(new));
        let renamed = match (in_old, in_new) {
            (Some(old), Some(new)) => renamed(old, new),
            _ => Vec::new(),
        };
        let was_called =
            |name: &'v str| renamed.iter().find(|(_, to)| *to == name).map_or(name, |(from, _)| from);
        let is_now_called =
            |name: &'v str| renamed.iter().find(|(from, _)| *from == name).map_or(name, |(_, to)| to);
        let (was, is) = (list_of(old.get("required")), list_of(new.get("required")));
        let names = |list: &'v [Value]| list.iter().filter_map(Value::as_str);

        let (before, after): (BTreeSet<&str>, BTreeSet<&str>) = (names(was).collect(), names(is).collect());
        let added = after.iter().copied().filter(|name| !before.contains(was_called(name)));
        let removed = before.iter().copied().filter(|name| !after.contains(is_now_called(name)));
        let added = added.map(|name| (was_called(name), name, Kind::BecameRequired));
        let removed = removed.map(|name| (name, is_now_called(name), Kind::BecameOptional));
        for (from, to, kind) in added.chain(removed).collect::<Vec<_>>() {
            let (before, after) = (in_old.and_then(|map| map.get(from)), in_new.and_then(|map| map.get(to)));
            match (before, after) {
                (Some(_), Some(_)) => {
                    let holder = Step {
                        shape: shape::SCHEMA.under("properties"),
                        key: "properties",
                        old: old.get("properties"),
                        new: new.get("properties"),
                    };
                    self.steps.push(holder);
                    self.steps.push(Step { shape: &shape::SCHEMA, key: to, old: before, new: after });
                    self.tell(kind, &place.under("properties").under_both(from, to));
                    self.steps.truncate(self.steps.len() - 2);
                }
                // The property comes or goes, which is told by itself.
                (Some(_), None) | (None, Some(_)) => {}
                (None, None) => {
                    let kind = match kind {
                        Kind::BecameRequired => Kind::ItemAdded(to.into()),
                        _ => Kind::ItemRemoved(from.into()),
                    };
                    let (old, new) = (old.get("required"), new.get("required"));
                    self.steps.push(Step { shape: &shape::DATA, key: "required", old, new });
                    self.tell(kind, &place.under("required"));
                    self.steps.pop();
                }
            }
        }
        let is_misshapen =
            |schema: &Map<String, Value>| schema.get("required").is_some_and(|list| !list.is_array());
        if is_misshapen(old) || is_misshapen(new) {
            let (old, new) = (old.get("required"), new.get("required"));
            self.node(Step { shape: &shape::DATA, key: "required", old, new }, &place.under("required"));
        }
    }

    fn set(&mut self, old: &'v [Value], new: &'v [Value], place: &Place) {
        let texts = |list: &[Value]| list.iter().map(Value::to_string).collect::<BTreeSet<_>>();
        let (in_old, in_new) = (texts(old), texts(new));
        for item in new.iter().filter(|item| !in_old.contains(&item.to_string())) {
            self.tell(Kind::ItemAdded(item.clone()), place);
        }
        for item in old.iter().filter(|item| !in_new.contains(&item.to_string())) {
            self.tell(Kind::ItemRemoved(item.clone()), place);
        }
    }

    /// Things of a list are matched by what tells them apart; what is left, one after the other.
    fn list(&mut self, shape: &'static Shape, old: &'v [Value], new: &'v [Value], place: &Place) {
        let Shape::List(of) = shape else { return self.tell(Kind::Changed, place) };
        let (documents, is_same) = (self.documents, |of: &Shape, old: &Value, new: &Value| {
            old == new || {
                let old = identity(self.documents.0, of, old);
                old.is_some() && old == identity(self.documents.1, of, new)
            }
        });
        if old.len() * new.len() > MOST_COMPARED && old != new {
            return self.tell(Kind::Changed, place);
        }
        let mut left: Vec<usize> = (0..old.len()).collect();
        let mut pairs: Vec<(Option<usize>, usize)> = Vec::new();
        for (index, item) in new.iter().enumerate() {
            let found = left.iter().position(|before| is_same(of, &old[*before], item));
            pairs.push((found.map(|found| left.remove(found)), index));
        }
        if !of.is("parameter")
            && !matches!(of, Shape::Requirement)
            && !pairs.iter().flat_map(|(before, _)| before).is_sorted()
        {
            self.tell(Kind::Reordered, place);
        }
        let has_identity = new.iter().chain(old).any(|item| identity(documents.1, of, item).is_some());
        if !has_identity {
            for (before, _) in pairs.iter_mut().filter(|(before, _)| before.is_none()) {
                *before = (!left.is_empty()).then(|| left.remove(0));
            }
        }
        for (before, index) in pairs {
            let before = before.map(|before| &old[before]);
            let step = Step { shape: of, key: "", old: before, new: Some(&new[index]) };
            self.node(step, &place.under(&index.to_string()));
        }
        for index in left {
            let step = Step { shape: of, key: "", old: Some(&old[index]), new: None };
            self.node(step, &place.under(&index.to_string()));
        }
    }
}

/// Whether each thing in it has a name or place of its own, so that it can be told by itself.
fn is_container(shape: &Shape, value: &Value) -> bool {
    let is_of_things = matches!(shape, Shape::Names(_) | Shape::Patterned(_) | Shape::List(_));
    // An empty one is a statement of its own.
    let is_empty = value.as_object().map_or_else(|| list_of(Some(value)).is_empty(), Map::is_empty);
    is_of_things && !is_empty
}

fn empty(like: &Value) -> &'static Value {
    static LIST: Value = Value::Array(Vec::new());
    static MAP: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| Value::Object(Map::new()));
    if like.is_array() { &LIST } else { &MAP }
}

fn list_of(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// What tells an item of a list from the others.
pub(crate) fn identity(document: &Value, of: &Shape, item: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if of.is("parameter") {
        let item = resolved(document, item)?;
        Some(vec![text(&item["in"])?, text(&item["name"])?])
    } else if of.is("server") {
        Some(vec![text(&item["url"])?])
    } else if matches!(of, Shape::Requirement) {
        Some(item.as_object()?.keys().cloned().collect())
    } else {
        None
    }
}

/// What stands at the end of a chain of references.
pub(crate) fn resolved<'v>(document: &'v Value, mut value: &'v Value) -> Option<&'v Value> {
    for _ in 0..16 {
        match value.get("$ref").and_then(Value::as_str) {
            Some(to) => value = document.pointer(to.strip_prefix('#')?)?,
            None => return Some(value),
        }
    }
    None
}

/// Pairs of names, and of items of a list: what has more is not matched.
const MOST_COMPARED: usize = 10_000;

/// Properties that seem to have got another name: one is gone and a similar one of the same type is
/// new.
fn renamed<'v>(old: &'v Map<String, Value>, new: &'v Map<String, Value>) -> Vec<(&'v str, &'v str)> {
    let gone: Vec<&str> = old.keys().map(String::as_str).filter(|key| !new.contains_key(*key)).collect();
    let mut fresh: Vec<&str> = new.keys().map(String::as_str).filter(|key| !old.contains_key(*key)).collect();
    let mut pairs = Vec::new();
    // Each is compared with each, letter by letter.
    if gone.len() * fresh.len() > MOST_COMPARED {
        return pairs;
    }
    for from in gone {
        let alike =
            |to: &&str| ["type", "$ref", "format"].iter().all(|key| old[from].get(key) == new[*to].get(key));
        let candidates: Vec<&str> = fresh.iter().copied().filter(alike).collect();
        if let Some(to) = get_close_matches(from, &candidates, 1, 0.7).first().copied() {
            fresh.retain(|name| *name != to);
            pairs.push((from, to));
        }
    }
    pairs
}
