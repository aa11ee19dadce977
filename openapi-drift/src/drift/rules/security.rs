//! The rules for security requirements.

use serde_json::{Value, json};

use super::finding::Effect::None as NoEffect;
use super::finding::Level::{Additive, Breaking, Trivial};
use super::finding::{Finding, finding, quoted};
use crate::drift::edit::{Edit, Step};
use crate::reference::operations;

pub(super) fn security(edit: &Edit<'_>, documents: (&Value, &Value)) -> Finding {
    let operation = edit.steps.iter().find(|step| step.shape.is("operation"));
    let scope = if operation.is_some() { "api-security" } else { "api-global-security" };
    let global = (documents.0.get("security"), documents.1.get("security"));
    let affected = match operation {
        Some(Step { old: Some(old), new: Some(new), .. }) => {
            let (old, new) = (old.get("security").or(global.0), new.get("security").or(global.1));
            Some((list(old), with_old_names(new, documents)))
        }
        _ => {
            let inherits = |document: &Value, method: &str, path: &str| {
                let operation = document["paths"][path].get(method);
                operation.is_some_and(|operation| operation.get("security").is_none())
            };
            operations(documents.1)
                .any(|(method, path, _)| {
                    inherits(documents.0, method, path) && inherits(documents.1, method, path)
                })
                .then(|| (list(global.0), with_old_names(global.1, documents)))
        }
    };
    let is_other = |(before, after): &(Vec<Value>, Vec<Value>)| !same_items(before, after);
    let Some((before, after)) = affected.filter(is_other) else {
        let what = "the effective requirements are the same as before, but written elsewhere";
        return finding(format!("{scope}-restated"), Trivial, NoEffect, what);
    };
    if let Step { old: Some(Value::Array(old)), new: Some(Value::Array(new)), key, .. } = edit.last()
        && key != "security"
    {
        let is_more = new.iter().any(|name| !old.contains(name));
        let (word, level) = if is_more { ("added", Breaking) } else { ("removed", Additive) };
        let what =
            format!("`{key}` scopes changed from {} to {}", quoted(edit.last().old), quoted(edit.last().new));
        return finding(format!("{scope}-scope-{word}"), level, NoEffect, what);
    }
    // An additional alternative is one more way to authenticate. But if the old list was empty,
    // callers needed no authentication before and need it now.
    let is_open = |list: &[Value]| list.is_empty() || list.contains(&json!({}));
    let is_lost = before.iter().any(|one| !after.contains(one)) || (is_open(&before) && !is_open(&after));
    let level = if is_lost { Breaking } else { Additive };
    let what =
        format!("security changed from {} to {}", quoted(Some(&before.into())), quoted(Some(&after.into())));
    finding(format!("{scope}-{}", edit.verb()), level, NoEffect, what)
}

fn list(value: Option<&Value>) -> Vec<Value> {
    value.and_then(Value::as_array).cloned().unwrap_or_default()
}

fn with_old_names(value: Option<&Value>, documents: (&Value, &Value)) -> Vec<Value> {
    let schemes = |document: &Value| document["components"]["securitySchemes"].as_object().cloned();
    let (old, new) = (schemes(documents.0).unwrap_or_default(), schemes(documents.1).unwrap_or_default());
    let old_name = |name: &String| {
        let is_same =
            |(other, scheme): &(&String, &Value)| !new.contains_key(*other) && new.get(name) == Some(*scheme);
        let found = if old.contains_key(name) { None } else { old.iter().find(is_same) };
        found.map_or(name, |(other, _)| other).clone()
    };
    let renamed = |item: Value| match item {
        Value::Object(map) => map.iter().map(|(name, scopes)| (old_name(name), scopes.clone())).collect(),
        other => other,
    };
    list(value).into_iter().map(renamed).collect()
}

fn same_items(a: &[Value], b: &[Value]) -> bool {
    a.iter().all(|item| b.contains(item)) && b.iter().all(|item| a.contains(item))
}
