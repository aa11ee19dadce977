//! Converts the type `null` of OpenAPI 3.1 to the keyword `nullable` of 3.0. Where `nullable` would
//! have another meaning, keeps an alternative that allows only null.

use serde_json::{Map, Value, json};

fn is_remark(key: &str) -> bool {
    const REMARKS: &str =
        "default deprecated description discriminator example externalDocs readOnly title writeOnly xml";
    REMARKS.split(' ').any(|remark| remark == key) || key.starts_with("x-")
}

pub(super) fn is_composed(map: &Map<String, Value>) -> bool {
    ["$ref", "allOf", "anyOf", "if", "not", "oneOf"].iter().any(|key| map.contains_key(*key))
}

pub(super) fn impossible(map: &mut Map<String, Value>) {
    map.insert("not".into(), json!({}));
}

pub(super) fn only_null(map: &mut Map<String, Value>) {
    let excluded = map.get("enum").and_then(Value::as_array).is_some_and(|list| !list.contains(&Value::Null));
    map.remove("type");
    if excluded {
        impossible(map);
    } else {
        map.insert("enum".into(), json!([null]));
    }
}

fn is_only_null(schema: &Value) -> bool {
    schema.as_object().is_some_and(|map| {
        map.get("enum") == Some(&json!([null])) && map.keys().all(|key| key == "enum" || is_remark(key))
    })
}

pub(super) fn allow(map: &mut Map<String, Value>) {
    if let Some(list) = map.get_mut("enum").and_then(Value::as_array_mut)
        && !list.contains(&Value::Null)
    {
        list.push(Value::Null);
    }
    if map.contains_key("type") || is_composed(map) {
        map.insert("nullable".into(), true.into());
    }
}

pub(super) fn forbid(map: &mut Map<String, Value>) {
    if map.remove("nullable").is_none() {
        return;
    }
    if let Some(list) = map.get_mut("enum").and_then(Value::as_array_mut) {
        list.retain(|value| !value.is_null());
    }
    if let Some([only]) = map.get("allOf").and_then(Value::as_array).map(Vec::as_slice)
        && let (1, Some(target)) = (map.len(), only.get("$ref").cloned())
    {
        *map = Map::from_iter([("$ref".to_owned(), target)]);
    }
}

fn refuses_null(schema: &Value) -> bool {
    schema.get("type").is_some() && schema.get("nullable").is_none()
}

pub(super) fn alternatives(map: &mut Map<String, Value>) {
    for key in ["anyOf", "oneOf"] {
        let Some(Value::Array(list)) = map.get(key) else { continue };
        let (nulls, mut others): (Vec<Value>, Vec<Value>) = list.iter().cloned().partition(is_only_null);
        if nulls.is_empty() {
            continue;
        }
        // Assume that a reference rejects null, because most targets are objects. The target is not
        // looked up, so that the conversion of a schema does not depend on other schemas.
        let is_reference = |schema: &Value| schema.get("$ref").is_some();
        // In a `oneOf`, exactly one alternative may match. So `nullable` can replace the null
        // alternative only if all other alternatives reject null.
        let is_plain = key == "anyOf"
            || nulls.len() == 1
                && (others.len() == 1 || others.iter().all(refuses_null) || others.iter().all(is_reference));
        let judges_null = ["$ref", "allOf", "anyOf", "enum", "if", "not", "oneOf", "type"]
            .iter()
            .any(|other| other != &key && map.contains_key(*other));
        if !is_plain || judges_null {
            continue;
        }
        if others.len() > 1 {
            map.insert(key.into(), others.into());
            map.insert("nullable".into(), true.into());
            continue;
        }
        let Some(only) = others.pop() else {
            map.remove(key);
            only_null(map);
            continue;
        };
        let Value::Object(only) = only else { continue };
        // `nullable` allows null only for the `type` in the same schema. Keywords such as `not` and
        // `allOf` can still reject null.
        let rejects_flag = only.contains_key("not") || only.contains_key("type") && is_composed(&only);
        if only.contains_key("$ref") {
            map.remove(key);
            map.insert("allOf".into(), json!([only]));
            map.insert("nullable".into(), true.into());
        } else if !rejects_flag && map.keys().all(|other| other == key || is_remark(other)) {
            if key == "oneOf" && !refuses_null(&Value::Object(only.clone())) {
                continue;
            }
            map.remove(key);
            for (key, value) in only {
                map.entry(key).or_insert(value);
            }
            allow(map);
        }
    }
}
