//! Converts an OpenAPI 3.1 document to an equivalent 3.0 document. Reports keywords that 3.0 does
//! not support.

mod definitions;
mod finding;
mod null;
mod schema;
#[cfg(test)]
mod semantics;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::document::{MAX_WEIGHT, version};
use crate::problems::Result;
use crate::shape::{self, Shape, join};
pub(crate) use finding::Converted;
use finding::Finding;

const PATCH_VERSION: &str = "3.0.3";

const MAX_CHAIN: usize = 4;

pub(crate) fn downconvert(name: &str, mut document: Value) -> Result<Converted> {
    let version = version(&document);
    match version.as_deref() {
        Some(version) if version == "3.1" || version.starts_with("3.1.") => {}
        Some("3.0") => {
            document["openapi"] = PATCH_VERSION.into();
            return Ok(Converted { document, findings: Vec::new() });
        }
        Some(version) if !version.starts_with("3.0.") => {
            return Err(format!("{name}: OpenAPI {version}; only 3.0.x and 3.1.x are supported").into());
        }
        _ => return Ok(Converted { document, findings: Vec::new() }),
    }
    let moved = definitions::hoist(&mut document);
    let mut converter = Converter {
        path_items: document["components"]["pathItems"].take(),
        paths: document["paths"].clone(),
        schemes: document["components"]["securitySchemes"].clone(),
        moved,
        ..Converter::default()
    };
    let converted = converter.thing(document.clone(), &shape::DOCUMENT, "");
    if converter.copied > MAX_WEIGHT {
        return Err(format!("{name}: too much data: path items refer to each other too often").into());
    }
    converter.check_deep_references(&document, &converted);
    Ok(Converted { document: converted, findings: converter.findings })
}

#[derive(Default)]
struct Converter {
    findings: Vec<Finding>,
    path_items: Value,
    paths: Value,
    schemes: Value,
    chain: Vec<String>,
    copied: usize,
    moved: BTreeMap<String, String>,
    deep: Vec<(String, String)>,
    /// The converter must keep the keywords inside `not`, because dropping a keyword there would
    /// make the whole schema stricter.
    is_negated: bool,
}

impl Converter {
    fn thing(&mut self, value: Value, shape: &'static Shape, at: &str) -> Value {
        if shape.is("schema") {
            return self.schema(value, at);
        }
        match (shape, value) {
            (Shape::Data, value) => value,
            (Shape::Requirement, Value::Object(map)) => self.requirement(map, at).into(),
            (_, Value::Object(map)) if shape.is("path item") => self.path_item(map, at).into(),
            (Shape::Object { .. } | Shape::Patterned(_), Value::Object(map))
                if map.get("$ref").is_some_and(Value::is_string) && !shape.is("document") =>
            {
                // In 3.1, only `summary` and `description` are allowed next to `$ref`. Remove them,
                // because 3.0 ignores them.
                map.into_iter().filter(|(key, _)| key == "$ref").collect()
            }
            (_, Value::Object(map)) => self.object(map, shape, at).into(),
            (_, Value::Array(list)) => {
                let items = list.into_iter().enumerate();
                items
                    .map(|(index, item)| self.thing(item, shape.items(), &join(at, &index.to_string())))
                    .collect()
            }
            (_, scalar) => scalar,
        }
    }

    fn object(&mut self, map: Map<String, Value>, shape: &'static Shape, at: &str) -> Map<String, Value> {
        let mut map = self.fields(map, shape, at);
        match shape.name().unwrap_or_default() {
            "document" => self.document(&mut map),
            "components" => _ = map.remove("pathItems"),
            "info" => _ = map.remove("summary"),
            "license" if map.remove("identifier").is_some() => self.drop(at, "identifier"),
            // A parameter or a header is sent as text, so it cannot be null. It is omitted instead.
            "parameter" | "header" => {
                if let Some(Value::Object(schema)) = map.get_mut("schema") {
                    null::forbid(schema);
                }
            }
            "operation" => {
                map.entry("responses").or_insert_with(|| json!({ "default": { "description": "" } }));
            }
            "security scheme" if map.get("type") == Some(&json!("mutualTLS")) => {
                self.refuse(at, "is a mutualTLS scheme, which OpenAPI 3.0 does not support");
            }
            _ => {}
        }
        map
    }

    fn fields(&mut self, map: Map<String, Value>, shape: &'static Shape, at: &str) -> Map<String, Value> {
        let entries = map.into_iter();
        entries
            .map(|(key, value)| {
                let value = match shape.under(&key) {
                    Shape::Data => value,
                    below => self.thing(value, below, &join(at, &key)),
                };
                (key, value)
            })
            .collect()
    }

    fn document(&mut self, map: &mut Map<String, Value>) {
        map.insert("openapi".into(), PATCH_VERSION.into());
        map.entry("paths").or_insert_with(|| json!({}));
        if map.remove("webhooks").is_some_and(|webhooks| webhooks != json!({})) {
            self.drop("", "webhooks");
        }
        if let Some(dialect) = map.remove("jsonSchemaDialect") {
            self.dialect(&dialect, "/jsonSchemaDialect");
        }
    }

