//! Tests `regen` with a document that FastAPI generated. The document describes MoneyKit's API, so
//! `regen` must generate all of MoneyKit's bindings, and may add only the types that the test
//! lists.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::build_script::{bindings, parse};
use crate::digest::Surface;
use crate::fetch::Origin;
use crate::files::read;
use crate::fixture::put;
use crate::{Input, Outcome, Request, run};

const CONTRACT: &str = "specs/moneykit/openapi.yaml";

const SHARED_PARAMETER: &str = "$.components.parameters.Version";
const OWN_PARAMETERS: &str = "$.paths[*][*].parameters[?@.name == 'MoneyKit-Version']";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn workspace() -> TempDir {
    let workspace = TempDir::new().unwrap();
    fs::create_dir_all(workspace.path().join("specs/moneykit")).unwrap();
    let operations = read(&root(), "specs/moneykit/source.toml").unwrap();
    let operations = operations.split_once("[[operation]]").unwrap().1;
    let source = format!(
        "kind = \"document\"\nurl = \"https://moneykit.example/openapi.json\"\nrevision = \"none\"\n\
         sha256 = \"none\"\n\n[[operation]]{operations}"
    );
    put(workspace.path(), "specs/moneykit/source.toml", &source);
    let overlay = read(&root(), "specs/moneykit/overlay.yaml").unwrap();
    assert!(overlay.contains(SHARED_PARAMETER));
    put(workspace.path(), "specs/moneykit/overlay.yaml", &overlay.replace(SHARED_PARAMETER, OWN_PARAMETERS));
    workspace
}

fn surface(root: &Path) -> Vec<String> {
    let code = parse(&read(root, CONTRACT).unwrap()).and_then(bindings).unwrap();
    Surface::read(&code).lines().lines().map(str::to_owned).collect()
}

#[test]
fn bindings_from_a_fastapi_document_include_the_moneykit_bindings() {
    let workspace = workspace();
    let request = Request {
        vendor: Some("moneykit".into()),
        input: Input::From(Origin::File(root().join("openapi-drift/fixtures/fastapi/openapi.json"))),
        ..Request::default()
    };
    let output = run(workspace.path(), &request);
    assert_ne!(output.outcome, Outcome::Failed, "{}", output.err);
    insta::assert_snapshot!(output.err, @"
    moneykit: OpenAPI 3.0 does not support `webhooks`; dropped at /webhooks
    moneykit: wrote specs/moneykit/source.toml, specs/moneykit/upstream.yaml, specs/moneykit/upstream.lock, specs/moneykit/openapi.yaml
    ");

    let (committed, made) = (surface(&root()), surface(workspace.path()));
    let missing: Vec<&String> = committed.iter().filter(|line| !made.contains(line)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let more: Vec<&str> = made.iter().filter(|line| !committed.contains(line)).map(String::as_str).collect();
    insta::assert_snapshot!(more.join("\n"), @"
    type HttpValidationError.detail: Vec<ValidationError>, or unreadable
    type ValidationError.ctx: Map<String,Value>, or unreadable
    type ValidationError.input: Option<Value>, or unreadable
    type ValidationError.loc: Vec<ValidationErrorLocItem>
    type ValidationError.msg: String
    type ValidationError.type: String
    enum ValidationErrorLocItem: Integer(i64) | String(String)
    ");
}
