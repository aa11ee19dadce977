//! What each difference is called, how bad it is, and what it should do to the generated surface.
//! The names are those of oasdiff where it has one. What no rule knows is `unhandled`, never
//! silence.

use serde_json::{Value, json};

use crate::canonical::PROSE;

use super::edit::{Edit, Kind, Step, resolved};
use super::uses::{Part, Side, Use};
use crate::reference::operations;
use crate::shape::is_method;

/// How bad it is for who calls the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

use Effect::{Adds, Any, Breaks, None as NoEffect};
use Level::{Additive, Breaking, Trivial, Unhandled};

fn finding(rule: impl Into<String>, level: Level, effect: Effect, what: impl Into<String>) -> Finding {
    Finding { rule: rule.into(), level, effect, what: what.into() }
}

/// Judges one difference for one use of it; `None` for what stands in no message. `documents` are
/// the old and the new one.
pub(crate) fn judge(edit: &Edit<'_>, used: Option<Use>, documents: (&Value, &Value)) -> Finding {
    let mut found = named(edit, used, documents);
    // The build script leaves them out; what they refer to is told by itself.
    let is_failure = |step: &Step<'_>| step.shape.is("response") && !step.key.starts_with('2');
    if edit.steps.iter().any(is_failure) && edit.steps[1].key == "paths" {
        found.effect = NoEffect;
    }
    found
}

