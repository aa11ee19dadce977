//! Applies an overlay (OpenAPI Overlay 1.0), which contains our corrections, to `upstream.yaml`.
//! Reports each action that has no effect or that adds a duplicate.

use std::collections::BTreeSet;

use roas_overlay::apply::{Apply, ApplyError, ApplyErrorKind, ApplyOptions};
use roas_overlay::v1_0::{Action, Overlay};
use roas_overlay::validation::Validate;
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::drift::identity;
use crate::problems::{Problems, Result};
use crate::shape::{DOCUMENT, join, segments, unescape, walk};

const KINDS: [&str; 2] = ["upstream-bug", "ours"];

#[derive(Debug)]
pub(crate) struct UnusedAction {
    pub(crate) message: String,
    target: String,
}

impl UnusedAction {
    /// A path with a single segment, such as `/paths`, is too general to explain why the action has
    /// no effect.
    pub(crate) fn concerns(&self, at: &str) -> bool {
        let wanted = steps(&self.target);
        let found = segments(at);
        let common = wanted.len().min(found.len());
        let is_met = |(names, name): (&Vec<String>, &String)| names.is_empty() || names.contains(name);
        common >= 2 && wanted.iter().zip(&found).all(is_met)
    }
}

/// Each step is the list of names that the step matches. An empty list matches every name.
fn steps(path: &str) -> Vec<Vec<String>> {
    let mut steps = Vec::new();
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    loop {
        if let Some(inside) = rest.strip_prefix('[') {
            let Some((choice, after)) = inside.split_once(']') else { return steps };
            let names = choice.split(',').map(str::trim);
            let quoted = |name: &str| {
                let name = name.strip_prefix(['\'', '"'])?.strip_suffix(['\'', '"'])?;
                Some(name.to_owned())
            };
            steps.push(names.filter_map(quoted).collect());
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('.') {
            let end = inside.find(['.', '[']).unwrap_or(inside.len());
            let (name, after) = inside.split_at(end);
            if name.is_empty() {
                return steps;
            }
            steps.push(if name == "*" { Vec::new() } else { vec![name.to_owned()] });
            rest = after;
        } else {
            return steps;
        }
    }
}

pub(crate) fn apply(name: &str, overlay: Value, document: &mut Value) -> Result<Vec<UnusedAction>> {
    let overlay: Overlay = serde_json::from_value(overlay).map_err(|error| format!("{name}: {error}"))?;
    let mut problems = Problems::default();
    if let Err(error) = overlay.validate(Default::default()) {
        for error in error.errors {
            problems.push(format!("{name}: {error}"));
        }
        return Err(problems);
    }

    let mut unused = Vec::new();
    let mut known = duplicates(document);
    for (index, action) in overlay.actions.iter().enumerate() {
        let label = format!("{name}: actions[{index}] on {}", action.target);
        for problem in unmarked(action) {
            problems.push(format!("{label}: {problem}"));
        }
        let after = applied(&overlay, action, document).and_then(|after| {
            let duplicates = duplicates(&after);
            match duplicates.difference(&known).next() {
                _ if after == *document => Err("changes nothing".into()),
                Some((at, item)) => Err(format!("adds {item} to {at}, which already contains it")),
                None => Ok((after, duplicates)),
            }
        });
        match after {
            Ok(after) => (*document, known) = after,
            Err(failure) => {
                let why = mark(action, "x-why").unwrap_or("unset");
                let message = format!("{label}: {failure} (x-why: {why})");
                unused.push(UnusedAction { message, target: action.target.clone() });
            }
        }
    }
    problems.or(unused)
}

fn applied(overlay: &Overlay, action: &Action, document: &Value) -> std::result::Result<Value, String> {
    let alone = Overlay { actions: vec![action.clone()], ..overlay.clone() };
    let options = ApplyOptions::ErrorOnZeroMatch | ApplyOptions::ErrorOnMixedKindMatch;
    let mut after = document.clone();
    match alone.apply(&mut after, options) {
        Err(ApplyError { kind: ApplyErrorKind::ZeroMatch, .. }) => return Err("matches nothing".into()),
        Err(error) => return Err(error.kind.to_string()),
        Ok(_) => {}
    }
    let path = JsonPath::parse(&action.target).map_err(|error| error.to_string())?;
    let found = path.query_located(document);
    let mut places: Vec<String> = found.iter().map(|node| node.location().to_json_pointer()).collect();
    let distinct: BTreeSet<Vec<String>> = places.iter().map(|place| sortable(place)).collect();
    if distinct.len() < places.len() {
        return Err("matches the same node twice".into());
    }
    if action.is_remove() {
        // Remove the last item first, because each removal changes the indices of the later items.
        // `roas_overlay` does not do this: it removes list items in the order of the query.
        after = document.clone();
        places.sort_by_cached_key(|place| sortable(place));
        places.iter().rev().for_each(|place| remove(&mut after, place));
    }
    Ok(after)
}

/// Pads each segment, so that indices sort as numbers.
fn sortable(pointer: &str) -> Vec<String> {
    pointer.split('/').map(|segment| format!("{segment:0>20}")).collect()
}

fn remove(document: &mut Value, place: &str) {
    let Some((holder, last)) = place.rsplit_once('/') else { return };
    match document.pointer_mut(holder) {
        Some(Value::Array(list)) => {
            if let Some(index) = last.parse().ok().filter(|index| *index < list.len()) {
                list.remove(index);
            }
        }
        Some(Value::Object(map)) => drop(map.remove(&unescape(last))),
        _ => {}
    }
}

/// An overlay can add duplicates, because an overlay only appends to lists.
pub(crate) fn duplicates(document: &Value) -> BTreeSet<(String, String)> {
    const UNIQUE: [&str; 8] =
        ["allOf", "anyOf", "enum", "oneOf", "parameters", "required", "security", "servers"];
    let mut found = BTreeSet::new();
    walk(document, &DOCUMENT, "", &mut |at, shape, value| {
        let map = value.as_object().filter(|_| shape.has_keywords()).into_iter().flatten();
        for (key, list) in map.filter(|(key, _)| UNIQUE.contains(&key.as_str())) {
            let mut seen = BTreeSet::new();
            for item in list.as_array().into_iter().flatten() {
                let name = identity(document, shape.under(key).items(), item)
                    .filter(|_| key == "parameters")
                    .map_or_else(|| item.to_string(), |name| name.join(" "));
                if !seen.insert(name.clone()) {
                    found.insert((join(at, key), name));
                }
            }
        }
    });
    found
}

fn unmarked(action: &Action) -> Vec<String> {
    let mut missing = Vec::new();
    if !mark(action, "x-kind").is_some_and(|kind| KINDS.contains(&kind)) {
        missing.push(format!("x-kind must be one of {}", KINDS.join(", ")));
    }
    for key in ["x-why", "x-source"] {
        if mark(action, key).is_none() {
            missing.push(format!("{key} is missing"));
        }
    }
    missing
}

fn mark<'a>(action: &'a Action, key: &str) -> Option<&'a str> {
    let text = action.extensions.as_ref()?.get(key)?.as_str()?;
    Some(text).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn marked(mut action: Value) -> Value {
        action["x-kind"] = json!("ours");
        action["x-why"] = json!("Because.");
        action["x-source"] = json!("the desk");
        action
    }

    fn applied(actions: Value) -> (Value, String) {
        let overlay = json!({
            "overlay": "1.0.0",
            "info": { "title": "T", "version": "1" },
            "actions": actions,
        });
        let mut document = json!({ "a": { "b": 1, "list": [1] }, "c": {} });
        let mut problems = Problems::default();
        match apply("overlay.yaml", overlay, &mut document) {
            Ok(unused) => unused.into_iter().for_each(|unused| problems.push(unused.message)),
            Err(failures) => problems.extend(failures),
        }
        (document, problems.to_string())
    }

    #[test]
    fn unused_action_is_related_only_to_changes_at_or_below_its_target() {
        let unused = |target: &str| UnusedAction { message: String::new(), target: target.into() };
        let target = unused("$.paths['/a/b'].post.responses['500', \"504\"].headers.x-id");
        assert!(target.concerns("/paths/~1a~1b/post"));
        assert!(target.concerns("/paths/~1a~1b/post/responses/504/headers/x-id/schema"));
        assert!(!target.concerns("/paths/~1a~1b/post/responses/400"));
        assert!(!target.concerns("/paths"), "too general");
        assert!(unused("$.paths[*].post").concerns("/paths/~1a/post/description"));
        assert!(!unused("$.paths[*].post").concerns("/paths/~1a/get"));
        assert!(!unused("$..name").concerns("/components/schemas/A"));
    }

    #[test]
    fn actions_with_annotations_are_applied_in_order() {
        let (document, message) = applied(json!([
            marked(json!({ "target": "$.a", "update": { "d": {} } })),
            marked(json!({ "target": "$.a.d", "update": { "e": 2 } })),
            marked(json!({ "target": "$.c", "remove": true })),
        ]));
        assert_eq!(message, "");
        assert_eq!(document, json!({ "a": { "b": 1, "list": [1], "d": { "e": 2 } } }));
    }

    #[test]
    fn action_without_effect_is_reported() {
        let (_, message) = applied(json!([
            marked(json!({ "target": "$.x", "update": { "d": 1 } })),
            marked(json!({ "target": "$.a", "update": { "b": 1 } })),
            marked(json!({ "target": "$.y", "remove": true })),
            marked(json!({ "target": "$.a.b", "remove": true })),
        ]));
        insta::assert_snapshot!(message, @"
        overlay.yaml: actions[0] on $.x: matches nothing (x-why: Because.)
        overlay.yaml: actions[1] on $.a: changes nothing (x-why: Because.)
        overlay.yaml: actions[2] on $.y: matches nothing (x-why: Because.)
        overlay.yaml: actions[3] on $.a.b: action `target` must resolve to objects or arrays, not primitives or null (x-why: Because.)
        ");
    }

    #[test]
    fn action_without_required_annotations_is_rejected() {
        let mut wrong = marked(json!({ "target": "$.a", "update": { "d": 2 } }));
        wrong["x-kind"] = json!("theirs");
        wrong["x-source"] = json!(" ");
        let (_, message) = applied(json!([{ "target": "$.a", "update": { "d": 1 } }, wrong]));
        insta::assert_snapshot!(message, @"
        overlay.yaml: actions[0] on $.a: x-kind must be one of upstream-bug, ours
        overlay.yaml: actions[0] on $.a: x-why is missing
        overlay.yaml: actions[0] on $.a: x-source is missing
        overlay.yaml: actions[1] on $.a: x-kind must be one of upstream-bug, ours
        overlay.yaml: actions[1] on $.a: x-source is missing
        ");
    }

    #[test]
    fn invalid_overlay_is_rejected() {
        let mut document = json!({});
        let error = apply("overlay.yaml", json!({ "overlay": "2.0.0" }), &mut document);
        assert!(error.unwrap_err().to_string().starts_with("overlay.yaml: "));
        let (_, message) = applied(json!([marked(json!({ "target": "a b" }))]));
        assert!(message.contains("actions[0].target: invalid JSONPath"), "{message}");
        assert!(message.contains("must specify either"), "{message}");
    }

    #[test]
    fn remove_action_deletes_exactly_the_items_that_its_target_selects() {
        for target in ["$.list[2, 0]", "$.list[0, 2]", "$.list[-1, 0]", "$.list[?@.a != 1]"] {
            let overlay = json!({
                "overlay": "1.0.0",
                "info": { "title": "T", "version": "1" },
                "actions": [marked(json!({ "target": target, "remove": true }))],
            });
            let mut document = json!({ "list": [{ "a": 0 }, { "a": 1 }, { "a": 2 }] });
            let unused = apply("overlay.yaml", overlay, &mut document).unwrap();
            assert!(unused.is_empty(), "{target}: {unused:?}");
            assert_eq!(document, json!({ "list": [{ "a": 1 }] }), "{target}");
        }
    }

    #[test]
    fn action_that_matches_a_node_twice_is_reported() {
        let (document, message) =
            applied(json!([marked(json!({ "target": "$['a', 'a']", "update": { "d": 1 } })),]));
        insta::assert_snapshot!(message, @"overlay.yaml: actions[0] on $['a', 'a']: matches the same node twice (x-why: Because.)");
        assert_eq!(document["a"].get("d"), None);
    }

    #[test]
    fn update_action_that_would_duplicate_an_item_is_reported_and_skipped() {
        let parameter = json!({ "name": "Origin", "in": "header", "schema": { "type": "string" } });
        let mut document = json!({
            "openapi": "3.0.3",
            "paths": { "/a": { "post": {
                "operationId": "a",
                "parameters": [{ "$ref": "#/components/parameters/Origin" }],
                "security": [{ "Basic": [] }],
            } } },
            "components": {
                "parameters": { "Origin": parameter },
                "schemas": { "A": { "type": "object", "required": ["b"] } },
            },
        });
        let before = document.clone();
        let mut spelled = parameter;
        spelled["name"] = json!("origin");
        let overlay = json!({
            "overlay": "1.0.0",
            "info": { "title": "T", "version": "1" },
            "actions": [
                marked(json!({ "target": "$.paths[*].post.parameters", "update": spelled })),
                marked(json!({ "target": "$.components.schemas.A", "update": { "required": ["b"] } })),
                marked(json!({ "target": "$.paths[*].post", "update": { "security": [{ "Basic": [] }] } })),
            ],
        });
        let unused = apply("overlay.yaml", overlay, &mut document).unwrap();
        let messages: Vec<String> = unused.into_iter().map(|unused| unused.message).collect();
        insta::assert_snapshot!(messages.join("\n"), @r#"
        overlay.yaml: actions[0] on $.paths[*].post.parameters: adds header origin to /paths/~1a/post/parameters, which already contains it (x-why: Because.)
        overlay.yaml: actions[1] on $.components.schemas.A: adds "b" to /components/schemas/A/required, which already contains it (x-why: Because.)
        overlay.yaml: actions[2] on $.paths[*].post: adds {"Basic":[]} to /paths/~1a/post/security, which already contains it (x-why: Because.)
        "#);
        assert_eq!(document, before);
    }
}
