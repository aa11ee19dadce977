//! The data of a comparison: a difference, its place in each document, and the path to it.

use serde_json::{Map, Value};

use super::uses::Use;
use crate::shape::{Shape, join};

/// One difference.
#[derive(Clone, Debug)]
pub(crate) struct Edit<'v> {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    /// The path from the document, or from the component that is being compared, to the difference.
    pub(crate) steps: Vec<Step<'v>>,
    /// Its use in a message, if it is part of one.
    pub(crate) used: Option<Use>,
}

/// A place in each document, as JSON pointers.
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

/// The kind of difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Added,
    /// Another alternative, of the same type as the previous schema.
    AddedAlike,
    Removed,
    Changed,
    /// From the first name to the second.
    Renamed(String, String),
    /// The name of a component now stands for another one.
    Replaced,
    /// A property of both documents.
    BecameRequired,
    BecameOptional,
    /// One schema became one of several alternatives.
    BecameOneOf,
    /// An item of a list without a meaningful order.
    ItemAdded(Value),
    ItemRemoved(Value),
    /// The same items in another order, in a list with a meaningful order.
    Reordered,
    /// There are more differences than are reported.
    TooMany,
    /// A default is now stated, or no longer: `required: false`.
    Restated,
    /// The same meaning, written differently: `allOf` around one schema.
    Rephrased,
}

/// One step on the way to a difference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'v> {
    pub(crate) shape: &'static Shape,
    /// The last segment of the pointer.
    pub(crate) key: &'v str,
    pub(crate) old: Option<&'v Value>,
    pub(crate) new: Option<&'v Value>,
    /// Whether this is a property of a schema.
    pub(crate) is_property: bool,
    /// Whether its schema requires the property: the new schema, or the old one if the property is
    /// gone.
    pub(crate) is_required: bool,
}

impl Step<'_> {
    /// Whether it is an optional property.
    pub(crate) fn is_optional_property(&self) -> bool {
        self.is_property && !self.is_required
    }
}

impl<'v> Edit<'v> {
    /// JSON pointer into the new document, or into the old one if the thing is gone.
    pub(crate) fn at(&self) -> &str {
        let is_gone = self.steps.last().is_some_and(|step| step.new.is_none());
        if is_gone { &self.place.old } else { &self.place.new }
    }

    /// The last step, to what differs.
    pub(crate) fn last(&self) -> Step<'v> {
        self.steps[self.steps.len() - 1]
    }

    /// The step before, to what contains it.
    pub(crate) fn holder(&self) -> Step<'v> {
        self.steps[self.steps.len().saturating_sub(2)]
    }

    /// `added`, `removed` or `changed`, for names of rules.
    pub(crate) fn verb(&self) -> &'static str {
        match (self.last().old, self.last().new) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        }
    }

    /// A clause that says what happened, without values: "`key` is new".
    pub(crate) fn summary(&self) -> String {
        let what = match self.kind {
            Kind::Added | Kind::ItemAdded(_) => "is new",
            Kind::Removed | Kind::ItemRemoved(_) => "is gone",
            _ => "changed",
        };
        format!("`{}` {what}", self.last().key)
    }

    /// Whether it concerns a whole component.
    pub(crate) fn is_component(&self) -> bool {
        self.steps[0].shape.is("document") && self.steps.len() == 4 && self.steps[1].key == "components"
    }
}

/// The limit of reported differences. An untrusted document must not keep the comparison busy for
/// long.
pub(crate) const MAX_EDITS: usize = 2_000;

/// What identifies an item of a list, such as the name of a parameter.
pub(crate) fn identity(document: &Value, of: &Shape, item: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if of.is("parameter") {
        let item = resolved(document, item)?;
        let (kind, name) = (text(&item["in"])?, text(&item["name"])?);
        // Header names ignore case.
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

/// The target of a chain of references.
pub(crate) fn resolved<'v>(document: &'v Value, value: &'v Value) -> Option<&'v Value> {
    followed(document, value, "").map(|(value, _)| value)
}

/// The target of a chain of references, and its pointer. `at` is the pointer of `value`.
pub(crate) fn followed<'v>(document: &'v Value, value: &'v Value, at: &str) -> Option<(&'v Value, String)> {
    followed_while(document, value, at, |_| true)
}

/// The same, but stops at the first reference whose holder does not satisfy `is_followed`.
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
