//! Updates the checked-in specs, or shows what would change. Computes all files before it writes
//! the first file, so that no file changes if there is a problem.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::drift::{self, Drift, Heading, Level};
use crate::files::{self, Change};
use crate::plan::Plan;
use crate::problems::{Problems, Result, sanitize};
use crate::request::{Input, Mode, Request};

/// The exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing changed, or the check passed.
    Success = 0,
    /// There are changes.
    Changed = 1,
    /// A person must review a change that breaks callers, may change the meaning, or is not covered
    /// by any rule.
    NeedsReview = 2,
    /// The command or the check failed.
    Failed = 3,
    /// The check could not be completed on this machine.
    Skipped = 4,
}

/// The result of a command.
#[derive(Debug)]
pub struct Output {
    /// The exit code.
    pub outcome: Outcome,
    /// The text for standard output.
    pub out: String,
    /// The text for standard error.
    pub err: String,
}

/// Runs `request` in the workspace at `root`.
pub fn run(root: &Path, request: &Request) -> Output {
    let vendors = match vendors(root, request) {
        Ok(vendors) => vendors,
        Err(problems) => return Output::failed(problems),
    };
    let plans: Vec<Plan> = vendors.iter().map(|vendor| Plan::new(root, vendor, request)).collect();
    let report = request.report.as_ref().map(|path| (path, report(&plans)));
    let rendered = if request.json {
        let reports = plans.iter().filter_map(|plan| plan.drift.as_ref());
        let reports: Value = reports.map(|(heading, drift)| drift::json(heading, drift)).collect();
        format!("{reports:#}\n")
    } else {
        reports(&plans, drift::text, "")
    };
    let mut output = finish(plans, request);
    output.out.insert_str(0, &rendered);
    // Write the report last, so that an error here does not prevent writing the specs.
    if let Some((path, text)) = report
        && let Err(error) = fs::write(path, text)
    {
        output.outcome = Outcome::Failed;
        output.err += &format!("{}: {error}; the report was not written\n", path.display());
    }
    output
}

fn report(plans: &[Plan]) -> String {
    let failed: Vec<String> = plans
        .iter()
        .filter(|plan| !plan.problems.is_empty())
        .map(|plan| {
            format!(
                "## {}: failed; no file was written\n\n    {}\n",
                plan.vendor,
                plan.problems.to_string().replace('\n', "\n    ")
            )
        })
        .collect();
    let none = if failed.is_empty() { "Nothing changed.\n" } else { "" };
    failed.concat() + &reports(plans, drift::markdown, none)
}

fn reports(plans: &[Plan], render: impl Fn(&Heading, &Drift) -> String, none: &str) -> String {
    let found: Vec<String> = plans
        .iter()
        .filter_map(|plan| plan.drift.as_ref())
        .map(|(heading, drift)| render(heading, drift))
        .collect();
    if found.is_empty() { none.to_owned() } else { found.join("\n") }
}

fn outcome(plan: &Plan, is_comparison: bool) -> Outcome {
    if !plan.problems.is_empty() {
        return Outcome::Failed;
    }
    match plan.drift.as_ref().and_then(|(_, drift)| drift.level()) {
        Some(Level::Breaking | Level::Meaning | Level::Unhandled) => Outcome::NeedsReview,
        Some(Level::Additive | Level::Trivial) => Outcome::Changed,
        None if is_comparison || plan.needed().is_empty() => Outcome::Success,
        None => Outcome::Changed,
    }
}

impl Output {
    /// Creates a result that prints nothing to standard output.
    pub fn new(outcome: Outcome, err: impl Into<String>) -> Self {
        Self { outcome, out: String::new(), err: err.into() }
    }

    fn failed(problems: Problems) -> Self {
        Self::new(Outcome::Failed, format!("{problems}\nno file was written\n"))
    }
}

fn vendors(root: &Path, request: &Request) -> Result<Vec<String>> {
    let specs = root.join("specs");
    let folders = fs::read_dir(&specs).map_err(|error| format!("specs: {error}"))?;
    let mut vendors: Vec<String> = folders
        .filter_map(|folder| folder.ok()?.file_name().into_string().ok())
        .filter(|vendor| specs.join(vendor).join("source.toml").is_file())
        .collect();
    vendors.sort();
    let is_drift = request.mode == Mode::Drift;
    match &request.vendor {
        Some(vendor) if vendors.contains(vendor) => Ok(vec![vendor.clone()]),
        Some(vendor) => {
            let known = vendors.join(", ");
            Err(format!("no specs/{vendor}/source.toml; the vendors are: {known}").into())
        }
        None if matches!(request.input, Input::From(_))
            || (request.input == Input::Recorded && !is_drift) =>
        {
            Err("name the vendor of the document".to_owned().into())
        }
        None => Ok(vendors),
    }
}

/// If the overlay cannot be applied, `--check` shows the differences in upstream.yaml. These
/// differences show why the overlay cannot be applied.
fn finish(plans: Vec<Plan>, request: &Request) -> Output {
    let is_write = request.mode == Mode::Write;
    if is_write && plans.iter().any(|plan| !plan.problems.is_empty()) {
        let mut problems = Problems::default();
        for plan in plans {
            problems.extend(plan.problems);
        }
        return Output::failed(problems);
    }
    let can_write = is_write && plans.iter().all(|plan| plan.unresolved.is_empty());
    let mut output = Output::new(Outcome::Success, "");
    for plan in &plans {
        let needed = plan.needed();
        if request.mode == Mode::Check && !request.json {
            output.out.extend(needed.iter().map(|change| change.diff()));
        }
        let names = needed.iter().map(|change| change.name.as_str()).collect::<Vec<_>>().join(", ");
        let outcome = outcome(plan, request.base.is_some());
        let sentence = match outcome {
            Outcome::Failed => plan.problems.to_string(),
            _ if !plan.unresolved.is_empty() => {
                let unresolved: String =
                    plan.unresolved.iter().map(|it| format!("\n  {}", sanitize(it))).collect();
                format!("{}: correct source.toml or overlay.yaml, then run again:{unresolved}", plan.vendor)
            }
            Outcome::Success => plan.up_to_date(),
            _ if request.base.is_some() => format!("{}: the documents differ", plan.vendor),
            _ if can_write => format!("{}: wrote {names}", plan.vendor),
            _ => format!("{}: regen would change {names}", plan.vendor),
        };
        output.outcome = output.outcome.max(outcome);
        output.err.extend(plan.notes.iter().map(|note| format!("{}: {note}\n", plan.vendor)));
        output.err += &format!("{sentence}\n");
    }
    if can_write {
        let changes: Vec<Change> = plans.into_iter().flat_map(|plan| plan.changes).collect();
        if let Err(problems) = files::write(&changes) {
            return Output::failed(problems);
        }
    } else if is_write {
        output.err += "no file was written\n";
    }
    output
}
