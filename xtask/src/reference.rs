//! Finds what a document refers to, and says why a reference leads nowhere. It never follows one
//! out of the document.

use serde_json::Value;
use similar::get_close_matches;

use crate::shape::{Shape, is_method, join, walk};

/// A `$ref`, or what serves as one: a discriminator's target, the name of a security scheme.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// JSON pointer of what holds it.
    pub(crate) at: String,
    pub(crate) to: String,
}

impl Reference {
    /// A sentence about a reference that does not lead to a component of `document`.
    pub(crate) fn complaint(&self, document: &Value) -> String {
        let why = match self.to.strip_prefix('#') {
            None => "leaves the document".to_owned(),
            Some(pointer) if !pointer.starts_with("/components/") => "is not below #/components".to_owned(),
            Some(pointer) => {
                let (parent, wanted) = pointer.rsplit_once('/').unwrap_or_default();
                format!("does not exist{}", nearest(wanted, &keys(document.pointer(parent))))
            }
        };
        format!("{} refers to {}, which {why}", self.at, self.to)
    }

    /// The component of `document` that it leads to or into, as (kind, name).
    pub(crate) fn component(&self, document: &Value) -> Option<(String, String)> {
        let pointer = self.to.strip_prefix('#')?;
        document.pointer(pointer)?;
        let mut steps = pointer.strip_prefix("/components/")?.split('/');
        let mut step = || Some(steps.next()?.replace("~1", "/").replace("~0", "~"));
        Some((step()?, step()?))
    }
}

/// `; similar names: a, b`, or nothing. Of many names or long ones too few are compared to matter.
pub(crate) fn nearest(wanted: &str, names: &[&str]) -> String {
    const MAX_NAMES: usize = 2_000;
    const MAX_LENGTH: usize = 100;
    let names = names.iter().copied().filter(|name| name.len() <= MAX_LENGTH && wanted.len() <= MAX_LENGTH);
    let names: Vec<&str> = names.take(MAX_NAMES).collect();
    match get_close_matches(wanted, &names, 3, 0.6).as_slice() {
        [] => String::new(),
        close => format!("; similar names: {}", close.join(", ")),
    }
}

/// Every reference at or below `value`, which stands at `pointer`.
pub(crate) fn references(value: &Value, shape: &'static Shape, pointer: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    walk(value, shape, pointer, &mut |at, shape, value| {
        let mut add = |to: String| found.push(Reference { at: at.into(), to });
        match shape {
            Shape::Target => match value.as_str() {
                Some(target) if target.contains('#') => add(target.to_owned()),
                Some(name) => add(join("#/components/schemas", name)),
                None => {}
            },
            Shape::Requirement => {
                for scheme in keys(Some(value)) {
                    add(join("#/components/securitySchemes", scheme));
                }
            }
            Shape::Object { .. } | Shape::Patterned(_) => {
                if let Some(to) = value.get("$ref").and_then(Value::as_str) {
                    add(to.to_owned());
                }
            }
            Shape::Data | Shape::Names(_) | Shape::List(_) => {}
        }
    });
    found
}

/// Every operation of `document`, as (method, path, operation).
pub(crate) fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let fields = item.as_object().into_iter().flatten();
        fields
            .filter(|(method, _)| is_method(method))
            .map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

/// The keys of an object, none of anything else.
pub(crate) fn keys(value: Option<&Value>) -> Vec<&str> {
    let map = value.and_then(Value::as_object).into_iter().flatten();
    map.map(|(key, _)| key.as_str()).collect()
}
