//! The type `Finding`, and functions that several rules share.

use serde::Serialize;
use serde_json::Value;

use Effect::{Breaks, None as NoEffect};
use Level::{Additive, Breaking};

use crate::drift::edit::Kind;
use crate::drift::uses::{Part, Side, Use};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Trivial,
    Additive,
    Unhandled,
    /// The structure does not change, but the meaning may have changed.
    Meaning,
    Breaking,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    Adds,
    Breaks,
    Any,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) rule: String,
    pub(crate) level: Level,
    pub(crate) effect: Effect,
    pub(crate) what: String,
}

pub(super) fn finding(
    rule: impl Into<String>,
    level: Level,
    effect: Effect,
    what: impl Into<String>,
) -> Finding {
    Finding { rule: rule.into(), level, effect, what: what.into() }
}

pub(super) fn requiredness(kind: &Kind, key: &str, used: Option<Use>) -> Finding {
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

pub(super) fn deprecated(part: &str, is_set: bool) -> Finding {
    let (word, what) = if is_set {
        ("deprecated", "it is deprecated")
    } else {
        ("reactivated", "it is no longer deprecated")
    };
    finding(format!("{part}-{word}"), Additive, NoEffect, what)
}

pub(super) fn quoted(value: Option<&Value>) -> String {
    const MAX_CHARS: usize = 60;
    const MAX_ITEMS: usize = 1_000;
    let Some(value) = value else { return "unset".to_owned() };
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.len() > MAX_ITEMS => return format!("{} items", list.len()),
        Value::Object(map) if map.len() > MAX_ITEMS => return format!("{} entries", map.len()),
        other => other.to_string(),
    };
    let mut text: String = text.chars().take(4 * MAX_CHARS).filter(|c| !c.is_control()).collect();
    if let Some((end, _)) = text.char_indices().nth(MAX_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    format!("`{}`", text.replace('`', "'"))
}
