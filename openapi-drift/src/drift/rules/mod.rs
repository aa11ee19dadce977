//! Finds the rule for each difference. If oasdiff has the same rule, our rule has the same name.

mod existence;
mod finding;
mod schema;
mod security;

use serde_json::Value;

use crate::canonical::PROSE;

use super::edit::{Edit, Kind, MAX_EDITS, Step};
use super::uses::{Part, Use};

use Effect::{Any, Breaks, None as NoEffect};
use Level::{Additive, Breaking, Trivial, Unhandled};
use existence::thing;
pub(crate) use finding::{Effect, Finding, Level};
use finding::{deprecated, finding, quoted, requiredness};
use schema::of_schema;
use security::security;

pub(crate) fn classify(edit: &Edit<'_>, used: Option<Use>, documents: (&Value, &Value)) -> Finding {
    let mut found = classify_edit(edit, used, documents);
    // The build script generates no code for the error responses of an operation. The schemas of
    // error responses are components, which are compared separately. So a change of an error
    // response in an operation does not affect the generated API.
    let is_failure = |step: &Step<'_>| step.shape.is("response") && !step.key.starts_with('2');
    if edit.steps.iter().any(is_failure) && edit.at().starts_with("/paths/") {
        found.effect = NoEffect;
    }
    found
}

fn classify_edit(edit: &Edit<'_>, used: Option<Use>, documents: (&Value, &Value)) -> Finding {
    let Step { key, shape, .. } = edit.last();
    match edit.kind {
        Kind::Restated => {
            let what = format!("`{key}` still has its default value");
            return finding("default-stated", Trivial, NoEffect, what);
        }
        Kind::Rephrased => {
            let part = used.map_or("schema", Use::name);
            return finding(
                format!("{part}-rephrased"),
                Trivial,
                Any,
                "it is written differently, but means the same",
            );
        }
        Kind::TooMany => {
            let what = format!("there are more than {MAX_EDITS} differences; the rest is not reported");
            return finding("too-many-changes", Unhandled, Any, what);
        }
        Kind::Reordered => {
            let what = format!("the order of `{key}` changed, and the first match applies");
            return finding("order-changed", Level::Meaning, NoEffect, what);
        }
        _ => {}
    }
    if key == "$ref" {
        return reference(edit, used);
    }
    let found = if shape.has_keywords() { thing(edit, used, documents) } else { None };
    found.or_else(|| keyword(edit, used, documents)).unwrap_or_else(|| {
        let what = format!("{}; no rule covers this change", edit.summary());
        finding("unhandled", Unhandled, Any, what)
    })
}

fn reference(edit: &Edit<'_>, used: Option<Use>) -> Finding {
    let Step { old, new, .. } = edit.last();
    let name = |to: Option<&Value>| {
        let to = to.and_then(Value::as_str);
        to.map_or("an inline definition".to_owned(), |to| {
            format!("`{}`", to.rsplit('/').next().unwrap_or(to))
        })
    };
    let what = format!("refers to {} instead of {}", name(new), name(old));
    let part = used.map_or("component", Use::name);
    let effect = if used.is_some_and(|used| used.part == Part::Header) { NoEffect } else { Any };
    // The new target of the reference can mean something different from the old target, even if
    // both have the same structure.
    let level = if edit.kind == Kind::Changed { Level::Meaning } else { Trivial };
    finding(format!("{part}-reference-changed"), level, effect, what)
}

fn keyword(edit: &Edit<'_>, used: Option<Use>, documents: (&Value, &Value)) -> Option<Finding> {
    let Step { key, old, new, .. } = edit.last();
    let holder = edit.holder();
    let from_to = || format!("`{key}` changed from {} to {}", quoted(old), quoted(new));
    let is_set = new == Some(&Value::Bool(true));
    let trivial = |rule: &str| Some(finding(rule, Trivial, NoEffect, from_to()));
    let breaking = |rule: String, effect| Some(finding(rule, Breaking, effect, from_to()));
    let required = if is_set { Kind::BecameRequired } else { Kind::BecameOptional };
    let kind = holder.shape.name().filter(|_| holder.shape.has_keywords()).unwrap_or_default();

    if key.starts_with("x-") {
        return Some(finding("extension-changed", Trivial, NoEffect, format!("`{key}` changed")));
    }
    match (kind, key) {
        ("document", "openapi") => return trivial("openapi-version-changed"),
        ("document", "security") => return Some(security(edit, documents)),
        ("document", _) => return None,
        ("info", "version") => return trivial("api-version-changed"),
        ("info", "title") => return trivial("api-title-changed"),
        ("info", "description") => return trivial("documentation-changed"),
        ("info", _) => return trivial("api-info-changed"),
        _ if PROSE.contains(&key) && holder.shape.has_keywords() => {
            return Some(finding("documentation-changed", Trivial, NoEffect, format!("`{key}` changed")));
        }
        ("contact" | "license", _) => return trivial("api-info-changed"),
        _ => {}
    }
    let is_security = |pair: &[Step<'_>]| {
        pair[1].key == "security" && (pair[0].shape.is("operation") || pair[0].shape.is("document"))
    };
    if edit.steps.windows(2).any(is_security) {
        return Some(security(edit, documents));
    }
    match (kind, key) {
        ("operation", "operationId") => Some(finding("api-operation-id-removed", Trivial, Breaks, from_to())),
        ("operation", "deprecated") => Some(deprecated("endpoint", is_set)),
        ("parameter" | "header", _) => {
            let part = used?.name();
            match key {
                "required" => Some(requiredness(&required, key, used)),
                "deprecated" => Some(deprecated(part, is_set)),
                "name" => breaking(format!("{part}-renamed"), Any),
                "in" => breaking(format!("{part}-moved"), Any),
                "style" | "explode" | "allowReserved" | "allowEmptyValue" => {
                    breaking(format!("{part}-serialization-changed"), Any)
                }
                _ => None,
            }
        }
        // The generated method has a parameter for the body even if the body is optional. So a
        // change of `required` does not affect the generated API.
        ("request body", "required") => {
            Some(Finding { effect: NoEffect, ..requiredness(&required, key, used) })
        }
        ("security scheme", _) => breaking("api-security-component-changed".to_owned(), NoEffect),
        _ if edit.steps.iter().any(|step| step.shape.is("flow")) => {
            let rule = match (key, &edit.kind) {
                ("tokenUrl", _) => "token-url-changed",
                ("authorizationUrl" | "refreshUrl", _) => "url-changed",
                (_, Kind::Added) => "scope-added",
                (_, Kind::Removed) => "scope-removed",
                _ => "scope-changed",
            };
            let level = if key.ends_with("Url") || edit.kind == Kind::Removed { Breaking } else { Additive };
            let what = if edit.kind == Kind::Changed { from_to() } else { edit.summary() };
            Some(finding(format!("api-security-component-oauth-{rule}"), level, NoEffect, what))
        }
        ("schema", _) => of_schema(edit, used),
        _ => None,
    }
}
