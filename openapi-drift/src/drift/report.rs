//! Renders the changes as plain text, as Markdown for a pull request, or as JSON.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::change::{Author, Change, Drift, Prose, Semver};
use super::rules::Level;
use crate::problems::sanitize;

#[derive(Clone, Debug)]
pub(crate) struct Heading {
    pub(crate) vendor: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

const LEVELS: [(Level, &str); 5] = [
    (Level::Breaking, "existing callers may fail"),
    (Level::Meaning, "the shape is the same, but the meaning may have changed: review the code that uses it"),
    (Level::Unhandled, "no rule covers these changes: review them"),
    (Level::Additive, "existing callers keep working"),
    (Level::Trivial, "nothing changes on the wire"),
];

pub(crate) fn text(heading: &Heading, drift: &Drift) -> String {
    let mut out = format!("{}: from {} to {}\n", heading.vendor, heading.from, heading.to);
    for (name, meaning, count, entries) in chapters(drift) {
        out.push('\n');
        put(&mut out, &format!("{name} ({count}): {meaning}"));
        entries.iter().for_each(|entry| entry.put(&mut out, false));
    }
    out.push('\n');
    put(&mut out, &verdict(drift));
    out
}

pub(crate) fn markdown(heading: &Heading, drift: &Drift) -> String {
    let mut out = format!("## {}: from {} to {}\n\n", heading.vendor, code(&heading.from), code(&heading.to));
    put(&mut out, &verdict(drift));
    for (name, meaning, count, entries) in chapters(drift) {
        let _ = writeln!(out, "\n### {name} ({count})\n\n{meaning}\n");
        entries.iter().for_each(|entry| entry.put(&mut out, true));
    }
    out
}

/// Names from the vendor can contain control characters.
fn put(out: &mut String, line: &str) {
    out.push_str(&sanitize(line));
    out.push('\n');
}

struct Entry<'d> {
    first: &'d Change,
    marks: Vec<String>,
    places: Vec<&'d str>,
    items: BTreeSet<&'d str>,
}

impl Entry<'_> {
    fn put(&self, out: &mut String, is_markdown: bool) {
        let Change { rule, what, prose, .. } = self.first;
        let marks = self.marks.join(", ");
        let (detail, at) = if is_markdown { ("  -", " at") } else { ("   ", "") };
        let quoted = |text: &str| if is_markdown { code(text) } else { text.to_owned() };
        if is_markdown {
            put(out, &format!("- **{rule}**: {} ({marks})", what.replace(['<', '>', '|'], " ")));
        } else {
            put(out, &format!("  {rule}: {what} ({marks})"));
        }
        for place in &self.places {
            put(out, &format!("{detail}{at} {}", quoted(&format!("#{place}"))));
        }
        if !self.items.is_empty() {
            let items: Vec<String> = self.items.iter().map(|item| quoted(item)).collect();
            put(out, &format!("{detail} affects {}", items.join(", ")));
        }
        let Some(Prose { old, new }) = prose else { return };
        if let Some(old) = old {
            put(out, &format!("{detail} old fingerprint: {}", quoted(old)));
        }
        match new {
            Some(new) if is_markdown => {
                let fence = fence(new, 3);
                let text: String = new.lines().map(|line| format!("    {}\n", sanitize(line))).collect();
                let _ = write!(out, "  - new text:\n\n    {fence}text\n{text}    {fence}\n");
            }
            Some(new) => new.lines().for_each(|line| put(out, &format!("    | {line}"))),
            None => {}
        }
    }
}

fn chapters(drift: &Drift) -> Vec<(String, &'static str, usize, Vec<Entry<'_>>)> {
    let chapter = |(level, meaning): (Level, &'static str)| {
        let changes: Vec<&Change> = drift.changes.iter().filter(|change| change.level == level).collect();
        let mut entries: Vec<Entry<'_>> = Vec::new();
        for change in &changes {
            let marks = marks(change);
            let is_same = |entry: &&mut Entry<'_>| {
                let key = (&entry.first.rule, &entry.first.what, &entry.marks);
                key == (&change.rule, &change.what, &marks) && change.prose.is_none()
            };
            let items = change.items.iter().map(String::as_str);
            if let Some(entry) = entries.iter_mut().find(is_same) {
                entry.places.push(&change.at);
                entry.items.extend(items);
            } else {
                let (places, items) = (vec![change.at.as_str()], items.collect());
                entries.push(Entry { first: change, marks, places, items });
            }
        }
        (word(level), meaning, changes.len(), entries)
    };
    LEVELS.into_iter().map(chapter).filter(|(.., count, _)| *count > 0).collect()
}

pub(crate) fn json(heading: &Heading, drift: &Drift) -> Value {
    let changes: Vec<Value> = drift
        .changes
        .iter()
        .map(|change| {
            json!({
                "rule": change.rule,
                "level": change.level,
                "pointer": change.at,
                "side": change.side,
                "by": change.by,
                "what": change.what,
                "items": change.items,
                "semver": change.semver,
                "old_fingerprint": change.prose.as_ref().and_then(|prose| prose.old.as_ref()),
                "new_text": change.prose.as_ref().and_then(|prose| prose.new.as_ref()),
            })
        })
        .collect();
    json!({
        "vendor": heading.vendor,
        "from": heading.from,
        "to": heading.to,
        "semver": drift.semver().ok(),
        "surface": { "broken": lines(drift, Semver::Major), "added": lines(drift, Semver::Minor) },
        "surface_error": drift.surface.as_ref().err(),
        "changes": changes,
    })
}

fn marks(change: &Change) -> Vec<String> {
    let mut marks: Vec<String> = change.side.into_iter().map(word).collect();
    match change.by {
        Author::Vendor => {}
        Author::VendorCorrected => marks.push("hidden from users by the overlay".to_owned()),
        Author::Us => marks.push("our change".to_owned()),
    }
    marks.push(word(change.semver));
    marks
}

fn lines(drift: &Drift, wanted: Semver) -> Vec<&String> {
    let changed = drift.surface.iter().flatten();
    changed.filter(|(_, semver)| **semver == wanted).map(|(item, _)| item).collect()
}

fn verdict(drift: &Drift) -> String {
    let verdict = match drift.semver() {
        Ok(Semver::Major) => "major (before 1.0: a new minor version)",
        Ok(Semver::Minor) => "minor (before 1.0: a new patch version)",
        Ok(Semver::Patch) => "patch",
        Ok(Semver::None) => "none",
        Err(reason) => {
            return format!("version bump: unknown, because the bindings cannot be generated: {reason}");
        }
    };
    let (broken, added) = (lines(drift, Semver::Major).len(), lines(drift, Semver::Minor).len());
    format!("version bump: {verdict}; lines of the generated API: {broken} breaking, {added} new")
}

fn word(value: impl Serialize) -> String {
    json!(value).as_str().unwrap_or_default().to_owned()
}

fn code(text: &str) -> String {
    let fence = fence(text, 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(least.max(longest + 1))
}
