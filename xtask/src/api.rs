//! `cargo xtask api`: the public API, one item a line, in `api.txt`, so that a pull request shows what
//! it changes for users. With `--check` it writes nothing and shows the difference.

use std::path::Path;

use crate::rustdoc;
use openapi_drift::Change;
use openapi_drift::Result;
use openapi_drift::unified;
use openapi_drift::{Answer, Outcome};

const FILE: &str = "api.txt";

/// Brings `api.txt` up to date, or with `check` shows what is not.
pub(crate) fn run(root: &Path, check: bool) -> Answer {
    update(root, check).unwrap_or_else(|problems| Answer {
        outcome: Outcome::Failed,
        out: String::new(),
        err: format!("{problems}\n"),
    })
}

fn update(root: &Path, check: bool) -> Result<Answer> {
    let change = Change::new(root, FILE.to_owned(), listing(root)?)?;
    if !change.is_needed() {
        return Ok(Answer {
            outcome: Outcome::Same,
            out: String::new(),
            err: format!("{FILE}: up to date\n"),
        });
    }
    if check {
        let err = format!("{FILE}: the public API is another; `cargo xtask api` writes it\n");
        let out = unified(&change.name, &change.old, &change.new);
        return Ok(Answer { outcome: Outcome::Different, out, err });
    }
    openapi_drift::write(&[change])?;
    Ok(Answer { outcome: Outcome::Different, out: String::new(), err: format!("wrote {FILE}\n") })
}

/// What users can name, without what every type has.
fn listing(root: &Path) -> Result<String> {
    let folder = root.join("target/api");
    let args = ["-Z", "unstable-options", "--output-format", "json"];
    rustdoc::run(root, &folder, &["--all-features"], &args)?;
    let api = public_api::Builder::from_rustdoc_json(folder.join("fintech_auth.json"))
        .omit_auto_derived_impls(true)
        .omit_auto_trait_impls(true)
        .omit_blanket_impls(true)
        .build()
        .map_err(|error| format!("this rustc's JSON is not read by public-api: {error}"))?;
    Ok(namable(&api.to_string()))
}

/// Without the pages of the guide: they are modules where rustdoc looks, and nowhere else. To call one
/// otherwise breaks nobody.
fn namable(api: &str) -> String {
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
    fn the_pages_of_the_guide_are_no_api() {
        let api = "\
pub mod fintech_auth
pub mod fintech_auth::guide
pub mod fintech_auth::guide::fleet
pub mod fintech_auth::guided
pub fn fintech_auth::guide(&self)
";
        let rest = "pub mod fintech_auth\npub mod fintech_auth::guided\npub fn fintech_auth::guide(&self)\n";
        assert_eq!(namable(api), rest);
    }
}
