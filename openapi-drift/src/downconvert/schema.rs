//! Converts one schema from JSON Schema 2020-12 to the dialect of OpenAPI 3.0. Converts subschemas
//! before their parent, so that each finding has the location of the schema that causes it.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::shape::{self, Shape, is_schema_keyword, join};

use super::Converter;
use super::definitions::followed;
use super::null;
use super::values::{bounds, constant, example, types};

const IGNORED: [&str; 4] = ["$anchor", "$comment", "$dynamicAnchor", "$vocabulary"];

impl Converter {
    pub(super) fn schema(&mut self, value: Value, at: &str) -> Value {
        match value {
            Value::Bool(true) => json!({}),
            Value::Bool(false) => json!({ "not": {} }),
            Value::Object(map) => {
                let mut map = self.subschemas(map, at);
                self.names(&mut map, at);
                bounds(&mut map);
                example(&mut map);
                self.content(&mut map, at);
                self.items(&mut map, at);
                self.properties(&mut map, at);
                constant(&mut map);
                null::alternatives(&mut map);
                types(&mut map);
                reference(&mut map);
                self.rest(&mut map, at);
                map.into()
            }
            other => other,
        }
    }

    fn subschemas(&mut self, map: Map<String, Value>, at: &str) -> Map<String, Value> {
        let entries = map.into_iter();
        entries
            .map(|(key, value)| {
                let below = join(at, &key);
                let value = match (key.as_str(), value) {
                    // Keep these booleans. 3.0 allows a boolean for `additionalProperties`. The
                    // booleans of `items` and `unevaluatedProperties` are converted later, by the
                    // methods `items` and `properties`.
                    ("additionalProperties" | "items" | "unevaluatedProperties", Value::Bool(is_any)) => {
                        is_any.into()
                    }
                    ("not", value) => {
                        let outer = std::mem::replace(&mut self.is_negated, true);
                        let value = self.schema(value, &below);
                        self.is_negated = outer;
                        value
                    }
                    ("prefixItems", value) => self.thing(value, &shape::SCHEMAS, &below),
                    ("patternProperties", value) => self.thing(value, &shape::NAMED_SCHEMAS, &below),
                    ("unevaluatedProperties", value) => self.schema(value, &below),
                    ("$ref", Value::String(target)) => self.target(&target, at).into(),
                    ("discriminator", mut value) => {
                        let mapping = value.get_mut("mapping").and_then(Value::as_object_mut);
                        for target in mapping.into_iter().flatten().map(|(_, target)| target) {
                            if let Some(text) = target.as_str() {
                                *target = followed(text, &self.moved).into();
                            }
                        }
                        value
                    }
                    (key, value) => match shape::SCHEMA.under(key) {
                        Shape::Data => value,
                        shape => self.thing(value, shape, &below),
                    },
                };
                (key, value)
            })
            .collect()
    }

    fn target(&mut self, target: &str, at: &str) -> String {
        let target = followed(target, &self.moved);
        if target.starts_with("#/components/schemas/") && target.matches('/').count() > 3 {
            self.deep.push((at.to_owned(), target.clone()));
        }
        target
    }

    fn names(&mut self, map: &mut Map<String, Value>, at: &str) {
        for key in IGNORED {
            map.remove(key);
        }
        for key in ["$dynamicRef", "$recursiveRef"] {
            if map.remove(key).is_some() {
                self.refuse(&join(at, key), "is a dynamic reference, which OpenAPI 3.0 does not support");
            }
        }
        if let Some(dialect) = map.remove("$schema") {
            self.dialect(&dialect, &join(at, "$schema"));
        }
        if map.remove("$id").is_some() && has_reference(map) {
            self.refuse(
                &join(at, "$id"),
                "changes the base of the references below it, which OpenAPI 3.0 does not support",
            );
        }
        if map.remove("$defs").is_some() {
            self.refuse(&join(at, "$defs"), "is not a map of schemas, or is in an unsupported place");
        }
        if map.get("nullable").is_some() {
            let what = "`nullable` has no meaning in OpenAPI 3.1 and is read as in 3.0";
            self.note(&join(at, "nullable"), what);
        }
    }

