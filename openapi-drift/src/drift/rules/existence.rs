//! Rules for what comes, goes or gets another name as a whole: operations, parameters, properties,
//! responses.

use serde_json::Value;

use super::Effect::{Adds, Any, Breaks, None as NoEffect};
use super::Level::{self, Additive, Breaking, Trivial};
use super::{Edit, Finding, Kind, Side, Use, finding, requiredness};
use crate::drift::edit::resolved;
use crate::reference::operations;
use crate::shape::is_method;

/// Something that comes, goes or gets another name as a whole.
pub(super) fn thing(edit: &Edit<'_>, used: Option<Use>, documents: (&Value, &Value)) -> Option<Finding> {
    let (step, holder) = (edit.last(), edit.holder());
    let (key, is_component) = (step.key, edit.is_component());
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
        Kind::Replaced => {
            let what = format!("`{key}` is the name of another component now");
            let effect = if edit.steps[2].key == "schemas" { Any } else { NoEffect };
            return Some(finding("api-component-replaced", Trivial, effect, what));
        }
        Kind::BecameRequired | Kind::BecameOptional => return Some(requiredness(kind, key, used)),
        Kind::BecameOneOf => {
            let part = used.map_or("schema", Use::name);
            let what = format!("{} has alternatives now: the old meaning is one of several", subject(key));
            return Some(finding(format!("{part}-became-one-of"), Level::Meaning, Any, what));
        }
        Kind::AddedAlike => {
            let part = used.map_or("schema", Use::name);
            let what = format!("a part of `{}` is new, of the same type as before", holder.key);
            return Some(finding(
                format!("{part}-{}-added", alternatives(holder.key)),
                Level::Meaning,
                Any,
                what,
            ));
        }
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
        if is_in_force_everywhere(documents) {
            return Some(finding("server-restated", Trivial, NoEffect, "the servers in force are as before"));
        }
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

/// `oneOf`, as rules are named.
pub(super) fn alternatives(key: &str) -> &'static str {
    match key {
        "allOf" => "all-of",
        "anyOf" => "any-of",
        _ => "one-of",
    }
}

fn subject(key: &str) -> String {
    if key.is_empty() || key == "schema" { "the schema".to_owned() } else { format!("`{key}`") }
}

/// Whether each operation that stays has the servers that it had, wherever they are listed.
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

/// A schema that comes or goes: a property, an alternative, or the whole of what is described.
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
            let name = alternatives(holder.key);
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
