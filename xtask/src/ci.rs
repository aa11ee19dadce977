//! `cargo xtask ci`: runs the same steps as CI, stops at the first failure, and lists the skipped
//! steps.

use std::path::Path;
use std::time::Instant;

use openapi_drift::Outcome;

use crate::cargo::cargo;

const STEPS: [&str; 18] = [
    "fmt --all --check",
    "clippy --workspace --all-targets -- -D warnings",
    "clippy --workspace --all-targets --all-features -- -D warnings",
    "xtask features",
    "test",
    "xtask shuttle",
    "xtask examples",
    "run --quiet --manifest-path fuzz/smoke/Cargo.toml",
    "run --quiet --release --locked --manifest-path benches/instructions/Cargo.toml -- --check",
    "doc --workspace --no-deps --all-features",
    "xtask docs",
    "xtask regen --check",
    "xtask api --check",
    "xtask deny",
    "xtask package",
    "xtask third-vendor",
    "xtask minimal",
    "xtask msrv",
];

pub(crate) fn run(root: &Path) -> Outcome {
    let start = Instant::now();
    let (skipped, failed) = until_failure(&STEPS, |step| run_step(root, step));
    let seconds = start.elapsed().as_secs();
    for step in &skipped {
        eprintln!("ci: skipped (see the output above): {}", shown(step));
    }
    let Some(step) = failed else {
        eprintln!("ci: all {}passed in {seconds} s", if skipped.is_empty() { "" } else { "other steps " });
        return Outcome::Success;
    };
    eprintln!("ci: failed after {seconds} s in: {}", shown(step));
    if step.contains("--all-features") || step.starts_with("xtask features") {
        eprintln!("ci: the feature native-tls needs the OpenSSL headers (Debian: libssl-dev and pkg-config)");
    }
    Outcome::Failed
}

fn until_failure<'a>(
    steps: &[&'a str],
    mut run: impl FnMut(&str) -> Outcome,
) -> (Vec<&'a str>, Option<&'a str>) {
    let mut skipped = Vec::new();
    for step in steps {
        match run(step) {
            Outcome::Success => {}
            Outcome::Skipped => skipped.push(*step),
            _ => return (skipped, Some(step)),
        }
    }
    (skipped, None)
}

fn run_step(root: &Path, step: &str) -> Outcome {
    eprintln!("ci: {}", shown(step));
    let start = Instant::now();
    let mut command = cargo(root);
    command.args(step.split_whitespace());
    if let Some(flags) = rustdocflags(step) {
        command.env("RUSTDOCFLAGS", flags);
    }
    let code = command.status().map(|status| status.code());
    eprintln!("ci: {:.1} s", start.elapsed().as_secs_f64());
    match code {
        Ok(Some(0)) => Outcome::Success,
        // Our own commands exit with this code if they are skipped. For a `test` step, the code may
        // have another cause, so a `test` step never counts as skipped.
        Ok(Some(code)) if code == Outcome::Skipped as i32 && !step.starts_with("test") => Outcome::Skipped,
        Ok(_) => Outcome::Failed,
        Err(error) => {
            eprintln!("ci: cannot start cargo: {error}");
            Outcome::Failed
        }
    }
}

/// Only the `doc` steps get `RUSTDOCFLAGS`, because `cargo test` would also use these flags for its
/// doctests.
fn rustdocflags(step: &str) -> Option<&'static str> {
    step.starts_with("doc ").then_some("-D warnings")
}

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
    fn steps_stop_after_the_first_failure() {
        let mut ran = Vec::new();
        let ended = until_failure(&["a", "b", "c"], |step| {
            ran.push(step.to_owned());
            if step == "b" { Outcome::Failed } else { Outcome::Success }
        });
        assert_eq!(ended, (vec![], Some("b")));
        assert_eq!(ran, ["a", "b"]);
    }

    #[test]
    fn skipped_steps_are_listed_and_do_not_fail_the_run() {
        let ended = until_failure(&["a", "b", "c"], |step| match step {
            "c" => Outcome::Success,
            _ => Outcome::Skipped,
        });
        assert_eq!(ended, (vec!["a", "b"], None));
    }

    #[test]
    fn steps_are_shown_as_shell_commands() {
        let shown: Vec<String> = STEPS.iter().map(|step| shown(step)).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        cargo fmt --all --check
        cargo clippy --workspace --all-targets -- -D warnings
        cargo clippy --workspace --all-targets --all-features -- -D warnings
        cargo xtask features
        cargo test
        cargo xtask shuttle
        cargo xtask examples
        cargo run --quiet --manifest-path fuzz/smoke/Cargo.toml
        cargo run --quiet --release --locked --manifest-path benches/instructions/Cargo.toml -- --check
        RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --all-features
        cargo xtask docs
        cargo xtask regen --check
        cargo xtask api --check
        cargo xtask deny
        cargo xtask package
        cargo xtask third-vendor
        cargo xtask minimal
        cargo xtask msrv
        ");
    }
}
