//! The rules for the keywords of a schema.

use heck::ToKebabCase as _;
use serde_json::Value;

use super::finding::Effect::{Adds, Any, Breaks, None as NoEffect};
use super::finding::Level::{self, Additive, Breaking, Trivial};
use super::finding::{Finding, deprecated, finding, quoted};
use crate::drift::edit::{Edit, Kind, Step};
use crate::drift::uses::{Side, Use};

pub(super) fn of_schema(edit: &Edit<'_>, used: Option<Use>) -> Option<Finding> {
    let Step { key, old, new, .. } = edit.last();
    let (part, side) = used.map_or(("schema", None), |used| (used.name(), Some(used.side)));
    let is_request = side != Some(Side::Response);
    let from_to = || format!("`{key}` changed from {} to {}", quoted(old), quoted(new));
    let is_set = new == Some(&Value::Bool(true));
    let verb = edit.verb();
    let named = |rule: &str, level, effect| Some(finding(format!("{part}-{rule}"), level, effect, from_to()));
    let narrows = |is_narrower: bool| if is_narrower == is_request { Breaking } else { Additive };

    match key {
        "type" | "format" => {
            let is_number = |value: Option<&Value>, kind: &str| value.is_some_and(|it| it == kind);
            let (level, effect) = match (old, new) {
                _ if key == "type" && has_properties(edit) && (old.is_none() || new.is_none()) => {
                    (Trivial, Any)
                }
                (None, _) => (narrows(true), Any),
                (_, None) => (narrows(false), Any),
                _ if is_number(old, "integer") && is_number(new, "number") => (narrows(false), Breaks),
                _ if is_number(old, "number") && is_number(new, "integer") => (narrows(true), Breaks),
                _ if is_number(old, "int32") && is_number(new, "int64") => (narrows(false), Breaks),
                _ if is_number(old, "int64") && is_number(new, "int32") => (narrows(true), Breaks),
                _ => (Breaking, Breaks),
            };
            named("type-changed", level, effect)
        }
        "nullable" => {
            let word = if is_set { "nullable" } else { "not-nullable" };
            let what = if is_set { "it may be null" } else { "it may no longer be null" };
            // Callers must already handle a response without an optional property, so they can also
            // handle null.
            let is_optional = edit.holder().is_optional_property();
            let level = if is_set && is_optional { Additive } else { narrows(!is_set) };
            Some(finding(format!("{part}-became-{word}"), level, Any, what))
        }
        "oneOf" | "anyOf" if matches!(edit.kind, Kind::Renamed(..)) => {
            let what = format!("`{}` became `{key}`", if key == "oneOf" { "anyOf" } else { "oneOf" });
            Some(finding(format!("{part}-alternatives-changed"), narrows(key == "oneOf"), Any, what))
        }
        "enum" => Some(match &edit.kind {
            Kind::Added => finding(format!("{part}-became-enum"), narrows(true), Breaks, from_to()),
            Kind::Removed => finding(format!("{part}-became-not-enum"), narrows(false), Breaks, from_to()),
            Kind::ItemAdded(value) => {
                let what = format!("the value {} was added", quoted(Some(value)));
                finding(format!("{part}-enum-value-added"), narrows(false), Adds, what)
            }
            Kind::ItemRemoved(value) => {
                let what = format!("the value {} was removed", quoted(Some(value)));
                finding(format!("{part}-enum-value-removed"), narrows(true), Breaks, what)
            }
            _ => return None,
        }),
        // A changed default changes the meaning of requests that omit the value.
        "default" => named(&format!("default-value-{verb}"), Level::Meaning, NoEffect),
        "pattern" => {
            let level = match verb {
                "changed" => Breaking,
                _ => narrows(verb == "added"),
            };
            named(&format!("pattern-{verb}"), level, NoEffect)
        }
        "multipleOf" => named("multiple-of-changed", Breaking, Any),
        "deprecated" => Some(deprecated(part, is_set)),
        "readOnly" | "writeOnly" => {
            let (name, not) = (key.to_kebab_case(), if is_set { "" } else { "not-" });
            named(&format!("became-{not}{name}"), narrows(is_set == (key == "readOnly")), NoEffect)
        }
        "additionalProperties" => named("additional-properties-changed", Breaking, Any),
        "discriminator" => named("discriminator-changed", Breaking, Any),
        _ => bound(edit, part, &narrows, from_to()),
    }
}

fn bound(edit: &Edit<'_>, part: &str, narrows: &dyn Fn(bool) -> Level, what: String) -> Option<Finding> {
    let Step { key, old, new, .. } = edit.last();
    let is_upper = match key {
        "maxLength" | "maxItems" | "maxProperties" | "maximum" | "exclusiveMaximum" | "uniqueItems" => true,
        "minLength" | "minItems" | "minProperties" | "minimum" | "exclusiveMinimum" => false,
        _ => return None,
    };
    // oasdiff uses the names `max` and `exclusive-max`.
    let name = key.to_kebab_case().replace("imum", "");
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

fn has_properties(edit: &Edit<'_>) -> bool {
    let has = |schema: Option<&Value>| schema.is_some_and(|schema| schema.get("properties").is_some());
    has(edit.holder().old) && has(edit.holder().new)
}
