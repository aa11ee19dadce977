//! Finds components that refer to themselves, directly or through `allOf`, `anyOf`, `oneOf`, `not`
//! and other components. A schema with a property of its own type is not such a cycle. Uses a loop,
//! because recursion over an untrusted document could overflow the stack.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::shape::{COMPONENTS, join};

const IN_PLACE: [&str; 4] = ["allOf", "anyOf", "oneOf", "not"];

pub(crate) fn cycles(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_closed: BTreeMap<String, bool> = BTreeMap::new();
    for start in components(document) {
        let mut path: Vec<(String, Vec<String>)> = Vec::new();
        let mut next = Some(start);
        loop {
            if let Some(pointer) = next.take() {
                match is_closed.get(&pointer) {
                    None => {
                        is_closed.insert(pointer.clone(), false);
                        let targets = document.pointer(&pointer).map(targets).unwrap_or_default();
                        path.push((pointer, targets));
                    }
                    Some(false) => found.push(sentence(&path, &pointer)),
                    Some(true) => {}
                }
            }
            let Some((pointer, targets)) = path.last_mut() else { break };
            next = targets.pop();
            if next.is_none() {
                is_closed.insert(std::mem::take(pointer), true);
                path.pop();
            }
        }
    }
    found
}

fn components(document: &Value) -> Vec<String> {
    let sections = document["components"].as_object().into_iter().flatten();
    sections
        .filter(|(section, _)| COMPONENTS.under(section).under("").name().is_some())
        .flat_map(|(section, components)| {
            let at = join("/components", section);
            let names = components.as_object().into_iter().flatten();
            names.map(move |(name, _)| join(&at, name))
        })
        .collect()
}

fn targets(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            found.extend(target.strip_prefix('#').map(str::to_owned));
        }
        for key in IN_PLACE {
            match value.get(key) {
                Some(Value::Array(list)) => open.extend(list),
                Some(schema) => open.push(schema),
                None => {}
            }
        }
    }
    found
}

fn sentence(path: &[(String, Vec<String>)], pointer: &str) -> String {
    const MAX_SHOWN: usize = 5;
    let start = path.iter().position(|(at, _)| at == pointer).unwrap_or_default();
    let between = &path[start + 1..];
    let shown: Vec<&str> = between.iter().take(MAX_SHOWN).map(|(at, _)| at.as_str()).collect();
    let more = if between.len() > MAX_SHOWN { " and others" } else { "" };
    if between.is_empty() {
        format!("{pointer} refers to itself")
    } else {
        format!("{pointer} refers to itself, through {}{more}", shown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(components: Value) -> String {
        cycles(&json!({ "components": components })).join("\n")
    }

    fn reference(section: &str, name: &str) -> Value {
        json!({ "$ref": format!("#/components/{section}/{name}") })
    }

    #[test]
    fn reference_cycle_is_reported_with_its_path() {
        insta::assert_snapshot!(shown(json!({ "parameters": { "A": reference("parameters", "A") } })), @"/components/parameters/A refers to itself");
        insta::assert_snapshot!(shown(json!({ "schemas": {
            "A": reference("schemas", "B"),
            "B": { "allOf": [{ "type": "object" }, { "anyOf": [reference("schemas", "C")] }] },
            "C": { "not": reference("schemas", "A") },
        } })), @"/components/schemas/A refers to itself, through /components/schemas/B, /components/schemas/C");
    }

    #[test]
    fn recursive_schema_through_properties_is_allowed() {
        let tree = json!({ "properties": { "next": reference("schemas", "A") }, "items": reference("schemas", "A") });
        assert_eq!(shown(json!({ "schemas": { "A": tree, "B": reference("schemas", "A") } })), "");
    }

    #[test]
    fn long_reference_chain_does_not_overflow_the_stack() {
        let chain: Value =
            (0..50_000).map(|it| (format!("A{it}"), reference("schemas", &format!("A{}", it + 1)))).collect();
        assert_eq!(shown(json!({ "schemas": chain })), "");
    }
}
