//! Types for one difference between two documents: its kind, its place in each document, and the
//! path to it.

use serde_json::{Map, Value};

use super::uses::Use;
use crate::shape::{Shape, join};

#[derive(Clone, Debug)]
pub(crate) struct Edit<'v> {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    pub(crate) steps: Vec<Step<'v>>,
    pub(crate) used: Option<Use>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) old: String,
    pub(crate) new: String,
}

impl Place {
    pub(crate) fn both(at: &str) -> Self {
        Self { old: at.to_owned(), new: at.to_owned() }
    }

    pub(crate) fn under(&self, key: &str) -> Self {
        Self { old: join(&self.old, key), new: join(&self.new, key) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Added,
    /// A single schema was replaced by several alternatives (`anyOf` or `oneOf`). This variant
    /// describes an added alternative that has the same type as the old schema.
    AddedAlike,
    Removed,
    Changed,
    Renamed(String, String),
    Replaced,
    BecameRequired,
    BecameOptional,
    BecameOneOf,
    ItemAdded(Value),
    ItemRemoved(Value),
    Reordered,
    TooMany,
    Restated,
    Rephrased,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'v> {
    pub(crate) shape: &'static Shape,
    pub(crate) key: &'v str,
    pub(crate) old: Option<&'v Value>,
    pub(crate) new: Option<&'v Value>,
    pub(crate) is_property: bool,
    pub(crate) is_required: bool,
}

impl Step<'_> {
    pub(crate) fn is_optional_property(&self) -> bool {
        self.is_property && !self.is_required
    }
}

impl<'v> Edit<'v> {
    pub(crate) fn at(&self) -> &str {
        let is_gone = self.steps.last().is_some_and(|step| step.new.is_none());
        if is_gone { &self.place.old } else { &self.place.new }
    }

    pub(crate) fn last(&self) -> Step<'v> {
        self.steps[self.steps.len() - 1]
    }

    pub(crate) fn holder(&self) -> Step<'v> {
        self.steps[self.steps.len().saturating_sub(2)]
    }

    pub(crate) fn verb(&self) -> &'static str {
        match (self.last().old, self.last().new) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        }
    }

    pub(crate) fn summary(&self) -> String {
        let what = match self.kind {
            Kind::Added | Kind::ItemAdded(_) => "was added",
            Kind::Removed | Kind::ItemRemoved(_) => "was removed",
            _ => "changed",
        };
        format!("`{}` {what}", self.last().key)
    }

    pub(crate) fn is_component(&self) -> bool {
        self.steps[0].shape.is("document") && self.steps.len() == 4 && self.steps[1].key == "components"
    }
}

pub(crate) const MAX_EDITS: usize = 2_000;

pub(crate) fn identity(document: &Value, of: &Shape, item: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if of.is("parameter") {
        let item = resolved(document, item)?;
        let (kind, name) = (text(&item["in"])?, text(&item["name"])?);
        // Header names are case-insensitive.
        let name = if kind == "header" { name.to_ascii_lowercase() } else { name };
        Some(vec![kind, name])
    } else if of.is("server") {
        Some(vec![text(&item["url"])?])
    } else if matches!(of, Shape::Requirement) {
        Some(item.as_object()?.keys().cloned().collect())
    } else {
        None
    }
}

pub(crate) fn resolved<'v>(document: &'v Value, value: &'v Value) -> Option<&'v Value> {
    followed(document, value, "").map(|(value, _)| value)
}

pub(crate) fn followed<'v>(document: &'v Value, value: &'v Value, at: &str) -> Option<(&'v Value, String)> {
    followed_while(document, value, at, |_| true)
}

pub(crate) fn followed_while<'v>(
    document: &'v Value,
    mut value: &'v Value,
    at: &str,
    is_followed: impl Fn(&Map<String, Value>) -> bool,
) -> Option<(&'v Value, String)> {
    let mut at = at.to_owned();
    for _ in 0..16 {
        let holder = value.as_object().filter(|map| is_followed(map));
        match holder.and_then(|map| map.get("$ref")?.as_str()) {
            Some(to) => {
                at = to.strip_prefix('#')?.to_owned();
                value = document.pointer(&at)?;
            }
            None => return Some((value, at)),
        }
    }
    None
}
