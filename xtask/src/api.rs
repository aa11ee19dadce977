//! `cargo xtask api`: writes the public API to `api.txt`, one item per line.

use std::path::Path;

use crate::rustdoc;
use openapi_drift::{Change, Outcome, Output, Result};

const FILE: &str = "api.txt";

pub(crate) fn run(root: &Path, check: bool) -> Result<Output> {
    let change = Change::new(root, FILE.to_owned(), listing(root)?)?;
    if !change.is_needed() {
        return Ok(Output::new(Outcome::Success, format!("{FILE}: up to date\n")));
    }
    if check {
        let err = format!("{FILE}: the public API changed; run `cargo xtask api` to update it\n");
        return Ok(Output { out: change.diff(), ..Output::new(Outcome::Changed, err) });
    }
    openapi_drift::write(&[change])?;
    Ok(Output::new(Outcome::Changed, format!("wrote {FILE}\n")))
}

fn listing(root: &Path) -> Result<String> {
    let folder = root.join("target/api");
    let args = ["-Z", "unstable-options", "--output-format", "json"];
    rustdoc::run(root, &folder, &["--all-features"], &args)?;
    let api = public_api::Builder::from_rustdoc_json(folder.join("fintech_auth.json"))
        .omit_auto_derived_impls(true)
        .omit_auto_trait_impls(true)
        .omit_blanket_impls(true)
        .build()
        .map_err(|error| format!("public-api cannot read the rustdoc JSON of this Rust version: {error}"))?;
    Ok(without_guide(&api.to_string()))
}

/// The modules of the guide exist only in rustdoc, so they are not public API.
fn without_guide(api: &str) -> String {
    let is_page = |line: &str| {
        let rest = line.strip_prefix("pub mod fintech_auth::guide");
        rest.is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with("::"))
    };
    api.split_inclusive('\n').filter(|line| !is_page(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guide_pages_are_not_public_api() {
        let api = "\
pub mod fintech_auth
pub mod fintech_auth::guide
pub mod fintech_auth::guide::fleet
pub mod fintech_auth::guided
pub fn fintech_auth::guide(&self)
";
        let rest = "pub mod fintech_auth\npub mod fintech_auth::guided\npub fn fintech_auth::guide(&self)\n";
        assert_eq!(without_guide(api), rest);
    }
}
