//! Components that got another name: where one was referred to, another is, and neither was in the
//! other document. What is inside of them is compared by those who asked.

use serde_json::Value;

use super::edit::{Kind, edits};
use crate::shape::{self, Shape};

/// Looked for one by one; the rest is told as gone and new.
const MOST: usize = 100;

/// One component's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rename {
    /// `schemas`, `parameters` and so on.
    pub(crate) kind: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// `old` with the names that `new` has, and what was renamed.
pub(crate) fn aligned(old: &Value, new: &Value) -> (Value, Vec<Rename>) {
    let mut old = old.clone();
    let mut renames = Vec::new();
    // What is inside of a renamed component comes into view with the next look.
    while renames.len() < MOST
        && let Some(rename) = next(&old, new)
    {
        rewrite(&mut old, &shape::DOCUMENT, &rename);
        renames.push(rename);
    }
    (old, renames)
}

fn next(old: &Value, new: &Value) -> Option<Rename> {
    edits(old, new).into_iter().find_map(|edit| {
        let step = edit.last();
        if step.key != "$ref" || edit.kind != Kind::Changed {
            return None;
        }
        let ((kind, from), (same_kind, to)) = (component(step.old?)?, component(step.new?)?);
        let is_rename = kind == same_kind
            && new["components"][kind].get(from).is_none()
            && old["components"][kind].get(to).is_none();
        is_rename.then(|| Rename { kind: kind.into(), from: from.into(), to: to.into() })
    })
}

/// The kind and name in `#/components/kind/name`.
fn component(reference: &Value) -> Option<(&str, &str)> {
    let path = reference.as_str()?.strip_prefix("#/components/")?;
    path.split_once('/').filter(|(_, name)| !name.contains('/'))
}

fn rewrite(value: &mut Value, shape: &'static Shape, rename: &Rename) {
    let Rename { kind, from, to } = rename;
    match value {
        Value::Object(map) => {
            if shape.is("components")
                && let Some(Value::Object(names)) = map.get_mut(kind)
                && let Some(component) = names.remove(from)
            {
                names.insert(to.clone(), component);
            }
            if let Some(Value::String(reference)) = map.get_mut("$ref")
                && *reference == format!("#/components/{kind}/{from}")
            {
                *reference = format!("#/components/{kind}/{to}");
            }
            for (key, value) in map.iter_mut() {
                rewrite(value, shape.under(key), rename);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| rewrite(value, shape.items(), rename)),
        Value::String(target)
            if matches!(shape, Shape::Target)
                && (target == from || target.ends_with(&format!("/{from}"))) =>
        {
            *target = format!("#/components/{kind}/{to}");
        }
        _ => {}
    }
}