    fn content(&mut self, map: &mut Map<String, Value>, at: &str) {
        let encoding = map.remove("contentEncoding");
        let media_type = map.remove("contentMediaType");
        if map.remove("contentSchema").is_some() {
            self.drop(at, "contentSchema");
        }
        let is_base64 = encoding.as_ref().is_some_and(|encoding| encoding == "base64");
        let is_binary =
            encoding.is_none() && media_type.as_ref().is_some_and(|it| it == "application/octet-stream");
        let is_free = !map.contains_key("format");
        if is_free && (is_base64 || is_binary) {
            map.insert("format".into(), if is_base64 { "byte" } else { "binary" }.into());
        }
        if encoding.is_some() && !(is_base64 && is_free) {
            self.drop(at, "contentEncoding");
        }
        if media_type.is_some() && !(is_binary && is_free) {
            self.drop(at, "contentMediaType");
        }
    }

    fn items(&mut self, map: &mut Map<String, Value>, at: &str) {
        let rest = map.remove("items");
        let is_closed = rest == Some(json!(false));
        let rest = rest.map(|rest| if rest.is_boolean() { json!({}) } else { rest });
        match map.remove("prefixItems") {
            Some(Value::Array(first)) if !first.is_empty() => {
                if is_closed {
                    let most = map.get("maxItems").and_then(Value::as_u64).unwrap_or(u64::MAX);
                    map.insert("maxItems".into(), most.min(first.len() as u64).into());
                }
                let most = map.get("maxItems").and_then(Value::as_u64);
                let has_rest = most.is_none_or(|most| most > first.len() as u64);
                let rest = rest.unwrap_or_else(|| json!({}));
                let mut seen = HashSet::new();
                let all = first.into_iter().chain(has_rest.then_some(rest));
                let kinds: Vec<Value> = all.filter(|kind| seen.insert(kind.clone())).collect();
                if kinds.len() > 1 {
                    self.drop(at, "prefixItems");
                }
                map.insert("items".into(), any_of(kinds));
            }
            _ => {
                if is_closed {
                    map.insert("maxItems".into(), 0.into());
                }
                // 3.0 requires `items` if the type is `array`.
                let is_list = map.get("type").is_some_and(|kind| match kind {
                    Value::Array(kinds) => kinds.iter().any(|kind| kind == "array"),
                    kind => kind == "array",
                });
                if rest.is_some() || is_list {
                    map.insert("items".into(), rest.unwrap_or_else(|| json!({})));
                }
            }
        }
    }

    fn properties(&mut self, map: &mut Map<String, Value>, at: &str) {
        if let Some(others) = map.remove("unevaluatedProperties") {
            let composes = ["$ref", "allOf", "anyOf", "dependentSchemas", "if", "oneOf"];
            if map.contains_key("additionalProperties") {
            } else if !composes.iter().any(|key| map.contains_key(*key)) {
                map.insert("additionalProperties".into(), others);
            } else if others != json!(true) && others != json!({}) {
                self.drop(at, "unevaluatedProperties");
            }
        }
        if let Some(patterns) = map.remove("patternProperties").filter(|patterns| *patterns != json!({})) {
            self.drop(at, "patternProperties");
            let mut kinds: Vec<Value> =
                patterns.as_object().into_iter().flatten().map(|(_, it)| it.clone()).collect();
            match map.remove("additionalProperties") {
                None | Some(Value::Bool(true)) => {}
                Some(others) => {
                    kinds.extend((others != json!(false)).then_some(others));
                    map.insert("additionalProperties".into(), any_of(kinds));
                }
            }
        }
    }

    fn rest(&mut self, map: &mut Map<String, Value>, at: &str) {
        map.retain(|key, _| {
            let is_known = is_schema_keyword(key) || key == "xml" || key.starts_with("x-");
            // `then` and `else` have no effect without `if`, so the notice about the dropped `if`
            // is enough.
            if !is_known && key != "then" && key != "else" {
                self.drop(at, key);
            }
            is_known
        });
    }
}

fn has_reference(map: &Map<String, Value>) -> bool {
    let below = |value: &Value| match value {
        Value::Object(map) => has_reference(map),
        Value::Array(list) => list.iter().any(|item| item.as_object().is_some_and(has_reference)),
        _ => false,
    };
    map.contains_key("$ref") || map.values().any(below)
}

fn any_of(mut kinds: Vec<Value>) -> Value {
    kinds.dedup();
    if kinds.contains(&json!({})) {
        json!({})
    } else if kinds.len() == 1 {
        kinds.remove(0)
    } else {
        json!({ "anyOf": kinds })
    }
}

/// Moves a reference with siblings into `allOf`, because 3.0 ignores the siblings of `$ref`.
fn reference(map: &mut Map<String, Value>) {
    if map.len() > 1
        && let Some(target) = map.remove("$ref")
    {
        let all = map.entry("allOf").or_insert_with(|| json!([]));
        if let Some(all) = all.as_array_mut() {
            all.insert(0, json!({ "$ref": target }));
        }
    }
}
