//! Reads and writes `upstream.lock`. The file has a fingerprint of each text that upstream.yaml
//! omits from the vendor's document.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::canonical::{Form, keeps};
use crate::problems::{Problems, Result};
use crate::sha256::sha256;
use crate::shape::{self, join, unescape, walk};

/// Maps JSON pointers to fingerprints. The empty JSON pointer maps to the fingerprint of the whole
/// upstream.yaml.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lock(pub(crate) BTreeMap<String, String>);

/// Maps JSON pointers to the values that upstream.yaml omits.
pub(crate) type Omitted = BTreeMap<String, Value>;

pub(crate) fn omitted(document: &Value, facts: &Value) -> Omitted {
    let mut omitted = Omitted::new();
    walk(facts, &shape::DOCUMENT, "", &mut |at, shape, _| {
        for (key, value) in document.pointer(at).and_then(Value::as_object).into_iter().flatten() {
            let is_id = shape.is("operation") && key == "operationId";
            // Ignore tags and shared examples, because operations that were not extracted also use
            // them.
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
    pub(crate) fn of(omitted: &Omitted, facts: &Value) -> Self {
        let mut lock: BTreeMap<String, String> =
            omitted.iter().map(|(at, value)| (at.clone(), fingerprint(value))).collect();
        lock.insert(String::new(), fingerprint(facts));
        Self(lock)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A lock without a fingerprint of upstream.yaml matches any `facts`.
    pub(crate) fn is_of(&self, facts: &Value) -> bool {
        self.0.get("").is_none_or(|known| *known == fingerprint(facts))
    }

    pub(crate) fn render(&self, banner: &str) -> String {
        format!("# {banner}\n{}", self.body())
    }

    fn body(&self) -> String {
        let lines: String = self.0.iter().map(|(at, known)| format!("{known} #{at}\n")).collect();
        format!("{lines}{} {END}\n", fingerprint(&lines.as_str().into()))
    }

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
                    .push(format!("{name}: line {} must be a fingerprint and a JSON pointer", number + 1)),
            }
        }
        if problems.is_empty() && body != lock.body() {
            problems.push(format!("{name}: was edited by hand; restore it from version control"));
        }
        problems.or(lock)
    }
}

const END: &str = "end";

/// The length of a fingerprint, in hexadecimal digits. Fingerprints only detect changes, so they
/// need not be cryptographically strong.
const LENGTH: usize = 16;

pub(crate) fn fingerprint(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    sha256(sorted.to_string().as_bytes())[..LENGTH].to_owned()
}
