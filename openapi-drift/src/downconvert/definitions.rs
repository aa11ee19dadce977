//! Moves the schemas under `$defs` to `components.schemas`, because OpenAPI 3.0 has no `$defs`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::shape::{self, join, walk};

pub(super) fn hoist(document: &mut Value) -> BTreeMap<String, String> {
    let mut moved = BTreeMap::new();
    let mut numbers = BTreeMap::new();
    let mut open = holders(document, &shape::DOCUMENT, "");
    while let Some(holder) = open.pop() {
        let Some(Value::Object(defined)) =
            document.pointer_mut(&holder).and_then(|schema| schema.as_object_mut()?.remove("$defs"))
        else {
            continue;
        };
        for (name, schema) in defined {
            let Some(components) = named_schemas(document) else { continue };
            let current = free_name(components, &name, &schema, &mut numbers);
            let pointer = join("/components/schemas", &current);
            open.extend(holders(&schema, &shape::SCHEMA, &pointer));
            components.insert(current.clone(), schema);
            moved.insert(join(&join(&holder, "$defs"), &name), current);
        }
    }
    moved
}

fn named_schemas(document: &mut Value) -> Option<&mut Map<String, Value>> {
    let components = document.as_object_mut()?.entry("components").or_insert_with(|| json!({}));
    if components.is_null() {
        *components = json!({});
    }
    components.as_object_mut()?.entry("schemas").or_insert_with(|| json!({})).as_object_mut()
}

fn holders(value: &Value, shape: &'static shape::Shape, pointer: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(value, shape, pointer, &mut |at, shape, value| {
        if shape.is("schema") && value.get("$defs").is_some_and(Value::is_object) {
            found.push(at.to_owned());
        }
    });
    found
}

fn free_name(
    taken: &Map<String, Value>,
    name: &str,
    schema: &Value,
    numbers: &mut BTreeMap<String, usize>,
) -> String {
    if taken.get(name).is_none_or(|other| other == schema) {
        return name.to_owned();
    }
    loop {
        let number = numbers.entry(name.to_owned()).or_insert(1);
        *number += 1;
        let numbered = format!("{name}{number}");
        if !taken.contains_key(&numbered) {
            return numbered;
        }
    }
}

pub(super) fn followed(target: &str, moved: &BTreeMap<String, String>) -> String {
    let mut target = target.to_owned();
    while let Some((from, current)) = target.find("/$defs/").and_then(|at| {
        let name = at + "/$defs/".len();
        let end = target[name..].find('/').map_or(target.len(), |length| name + length);
        Some((end, moved.get(target.get(1..end)?)?))
    }) {
        target = format!("#{}{}", join("/components/schemas", current), &target[from..]);
    }
    target
}
