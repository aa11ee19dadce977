//! Tests the reports of `drift` and `regen`, and the fingerprints in `upstream.lock`.

use super::*;

#[test]
fn drift_command_reports_changes_and_writes_no_file() {
    let root = generated();
    put(root.path(), "document.yaml", &DOCUMENT.replace("Lent.", "Lent, or put on a list."));
    let before = fixture::files(root.path());
    let report = root.path().join("report.md");
    let mut request = Request {
        vendor: Some("library".into()),
        input: Input::From(Origin::File(root.path().join("document.yaml"))),
        mode: Mode::Drift,
        report: Some(report.clone()),
        ..Request::default()
    };
    let output = run(root.path(), &request);
    assert_eq!(output.outcome, Outcome::NeedsReview);
    insta::assert_snapshot!(output.out, @"
    library: from the checked-in files to document

    meaning (1): the shape is the same, but the meaning may have changed: review the code that uses it
      description-changed: `description` changed (response, patch)
        #/paths/~1loans/post/responses/201/description
        affects fn create_loan
        old fingerprint: 3926ff241bd56b38
        | Lent, or put on a list.

    version bump: patch; lines of the generated API: 0 breaking, 0 new
    ");
    insta::assert_snapshot!(std::fs::read_to_string(&report).unwrap(), @"
    ## library: from `the checked-in files` to `document`

    version bump: patch; lines of the generated API: 0 breaking, 0 new

    ### meaning (1)

    the shape is the same, but the meaning may have changed: review the code that uses it

    - **description-changed**: `description` changed (response, patch)
      - at `#/paths/~1loans/post/responses/201/description`
      - affects `fn create_loan`
      - old fingerprint: `3926ff241bd56b38`
      - new text:

        ```text
        Lent, or put on a list.
        ```
    ");
    std::fs::remove_file(report).unwrap();
    assert_eq!(fixture::files(root.path()), before);

    request.json = true;
    request.report = None;
    let output = run(root.path(), &request);
    insta::assert_snapshot!(output.out, @r#"
    [
      {
        "changes": [
          {
            "by": "vendor",
            "items": [
              "fn create_loan"
            ],
            "level": "meaning",
            "new_text": "Lent, or put on a list.",
            "old_fingerprint": "3926ff241bd56b38",
            "pointer": "/paths/~1loans/post/responses/201/description",
            "rule": "description-changed",
            "semver": "patch",
            "side": "response",
            "what": "`description` changed"
          }
        ],
        "from": "the checked-in files",
        "semver": "patch",
        "surface": {
          "added": [],
          "broken": []
        },
        "surface_error": null,
        "to": "document",
        "vendor": "library"
      }
    ]
    "#);
}

#[test]
fn exit_code_reflects_the_most_severe_change() {
    for (from, to, outcome) in [
        ("", "", Outcome::Success),
        ("version: '7'", "version: '8'", Outcome::Changed),
        ("title: { type: string, title: Title }", "title: { type: string }", Outcome::Changed),
        ("[title, due]", "[title]", Outcome::NeedsReview),
        ("A loan.", "What was lent.", Outcome::NeedsReview),
        ("scheme: basic", "scheme: digest", Outcome::NeedsReview),
        ("openapi: 3.0.1", "openapi: 2.0.0", Outcome::Failed),
    ] {
        let root = generated();
        put(root.path(), "next.yaml", &DOCUMENT.replace(from, to));
        let request = Request {
            vendor: Some("library".into()),
            input: Input::From(Origin::File(root.path().join("next.yaml"))),
            mode: Mode::Drift,
            ..Request::default()
        };
        let output = run(root.path(), &request);
        assert_eq!(output.outcome, outcome, "{from} became {to}: {}{}", output.out, output.err);
        let written = run(root.path(), &Request { mode: Mode::Write, ..request });
        assert_eq!(written.outcome, outcome, "{from} became {to}: {}", written.err);
    }
}

#[test]
fn reported_change_is_not_reported_by_the_next_regen() {
    let root = generated();
    put(root.path(), "document.yaml", &DOCUMENT.replace("A loan.", "A thing on loan."));
    let output = regen(root.path(), false);
    assert!(output.out.contains("description-changed"), "{}", output.out);
    assert!(output.out.contains("| A thing on loan."), "{}", output.out);
    let again = regen(root.path(), false);
    assert_eq!((again.outcome, again.out.as_str()), (Outcome::Success, ""));
    for (name, text) in fixture::files(&root.path().join("specs")) {
        assert!(!text.contains("A thing on loan."), "{name} quotes the vendor");
    }
}

#[test]
fn hand_edited_upstream_file_is_rejected() {
    let root = generated();
    edit(root.path(), UPSTREAM, "      - short\n", "");
    let output = check(root.path());
    assert_eq!(output.outcome, Outcome::Failed);
    insta::assert_snapshot!(output.err, @"specs/library/upstream.yaml: was edited by hand; put corrections into overlay.yaml, and restore this file with `cargo xtask regen library --fetch`");
}

#[test]
fn invalid_lock_file_is_rejected() {
    let root = generated();
    put(root.path(), LOCK, "# A comment.\n0123456789abcdef #/info\n0123 #/info\nabc\n");
    let output = check(root.path());
    assert_eq!(output.outcome, Outcome::Failed);
    insta::assert_snapshot!(output.err, @"
    specs/library/upstream.lock: line 3 must be a fingerprint and a JSON pointer
    specs/library/upstream.lock: line 4 must be a fingerprint and a JSON pointer
    ");
}

#[test]
fn changes_corrected_by_the_overlay_are_marked() {
    let root = generated();
    let due = "{ type: string, format: date, example: '2030-01-01' }";
    let action = "  - target: $.components.schemas.Loan.properties.due\n    update: { format: date-time }\n    \
                  x-kind: upstream-bug\n    x-why: The service sends a time.\n    x-source: the desk\n";
    put(root.path(), OVERLAY, &(fixture::OVERLAY.to_owned() + action));
    let output = run(root.path(), &Request::default());
    insta::assert_snapshot!(output.out, @"
    library: from the checked-in files to document

    breaking (1): existing callers may fail
      response-property-type-changed: `format` changed from `date` to `date-time` (response, our change, major)
        #/components/schemas/Loan/properties/due/format
        affects type Loan.due

    version bump: major (before 1.0: a new minor version); lines of the generated API: 1 breaking, 0 new
    ");

    put(root.path(), "document.yaml", &DOCUMENT.replace(due, &due.replace("date,", "time,")));
    insta::assert_snapshot!(regen(root.path(), true).out.split_once("\n---").unwrap().0, @"
    library: from the checked-in files to document

    breaking (1): existing callers may fail
      response-property-type-changed: `format` changed from `date` to `time` (response, hidden from users by the overlay, none)
        #/components/schemas/Loan/properties/due/format
        affects type Loan.due

    version bump: none; lines of the generated API: 0 breaking, 0 new
    ");

    put(root.path(), "document.yaml", &DOCUMENT.replace(due, &due.replace("date,", "date-time,")));
    insta::assert_snapshot!(regen(root.path(), false).err, @"
    library: operation createLoan has the id openLoan in the document
    library: correct source.toml or overlay.yaml, then run again:
      specs/library/overlay.yaml: actions[1] on $.components.schemas.Loan.properties.due: changes nothing (x-why: The service sends a time.); possible cause: response-property-type-changed at #/components/schemas/Loan/properties/due/format: `format` changed from `date` to `date-time`
    no file was written
    ");
}

fn drift_from(root: &Path, name: &str) -> Output {
    let request = Request {
        vendor: Some("library".into()),
        input: Input::From(Origin::File(root.join(name))),
        mode: Mode::Drift,
        ..Request::default()
    };
    run(root, &request)
}

#[test]
fn removed_operation_is_a_breaking_change() {
    let root = generated();
    let document = fixture::document();
    for (edit, items) in [
        ("path", "fn end_loan, fn end_loan(id)"),
        ("method", "fn end_loan, fn end_loan(id)"),
        ("both", "fn create_loan"),
    ] {
        let mut document = document.clone();
        let paths = document["paths"].as_object_mut().unwrap();
        let end = paths.remove("/loans/{id}/end").unwrap();
        match edit {
            "method" => {
                drop(paths.insert("/loans/{id}/end".into(), serde_json::json!({ "put": end["post"] })))
            }
            "both" => drop(paths.remove("/loans")),
            _ => {}
        }
        put(root.path(), "next.yaml", &document.to_string());
        let before = fixture::files(root.path());
        let output = drift_from(root.path(), "next.yaml");
        assert_eq!(output.outcome, Outcome::NeedsReview, "{edit}: {}", output.err);
        assert!(output.out.contains("breaking ("), "{edit}: {}", output.out);
        assert!(output.out.contains("POST /loans/{id}/end was removed"), "{edit}: {}", output.out);
        assert!(output.out.contains(items), "{edit}: {}", output.out);
        for check in [true, false] {
            let output = regen_from(root.path(), "next.yaml", check);
            assert_eq!(output.outcome, Outcome::NeedsReview, "{edit}: {}", output.err);
            assert!(output.err.contains("no POST /loans/{id}/end (endLoan)"), "{edit}: {}", output.err);
            assert_eq!(output.err.ends_with("no file was written\n"), !check, "{}", output.err);
        }
        assert_eq!(fixture::files(root.path()), before, "{edit}");
    }
}

#[test]
fn operation_is_compared_even_if_its_id_changed() {
    let root = generated();
    let text = DOCUMENT.replace("openLoan", "startLoan").replace("A loan.", "A thing on loan.");
    put(root.path(), "next.yaml", &text);
    let before = fixture::files(root.path());
    let output = drift_from(root.path(), "next.yaml");
    assert_eq!(output.outcome, Outcome::NeedsReview, "{}", output.err);
    assert!(!output.out.contains("breaking ("), "{}", output.out);
    assert!(output.out.contains("operation-renamed"), "{}", output.out);
    assert!(output.out.contains("`formerly` in source.toml"), "{}", output.out);
    assert!(output.out.contains("| A thing on loan."), "{}", output.out);
    let output = regen_from(root.path(), "next.yaml", false);
    assert!(output.err.ends_with("no file was written\n"), "{}", output.err);
    assert_eq!(fixture::files(root.path()), before);
}

#[test]
fn drift_command_also_reports_unused_overlay_actions() {
    let root = generated();
    let action = "  - target: $.components.schemas.Loan.properties.kind\n    remove: true\n    \
                  x-kind: upstream-bug\n    x-why: The service leaves it out.\n    x-source: the desk\n";
    put(root.path(), OVERLAY, &(fixture::OVERLAY.to_owned() + action));
    assert_eq!(run(root.path(), &Request::default()).outcome, Outcome::NeedsReview);
    let text = DOCUMENT
        .replace("        kind: { $ref: '#/components/schemas/Kind' }\n", "")
        .replace("[title, due]", "[title]");
    put(root.path(), "next.yaml", &text);
    let before = fixture::files(root.path());
    let output = drift_from(root.path(), "next.yaml");
    assert_eq!(output.outcome, Outcome::NeedsReview, "{}", output.err);
    for message in [
        "response-property-became-optional",
        "response-optional-property-removed",
        "overlay-action-without-effect: specs/library/overlay.yaml: actions[1] on \
         $.components.schemas.Loan.properties.kind: matches nothing",
    ] {
        assert!(output.out.contains(message), "{message}: {}", output.out);
    }
    let output = regen_from(root.path(), "next.yaml", false);
    assert_eq!(output.outcome, Outcome::NeedsReview, "{}", output.err);
    assert!(output.err.ends_with("no file was written\n"), "{}", output.err);
    assert_eq!(fixture::files(root.path()), before);
}

#[test]
fn drift_command_accepts_an_openapi_version_without_a_patch_number() {
    let root = generated();
    for version in ["3.1", "'3.1'", "3.0", "3.1.0"] {
        put(root.path(), "next.yaml", &DOCUMENT.replace("openapi: 3.0.1", &format!("openapi: {version}")));
        let output = drift_from(root.path(), "next.yaml");
        assert_eq!(output.outcome, Outcome::Changed, "{version}: {}{}", output.out, output.err);
    }
}

#[test]
fn incomplete_or_missing_lock_file_is_rejected() {
    let root = generated();
    let line = read(root.path(), LOCK).lines().nth(3).unwrap().to_owned() + "\n";
    edit(root.path(), LOCK, &line, "");
    insta::assert_snapshot!(check(root.path()).err, @"specs/library/upstream.lock: was edited by hand; restore it from version control");
    std::fs::remove_file(root.path().join(LOCK)).unwrap();
    insta::assert_snapshot!(check(root.path()).err, @"specs/library/upstream.lock is missing; restore it from version control, or run with --fetch");
    assert_eq!(regen(root.path(), false).outcome, Outcome::Changed, "regen must restore the lock");
    assert_eq!(check(root.path()).outcome, Outcome::Success);
}

#[test]
fn checked_in_files_contain_no_vendor_prose() {
    let root = workspace();
    let kind = "    Kind:\n      $comment: A secret word.\n      markdownDescription: A secret word.\n      xml: { name: A secret word. }\n";
    let desk =
        "Desk: { type: oauth2, flows: { password: { tokenUrl: /t, scopes: { read: A secret word. } } } }";
    let text = DOCUMENT
        .replace("    Kind:\n", kind)
        .replace("    Desk: { type: http, scheme: bearer, description: For staff. }", &format!("    {desk}"))
        .replace("  version: '7'", "  version: '7'\n  termsOfService: A secret word.");
    assert_eq!(text.matches("A secret word.").count(), 5);
    put(root.path(), "document.yaml", &text);
    let output = regen(root.path(), false);
    assert_eq!(output.outcome, Outcome::Changed, "{}", output.err);
    for (name, text) in fixture::files(&root.path().join("specs")) {
        assert!(!text.contains("secret"), "{name}: {text}");
    }
}

#[test]
fn specs_that_the_generator_rejects_are_not_written() {
    let root = generated();
    let two = "        202:\n          description: Later.\n          content: { application/json: { schema: { type: string } } }\n        201:\n";
    put(root.path(), "document.yaml", &DOCUMENT.replace("        201:\n", two));
    let before = fixture::files(root.path());
    let report = root.path().join("report.md");
    let request = Request {
        vendor: Some("library".into()),
        input: Input::From(Origin::File(root.path().join("document.yaml"))),
        report: Some(report.clone()),
        ..Request::default()
    };
    let output = run(root.path(), &request);
    assert_eq!(output.outcome, Outcome::Failed);
    insta::assert_snapshot!(output.err, @"
    specs/library/openapi.yaml: cannot generate bindings: POST /loans (createLoan): successful responses differ in body (see 202)
    no file was written
    ");
    let text = std::fs::read_to_string(&report).unwrap();
    assert!(text.starts_with("## library: failed; no file was written"), "{text}");
    assert!(text.contains("surface-unknown"), "{text}");
    std::fs::remove_file(report).unwrap();
    assert_eq!(fixture::files(root.path()), before);
}

#[test]
fn document_does_not_differ_from_itself() {
    let root = generated();
    put(root.path(), "copy.yaml", &(DOCUMENT.to_owned() + "# The same.\n"));
    let at = |name: &str| Origin::File(root.path().join(name));
    let request = Request {
        vendor: Some("library".into()),
        input: Input::From(at("copy.yaml")),
        base: Some(at("document.yaml")),
        mode: Mode::Drift,
        ..Request::default()
    };
    let output = run(root.path(), &request);
    assert_eq!((output.outcome, output.out.as_str()), (Outcome::Success, ""), "{}", output.err);
}
