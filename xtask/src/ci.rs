//! `cargo xtask ci`: what CI runs, one step after another, until one fails. It never fixes
//! anything, and never passes a step off as done that was skipped.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::cargo::cargo;
use openapi_drift::Outcome;

/// Arguments of cargo, one step a line.
const STEPS: [&str; 14] = [
    "fmt --all --check",
    "clippy --workspace --all-targets -- -D warnings",
    "clippy --workspace --all-targets --all-features -- -D warnings",
    "xtask features",
    "test",
    "xtask shuttle",
    "doc --workspace --no-deps --all-features",
    "xtask docs",
    "xtask regen --check",
    "xtask api --check",
    "xtask deny",
    "xtask package",
    "xtask minimal",
    "xtask msrv",
];

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Passed,
    /// It could not be done here, or not all of it. What is missing it has said.
    Skipped,
    Failed,
}

/// Runs all of it in the workspace at `root`.
pub(crate) fn run(root: &Path) -> Outcome {
    let start = Instant::now();
    let ran = until_failure(&STEPS, |step| end(root, step));
    let seconds = start.elapsed().as_secs();
    for step in &ran.skipped {
        eprintln!("ci: skipped, and why is said above: {}", shown(step));
    }
    let Some(step) = ran.failed else {
        eprintln!("ci: all {}passed in {seconds} s", if ran.skipped.is_empty() { "" } else { "the others " });
        return Outcome::Same;
    };
    eprintln!("ci: failed after {seconds} s at: {}", shown(step));
    if step.contains("--all-features") || step.starts_with("xtask features") {
        eprintln!("ci: native-tls needs OpenSSL's headers (Debian: libssl-dev and pkg-config)");
    }
    Outcome::Failed
}

/// What became of the steps.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ran<'a> {
    skipped: Vec<&'a str>,
    failed: Option<&'a str>,
}

fn until_failure<'a>(steps: &[&'a str], mut end: impl FnMut(&str) -> Ended) -> Ran<'a> {
    let mut ran = Ran::default();
    for step in steps {
        match end(step) {
            Ended::Passed => {}
            Ended::Skipped => ran.skipped.push(step),
            Ended::Failed => {
                ran.failed = Some(step);
                break;
            }
        }
    }
    ran
}

fn end(root: &Path, step: &str) -> Ended {
    eprintln!("ci: {}", shown(step));
    let start = Instant::now();
    match command(root, step).status() {
        Ok(status) => {
            eprintln!("ci: {:.1} s", start.elapsed().as_secs_f64());
            let is_guard = step.starts_with("xtask ");
            match status.code() {
                Some(0) => Ended::Passed,
                Some(code) if is_guard && code == Outcome::Skipped as i32 => Ended::Skipped,
                _ => Ended::Failed,
            }
        }
        Err(error) => {
            eprintln!("ci: cargo does not start: {error}");
            Ended::Failed
        }
    }
}

fn command(root: &Path, step: &str) -> Command {
    let mut command = cargo(root);
    command.args(step.split_whitespace());
    if let Some(flags) = rustdocflags(step) {
        command.env("RUSTDOCFLAGS", flags);
    }
    command
}

/// Not for every step: it would have the doctests of `cargo test` built another way.
fn rustdocflags(step: &str) -> Option<&'static str> {
    step.starts_with("doc ").then_some("-D warnings")
}

/// The step as one would type it.
fn shown(step: &str) -> String {
    match rustdocflags(step) {
        Some(flags) => format!("RUSTDOCFLAGS='{flags}' cargo {step}"),
        None => format!("cargo {step}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_runs_after_the_first_failure() {
        let mut ran = Vec::new();
        let ended = until_failure(&["a", "b", "c"], |step| {
            ran.push(step.to_owned());
            if step == "b" { Ended::Failed } else { Ended::Passed }
        });
        assert_eq!(ended.failed, Some("b"));
        assert_eq!(ran, ["a", "b"]);
    }

    #[test]
    fn what_is_skipped_is_no_failure_and_not_forgotten() {
        let ended = until_failure(&["a", "b", "c"], |step| match step {
            "c" => Ended::Passed,
            _ => Ended::Skipped,
        });
        assert_eq!(ended, Ran { skipped: vec!["a", "b"], failed: None });
    }

    #[test]
    fn steps_are_shown_as_one_would_type_them() {
        let shown: Vec<String> = STEPS.iter().map(|step| shown(step)).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        cargo fmt --all --check
        cargo clippy --workspace --all-targets -- -D warnings
        cargo clippy --workspace --all-targets --all-features -- -D warnings
        cargo xtask features
        cargo test
        cargo xtask shuttle
        RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --all-features
        cargo xtask docs
        cargo xtask regen --check
        cargo xtask api --check
        cargo xtask deny
        cargo xtask package
        cargo xtask minimal
        cargo xtask msrv
        ");
    }
}
