//! The rules for operations, parameters, properties, responses and components that were added,
//! removed or renamed.

use heck::ToKebabCase as _;
use serde_json::Value;

use super::finding::Effect::{Adds, Any, Breaks, None as NoEffect};
use super::finding::Level::{self, Additive, Breaking, Trivial};
use super::finding::{Finding, finding, requiredness};
use crate::drift::edit::{Edit, Kind, resolved};
use crate::drift::uses::{Side, Use};
use crate::reference::operations;
use crate::shape::is_method;

pub(super) fn thing(edit: &Edit<'_>, used: Option<Use>, documents: (&Value, &Value)) -> Option<Finding> {
    let (step, holder) = (edit.last(), edit.holder());
    let (key, is_component) = (step.key, edit.is_component());
    let part = |default| used.map_or(default, Use::name);
    let is_added = match &edit.kind {
        Kind::Added => true,
        Kind::Removed => false,
        Kind::Renamed(from, to) => {
            let what = format!("`{from}` was renamed to `{to}`");
            return Some(match edit.steps.get(2) {
                _ if !is_component => {
                    finding(format!("{}-renamed", part("property")), Breaking, Breaks, what)
                }
                Some(kind) if kind.key == "schemas" => finding("api-schema-renamed", Trivial, Breaks, what),
                _ => finding("api-component-renamed", Trivial, NoEffect, what),
            });
        }
        Kind::Replaced => {
            let what = format!("`{key}` now names a different component");
            let effect = if edit.steps[2].key == "schemas" { Any } else { NoEffect };
            return Some(finding("api-component-replaced", Trivial, effect, what));
        }
        Kind::BecameRequired | Kind::BecameOptional => return Some(requiredness(&edit.kind, key, used)),
        Kind::BecameOneOf => {
            let what = format!("{} has alternatives now, and one of them is the old schema", subject(key));
            return Some(finding(format!("{}-became-one-of", part("schema")), Level::Meaning, Any, what));
        }
        Kind::AddedAlike => {
            let what = format!("a part was added to `{}`, and its type did not change", holder.key);
            let rule = format!("{}-{}-added", part("schema"), holder.key.to_kebab_case());
            return Some(finding(rule, Level::Meaning, Any, what));
        }
        _ => return None,
    };
    let news = if is_added { "was added" } else { "was removed" };
    let what = format!("`{key}` {news}");
    let by_existence = |rule: &str, added, removed, what| {
        let (verb, (level, effect)) = if is_added { ("added", added) } else { ("removed", removed) };
        Some(finding(format!("{rule}-{verb}"), level, effect, what))
    };
    let endpoint = |removed: &str, what| {
        let (rule, level, effect) =
            if is_added { ("endpoint-added", Additive, Adds) } else { (removed, Breaking, Breaks) };
        finding(rule, level, effect, what)
    };
    let value = step.new.or(step.old)?;
    let document = if is_added { documents.1 } else { documents.0 };
    let (same, is_required) = ((Trivial, NoEffect), value["required"] == true);

    if is_component {
        return match edit.steps[2].key {
            "schemas" => by_existence("api-schema", (Trivial, Adds), (Trivial, Breaks), what),
            "securitySchemes" => by_existence("api-security-component", same, same, what),
            _ => by_existence("api-component", same, same, what),
        };
    }
    Some(match step.shape.name()? {
        "operation" => {
            let what = format!("{} {} {news}", key.to_uppercase(), holder.key);
            let with = if value["deprecated"] == true { "with" } else { "without" };
            endpoint(&format!("api-removed-{with}-deprecation"), what)
        }
        "path item" => {
            let methods = value.as_object().into_iter().flatten().filter(|(key, _)| is_method(key));
            let labels: Vec<String> =
                methods.map(|(method, _)| format!("{} {key}", method.to_uppercase())).collect();
            endpoint("api-path-removed-without-deprecation", format!("{} {news}", labels.join(", ")))
        }
        "parameter" => {
            let parameter = resolved(document, value)?;
            let what = format!("the {} parameter {} {news}", parameter["in"].as_str()?, parameter["name"]);
            match (is_added, parameter["required"] == true) {
                (true, true) => finding("new-required-request-parameter", Breaking, Breaks, what),
                (true, false) => finding("new-optional-request-parameter", Additive, Adds, what),
                (false, _) => finding("request-parameter-removed", Breaking, Breaks, what),
            }
        }
        "header" => {
            let what = format!("the header {what}");
            match (is_added, resolved(document, value)?["required"] == true) {
                (true, _) => finding("response-header-added", Additive, NoEffect, what),
                (_, true) => finding("required-response-header-removed", Breaking, NoEffect, what),
                _ => finding("optional-response-header-removed", Breaking, NoEffect, what),
            }
        }
        "request body" => {
            let what = format!("a request body {news}");
            match (is_added, is_required) {
                (true, true) => finding("request-body-added-required", Breaking, Breaks, what),
                (true, false) => finding("request-body-added-optional", Additive, Breaks, what),
                (false, _) => finding("request-body-removed", Breaking, Breaks, what),
            }
        }
        "response" if key.starts_with('2') => {
            return by_existence("response-success-status", (Additive, Any), (Breaking, Any), what);
        }
        "response" => {
            return by_existence("response-non-success-status", (Additive, Any), (Trivial, Any), what);
        }
        "media type" => {
            let rule = match used?.side {
                Side::Request => "request-body-media-type",
                Side::Response => "response-media-type",
            };
            return by_existence(rule, (Additive, Any), (Breaking, Any), what);
        }
        "server" if is_in_force_everywhere(documents) => {
            finding("server-restated", Trivial, NoEffect, "the effective servers are the same as before")
        }
        "server" => {
            let what = format!("the server {} {news}", value["url"]);
            return by_existence("server", (Additive, NoEffect), (Breaking, NoEffect), what);
        }
        "schema" => return schema(edit, used?, is_added, &what),
        _ => return None,
    })
}

