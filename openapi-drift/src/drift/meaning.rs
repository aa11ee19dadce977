//! Classifies changed texts. A changed text does not affect the structure, but may change the
//! meaning.

use serde_json::Value;

use super::change::Prose;
use super::edit::{Edit, Kind};
use super::lock::Omitted;
use super::rules::{Effect, Finding, Level};
use crate::canonical::{Form, keeps};

pub(super) fn classify_text(edit: &Edit<'_>) -> Option<Finding> {
    let (holder, key) = (edit.holder(), edit.last().key);
    if !matches!(edit.kind, Kind::Added | Kind::Removed | Kind::Changed) {
        return None;
    }
    let is_scope = edit.steps.iter().any(|step| step.shape.is("flow")) && holder.key == "scopes";
    let (name, level) = if is_scope {
        if edit.kind != Kind::Changed {
            return None;
        }
        ("oauth-scope-description", Level::Meaning)
    } else if holder.shape.is("operation") && key == "operationId" {
        ("api-operation-id", Level::Trivial)
    } else if keeps(holder.shape, key, Form::Facts) && !(holder.shape.is("response") && key == "description")
    {
        return None;
    } else {
        match key {
            "description" | "example" | "examples" | "summary" => (key, Level::Meaning),
            "title" | "tags" => (key, Level::Trivial),
            "externalDocs" => ("external-docs", Level::Trivial),
            _ => ("extension", Level::Trivial),
        }
    };
    Some(Finding {
        rule: format!("{name}-{}", edit.verb()),
        level,
        effect: Effect::None,
        what: edit.summary(),
    })
}

pub(super) fn prose(edit: &Edit<'_>, texts: &Omitted) -> Prose {
    let old = edit.last().old.and_then(Value::as_str).map(str::to_owned);
    Prose { old, new: texts.get(&edit.place.new).filter(|_| edit.last().new.is_some()).map(shown) }
}

/// Removes characters that could control a terminal.
fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}
