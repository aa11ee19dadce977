//! Shows what would change in a file, as a unified diff that `patch` can read. It never writes.

use std::time::Duration;

use similar::TextDiff;

/// Past this a difference is shown as larger than it is: to find the smallest between two texts
/// that have little in common takes a time quadratic in their length.
const MAX_TIME: Duration = Duration::from_secs(2);

/// The difference, or nothing.
pub(crate) fn unified(name: &str, old: &str, new: &str) -> String {
    TextDiff::configure()
        .timeout(MAX_TIME)
        .diff_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string()
}
