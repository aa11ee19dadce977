//! `cargo xtask regen`: brings the checked-in specs up to date, or with `--check` shows what is
//! not. Every file is worked out before the first is written, so that on any problem all are as
//! they were.

use std::fs;
use std::path::Path;

use crate::diff::unified;
use crate::fetch::Origin;
use crate::files::{self, Change};
use crate::plan::Plan;
use crate::problems::{Problems, Result};

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// None means each vendor.
    pub(crate) vendor: Option<String>,
    pub(crate) input: Input,
    pub(crate) revision: Option<String>,
    pub(crate) check: bool,
}

/// What upstream.yaml is made from.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Input {
    /// Itself.
    #[default]
    Upstream,
    /// The vendor's document, at the url in `source.toml`.
    Recorded,
    /// The vendor's document, at a place of the user's choice.
    From(Origin),
}

/// The exit code. 2 is kept for changes that break users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Same = 0,
    Different = 1,
    Failed = 3,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    /// Differences, for standard output.
    pub(crate) out: String,
    /// Messages, for standard error.
    pub(crate) err: String,
}

/// Does what `request` asks for in the workspace at `root`.
pub(crate) fn run(root: &Path, request: &Request) -> Answer {
    let vendors = match vendors(root, request) {
        Ok(vendors) => vendors,
        Err(problems) => return Answer::failed(problems),
    };
    let plans: Vec<Plan> = vendors.iter().map(|vendor| Plan::new(root, vendor, request)).collect();
    if request.check { compare(&plans) } else { write(plans).unwrap_or_else(Answer::failed) }
}

impl Answer {
    fn failed(problems: Problems) -> Self {
        Self {
            outcome: Outcome::Failed,
            out: String::new(),
            err: format!("{problems}\nnothing was written\n"),
        }
    }
}

/// The vendors asked for: those with a `source.toml`, in the order of their names.
fn vendors(root: &Path, request: &Request) -> Result<Vec<String>> {
    let specs = root.join("specs");
    let folders = fs::read_dir(&specs).map_err(|error| format!("specs: {error}"))?;
    let mut vendors: Vec<String> = folders
        .filter_map(|folder| folder.ok()?.file_name().into_string().ok())
        .filter(|vendor| specs.join(vendor).join("source.toml").is_file())
        .collect();
    vendors.sort();
    match &request.vendor {
        Some(vendor) if vendors.contains(vendor) => Ok(vec![vendor.clone()]),
        Some(vendor) => {
            let known = vendors.join(", ");
            Err(format!("no specs/{vendor}/source.toml; the vendors are: {known}").into())
        }
        None if request.input != Input::Upstream => {
            Err("name the vendor whose document it is".to_owned().into())
        }
        None => Ok(vendors),
    }
}

/// Shows what is known of each vendor even where an overlay no longer applies: the difference of
/// upstream.yaml says why.
fn compare(plans: &[Plan]) -> Answer {
    let mut answer = Answer { outcome: Outcome::Same, out: String::new(), err: String::new() };
    for plan in plans {
        let needed = plan.needed();
        for change in &needed {
            answer.out += &unified(&change.name, &change.old, &change.new);
        }
        let (outcome, sentence) = if !plan.problems.is_empty() {
            (Outcome::Failed, plan.problems.to_string())
        } else if needed.is_empty() {
            (Outcome::Same, plan.up_to_date())
        } else {
            let sentence = format!("{}: regen would change {}", plan.vendor, names(&needed));
            (Outcome::Different, sentence)
        };
        answer.outcome = answer.outcome.max(outcome);
        answer.err += &lines(plan, &sentence);
    }
    answer
}

fn write(plans: Vec<Plan>) -> Result<Answer> {
    let mut problems = Problems::default();
    let mut changes = Vec::new();
    let mut err = String::new();
    for plan in plans {
        let needed = plan.needed();
        let sentence = if needed.is_empty() {
            plan.up_to_date()
        } else {
            format!("{}: wrote {}", plan.vendor, names(&needed))
        };
        err += &lines(&plan, &sentence);
        problems.extend(plan.problems);
        changes.extend(plan.changes.into_iter().filter(Change::is_needed));
    }
    problems.or(())?;
    files::write(&changes)?;
    Ok(Answer { outcome: Outcome::Same, out: String::new(), err })
}

fn names(changes: &[&Change]) -> String {
    let names: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
    names.join(", ")
}

/// The plan's notes, then `sentence`.
fn lines(plan: &Plan, sentence: &str) -> String {
    let mut lines: String = plan.notes.iter().map(|note| format!("{}: {note}\n", plan.vendor)).collect();
    lines += sentence;
    lines.push('\n');
    lines
}