    fn dialect(&mut self, dialect: &Value, at: &str) {
        let usual =
            ["https://spec.openapis.org/oas/3.1/dialect/", "https://json-schema.org/draft/2020-12/schema"];
        if !dialect.as_str().is_some_and(|it| usual.iter().any(|usual| it.starts_with(usual))) {
            self.refuse(at, &format!("names an unsupported dialect of JSON Schema, {dialect}"));
        }
    }

    /// If a path item is a reference, replaces it with a copy of its target, because 3.0 does not
    /// support shared path items.
    fn path_item(&mut self, mut map: Map<String, Value>, at: &str) -> Map<String, Value> {
        let Some(Value::String(target)) = map.get("$ref").cloned() else {
            return self.fields(map, &shape::PATH_ITEM, at);
        };
        if self.chain.contains(&target) || self.chain.len() == MAX_CHAIN {
            self.refuse(at, &format!("refers to {target}: this chain of path items is circular or too long"));
            return map;
        }
        let Some(found) = self.find_path_item(&target) else {
            self.refuse(at, &format!("refers to {target}, which is not a path item of this document"));
            return map;
        };
        let copied = self.copied.saturating_add(weight(found));
        let found = if copied > MAX_WEIGHT { Value::Null } else { found.clone() };
        self.copied = copied;
        map.remove("$ref");
        if let Some(twice) = map.keys().find(|key| found.get(key).is_some()) {
            let twice = twice.clone();
            self.refuse(
                &join(at, &twice),
                &format!("is also in {target}; OpenAPI does not define which one applies"),
            );
        }
        for (key, value) in found.as_object().into_iter().flatten() {
            map.entry(key).or_insert_with(|| value.clone());
        }
        self.chain.push(target);
        let map = self.path_item(map, at);
        self.chain.pop();
        map
    }

    fn find_path_item(&self, target: &str) -> Option<&Value> {
        let found = if let Some(name) = target.strip_prefix("#/components/pathItems/") {
            self.path_items.pointer(&format!("/{name}"))
        } else {
            self.paths.pointer(&format!("/{}", target.strip_prefix("#/paths/")?))
        };
        found.filter(|_| target.matches('/').count() <= 3).filter(|found| found.is_object())
    }

    /// Removes the role names from a security requirement. In 3.0, the names in a security
    /// requirement can only be scopes of OAuth 2 or OpenID Connect.
    fn requirement(&mut self, mut map: Map<String, Value>, at: &str) -> Map<String, Value> {
        for (name, list) in &mut map {
            let kind = self.schemes[name]["type"].as_str();
            let has_scopes = kind.is_none_or(|kind| ["oauth2", "openIdConnect"].contains(&kind));
            if !has_scopes && list.as_array().is_some_and(|roles| !roles.is_empty()) {
                *list = json!([]);
                self.note(&join(at, name), "OpenAPI 3.0 does not support role names; dropped");
            }
        }
        map
    }

    fn drop(&mut self, at: &str, key: &str) {
        if self.is_negated {
            self.refuse(&join(at, key), "is inside `not` and cannot be expressed in OpenAPI 3.0");
        } else {
            self.note(&join(at, key), &format!("OpenAPI 3.0 does not support `{key}`; dropped"));
        }
    }

    fn note(&mut self, at: &str, what: &str) {
        self.findings.push(Finding { at: at.to_owned(), what: what.to_owned(), is_refused: false });
    }

    fn refuse(&mut self, at: &str, why: &str) {
        self.findings.push(Finding { at: at.to_owned(), what: why.to_owned(), is_refused: true });
    }

    /// Rejects a reference to a part of a component if the conversion changed this part. For
    /// example, `anyOf/1` can be a different schema after the conversion removes an alternative.
    fn check_deep_references(&mut self, before: &Value, after: &Value) {
        let mut seen = BTreeMap::new();
        let mut alone = Converter { moved: std::mem::take(&mut self.moved), ..Converter::default() };
        for (at, to) in std::mem::take(&mut self.deep) {
            let is_kept = *seen.entry(to.clone()).or_insert_with(|| {
                let pointer = to.trim_start_matches('#');
                before.pointer(pointer).is_none_or(|target| {
                    Some(&alone.schema(target.clone(), pointer)) == after.pointer(pointer)
                })
            });
            if !is_kept {
                self.refuse(&at, &format!("refers to {to}, which the conversion to OpenAPI 3.0 changes"));
            }
        }
    }
}

fn weight(value: &Value) -> usize {
    1 + match value {
        Value::Object(map) => map.iter().map(|(key, value)| 1 + key.len() / 32 + weight(value)).sum(),
        Value::Array(list) => list.iter().map(weight).sum(),
        Value::String(text) => text.len() / 32,
        _ => 0,
    }
}
