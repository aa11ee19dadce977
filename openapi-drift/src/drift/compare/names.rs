//! Parses the names of components in references.

use serde_json::Value;

use crate::drift::edit::{Edit, Kind, Step};
use crate::shape::{self, Shape, unescape};

pub(super) type Name = (String, String);

pub(super) fn is_rename(edit: &Edit<'_>, renames: &[(Name, Name)]) -> bool {
    let Step { shape, key, old, new, .. } = edit.last();
    let named = |value: Option<&Value>| {
        let text = value?.as_str()?;
        component(value?).or_else(|| Some(("schemas".to_owned(), text.to_owned())))
    };
    (key == "$ref" || matches!(shape, Shape::Target))
        && edit.kind == Kind::Changed
        && named(old).zip(named(new)).is_some_and(|(from, to)| renames.contains(&(from, to)))
}

pub(super) fn is_of_names(kind: &str) -> bool {
    matches!(shape::COMPONENTS.under(kind), Shape::Names(_))
}

pub(super) fn component(reference: &Value) -> Option<Name> {
    component_at(reference.as_str()?.strip_prefix('#')?)
}

pub(super) fn component_at(pointer: &str) -> Option<Name> {
    let (kind, rest) = pointer.strip_prefix("/components/")?.split_once('/')?;
    let name = unescape(rest.split('/').next()?);
    Some((kind.to_owned(), name))
}
