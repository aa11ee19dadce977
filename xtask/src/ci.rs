//! `cargo xtask ci`: what CI runs, one step after another, until one fails. It never fixes
//! anything.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::regen::Outcome;

/// Arguments of cargo, one step a line.
const STEPS: [&str; 17] = [
    "fmt --all --check",
    "clippy --workspace --all-targets -- -D warnings",
    "clippy -p fintech-auth --no-default-features -- -D warnings",
    "clippy -p fintech-auth --no-default-features --features native-tls -- -D warnings",
    "clippy -p fintech-auth --no-default-features --features redis -- -D warnings",
    "clippy -p fintech-auth --no-default-features --features axum -- -D warnings",
    "clippy -p fintech-auth --no-default-features --features blocking -- -D warnings",
    "clippy -p fintech-auth --no-default-features --features reqwest-middleware -- -D warnings",
    "clippy -p fintech-auth --no-default-features --features tower -- -D warnings",
    "clippy -p fintech-auth --no-default-features --features cli -- -D warnings",
    "clippy --workspace --all-targets --all-features -- -D warnings",
    "test",
    "doc --workspace --no-deps --all-features",
    "xtask docs",
    "xtask regen --check",
    "xtask api --check",
    "package -p fintech-auth --allow-dirty",
];

/// Runs all of it in the workspace at `root`.
pub(crate) fn run(root: &Path) -> Outcome {
    let start = Instant::now();
    let failed = first_failure(&STEPS, |step| passes(root, step));
    let seconds = start.elapsed().as_secs();
    let Some(step) = failed else {
        eprintln!("ci: all passed in {seconds} s");
        return Outcome::Same;
    };
    eprintln!("ci: failed after {seconds} s at: {}", shown(step));
    if step.contains("--all-features") {
        eprintln!("ci: native-tls needs OpenSSL's headers (Debian: libssl-dev and pkg-config)");
    }
    Outcome::Failed
}

fn first_failure<'a>(steps: &[&'a str], mut passes: impl FnMut(&str) -> bool) -> Option<&'a str> {
    steps.iter().find(|step| !passes(step)).copied()
}

fn passes(root: &Path, step: &str) -> bool {
    eprintln!("ci: {}", shown(step));
    let start = Instant::now();
    match command(root, step).status() {
        Ok(status) => {
            eprintln!("ci: {:.1} s", start.elapsed().as_secs_f64());
            status.success()
        }
        Err(error) => {
            eprintln!("ci: cargo does not start: {error}");
            false
        }
    }
}

fn command(root: &Path, step: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(step.split_whitespace()).current_dir(root);
    if let Some(flags) = rustdocflags(step) {
        command.env("RUSTDOCFLAGS", flags);
    }
    // `cargo run` told us which package we are. Passed on, that has ring built anew each time.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
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
        let failed = first_failure(&["a", "b", "c"], |step| {
            ran.push(step.to_owned());
            step != "b"
        });
        assert_eq!(failed, Some("b"));
        assert_eq!(ran, ["a", "b"]);
    }

    #[test]
    fn steps_are_shown_as_one_would_type_them() {
        let shown: Vec<String> = STEPS.iter().map(|step| shown(step)).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        cargo fmt --all --check
        cargo clippy --workspace --all-targets -- -D warnings
        cargo clippy -p fintech-auth --no-default-features -- -D warnings
        cargo clippy -p fintech-auth --no-default-features --features native-tls -- -D warnings
        cargo clippy -p fintech-auth --no-default-features --features redis -- -D warnings
        cargo clippy -p fintech-auth --no-default-features --features axum -- -D warnings
        cargo clippy -p fintech-auth --no-default-features --features blocking -- -D warnings
        cargo clippy -p fintech-auth --no-default-features --features reqwest-middleware -- -D warnings
        cargo clippy -p fintech-auth --no-default-features --features tower -- -D warnings
        cargo clippy -p fintech-auth --no-default-features --features cli -- -D warnings
        cargo clippy --workspace --all-targets --all-features -- -D warnings
        cargo test
        RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --all-features
        cargo xtask docs
        cargo xtask regen --check
        cargo xtask api --check
        cargo package -p fintech-auth --allow-dirty
        ");
    }

    #[test]
    fn steps_do_not_pass_on_which_package_we_are() {
        let command = command(Path::new("."), "test");
        let removed = command.get_envs().filter(|(_, value)| value.is_none());
        let removed: Vec<_> = removed.map(|(name, _)| name.to_string_lossy()).collect();
        assert!(removed.iter().any(|name| name == "CARGO_PKG_NAME"), "{removed:?}");
    }
}
