//! Who sends a thing: what breaks differs between a request, which we send, and a response, which
//! the vendor sends. A component is what those who refer to it are. It judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::edit::Step;
use crate::shape::{self, Shape, join};

/// Who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Request,
    Response,
}

/// What part of a message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Parameter,
    Header,
    Body,
    /// A part of one of those.
    Property,
}

/// What something serves as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub(crate) side: Side,
    pub(crate) part: Part,
}

impl Use {
    /// `response-property`, as rules are named.
    pub(crate) fn name(self) -> &'static str {
        match (self.side, self.part) {
            (Side::Request, Part::Parameter | Part::Header) => "request-parameter",
            (Side::Request, Part::Body) => "request-body",
            (Side::Request, Part::Property) => "request-property",
            (Side::Response, Part::Header | Part::Parameter) => "response-header",
            (Side::Response, Part::Body) => "response-body",
            (Side::Response, Part::Property) => "response-property",
        }
    }
}

/// What each component of a document serves as, by its pointer.
#[derive(Debug, Default)]
pub(crate) struct Uses(BTreeMap<String, BTreeSet<Use>>);

impl Uses {
    /// Follows every reference from the operations on.
    pub(crate) fn of(document: &Value) -> Self {
        let mut uses = Self::default();
        if let Some(paths) = document.get("paths") {
            uses.visit(document, paths, &shape::PATHS, "", None);
        }
        uses
    }

    /// With those of another document.
    pub(crate) fn and(mut self, other: Self) -> Self {
        for (component, uses) in other.0 {
            self.0.entry(component).or_default().extend(uses);
        }
        self
    }

    /// What the thing at the end of these steps serves as. Nothing, for what is in no message.
    pub(crate) fn at(&self, steps: &[Step<'_>]) -> BTreeSet<Use> {
        let mut keys = steps.iter().skip(1).map(|step| step.key);
        let (mut found, rest) = if keys.next() == Some("components") {
            let component = keys.take(2).fold("/components".to_owned(), |at, key| join(&at, key));
            let uses = self.0.get(&component);
            (
                uses.into_iter().flatten().map(|found| Some(*found)).collect(),
                steps.get(3..).unwrap_or_default(),
            )
        } else {
            (vec![None], steps)
        };
        let mut holder = "";
        for step in rest {
            for known in &mut found {
                *known = inside(*known, holder, step.shape);
            }
            holder = named(step.shape).unwrap_or(holder);
        }
        found.into_iter().flatten().collect()
    }

    fn visit(
        &mut self,
        document: &Value,
        value: &Value,
        shape: &'static Shape,
        holder: &'static str,
        known: Option<Use>,
    ) {
        let known = inside(known, holder, shape);
        let holder = named(shape).unwrap_or(holder);
        match value {
            Value::Object(map) => {
                if shape.has_keywords()
                    && let Some(to) = map.get("$ref").and_then(Value::as_str)
                {
                    self.follow(document, to, shape, known);
                    return;
                }
                for (key, value) in map {
                    self.visit(document, value, shape.under(key), holder, known);
                }
            }
            Value::Array(list) => {
                for value in list {
                    self.visit(document, value, shape.items(), holder, known);
                }
            }
            _ => {}
        }
    }

    fn follow(&mut self, document: &Value, to: &str, shape: &'static Shape, known: Option<Use>) {
        let (Some(pointer), Some(known)) = (to.strip_prefix('#'), known) else { return };
        let component: String = pointer.split('/').skip(1).take(3).map(|key| format!("/{key}")).collect();
        if self.0.entry(component).or_default().insert(known)
            && let Some(value) = document.pointer(pointer)
        {
            self.visit(document, value, shape, "", Some(known));
        }
    }
}

/// What something of this shape serves as, inside of what serves as `known`.
fn inside(known: Option<Use>, holder: &str, shape: &Shape) -> Option<Use> {
    let side = known.map(|known| known.side);
    let (side, part) = match named(shape).unwrap_or_default() {
        "parameter" => (Side::Request, Part::Parameter),
        "request body" => (Side::Request, Part::Body),
        "response" => (Side::Response, Part::Body),
        "header" => (side.unwrap_or(Side::Response), Part::Header),
        "schema" if holder == "schema" => (side?, Part::Property),
        _ => return known,
    };
    Some(Use { side, part })
}

fn named(shape: &Shape) -> Option<&'static str> {
    match shape {
        Shape::Object { name, .. } => Some(name),
        _ => None,
    }
}
