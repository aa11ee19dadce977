//! What each difference is called, how bad it is, and what it should do to the generated surface.
//! The names are those of oasdiff where it has one. What no rule knows is `unhandled`, never
//! silence.

mod existence;
mod schema;
mod security;

use serde::Serialize;
use serde_json::Value;

use crate::canonical::PROSE;

use super::edit::{Edit, Kind, MOST, Step};
use super::uses::{Part, Side, Use};

/// How bad it is for who calls the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Nothing that is sent changes.
    Trivial,
    /// Callers may go on as before.
    Additive,
    /// No rule knows. A person should look.
    Unhandled,
    /// The same shape, but what it says may have changed. A person should look.
    Meaning,
    /// Callers that go on as before may fail.
    Breaking,
}

/// What a difference should do to the generated surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    Adds,
    Breaks,
    /// It depends on the rest of the schema.
    Any,
}

/// What is said of one difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) rule: String,
    pub(crate) level: Level,
    pub(crate) effect: Effect,
    /// A clause for people.
    pub(crate) what: String,
}

use Effect::{Any, Breaks, None as NoEffect};
use Level::{Additive, Breaking, Trivial, Unhandled};
use existence::thing;
use schema::of_schema;
use security::security;

fn finding(rule: impl Into<String>, level: Level, effect: Effect, what: impl Into<String>) -> Finding {
    Finding { rule: rule.into(), level, effect, what: what.into() }
}

/// Judges one difference for one use of it; `None` for what stands in no message. `documents` are
/// the old and the new one.
pub(crate) fn judge(edit: &Edit<'_>, used: Option<Use>, documents: (&Value, &Value)) -> Finding {
    let mut found = named(edit, used, documents);
    // The build script leaves them out; what they refer to is told by itself.
    let is_failure = |step: &Step<'_>| step.shape.is("response") && !step.key.starts_with('2');
    if edit.steps.iter().any(is_failure) && edit.at().starts_with("/paths/") {
        found.effect = NoEffect;
    }
    found
}

fn named(edit: &Edit<'_>, used: Option<Use>, documents: (&Value, &Value)) -> Finding {
    let Step { key, shape, .. } = edit.last();
    match edit.kind {
        Kind::Restated => {
            let what = format!("`{key}` says what went without saying");
            return finding("default-stated", Trivial, NoEffect, what);
        }
        Kind::Rephrased => {
            let part = used.map_or("schema", Use::name);
            return finding(format!("{part}-rephrased"), Trivial, Any, "it is written in another way");
        }
        Kind::TooMany => {
            let what = format!("there are more than {MOST} differences; the rest is not told");
            return finding("too-many-changes", Unhandled, Any, what);
        }
        Kind::Reordered => {
            let what = format!("`{key}` is in another order, and the first that fits is taken");
            return finding("order-changed", Level::Meaning, NoEffect, what);
        }
        _ => {}
    }
    if key == "$ref" {
        return reference(edit, used);
    }
    let found = if shape.has_keywords() { thing(edit, used, documents) } else { None };
    found.or_else(|| keyword(edit, used, documents)).unwrap_or_else(|| {
        let what = format!("{}; no rule knows what that means", edit.happened());
        finding("unhandled", Unhandled, Any, what)
    })
}

fn reference(edit: &Edit<'_>, used: Option<Use>) -> Finding {
    let Step { old, new, .. } = edit.last();
    let name = |to: Option<&Value>| {
        let to = to.and_then(Value::as_str);
        to.map_or("what stands in place".to_owned(), |to| {
            format!("`{}`", to.rsplit('/').next().unwrap_or(to))
        })
    };
    let what = format!("refers to {} and no longer to {}", name(new), name(old));
    let part = used.map_or("component", Use::name);
    let effect = if used.is_some_and(|used| used.part == Part::Header) { NoEffect } else { Any };
    // Another thing of the same shape may mean something else.
    let level = if edit.kind == Kind::Changed { Level::Meaning } else { Trivial };
    finding(format!("{part}-reference-changed"), level, effect, what)
}

fn requiredness(kind: &Kind, key: &str, used: Option<Use>) -> Finding {
    let is_required = *kind == Kind::BecameRequired;
    let word = if is_required { "required" } else { "optional" };
    let part = used.map_or("property", Use::name);
    let is_request = used.is_none_or(|used| used.side == Side::Request);
    let level = if is_required == is_request { Breaking } else { Additive };
    let effect = if used.is_some_and(|used| used.part == Part::Header) { NoEffect } else { Breaks };
    let what = if key.is_empty() || key == "required" {
        format!("it became {word}")
    } else {
        format!("`{key}` became {word}")
    };
    finding(format!("{part}-became-{word}"), level, effect, what)
}

/// A keyword of something that stays.
fn keyword(edit: &Edit<'_>, used: Option<Use>, documents: (&Value, &Value)) -> Option<Finding> {
    let Step { key, old, new, .. } = edit.last();
    let holder = edit.holder();
    let from_to = || format!("`{key}` is {} and was {}", said(new), said(old));
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
        // The generated method takes it in either case.
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
            let what = if edit.kind == Kind::Changed { from_to() } else { edit.happened() };
            Some(finding(format!("api-security-component-oauth-{rule}"), level, NoEffect, what))
        }
        ("schema", _) => of_schema(edit, used),
        _ => None,
    }
}

fn deprecated(part: &str, is_set: bool) -> Finding {
    let (word, what) = if is_set {
        ("deprecated", "it is deprecated")
    } else {
        ("reactivated", "it is no longer deprecated")
    };
    finding(format!("{part}-{word}"), Additive, NoEffect, what)
}

/// A value in a sentence, short and without control characters.
fn said(value: Option<&Value>) -> String {
    const LONGEST: usize = 60;
    const MOST_ITEMS: usize = 1_000;
    let Some(value) = value else { return "not said".to_owned() };
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.len() > MOST_ITEMS => return format!("{} items", list.len()),
        Value::Object(map) if map.len() > MOST_ITEMS => return format!("{} entries", map.len()),
        other => other.to_string(),
    };
    let mut text: String = text.chars().take(4 * LONGEST).filter(|c| !c.is_control()).collect();
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    format!("`{}`", text.replace('`', "'"))
}
