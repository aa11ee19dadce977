//! Tests `regen` with malicious and malformed documents.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fetch::Origin;
use crate::fixture::{self, DOCUMENT, SOURCE, files, put, workspace};
use crate::source;
use crate::{Input, Mode, Outcome, Output, Request, run};

fn regen(root: &Path, path: &Path) -> Output {
    let request = Request {
        vendor: Some("library".into()),
        input: Input::From(Origin::File(path.to_owned())),
        ..Request::default()
    };
    run(root, &request)
}

fn refusal(document: impl AsRef<[u8]>) -> String {
    let elsewhere = TempDir::new().unwrap();
    let path = elsewhere.path().join("malformed");
    fs::write(&path, document).unwrap();
    refusal_of(&path)
}

fn refusal_of(path: &Path) -> String {
    let root = workspace();
    let before = files(root.path());
    let output = regen(root.path(), path);
    assert!(output.outcome >= Outcome::NeedsReview, "{}", output.err);
    assert_eq!(files(root.path()), before, "{}", output.err);
    assert!(output.err.ends_with("\nno file was written\n"), "{}", output.err);
    assert!(output.err.len() < 100_000, "{} bytes were printed", output.err.len());
    assert!(output.err.chars().all(|each| each == '\n' || !each.is_control()), "{:?}", output.err);
    let message = output.err.replace("\nno file was written\n", "");
    message.replace(&path.display().to_string(), "it")
}

fn with_kind(kind: &str) -> String {
    let text = DOCUMENT.replace(
        "    Kind:\n      type: string\n      enum: [short, long]\n",
        &format!("    Kind: {kind}\n"),
    );
    assert_ne!(text, DOCUMENT);
    text
}

fn in_3_1(edit: impl FnOnce(&mut Value)) -> String {
    let mut document = fixture::document();
    document["openapi"] = json!("3.1.0");
    edit(&mut document);
    document.to_string()
}

fn bomb() -> String {
    let mut bomb = String::from("a0: &a0 [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n");
    for level in 1..12 {
        let list = [format!("*a{}", level - 1).as_str(); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{list}]").unwrap();
    }
    bomb + DOCUMENT
}

