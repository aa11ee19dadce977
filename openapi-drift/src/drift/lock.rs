//! `upstream.lock`: a fingerprint for everything that upstream.yaml leaves out of the vendor's
//! document, by its place, so that a change of meaning is noticed though no sentence of the vendor's
//! is kept. It never holds the text.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::canonical::{Form, keeps};
use crate::problems::{Problems, Result};
use crate::sha256::sha256;
use crate::shape::{self, join, unescape, walk};

/// Fingerprints by JSON pointer. That of the whole of upstream.yaml stands under the empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lock(pub(crate) BTreeMap<String, String>);

/// What upstream.yaml leaves out, by its pointer: prose, examples, extensions, and the vendor's own
/// ids of the operations.
pub(crate) type Omitted = BTreeMap<String, Value>;

/// What `document` has at the places of `facts`, and `facts` has not.
pub(crate) fn omitted(document: &Value, facts: &Value) -> Omitted {
    let mut omitted = Omitted::new();
    walk(facts, &shape::DOCUMENT, "", &mut |at, shape, _| {
        for (key, value) in document.pointer(at).and_then(Value::as_object).into_iter().flatten() {
            let is_id = shape.is("operation") && key == "operationId";
            // Of what we do not keep as well: the list of all tags, all shared examples.
            let is_everybodys =
                (at.is_empty() && key == "tags") || (shape.is("components") && key == "examples");
            if is_everybodys {
                continue;
            }
            if is_id || !keeps(shape, key, Form::Facts) {
                omitted.insert(join(at, key), value.clone());
            }
        }
        if shape.is("flow") {
            let scopes = join(at, "scopes");
            for (scope, text) in document.pointer(&scopes).and_then(Value::as_object).into_iter().flatten() {
                omitted.insert(join(&scopes, scope), text.clone());
            }
        }
    });
    omitted
}

/// `facts` with the fingerprint of each text where the text was, so that texts are compared as the
/// rest is.
pub(crate) fn with_fingerprints(facts: &Value, lock: &Lock) -> Value {
    let mut facts = facts.clone();
    for (at, known) in lock.0.iter().filter(|(at, _)| !at.is_empty()) {
        let (parent, key) = at.rsplit_once('/').unwrap_or_default();
        if let Some(Value::Object(map)) = facts.pointer_mut(parent) {
            map.insert(unescape(key), known.clone().into());
        }
    }
    facts
}

impl Lock {
    /// Of what is left out, and of what is kept.
    pub(crate) fn of(omitted: &Omitted, facts: &Value) -> Self {
        let mut lock: BTreeMap<String, String> =
            omitted.iter().map(|(at, value)| (at.clone(), fingerprint(value))).collect();
        lock.insert(String::new(), fingerprint(facts));
        Self(lock)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether these are the facts that it was made with.
    pub(crate) fn is_of(&self, facts: &Value) -> bool {
        self.0.get("").is_none_or(|known| *known == fingerprint(facts))
    }

    /// The text of the file.
    pub(crate) fn render(&self, banner: &str) -> String {
        format!("# {banner}\n{}", self.body())
    }

    fn body(&self) -> String {
        let lines: String = self.0.iter().map(|(at, known)| format!("{known} #{at}\n")).collect();
        format!("{lines}{} {END}\n", fingerprint(&lines.as_str().into()))
    }

    /// Reads the file called `name`.
    ///
    /// # Errors
    ///
    /// When a line is not a fingerprint and a place, or lines are missing.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self> {
        let mut lock = Self::default();
        let mut body = String::new();
        let mut problems = Problems::default();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            body += &format!("{line}\n");
            let is_known =
                |known: &str| known.len() == LENGTH && known.bytes().all(|byte| byte.is_ascii_hexdigit());
            match line.split_once(' ').filter(|(known, _)| is_known(known)) {
                Some((_, END)) => {}
                Some((known, at)) if at == "#" || at.starts_with("#/") => {
                    lock.0.insert(at[1..].to_owned(), known.to_owned());
                }
                _ => problems
                    .push(format!("{name}: line {} is not a fingerprint and a JSON pointer", number + 1)),
            }
        }
        if problems.is_empty() && body != lock.body() {
            problems.push(format!("{name}: was edited by hand; restore it from version control"));
        }
        problems.or(lock)
    }
}

/// What the last line says of those above it.
const END: &str = "end";

/// Digits of a fingerprint. It finds changes; it keeps nothing secret.
const LENGTH: usize = 16;

/// The start of the SHA-256 of a value, whatever the order of its keys.
pub(crate) fn fingerprint(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    sha256(sorted.to_string().as_bytes())[..LENGTH].to_owned()
}
