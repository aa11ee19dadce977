//! What an OpenAPI 3.1 document says and a 3.0 document cannot: dropped, or refused. It is shown
//! only where it touches what is kept, and alike things together. It never looks for any.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::problems::{Problems, Result, sanitize};
use crate::shape::{is_method, segments};

/// How many places of one kind are shown.
const MAX_PLACES: usize = 3;

/// The 3.0 document, and what it does not say.
#[derive(Debug)]
pub(crate) struct Converted {
    pub(crate) document: Value,
    pub(super) findings: Vec<Finding>,
}

#[derive(Debug)]
pub(super) struct Finding {
    /// JSON pointer into the document as it was.
    pub(super) at: String,
    pub(super) what: String,
    pub(super) is_refused: bool,
}

impl Converted {
    /// One sentence for each kind of thing that was dropped from what `slice` keeps.
    ///
    /// # Errors
    ///
    /// Each thing in it that could not be converted.
    pub(crate) fn notices(&self, name: &str, slice: &Value) -> Result<Vec<String>> {
        let mut problems = Problems::default();
        let mut dropped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for finding in self.findings.iter().filter(|finding| is_in(slice, &finding.at)) {
            if finding.is_refused {
                problems.push(format!("{name}: {} {}", finding.at, finding.what));
            } else {
                dropped.entry(&finding.what).or_default().push(&finding.at);
            }
        }
        let sentence = |(what, places): (&str, Vec<&str>)| {
            let shown = places[..places.len().min(MAX_PLACES)].join(", ");
            let more = match places.len().saturating_sub(MAX_PLACES) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            sanitize(&format!("{what} at {shown}{more}"))
        };
        problems.or(dropped.into_iter().map(sentence).collect())
    }
}

/// Whether `pointer` leads into what is kept, or to what concerns the whole document.
fn is_in(slice: &Value, pointer: &str) -> bool {
    let mut steps = segments(pointer).into_iter();
    let mut step = || steps.next().unwrap_or_default();
    let (first, second, third) = (step(), step(), step());
    match first.as_str() {
        "components" => slice["components"][second].get(third).is_some(),
        "paths" => match slice["paths"].get(second) {
            Some(item) => !is_method(&third) || item.get(third).is_some(),
            None => false,
        },
        _ => true,
    }
}
