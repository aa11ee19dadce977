//! Shows what would change in a file, as a unified diff that `patch` can read. It never writes.

use similar::TextDiff;

/// The difference, or nothing.
pub(crate) fn unified(name: &str, old: &str, new: &str) -> String {
    TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string()
}