#[test]
fn unparsable_documents_are_rejected() {
    for (document, message) in [
        (bomb().into_bytes(), "it: repetition limit exceeded"),
        (format!("a: &a [*a]\n{DOCUMENT}").into_bytes(), "it: "),
        (with_kind(&"[".repeat(100_000)).into_bytes(), "it: more than 5000 brackets are open at once"),
        (with_kind(&"[".repeat(4_000)).into_bytes(), "it: "),
        (format!("{{\"openapi\": {}", "[".repeat(1_000_000)).into_bytes(), "it: recursion limit exceeded"),
        (format!("{DOCUMENT}{}", "? ".repeat(100_000)).into_bytes(), "it: "),
        (with_kind(&"{a: ".repeat(200)).into_bytes(), "it: "),
        (with_kind("{ type: string, type: integer }").into_bytes(), "duplicate key \"type\" at line 85"),
        (br#"{"openapi": "3.0.0", "openapi": "3.0.1"}"#.to_vec(), "duplicate key \"openapi\""),
        ([DOCUMENT.as_bytes(), b"x-a: \xff\xfe\n"].concat(), "it: not UTF-8: "),
        (format!("{DOCUMENT}x-a: \0\n").into_bytes(), "it: control characters are not allowed"),
        (b"{\"openapi\": \"3.0.0\0\"}".to_vec(), "it: control character"),
        (b"\0\0\0\0".to_vec(), "it: "),
        (
            with_kind("{ maximum: .inf }").into_bytes(),
            "it: components.schemas.Kind.maximum: inf is not a JSON number",
        ),
        (br#"{"openapi": "3.0.0", "x-a": 1e999}"#.to_vec(), "it: number out of range"),
        (vec![b'#'; 17 << 20], "it: more than 16777216 bytes"),
        (format!("{{\"enum\": [{}]}}", ["0"; 1_100_000].join(",")).into_bytes(), "it: too much data"),
        (
            format!("{{\"{}\": [{}]}}", "k".repeat(4 << 20), ["{}"; 500_000].join(",")).into_bytes(),
            "it: too much data",
        ),
        (b"!!python/object/apply:os.system [ls]".to_vec(), "it: "),
        (b"".to_vec(), "it: not a YAML or JSON object"),
    ] {
        let refusal = refusal(&document);
        assert!(refusal.contains(message), "{message}: {refusal}");
    }
}

#[test]
fn hundred_megabyte_document_is_not_read_completely() {
    let elsewhere = TempDir::new().unwrap();
    let path = elsewhere.path().join("big");
    File::create(&path).unwrap().set_len(100 << 20).unwrap();
    assert_eq!(refusal_of(&path), "it: more than 16777216 bytes");
}

#[test]
fn dangling_and_circular_references_are_rejected_with_their_location() {
    let kind = |target: &str| refusal(with_kind(&format!("{{ $ref: {target} }}")));
    for target in ["'../../etc/passwd#/x'", "'file:///etc/passwd'", "'http://127.0.0.1:9/a.yaml#/x'", "''"] {
        let expected = format!(
            "it: /components/schemas/Kind refers to {}, which is outside the document",
            target.trim_matches('\'')
        );
        assert_eq!(kind(target), expected);
    }
    insta::assert_snapshot!(kind("'#/components/schemas/../../x'"), @"it: /components/schemas/Kind refers to #/components/schemas/../../x, which does not exist");
    insta::assert_snapshot!(kind("'#/components/schemas/__proto__'"), @"it: /components/schemas/Kind refers to #/components/schemas/__proto__, which does not exist");
    insta::assert_snapshot!(kind("[1]"), @"it: /components/schemas/Kind has a $ref that is not a string");
    insta::assert_snapshot!(kind("'#/components/schemas/Kind'"), @"it: /components/schemas/Kind refers to itself");
    insta::assert_snapshot!(kind("'#/components/parameters/Branch'"), @"it: /components/schemas/Kind refers to #/components/parameters/Branch, which is a parameter, not a schema");
    insta::assert_snapshot!(refusal(DOCUMENT.replace("'#/components/schemas/Book'", "7").replace("listBooks", "b").replace(
        "      $ref: '#/components/schemas/Loan'\n", "      $ref: '#/components/schemas/Laon'\n")), @"it: /paths/~1loans/post/responses/201/content/application~1json/schema refers to #/components/schemas/Laon, which does not exist");
    let around = with_kind(
        "{ allOf: [{ $ref: '#/components/schemas/Sort' }] }\n    Sort: { $ref: '#/components/schemas/Kind' }",
    );
    insta::assert_snapshot!(refusal(around), @"it: /components/schemas/Kind refers to itself, through /components/schemas/Sort");
    for (section, place) in [("parameters", "parameters"), ("responses", "responses"), ("headers", "headers")]
    {
        let a = format!("#/components/{section}/A");
        let document = in_3_1(|document| {
            document["components"][section]["A"] = json!({ "$ref": format!("#/components/{section}/B") });
            document["components"][section]["B"] = json!({ "$ref": a });
            let post = &mut document["paths"]["/loans"]["post"];
            match place {
                "parameters" => post["parameters"] = json!([{ "$ref": a }]),
                "responses" => post["responses"]["500"] = json!({ "$ref": a }),
                _ => post["responses"]["201"]["headers"] = json!({ "H": { "$ref": a } }),
            }
        });
        let message = refusal(document);
        assert_eq!(
            message,
            format!("it: /components/{section}/A refers to itself, through /components/{section}/B")
        );
    }
    let message = refusal(in_3_1(|document| {
        document["components"]["pathItems"] = json!({ "A": { "$ref": "#/components/pathItems/A" } });
        document["paths"]["/loans"] = json!({ "$ref": "#/components/pathItems/A" });
    }));
    assert!(
        message.contains("no POST /loans (createLoan); the path only refers to #/components/pathItems/A,"),
        "{message}"
    );
}

#[test]
fn path_item_copied_ten_thousand_times_exceeds_the_data_limit() {
    let message = refusal(in_3_1(|document| {
        document["components"]["pathItems"] = json!({ "A": { "x-a": vec![0; 1_000] } });
        for index in 0..10_000 {
            document["paths"][format!("/{index}")] = json!({ "$ref": "#/components/pathItems/A" });
        }
    }));
    assert_eq!(message, "it: too much data: path items refer to each other too often");
}

#[test]
fn number_of_reported_mistakes_is_limited() {
    let message = refusal(in_3_1(|document| {
        let schemas = document["components"]["schemas"].as_object_mut().unwrap();
        for index in 0..100_000 {
            schemas.insert(format!("Kin{index}"), json!({}));
        }
        let all: Vec<Value> = (0..100_000)
            .map(|index| json!({ "$ref": format!("#/components/schemas/Kind{index}") }))
            .collect();
        schemas["Kind"] = json!({ "anyOf": all });
    }));
    assert!(message.contains("refers to #/components/schemas/Kind"), "{message}");
    assert!(message.lines().count() < 200, "{}", message.lines().count());
}

#[test]
fn control_characters_in_vendor_names_are_escaped() {
    let id = r#""openLoan\e]0;owned\a\n\e[2Jlibrary: up to date""#;
    let message = refusal(DOCUMENT.replace("openLoan", id));
    insta::assert_snapshot!(message, @"
library: correct source.toml or overlay.yaml, then run again:
  it: POST /loans has the id openLoan�]0;owned�
  �[2Jlibrary: up to date, not createLoan (formerly openLoan); if it was renamed, add that id to `formerly` in source.toml
");
    let path = r#""/loans\e[31m\r""#;
    let message = refusal(DOCUMENT.replace("  /loans:", &format!("  {path}:")));
    insta::assert_snapshot!(message, @"
library: correct source.toml or overlay.yaml, then run again:
  it: no POST /loans (createLoan); openLoan is at POST /loans�[31m�
  specs/library/overlay.yaml: actions[0] on $.components.schemas.Loan: matches nothing (x-why: Docs.)
");
}

#[test]
fn documents_with_unusual_names_and_values_are_processed() {
    let many: Vec<String> = (0..200_000).map(|it| format!("v{it}")).collect();
    let odd = "{ type: object, properties: { __proto__: { type: string }, constructor: {}, '../../x': {}, \"\\e[2J\": {} } }";
    let huge = "{ type: number, maximum: 99999999999999999999999999999999999999999999 }".to_owned();
    let many = format!("{{ type: string, enum: [{}] }}", many.join(", "));
    for (kind, outcome) in
        [(odd.to_owned(), Outcome::NeedsReview), (huge, Outcome::NeedsReview), (many, Outcome::Failed)]
    {
        let root = workspace();
        let outside = TempDir::new().unwrap();
        let path = outside.path().join("it.yaml");
        fs::write(&path, with_kind(&kind)).unwrap();
        put(root.path(), "document.yaml", DOCUMENT);
        assert_eq!(regen(root.path(), &root.path().join("document.yaml")).outcome, Outcome::Changed);
        let output = regen(root.path(), &path);
        assert_eq!(output.outcome, outcome, "{}", output.err);
        assert!(output.out.chars().all(|each| each == '\n' || !each.is_control()), "{:?}", output.out);
        let names: Vec<String> = files(root.path()).into_iter().map(|(name, _)| name).collect();
        let library = ["openapi.yaml", "overlay.yaml", "source.toml", "upstream.lock", "upstream.yaml"];
        assert_eq!(names[1..], library.map(|name| format!("specs/library/{name}")));
        assert!(files(root.path()).iter().all(|(_, text)| !text.contains('\u{1b}')));
    }
}

#[test]
fn large_difference_is_shown_in_limited_time() {
    let root = workspace();
    let path = root.path().join("document.yaml");
    assert_eq!(regen(root.path(), &path).outcome, Outcome::Changed);
    let many: Vec<String> = (0..100_000).map(|it| format!("v{it}")).collect();
    put(
        root.path(),
        "document.yaml",
        &with_kind(&format!("{{ type: string, enum: [{}] }}", many.join(", "))),
    );
    let request = Request {
        vendor: Some("library".into()),
        input: Input::From(Origin::File(path)),
        mode: Mode::Check,
        ..Request::default()
    };
    let output = run(root.path(), &request);
    assert_eq!(output.outcome, Outcome::Failed);
    assert!(output.err.contains("the contract is too large to generate bindings from"), "{}", output.err);
    assert!(output.out.contains("too-many-changes"), "{}", output.out);
}

#[test]
fn revision_in_source_toml_must_be_a_string() {
    let root = workspace();
    let elsewhere = TempDir::new().unwrap();
    let path = elsewhere.path().join("x\"\nurl = \"https:··evil.yaml");
    fs::write(&path, DOCUMENT).unwrap();
    assert_eq!(regen(root.path(), &path).outcome, Outcome::Changed);
    let text = fs::read_to_string(root.path().join("specs/library/source.toml")).unwrap();
    let [before, after] = [SOURCE, &text].map(|text| source::parse("source.toml", text).unwrap());
    assert_eq!(after.revision.as_deref(), Some("x\"\nurl = \"https:··evil"));
    assert_eq!(after.url, before.url);
}
