//! Reports the parts of a document that cannot be converted to OpenAPI 3.0. A finding is a notice
//! if the converter dropped a keyword, and an error otherwise.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::problems::{Problems, Result, sanitize};
use crate::shape::{is_method, segments};

const MAX_PLACES: usize = 3;

#[derive(Debug)]
pub(crate) struct Converted {
    pub(crate) document: Value,
    pub(super) findings: Vec<Finding>,
}

#[derive(Debug)]
pub(super) struct Finding {
    pub(super) at: String,
    pub(super) what: String,
    pub(super) is_refused: bool,
}

impl Converted {
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

/// The parts of a document outside of `components` and `paths` belong to every slice.
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
