//! Normalizes a schema. Schemas with the same meaning have equal views, even if they are written
//! differently.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::canonical::PROSE;
use crate::shape::{is_schema_keyword, join};

#[derive(Clone, Debug)]
pub(super) struct Field<'v> {
    pub(super) key: &'v str,
    pub(super) value: &'v Value,
    /// JSON pointer.
    pub(super) at: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct View<'v> {
    pub(super) fields: Vec<Field<'v>>,
    pub(super) properties: Vec<Field<'v>>,
    pub(super) required: BTreeSet<&'v str>,
    pub(super) choices: Vec<Field<'v>>,
    pub(super) rest: Vec<Field<'v>>,
    pub(super) is_nullable: bool,
    pub(super) references: Vec<&'v Value>,
}

const MAX_DEPTH: usize = 16;

impl<'v> View<'v> {
    pub(super) fn of(document: &'v Value, value: &'v Value, at: &str) -> Self {
        Self::within(document, value, at, 0, &mut BTreeSet::new())
    }

    fn within(
        document: &'v Value,
        value: &'v Value,
        at: &str,
        depth: usize,
        seen: &mut BTreeSet<String>,
    ) -> Self {
        let mut view = Self::default();
        let Some(map) = value.as_object() else {
            view.rest.push(Field { key: "allOf", value, at: at.to_owned() });
            return view;
        };
        let mut members: Vec<Field<'v>> = Vec::new();
        for (key, value) in map {
            let here = join(at, key);
            match (key.as_str(), value) {
                ("$ref", Value::String(target)) => {
                    view.references.push(value);
                    let pointer = target.strip_prefix('#').unwrap_or_default();
                    if let Some(value) = document.pointer(pointer).filter(|_| !pointer.is_empty())
                        && seen.insert(target.clone())
                    {
                        members.push(Field { key: "$ref", value, at: pointer.to_owned() });
                    }
                }
                ("allOf", Value::Array(list)) => members.extend(items("allOf", list, &here)),
                ("oneOf" | "anyOf", Value::Array(list)) if view.choices.is_empty() && !list.is_empty() => {
                    let mut choices = items(key, list, &here);
                    choices.retain(|choice| !is_null(choice.value));
                    view.is_nullable |= choices.len() < list.len();
                    match choices.len() {
                        1 => members.append(&mut choices),
                        _ => view.choices = choices,
                    }
                }
                ("properties", Value::Object(map)) => {
                    view.properties.extend(map.iter().map(|(key, value)| Field {
                        key,
                        value,
                        at: join(&here, key),
                    }));
                }
                ("required", Value::Array(names)) if names.iter().all(Value::is_string) => {
                    view.required.extend(names.iter().filter_map(Value::as_str));
                }
                ("nullable", Value::Bool(is_nullable)) => view.is_nullable |= *is_nullable,
                _ => {
                    view.is_nullable |= key == "enum" && holds_null(value);
                    view.fields.push(Field { key, value, at: here });
                }
            }
        }
        for member in members {
            let merged = depth < MAX_DEPTH && {
                let other = Self::within(document, member.value, &member.at, depth + 1, seen);
                view.merge(other)
            };
            if !merged {
                view.rest.push(Field { key: "allOf", ..member });
            }
        }
        view
    }

    /// Returns `false` and changes nothing if the two schemas contradict each other. If both
    /// schemas have prose, keeps the prose of `self`, because `self` is the schema that contains or
    /// refers to `other`.
    pub(super) fn merge(&mut self, other: Self) -> bool {
        let is_other = |mine: &[Field<'v>], theirs: &Field<'v>| {
            mine.iter().any(|field| field.key == theirs.key && field.value != theirs.value)
        };
        let contradicts =
            other.fields.iter().any(|field| !is_remark(field.key) && is_other(&self.fields, field))
                || other.properties.iter().any(|field| is_other(&self.properties, field))
                || (!self.choices.is_empty() && !other.choices.is_empty());
        if contradicts {
            return false;
        }
        let add = |mine: &mut Vec<Field<'v>>, theirs: Vec<Field<'v>>| {
            let known: BTreeSet<&str> = mine.iter().map(|field| field.key).collect();
            mine.extend(theirs.into_iter().filter(|field| !known.contains(field.key)));
        };
        add(&mut self.fields, other.fields);
        add(&mut self.properties, other.properties);
        self.required.extend(other.required);
        self.choices.extend(other.choices);
        self.rest.extend(other.rest);
        self.is_nullable |= other.is_nullable;
        self.references.extend(other.references);
        true
    }

    pub(super) fn field(&self, key: &str) -> Option<&Field<'v>> {
        self.fields.iter().find(|field| field.key == key)
    }

    pub(super) fn value(&self, key: &str) -> Option<&'v Value> {
        self.field(key).map(|field| field.value)
    }

    pub(super) fn property(&self, name: &str) -> Option<&Field<'v>> {
        self.properties.iter().find(|field| field.key == name)
    }

    pub(super) fn likeness(&self, other: &Self) -> Option<usize> {
        if self.value("type") != other.value("type") {
            return None;
        }
        let is_alike = |key: &&str| self.value(key).is_some() && self.value(key) == other.value(key);
        let alike = ["format", "enum", "description", "example"].iter().filter(|key| is_alike(key)).count();
        let shared = other.properties.iter().filter(|field| self.property(field.key).is_some()).count();
        let same = other.references.iter().filter(|to| self.references.contains(to)).count();
        if self.value("type").is_none() && alike + shared + same == 0 {
            return None;
        }
        Some(alike + shared + 2 * same)
    }
}

pub(super) fn items<'v>(key: &'v str, list: &'v [Value], at: &str) -> Vec<Field<'v>> {
    let items = list.iter().enumerate();
    items.map(|(index, value)| Field { key, value, at: join(at, &index.to_string()) }).collect()
}

fn is_remark(key: &str) -> bool {
    const REMARKS: [&str; 4] = ["default", "deprecated", "readOnly", "writeOnly"];
    PROSE.contains(&key) || REMARKS.contains(&key) || !is_schema_keyword(key)
}

fn is_null(schema: &Value) -> bool {
    let Some(map) = schema.as_object() else { return false };
    let is_only_null = map
        .get("enum")
        .and_then(Value::as_array)
        .is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_null));
    (is_only_null || map.get("type").is_some_and(|kind| kind == "null"))
        && map.keys().all(|key| matches!(key.as_str(), "enum" | "nullable" | "type") || is_remark(key))
}

fn holds_null(list: &Value) -> bool {
    list.as_array().is_some_and(|list| list.contains(&Value::Null) && list.iter().any(|item| !item.is_null()))
}
