//! Tests `regen` and `drift` from end to end, in a temporary workspace with one invented vendor,
//! `library`.

mod drift;
mod regen;
mod revisions;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::fetch::Origin;
use crate::files::{self, unified};
use crate::fixture::{self, DOCUMENT, put, workspace};
use crate::{Input, Mode, Outcome, Output, Request, run};

const SOURCE: &str = "specs/library/source.toml";
const UPSTREAM: &str = "specs/library/upstream.yaml";
const OVERLAY: &str = "specs/library/overlay.yaml";
const LOCK: &str = "specs/library/upstream.lock";
const CONTRACT: &str = "specs/library/openapi.yaml";

fn regen(root: &Path, check: bool) -> Output {
    regen_from(root, "document.yaml", check)
}

fn regen_from(root: &Path, name: &str, check: bool) -> Output {
    let request = Request {
        vendor: Some("library".into()),
        input: Input::From(Origin::File(root.join(name))),
        mode: if check { Mode::Check } else { Mode::Write },
        ..Request::default()
    };
    run(root, &request)
}

fn check(root: &Path) -> Output {
    let request = Request { mode: Mode::Check, ..Request::default() };
    run(root, &request)
}

fn generated() -> TempDir {
    let root = workspace();
    let output = regen(root.path(), false);
    assert_eq!(output.outcome, Outcome::Changed, "{}", output.err);
    root
}

fn read(root: &Path, name: &str) -> String {
    files::read(root, name).unwrap()
}

fn edit(root: &Path, name: &str, from: &str, to: &str) {
    let text = read(root, name);
    assert!(text.contains(from), "{from} is not in {name}");
    put(root, name, &text.replace(from, to));
}

fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
