//! Finds the references in a document. A reference to a different document is an error, and is
//! never followed.

use serde_json::Value;

use crate::shape::{COMPONENTS, Shape, is_method, join, unescape, walk};

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) at: String,
    pub(crate) to: String,
    wanted: &'static str,
}

impl Reference {
    pub(crate) fn message(&self, document: &Value) -> String {
        let why = match self.to.strip_prefix('#') {
            None if self.to == NO_TEXT => return format!("{} has a $ref that is not a string", self.at),
            None => "is outside the document".to_owned(),
            Some(pointer) if !pointer.starts_with("/components/") => "is not below #/components".to_owned(),
            Some(pointer) => match (document.pointer(pointer), self.found()) {
                (None, _) => "does not exist".to_owned(),
                (_, Some(found)) => format!("is a {found}, not a {}", self.wanted),
                (_, None) => format!("is not a {}", self.wanted),
            },
        };
        format!("{} refers to {}, which {why}", self.at, self.to)
    }

    fn found(&self) -> Option<&'static str> {
        let mut shape: &'static Shape = &COMPONENTS;
        for step in self.to.strip_prefix("#/components/")?.split('/') {
            shape = match shape {
                Shape::List(items) => items,
                _ => shape.under(&unescape(step)),
            };
        }
        shape.name()
    }

    pub(crate) fn component(&self, document: &Value) -> Option<(String, String)> {
        let pointer = self.to.strip_prefix('#')?;
        document.pointer(pointer)?;
        if self.found() != Some(self.wanted) {
            return None;
        }
        let mut steps = pointer.strip_prefix("/components/")?.split('/');
        let mut step = || Some(unescape(steps.next()?));
        Some((step()?, step()?))
    }
}

/// This text is the target if a `$ref` is not a string. The text contains a space, so it differs
/// from every valid target.
const NO_TEXT: &str = "no text";

pub(crate) fn references(value: &Value, shape: &'static Shape, pointer: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    walk(value, shape, pointer, &mut |at, shape, value| {
        let mut add = |to: String, wanted| found.push(Reference { at: at.into(), to, wanted });
        match shape {
            Shape::Target => match value.as_str() {
                Some(target) if target.contains('#') => add(target.to_owned(), "schema"),
                Some(name) => add(join("#/components/schemas", name), "schema"),
                None => {}
            },
            Shape::Requirement => {
                for scheme in keys(Some(value)) {
                    add(join("#/components/securitySchemes", scheme), "security scheme");
                }
            }
            Shape::Object { .. } | Shape::Patterned(_) => {
                if let (Some(to), Some(wanted)) = (value.get("$ref"), shape.name()) {
                    add(to.as_str().unwrap_or(NO_TEXT).to_owned(), wanted);
                }
            }
            Shape::Data | Shape::Names(_) | Shape::List(_) => {}
        }
    });
    found
}

pub(crate) fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let fields = item.as_object().into_iter().flatten();
        fields
            .filter(|(method, _)| is_method(method))
            .map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

pub(crate) fn keys(value: Option<&Value>) -> Vec<&str> {
    let map = value.and_then(Value::as_object).into_iter().flatten();
    map.map(|(key, _)| key.as_str()).collect()
}
