//! Converts the keywords that restrict a value directly: types, bounds and allowed values.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value, json};

use super::null::{self, impossible, only_null};

const KINDS: [&str; 6] = ["string", "integer", "number", "boolean", "array", "object"];

/// Exclusive bounds are numbers in 3.1 and booleans in 3.0.
pub(super) fn bounds(map: &mut Map<String, Value>) {
    bound(map, "minimum", "exclusiveMinimum", Ordering::Greater);
    bound(map, "maximum", "exclusiveMaximum", Ordering::Less);
}

fn bound(map: &mut Map<String, Value>, key: &str, exclusive: &str, stricter: Ordering) {
    match map.remove(exclusive) {
        Some(Value::Number(outer)) => {
            let inner = map.get(key).and_then(Value::as_number);
            if inner.is_some_and(|inner| compare(inner, &outer) == Some(stricter)) {
                return;
            }
            map.insert(key.into(), outer.into());
            map.insert(exclusive.into(), true.into());
        }
        Some(Value::Bool(true)) if map.contains_key(key) => {
            map.insert(exclusive.into(), true.into());
        }
        _ => {}
    }
}

/// Compares integers exactly, because two different integers above 2^53 can convert to the same
/// `f64`.
fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    match a.as_i128().zip(b.as_i128()) {
        Some((a, b)) => Some(a.cmp(&b)),
        None => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

pub(super) fn example(map: &mut Map<String, Value>) {
    if let Some(Value::Array(examples)) = map.remove("examples")
        && let Some(first) = examples.into_iter().next()
    {
        map.entry("example").or_insert(first);
    }
}

pub(super) fn constant(map: &mut Map<String, Value>) {
    let Some(value) = map.remove("const") else { return };
    let excluded = map.get("enum").and_then(Value::as_array).is_some_and(|list| !list.contains(&value));
    if excluded {
        impossible(map);
        return;
    }
    let kind = match &value {
        Value::String(_) => Some("string"),
        Value::Bool(_) => Some("boolean"),
        Value::Number(number) if number.is_f64() => Some("number"),
        Value::Number(_) => Some("integer"),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    if let (Some(kind), None) = (kind, map.get("type")) {
        map.insert("type".into(), kind.into());
    }
    map.insert("enum".into(), json!([value]));
}

fn kinds(key: &str, format: Option<&Value>) -> Option<&'static [&'static str]> {
    match key {
        "maxLength" | "minLength" | "pattern" => Some(&["string"]),
        "format" => match format.and_then(Value::as_str) {
            Some("int32" | "int64" | "float" | "double") => Some(&["integer", "number"]),
            _ => Some(&["string"]),
        },
        "multipleOf" | "maximum" | "minimum" | "exclusiveMaximum" | "exclusiveMinimum" => {
            Some(&["integer", "number"])
        }
        "items" | "maxItems" | "minItems" | "uniqueItems" => Some(&["array"]),
        "properties" | "required" | "additionalProperties" | "maxProperties" | "minProperties" => {
            Some(&["object"])
        }
        _ => None,
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|it| it.fract() == 0.0),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

pub(super) fn types(map: &mut Map<String, Value>) {
    let listed = match map.get("type") {
        Some(Value::Array(list)) => list.clone(),
        Some(only) if only == "null" => vec![only.clone()],
        _ => return,
    };
    map.remove("type");
    let is_listed = |kind: &&str| listed.iter().any(|item| item == *kind);
    let mut kinds: Vec<&str> = KINDS.into_iter().filter(is_listed).collect();
    if kinds.contains(&"number") {
        kinds.retain(|kind| *kind != "integer");
    }
    let has_null = is_listed(&"null");
    match kinds.as_slice() {
        [] if has_null => only_null(map),
        [] => impossible(map),
        [kind] => {
            map.insert("type".into(), (*kind).into());
            if has_null {
                map.insert("nullable".into(), true.into());
            }
        }
        _ => distribute(map, &kinds, has_null),
    }
}

fn distribute(map: &mut Map<String, Value>, types: &[&str], has_null: bool) {
    let values = map.remove("enum");
    let format = map.get("format").cloned();
    let mut branches = Vec::new();
    for name in types {
        let mut branch = Map::from_iter([("type".to_owned(), Value::from(*name))]);
        for (key, value) in map.iter() {
            if kinds(key, format.as_ref()).is_some_and(|kinds| kinds.contains(name)) {
                branch.insert(key.clone(), value.clone());
            }
        }
        if let Some(Value::Array(values)) = &values {
            let own: Vec<&Value> = values.iter().filter(|value| is_of(value, name)).collect();
            if own.is_empty() {
                continue;
            }
            branch.insert("enum".into(), json!(own));
        }
        branches.push(Value::Object(branch));
    }
    map.retain(|key, _| kinds(key, format.as_ref()).is_none());
    let admits_null = has_null
        && values.is_none_or(|values| values.as_array().is_some_and(|list| list.contains(&Value::Null)));
    if branches.is_empty() && admits_null {
        only_null(map);
        return;
    }
    if null::is_composed(map) {
        if admits_null {
            branches.push(json!({ "enum": [null] }));
        }
        let all = map.entry("allOf").or_insert_with(|| json!([]));
        if let Some(all) = all.as_array_mut() {
            all.push(json!({ "anyOf": branches }));
        }
        return;
    }
    match branches.len() {
        0 => impossible(map),
        1 => {
            if let Some(Value::Object(only)) = branches.pop() {
                map.extend(only);
            }
        }
        _ => {
            map.insert("anyOf".into(), branches.into());
        }
    }
    if admits_null {
        null::allow(map);
    }
}
