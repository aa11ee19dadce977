//! `cargo xtask api`: the public API, one item a line, in `api.txt`, so that a pull request shows what
//! it changes for users. With `--check` it writes nothing and shows the difference.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::diff::unified;
use crate::files::{self, Change};
use crate::problems::Result;
use crate::regen::{Answer, Outcome};

const FILE: &str = "api.txt";

/// Where the rustdoc that cargo starts puts what it writes: that is this program again, see
/// [`as_rustdoc`].
const MARK: &str = "XTASK_AS_RUSTDOC";

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
    files::write(&[change])?;
    Ok(Answer { outcome: Outcome::Different, out: String::new(), err: format!("wrote {FILE}\n") })
}

/// What users can name, without what every type has.
fn listing(root: &Path) -> Result<String> {
    let this = env::current_exe().map_err(|error| format!("which program is this? {error}"))?;
    let folder = root.join("target/api");
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["rustdoc", "-q", "-p", "fintech-auth", "--lib", "--all-features"])
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        .current_dir(root)
        .env("RUSTDOC", this)
        .env(MARK, &folder)
        .status();
    match built {
        Ok(status) if status.success() => {}
        Ok(_) => return Err("rustdoc failed".to_owned().into()),
        Err(error) => return Err(format!("cargo does not start: {error}").into()),
    }
    let api = public_api::Builder::from_rustdoc_json(folder.join("fintech_auth.json"))
        .omit_auto_derived_impls(true)
        .omit_auto_trait_impls(true)
        .omit_blanket_impls(true)
        .build()
        .map_err(|error| format!("this rustc's JSON is not read by public-api: {error}"))?;
    Ok(api.to_string())
}

/// Where cargo started us in rustdoc's place: rustdoc, with its JSON allowed and put where we want it.
/// To allow it for all of cargo would have every dependency built anew. `None` where it did not.
pub(crate) fn as_rustdoc() -> Option<bool> {
    let folder = env::var_os(MARK)?;
    let mut args: Vec<_> = env::args_os().skip(1).collect();
    if let Some(at) = args.iter().position(|arg| arg == "-o" || arg == "--out-dir")
        && let Some(given) = args.get_mut(at + 1)
    {
        *given = folder;
    }
    let status = Command::new("rustdoc").args(args).env("RUSTC_BOOTSTRAP", "1").status();
    Some(status.is_ok_and(|status| status.success()))
}
