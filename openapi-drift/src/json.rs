//! Writes a document as JSON, keys sorted. It never reads.

use std::collections::BTreeMap;

use serde::ser::{Serialize, Serializer};
use serde_json::Value;

use crate::problems::Result;

/// The text of the file called `name`.
///
/// # Errors
///
/// When it cannot be written as JSON.
pub(crate) fn render(name: &str, document: &Value) -> Result<String> {
    let text = serde_json::to_string_pretty(&Sorted(document)).map_err(|error| format!("{name}: {error}"))?;
    Ok(text + "\n")
}

struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                let sorted: BTreeMap<_, _> = map.iter().map(|(key, value)| (key, Sorted(value))).collect();
                to.collect_map(sorted)
            }
            Value::Array(list) => to.collect_seq(list.iter().map(Sorted)),
            other => other.serialize(to),
        }
    }
}