fn subject(key: &str) -> String {
    if key.is_empty() || key == "schema" { "the schema".to_owned() } else { format!("`{key}`") }
}

/// An operation without `servers` inherits the servers of its path or of the document. So `servers`
/// can move without any effect.
fn is_in_force_everywhere(documents: (&Value, &Value)) -> bool {
    let urls = |document: &Value, method: &str, path: &str| -> Option<Vec<String>> {
        let item = document["paths"].get(path)?;
        let operation = item.get(method)?;
        let list = [operation, item, document].into_iter().find_map(|holder| holder.get("servers"));
        Some(list.and_then(Value::as_array)?.iter().map(|server| server["url"].to_string()).collect())
    };
    let mut kept = operations(documents.1)
        .filter_map(|(method, path, _)| {
            Some((urls(documents.0, method, path)?, urls(documents.1, method, path)?))
        })
        .peekable();
    kept.peek().is_some() && kept.all(|(before, after)| before == after)
}

fn schema(edit: &Edit<'_>, used: Use, is_added: bool, what: &str) -> Option<Finding> {
    let (key, holder) = (edit.last().key, edit.holder());
    let part = used.name();
    let is_request = used.side == Side::Request;
    let verb = if is_added { "added" } else { "removed" };
    match holder.key {
        "properties" => {
            let is_required = edit.last().is_required;
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
            let name = holder.key.to_kebab_case();
            // An additional alternative allows more values. An additional part of `allOf` allows
            // fewer values.
            let is_wider = is_added != (holder.key == "allOf");
            let level = if is_wider == is_request { Additive } else { Breaking };
            let what = format!("a part of `{}` was {verb}", holder.key);
            Some(finding(format!("{part}-{name}-{verb}"), level, Any, what))
        }
        _ => {
            let (rule, level) = match key {
                "not" => (format!("not-{verb}"), if is_added == is_request { Breaking } else { Additive }),
                "additionalProperties" => ("additional-properties-changed".to_owned(), Breaking),
                "items" | "schema" => ("type-changed".to_owned(), Breaking),
                _ => return None,
            };
            Some(finding(format!("{part}-{rule}"), level, Any, what))
        }
    }
}