fn named(edit: &Edit<'_>, used: Option<Use>, documents: (&Value, &Value)) -> Finding {
    let Step { key, shape, .. } = edit.last();
    if edit.kind == Kind::Restated {
        return finding(
            "default-stated",
            Trivial,
            NoEffect,
            format!("`{key}` says what went without saying"),
        );
    }
    if key == "$ref" {
        return reference(edit, used);
    }
    let found = if shape.has_keywords() { thing(edit, used, documents) } else { None };
    found.or_else(|| keyword(edit, used, documents)).unwrap_or_else(|| {
        let what = match edit.kind {
            Kind::Added | Kind::ItemAdded(_) => "is new",
            Kind::Removed | Kind::ItemRemoved(_) => "is gone",
            _ => "changed",
        };
        finding("unhandled", Unhandled, Any, format!("`{key}` {what}; no rule knows what that means"))
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
    finding(format!("{part}-reference-changed"), Trivial, effect, what)
}

/// Something that comes, goes or gets another name as a whole.
fn thing(edit: &Edit<'_>, used: Option<Use>, documents: (&Value, &Value)) -> Option<Finding> {
    let (step, holder) = (edit.last(), edit.holder());
    let (key, is_component) = (step.key, edit.steps.len() == 4 && edit.steps[1].key == "components");
    let Edit { kind, .. } = edit;
    let is_added = match kind {
        Kind::Added => true,
        Kind::Removed => false,
        Kind::Renamed(from, to) if is_component => {
            let what = format!("`{from}` is now called `{to}`");
            let (rule, effect) = match edit.steps[2].key {
                "schemas" => ("api-schema-renamed", Breaks),
                _ => ("api-component-renamed", NoEffect),
            };
            return Some(finding(rule, Trivial, effect, what));
        }
        Kind::Renamed(from, to) => {
            let part = used.map_or("property", Use::name);
            let what = format!("`{from}` is now called `{to}`");
            return Some(finding(format!("{part}-renamed"), Breaking, Breaks, what));
        }
        Kind::BecameRequired | Kind::BecameOptional => return Some(requiredness(kind, key, used)),
        _ => return None,
    };
    let news = if is_added { "is new" } else { "is gone" };
    let what = format!("`{key}` {news}");
    let named = |rule: &str| format!("{rule}-{}", if is_added { "added" } else { "removed" });
    let by_existence = |rule: &str, added, removed| {
        let (level, effect) = if is_added { added } else { removed };
        finding(named(rule), level, effect, what.clone())
    };
    let shape_is = |name: &str| step.shape.is(name);
    let value = step.new.or(step.old)?;
    let document = if is_added { documents.1 } else { documents.0 };

    if is_component {
        let kind = edit.steps[2].key;
        return Some(match kind {
            "schemas" => by_existence("api-schema", (Trivial, Adds), (Trivial, Breaks)),
            "securitySchemes" => {
                by_existence("api-security-component", (Trivial, NoEffect), (Trivial, NoEffect))
            }
            _ => by_existence("api-component", (Trivial, NoEffect), (Trivial, NoEffect)),
        });
    }
    if shape_is("operation") {
        let label = format!("{} {}", key.to_uppercase(), holder.key);
        return Some(if is_added {
            finding("endpoint-added", Additive, Adds, format!("{label} is new"))
        } else {
            let rule = if value["deprecated"] == true { "with" } else { "without" };
            let rule = format!("api-removed-{rule}-deprecation");
            finding(rule, Breaking, Breaks, format!("{label} is gone"))
        });
    }
    if shape_is("path item") {
        let methods = value.as_object().into_iter().flatten().filter(|(key, _)| is_method(key));
        let labels: Vec<String> =
            methods.map(|(method, _)| format!("{} {key}", method.to_uppercase())).collect();
        let what = format!("{} {news}", labels.join(", "));
        return Some(if is_added {
            finding("endpoint-added", Additive, Adds, what)
        } else {
            finding("api-path-removed-without-deprecation", Breaking, Breaks, what)
        });
    }
    if shape_is("parameter") {
        let parameter = resolved(document, value)?;
        let what = format!("the {} parameter {} {news}", parameter["in"].as_str()?, parameter["name"]);
        return Some(match (is_added, parameter["required"] == true) {
            (true, true) => finding("new-required-request-parameter", Breaking, Breaks, what),
            (true, false) => finding("new-optional-request-parameter", Additive, Adds, what),
            (false, _) => finding("request-parameter-removed", Breaking, Breaks, what),
        });
    }
    if shape_is("header") {
        let is_required = resolved(document, value)?["required"] == true;
        let required = if is_required { "required" } else { "optional" };
        return Some(if is_added {
            finding("response-header-added", Additive, NoEffect, format!("the header {what}"))
        } else {
            let rule = format!("{required}-response-header-removed");
            finding(rule, Breaking, NoEffect, format!("the header {what}"))
        });
    }
    if shape_is("request body") {
        let required = if value["required"] == true { "required" } else { "optional" };
        let what = format!("a request body {news}");
        return Some(match (is_added, required) {
            (true, "required") => finding("request-body-added-required", Breaking, Breaks, what),
            (true, _) => finding("request-body-added-optional", Additive, Breaks, what),
            (false, _) => finding("request-body-removed", Breaking, Breaks, what),
        });
    }
    if shape_is("response") {
        let (rule, removed) = if key.starts_with('2') {
            ("response-success-status", Breaking)
        } else {
            ("response-non-success-status", Trivial)
        };
        return Some(by_existence(rule, (Additive, Any), (removed, Any)));
    }
    if shape_is("media type") {
        let (rule, effect) = match used?.side {
            Side::Request => ("request-body-media-type", Any),
            Side::Response => ("response-media-type", Any),
        };
        return Some(by_existence(rule, (Additive, effect), (Breaking, effect)));
    }
    if shape_is("server") {
        let what = format!("the server {} {news}", value["url"]);
        return Some(if is_added {
            finding("server-added", Additive, NoEffect, what)
        } else {
            finding("server-removed", Breaking, NoEffect, what)
        });
    }
    if shape_is("security scheme") {
        return None;
    }
    if shape_is("schema") {
        return schema(edit, used?, is_added, &what);
    }
    None
}

/// A schema that comes or goes: a property, an alternative, or the whole of what is described.
fn schema(edit: &Edit<'_>, used: Use, is_added: bool, what: &str) -> Option<Finding> {
    let (key, holder) = (edit.last().key, edit.holder());
    let part = used.name();
    let is_request = used.side == Side::Request;
    let verb = if is_added { "added" } else { "removed" };
    match holder.key {
        "properties" => {
            let owner = edit.steps[edit.steps.len() - 3];
            let schema = if is_added { owner.new } else { owner.old };
            let required = schema.and_then(|schema| schema["required"].as_array());
            let is_required = required.is_some_and(|names| names.iter().any(|name| name == key));
            let kind = if is_required { "required" } else { "optional" };
            Some(match (is_request, is_added) {
                (true, true) => {
                    let (level, effect) = if is_required { (Breaking, Breaks) } else { (Additive, Adds) };
                    finding(format!("new-{kind}-request-property"), level, effect, what)
                }
                (true, false) => finding("request-property-removed", Breaking, Breaks, what),
                (false, true) => finding(format!("response-{kind}-property-added"), Additive, Adds, what),
                (false, false) => {
                    finding(format!("response-{kind}-property-removed"), Breaking, Breaks, what)
                }
            })
        }
        "allOf" | "anyOf" | "oneOf" => {
            let name = match holder.key {
                "allOf" => "all-of",
                "anyOf" => "any-of",
                _ => "one-of",
            };
            // An alternative more is one more to understand; a condition more is one more to meet.
            let is_wider = is_added != (holder.key == "allOf");
            let level = if is_wider == is_request { Additive } else { Breaking };
            let what = format!("a part of `{}` {}", holder.key, if is_added { "is new" } else { "is gone" });
            Some(finding(format!("{part}-{name}-{verb}"), level, Any, what))
        }
        _ if key == "not" => {
            let level = if is_added == is_request { Breaking } else { Additive };
            Some(finding(format!("{part}-not-{verb}"), level, Any, what))
        }
        _ if key == "additionalProperties" => {
            Some(finding(format!("{part}-additional-properties-changed"), Breaking, Any, what))
        }
        _ if matches!(key, "items" | "schema") => {
            Some(finding(format!("{part}-type-changed"), Breaking, Any, what))
        }
        _ => None,
    }
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
    let is = |name: &str| holder.shape.is(name);
    let is_set = new == Some(&Value::Bool(true));

    if key.starts_with("x-") {
        return Some(finding("extension-changed", Trivial, NoEffect, format!("`{key}` changed")));
    }
    if is("document") {
        return match key {
            "openapi" => Some(finding("openapi-version-changed", Trivial, NoEffect, from_to())),
            "security" => Some(security(edit, documents)),
            _ => None,
        };
    }
    if is("info") {
        let rule = match key {
            "version" => "api-version-changed",
            "title" => "api-title-changed",
            "description" => "documentation-changed",
            _ => "api-info-changed",
        };
        return Some(finding(rule, Trivial, NoEffect, from_to()));
    }
    if PROSE.contains(&key) && holder.shape.has_keywords() {
        return Some(finding("documentation-changed", Trivial, NoEffect, format!("`{key}` changed")));
    }
    if is("contact") || is("license") {
        return Some(finding("api-info-changed", Trivial, NoEffect, from_to()));
    }
    if edit.steps.iter().any(|step| step.key == "security")
        && !edit.steps.iter().any(|step| step.shape.is("schema"))
    {
        return Some(security(edit, documents));
    }
    if is("operation") {
        return match key {
            "operationId" => Some(finding("api-operation-id-removed", Trivial, Breaks, from_to())),
            "deprecated" => Some(deprecated("endpoint", is_set)),
            _ => None,
        };
    }
    if is("parameter") || is("header") {
        let part = used?.name();
        return match key {
            "required" => {
                let kind = if is_set { Kind::BecameRequired } else { Kind::BecameOptional };
                Some(requiredness(&kind, key, used))
            }
            "deprecated" => Some(deprecated(part, is_set)),
            "name" => Some(finding(format!("{part}-renamed"), Breaking, Any, from_to())),
            "in" => Some(finding(format!("{part}-moved"), Breaking, Any, from_to())),
            "style" | "explode" | "allowReserved" | "allowEmptyValue" => {
                Some(finding(format!("{part}-serialization-changed"), Breaking, Any, from_to()))
            }
            _ => None,
        };
    }
    if is("request body") && key == "required" {
        let kind = if is_set { Kind::BecameRequired } else { Kind::BecameOptional };
        // The generated method takes it in either case.
        return Some(Finding { effect: NoEffect, ..requiredness(&kind, key, used) });
    }
    if is("security scheme") {
        let rule = "api-security-component-changed";
        return Some(finding(rule, Breaking, NoEffect, from_to()));
    }
    if is("flow") || edit.steps.iter().any(|step| step.shape.is("flow")) {
        let rule = match (key, &edit.kind) {
            ("tokenUrl", _) => "api-security-component-oauth-token-url-changed",
            ("authorizationUrl" | "refreshUrl", _) => "api-security-component-oauth-url-changed",
            (_, Kind::Added) => "api-security-component-oauth-scope-added",
            (_, Kind::Removed) => "api-security-component-oauth-scope-removed",
            _ => "api-security-component-oauth-scope-changed",
        };
        let level = if key.ends_with("Url") || edit.kind == Kind::Removed { Breaking } else { Additive };
        return Some(finding(rule, level, NoEffect, from_to()));
    }
    if is("schema") {
        return of_schema(edit, used);
    }
    None
}

/// A keyword of a schema.
fn of_schema(edit: &Edit<'_>, used: Option<Use>) -> Option<Finding> {
    let Step { key, old, new, .. } = edit.last();
    // A schema that nobody refers to is sent by nobody.
    let (part, side) = used.map_or(("schema", None), |used| (used.name(), Some(used.side)));
    let is_request = side != Some(Side::Response);
    let from_to = || format!("`{key}` is {} and was {}", said(new), said(old));
    let is_set = new == Some(&Value::Bool(true));
    let narrows = |is_narrower: bool| if is_narrower == is_request { Breaking } else { Additive };

    match key {
        "type" | "format" => Some(finding(format!("{part}-type-changed"), Breaking, Breaks, from_to())),
        "nullable" => {
            let word = if is_set { "nullable" } else { "not-nullable" };
            let what = if is_set { "it may be null" } else { "it may no longer be null" };
            Some(finding(format!("{part}-became-{word}"), narrows(!is_set), Any, what))
        }
        "enum" => Some(match &edit.kind {
            Kind::Added => finding(format!("{part}-became-enum"), narrows(true), Breaks, from_to()),
            Kind::Removed => finding(format!("{part}-became-not-enum"), narrows(false), Breaks, from_to()),
            Kind::ItemAdded(value) => {
                let what = format!("the value {} is new", said(Some(value)));
                finding(format!("{part}-enum-value-added"), narrows(false), Adds, what)
            }
            Kind::ItemRemoved(value) => {
                let what = format!("the value {} is gone", said(Some(value)));
                finding(format!("{part}-enum-value-removed"), narrows(true), Breaks, what)
            }
            _ => return None,
        }),
        "default" => {
            let word = match (old, new) {
                (None, _) => "added",
                (_, None) => "removed",
                _ => "changed",
            };
            // What goes unsaid means something else now.
            Some(finding(format!("{part}-default-value-{word}"), Level::Meaning, NoEffect, from_to()))
        }
        "pattern" => {
            let (word, level) = match (old, new) {
                (None, _) => ("added", narrows(true)),
                (_, None) => ("removed", narrows(false)),
                _ => ("changed", Breaking),
            };
            Some(finding(format!("{part}-pattern-{word}"), level, NoEffect, from_to()))
        }
        "multipleOf" => Some(finding(format!("{part}-multiple-of-changed"), Breaking, Any, from_to())),
        "deprecated" => Some(deprecated(part, is_set)),
        "readOnly" | "writeOnly" => {
            let name = if key == "readOnly" { "read-only" } else { "write-only" };
            let word = if is_set { format!("became-{name}") } else { format!("became-not-{name}") };
            Some(finding(
                format!("{part}-{word}"),
                narrows(is_set == (key == "readOnly")),
                NoEffect,
                from_to(),
            ))
        }
        "additionalProperties" => {
            Some(finding(format!("{part}-additional-properties-changed"), Breaking, Any, from_to()))
        }
        "discriminator" => Some(finding(format!("{part}-discriminator-changed"), Breaking, Any, from_to())),
        _ => bound(edit, part, &narrows, from_to()),
    }
}

/// The least and the most.
fn bound(edit: &Edit<'_>, part: &str, narrows: &dyn Fn(bool) -> Level, what: String) -> Option<Finding> {
    let Step { key, old, new, .. } = edit.last();
    let (name, is_upper) = match key {
        "maxLength" => ("max-length", true),
        "minLength" => ("min-length", false),
        "maxItems" => ("max-items", true),
        "minItems" => ("min-items", false),
        "maxProperties" => ("max-properties", true),
        "minProperties" => ("min-properties", false),
        "maximum" => ("max", true),
        "minimum" => ("min", false),
        "exclusiveMaximum" => ("exclusive-max", true),
        "exclusiveMinimum" => ("exclusive-min", false),
        "uniqueItems" => ("unique-items", true),
        _ => return None,
    };
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    let is_true = |value: Option<&Value>| value == Some(&Value::Bool(true));
    let (verb, is_narrower) = match (number(old), number(new)) {
        (Some(old), Some(new)) if old < new => ("increased", !is_upper),
        (Some(_), Some(_)) => ("decreased", is_upper),
        (None, Some(_)) => ("set", true),
        (Some(_), None) => ("unset", false),
        (None, None) if is_true(new) => ("set", true),
        (None, None) if is_true(old) => ("unset", false),
        (None, None) => return None,
    };
    let effect = if key == "uniqueItems" || key.contains("imum") { Any } else { NoEffect };
    Some(finding(format!("{part}-{name}-{verb}"), narrows(is_narrower), effect, what))
}

fn deprecated(part: &str, is_set: bool) -> Finding {
    let (word, what) = if is_set {
        ("deprecated", "it is deprecated")
    } else {
        ("reactivated", "it is no longer deprecated")
    };
    finding(format!("{part}-{word}"), Additive, NoEffect, what)
}

/// Who may call: judged by what is in force, since an operation without a list of its own has the
/// document's.
fn security(edit: &Edit<'_>, documents: (&Value, &Value)) -> Finding {
    let operation = edit.steps.iter().find(|step| step.shape.is("operation"));
    let scope = if operation.is_some() { "api-security" } else { "api-global-security" };
    let global = (documents.0.get("security"), documents.1.get("security"));
    let affected: Vec<(Vec<Value>, Vec<Value>)> = match operation {
        Some(Step { old: Some(old), new: Some(new), .. }) => {
            let (old, new) = (old.get("security").or(global.0), new.get("security").or(global.1));
            vec![(list(old), list(new))]
        }
        // What has a list of its own in one of the documents is told of there.
        _ => {
            let inherits = |method: &str, path: &str| {
                let operation = |document: &Value| document["paths"][path].get(method).cloned();
                let (old, new) = (operation(documents.0), operation(documents.1));
                old.zip(new)
                    .is_some_and(|(old, new)| old.get("security").is_none() && new.get("security").is_none())
            };
            let is_in_force = operations(documents.1).any(|(method, path, _)| inherits(method, path));
            if is_in_force { vec![(list(global.0), list(global.1))] } else { Vec::new() }
        }
    };
    let is_other = |(before, after): &(Vec<Value>, Vec<Value>)| !same_items(before, after);
    let Some((before, after)) = affected.into_iter().find(is_other) else {
        let what = "what is in force is as before, said elsewhere";
        return finding(format!("{scope}-restated"), Trivial, NoEffect, what);
    };
    if let Step { old: Some(Value::Array(old)), new: Some(Value::Array(new)), key, .. } = edit.last()
        && key != "security"
    {
        let is_more = new.iter().any(|name| !old.contains(name));
        let (word, level) = if is_more { ("added", Breaking) } else { ("removed", Additive) };
        let what =
            format!("`{key}` asks for {} and asked for {}", said(edit.last().new), said(edit.last().old));
        return finding(format!("{scope}-scope-{word}"), level, NoEffect, what);
    }
    // One alternative more is one more way in; the first of all is a door where there was none.
    let is_open = |list: &[Value]| list.is_empty() || list.contains(&json!({}));
    let is_lost = before.iter().any(|one| !after.contains(one)) || (is_open(&before) && !is_open(&after));
    let level = if is_lost { Breaking } else { Additive };
    let verb = match edit.last() {
        Step { old: None, .. } => "added",
        Step { new: None, .. } => "removed",
        _ => "changed",
    };
    let what = format!("{} is in force and {} was", said(Some(&after.into())), said(Some(&before.into())));
    finding(format!("{scope}-{verb}"), level, NoEffect, what)
}

fn list(value: Option<&Value>) -> Vec<Value> {
    value.and_then(Value::as_array).cloned().unwrap_or_default()
}

fn same_items(a: &[Value], b: &[Value]) -> bool {
    a.iter().all(|item| b.contains(item)) && b.iter().all(|item| a.contains(item))
}

/// A value in a sentence, short and without control characters.
fn said(value: Option<&Value>) -> String {
    const LONGEST: usize = 60;
    let Some(value) = value else { return "not said".to_owned() };
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    if text.chars().count() <= LONGEST {
        return format!("`{text}`");
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("`{start}…`")
}
