//! Applies an OpenAPI Overlay 1.0 to a vendor's facts. Each action says what kind it is, why, and
//! by which source; one that matches nothing or changes nothing is an error, so that a correction
//! which the vendor has taken over gets deleted. It never decides what to correct.

use roas_overlay::apply::{Apply, ApplyError, ApplyErrorKind, ApplyOptions};
use roas_overlay::v1_0::{Action, Overlay};
use roas_overlay::validation::Validate;
use serde_json::Value;

use crate::problems::{Problems, Result};

const KINDS: [&str; 2] = ["upstream-bug", "ours"];

/// Applies the overlay called `name` to `document`, as far as it applies.
///
/// # Errors
///
/// Each action that is not marked, or without effect on the document as the actions before left it.
pub(crate) fn apply(name: &str, overlay: Value, document: &mut Value) -> Result<()> {
    let overlay: Overlay = serde_json::from_value(overlay).map_err(|error| format!("{name}: {error}"))?;
    let mut problems = Problems::default();
    if let Err(error) = overlay.validate(Default::default()) {
        for error in error.errors {
            problems.push(format!("{name}: {error}"));
        }
        return Err(problems);
    }

    for (index, action) in overlay.actions.iter().enumerate() {
        let label = format!("{name}: actions[{index}] on {}", action.target);
        for problem in unmarked(action) {
            problems.push(format!("{label}: {problem}"));
        }
        let before = document.clone();
        let alone = Overlay { actions: vec![action.clone()], ..overlay.clone() };
        let options = ApplyOptions::ErrorOnZeroMatch | ApplyOptions::ErrorOnMixedKindMatch;
        let failure = match alone.apply(document, options) {
            Err(ApplyError { kind: ApplyErrorKind::ZeroMatch, .. }) => "matches nothing".into(),
            Err(error) => error.kind.to_string(),
            Ok(_) if *document == before => "changes nothing".into(),
            Ok(_) => continue,
        };
        let why = mark(action, "x-why").unwrap_or("not said");
        problems.push(format!("{label}: {failure} (why it is there: {why})"));
    }
    problems.or(())
}

/// What is missing of the marks that every action bears.
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
        let problems = apply("overlay.yaml", overlay, &mut document).err();
        (document, problems.map(|problems| problems.to_string()).unwrap_or_default())
    }

    #[test]
    fn marked_actions_apply_in_order() {
        let (document, complaint) = applied(json!([
            marked(json!({ "target": "$.a", "update": { "d": {} } })),
            marked(json!({ "target": "$.a.d", "update": { "e": 2 } })),
            marked(json!({ "target": "$.c", "remove": true })),
        ]));
        assert_eq!(complaint, "");
        assert_eq!(document, json!({ "a": { "b": 1, "list": [1], "d": { "e": 2 } } }));
    }

    #[test]
    fn an_action_without_effect_is_an_error() {
        let (_, complaint) = applied(json!([
            marked(json!({ "target": "$.x", "update": { "d": 1 } })),
            marked(json!({ "target": "$.a", "update": { "b": 1 } })),
            marked(json!({ "target": "$.y", "remove": true })),
            marked(json!({ "target": "$.a.b", "remove": true })),
        ]));
        insta::assert_snapshot!(complaint, @"
        overlay.yaml: actions[0] on $.x: matches nothing (why it is there: Because.)
        overlay.yaml: actions[1] on $.a: changes nothing (why it is there: Because.)
        overlay.yaml: actions[2] on $.y: matches nothing (why it is there: Because.)
        overlay.yaml: actions[3] on $.a.b: action `target` must resolve to objects or arrays, not primitives or null (why it is there: Because.)
        ");
    }

    #[test]
    fn an_action_without_its_marks_is_an_error() {
        let mut wrong = marked(json!({ "target": "$.a", "update": { "d": 2 } }));
        wrong["x-kind"] = json!("theirs");
        wrong["x-source"] = json!(" ");
        let (_, complaint) = applied(json!([{ "target": "$.a", "update": { "d": 1 } }, wrong]));
        insta::assert_snapshot!(complaint, @"
        overlay.yaml: actions[0] on $.a: x-kind must be one of upstream-bug, ours
        overlay.yaml: actions[0] on $.a: x-why is missing
        overlay.yaml: actions[0] on $.a: x-source is missing
        overlay.yaml: actions[1] on $.a: x-kind must be one of upstream-bug, ours
        overlay.yaml: actions[1] on $.a: x-source is missing
        ");
    }

    #[test]
    fn what_is_no_overlay_is_an_error() {
        let mut document = json!({});
        let error = apply("overlay.yaml", json!({ "overlay": "2.0.0" }), &mut document);
        assert!(error.unwrap_err().to_string().starts_with("overlay.yaml: "));
        let (_, complaint) = applied(json!([marked(json!({ "target": "a b" }))]));
        assert!(complaint.contains("actions[0].target: invalid JSONPath"), "{complaint}");
        assert!(complaint.contains("must specify either"), "{complaint}");
    }
}
