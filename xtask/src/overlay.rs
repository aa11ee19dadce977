//! Applies an OpenAPI Overlay 1.0 to a vendor's facts. Each action says what kind it is, why, and
//! by which source; one that matches nothing or changes nothing is an error, so that a correction
//! which the vendor has taken over gets deleted. It never decides what to correct.

use roas_overlay::apply::{Apply, ApplyError, ApplyErrorKind, ApplyOptions};
use roas_overlay::v1_0::{Action, Overlay};
use roas_overlay::validation::Validate;
use serde_json::Value;

use crate::problems::Problems;

const KINDS: [&str; 2] = ["upstream-bug", "ours"];

/// Why an overlay does not apply.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    pub(crate) problems: Problems,
    /// Actions that match nothing or change nothing.
    pub(crate) without_effect: Vec<Idle>,
}

impl<P: Into<Problems>> From<P> for Failures {
    fn from(problems: P) -> Self {
        Self { problems: problems.into(), without_effect: Vec::new() }
    }
}

/// An action without effect.
#[derive(Debug)]
pub(crate) struct Idle {
    pub(crate) complaint: String,
    target: String,
}

impl Idle {
    /// Whether a change at this JSON pointer can be why: one of the two is at or below the other, and
    /// they meet below the top.
    pub(crate) fn concerns(&self, at: &str) -> bool {
        let wanted = steps(&self.target);
        let found: Vec<String> =
            at.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        let common = wanted.len().min(found.len());
        let is_met = |(names, name): (&Vec<String>, &String)| names.is_empty() || names.contains(name);
        common >= 2 && wanted.iter().zip(&found).all(is_met)
    }
}

/// The steps of a JSONPath as far as they are names: each a choice of names, an empty one any.
fn steps(path: &str) -> Vec<Vec<String>> {
    let mut steps = Vec::new();
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    loop {
        if let Some(inside) = rest.strip_prefix('[') {
            let Some((choice, after)) = inside.split_once(']') else { return steps };
            let names = choice.split(',').map(str::trim);
            let quoted = |name: &str| {
                let bare = name.strip_prefix(['\'', '"'])?.strip_suffix(['\'', '"'])?;
                Some(bare.to_owned())
            };
            steps.push(names.filter_map(quoted).collect());
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('.') {
            let end = inside.find(['.', '[']).unwrap_or(inside.len());
            let (name, after) = inside.split_at(end);
            // `..` is any depth: no more is known.
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

/// Applies the overlay called `name` to `document`, as far as it applies.
///
/// # Errors
///
/// Each action that is not marked, or without effect on the document as the actions before left it.
pub(crate) fn apply(name: &str, overlay: Value, document: &mut Value) -> std::result::Result<(), Failures> {
    let overlay: Overlay = serde_json::from_value(overlay).map_err(|error| format!("{name}: {error}"))?;
    let mut failures = Failures::default();
    if let Err(error) = overlay.validate(Default::default()) {
        for error in error.errors {
            failures.problems.push(format!("{name}: {error}"));
        }
        return Err(failures);
    }

    for (index, action) in overlay.actions.iter().enumerate() {
        let label = format!("{name}: actions[{index}] on {}", action.target);
        for problem in unmarked(action) {
            failures.problems.push(format!("{label}: {problem}"));
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
        let complaint = format!("{label}: {failure} (why it is there: {why})");
        failures.without_effect.push(Idle { complaint, target: action.target.to_string() });
    }
    if failures.problems.is_empty() && failures.without_effect.is_empty() { Ok(()) } else { Err(failures) }
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
        let failures = apply("overlay.yaml", overlay, &mut document).err().unwrap_or_default();
        let mut problems = failures.problems;
        failures.without_effect.into_iter().for_each(|idle| problems.push(idle.complaint));
        (document, problems.to_string())
    }

    #[test]
    fn an_action_is_concerned_by_what_is_above_or_below_it() {
        let idle = |target: &str| Idle { complaint: String::new(), target: target.into() };
        let target = idle("$.paths['/a/b'].post.responses['500', \"504\"].headers.x-id");
        assert!(target.concerns("/paths/~1a~1b/post"));
        assert!(target.concerns("/paths/~1a~1b/post/responses/504/headers/x-id/schema"));
        assert!(!target.concerns("/paths/~1a~1b/post/responses/400"));
        assert!(!target.concerns("/paths"), "that is everybody's");
        assert!(idle("$.paths[*].post").concerns("/paths/~1a/post/description"));
        assert!(!idle("$.paths[*].post").concerns("/paths/~1a/get"));
        assert!(!idle("$..name").concerns("/components/schemas/A"));
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
        assert!(error.unwrap_err().problems.to_string().starts_with("overlay.yaml: "));
        let (_, complaint) = applied(json!([marked(json!({ "target": "a b" }))]));
        assert!(complaint.contains("actions[0].target: invalid JSONPath"), "{complaint}");
        assert!(complaint.contains("must specify either"), "{complaint}");
    }
}
