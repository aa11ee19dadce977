//! Unified diffs of files that regen would change.

use std::time::Duration;

use similar::TextDiff;

/// After this time the diff is no longer minimal: the search takes time quadratic in the length of
/// texts that have little in common.
const MAX_TIME: Duration = Duration::from_secs(2);

/// The unified diff of two texts, readable by `patch`; empty if they are equal.
pub fn unified(name: &str, old: &str, new: &str) -> String {
    TextDiff::configure()
        .timeout(MAX_TIME)
        .diff_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string()
}
