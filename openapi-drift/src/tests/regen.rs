//! `regen`: what it writes, what `--check` shows, and that nothing is written on a problem.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::shape::walk;

#[test]
fn regen_writes_two_specs_and_a_record() {
    let root = workspace();
    let output = regen(root.path(), false);
    insta::assert_snapshot!(output.err, @"
    library: operation openLoan is kept as createLoan
    library: wrote specs/library/source.toml, specs/library/upstream.yaml, specs/library/upstream.lock, specs/library/openapi.yaml
    ");
    assert_eq!(output.out, "");
    insta::assert_snapshot!("upstream", read(root.path(), UPSTREAM));
    let corrected = unified("spec", &read(root.path(), UPSTREAM), &read(root.path(), CONTRACT));
    insta::assert_snapshot!(corrected, @"
    --- a/spec
    +++ b/spec
    @@ -1,4 +1,4 @@
    -# Cut by `cargo xtask regen library` from the document named in source.toml. Do not edit.
    +# Written by `cargo xtask regen library`. Corrections belong in overlay.yaml.
     components:
       parameters:
         Branch:
    @@ -13,6 +13,7 @@
           - short
           type: string
         Loan:
    +      description: What was lent.
           properties:
             due:
               format: date
    ");
    let source = read(root.path(), SOURCE);
    assert!(source.contains("\"document\" # as the library calls it"), "{source}");
    assert!(!source.contains("0000"), "{source}");
}

#[test]
fn regen_of_the_recorded_document_changes_nothing() {
    let root = generated();
    put(root.path(), "copy.yaml", DOCUMENT);
    let before = fixture::files(root.path());
    for (name, only_check) in [("document.yaml", true), ("document.yaml", false), ("copy.yaml", false)] {
        let output = regen_from(root.path(), name, only_check);
        assert_eq!(output.outcome, Outcome::Success);
        assert!(output.err.ends_with("library: up to date with document\n"), "{}", output.err);
    }
    assert_eq!(fixture::files(root.path()), before);
}

#[test]
fn json_document_gives_the_same_specs_as_yaml() {
    let root = generated();
    let before = [UPSTREAM, CONTRACT].map(|name| read(root.path(), name));
    put(root.path(), "document.yaml", &fixture::document().to_string());
    assert_eq!(regen(root.path(), false).outcome, Outcome::Changed, "the file is another");
    assert_eq!([UPSTREAM, CONTRACT].map(|name| read(root.path(), name)), before);
}

#[test]
fn regen_without_a_document_only_reapplies_the_overlay() {
    let root = generated();
    edit(root.path(), OVERLAY, "What was lent.", "What is lent.");
    let output = run(root.path(), &Request::default());
    assert_eq!(output.err, "library: wrote specs/library/openapi.yaml\n");
    assert!(read(root.path(), CONTRACT).contains("What is lent."));
    assert_eq!(check(root.path()).outcome, Outcome::Success);
}

#[test]
fn recorded_document_can_be_given_another_revision_name() {
    let root = generated();
    let request = Request {
        vendor: Some("library".into()),
        input: Input::From(Origin::File(root.path().join("document.yaml"))),
        revision: Some("third".into()),
        ..Request::default()
    };
    let output = run(root.path(), &request);
    assert!(output.err.ends_with("wrote specs/library/source.toml\n"), "{}", output.err);
    assert!(read(root.path(), SOURCE).contains("revision = \"third\""));
}

#[test]
fn check_passes_when_nothing_would_change() {
    let root = generated();
    let output = check(root.path());
    assert_eq!(output.outcome, Outcome::Success);
    assert_eq!(output.out, "");
    assert_eq!(output.err, "library: up to date with document\n");
}

#[test]
fn check_shows_a_hand_edit_without_changing_it() {
    let root = generated();
    edit(root.path(), CONTRACT, "What was lent.", "Lent.");
    let before = fixture::files(root.path());
    let output = check(root.path());
    assert_eq!(output.outcome, Outcome::Changed);
    assert_eq!(output.err, "library: regen would change specs/library/openapi.yaml\n");
    insta::assert_snapshot!(output.out, @"
    library: from what is checked in to document

    trivial (1): nothing changes on the wire
      documentation-changed: `description` changed (response, ours, patch)
        #/components/schemas/Loan/description
        behind fn create_loan, type Loan.due, type Loan.follows, type Loan.kind, type Loan.title

    verdict: patch; lines of the generated API: 0 breaking, 0 new
    --- a/specs/library/openapi.yaml
    +++ b/specs/library/openapi.yaml
    @@ -13,7 +13,7 @@
           - short
           type: string
         Loan:
    -      description: Lent.
    +      description: What was lent.
           properties:
             due:
               format: date
    ");
    assert_eq!(fixture::files(root.path()), before);
}

#[test]
fn check_shows_an_upstream_file_that_is_not_canonical() {
    let root = generated();
    edit(root.path(), UPSTREAM, "      - long\n      - short", "      - short\n      - long");
    let output = check(root.path());
    assert_eq!(output.outcome, Outcome::Changed);
    insta::assert_snapshot!(output.out, @"
    --- a/specs/library/upstream.yaml
    +++ b/specs/library/upstream.yaml
    @@ -9,8 +9,8 @@
       schemas:
         Kind:
           enum:
    +      - long
           - short
    -      - long
           type: string
         Loan:
           properties:
    ");
}

#[test]
fn check_shows_a_missing_file() {
    let root = generated();
    std::fs::remove_file(root.path().join(CONTRACT)).unwrap();
    let output = check(root.path());
    assert_eq!(output.outcome, Outcome::Changed);
    assert!(output.out.contains("@@ -0,0 +1,"), "{}", output.out);
}

#[test]
fn check_against_a_new_document_shows_what_changed() {
    let root = generated();
    let new = DOCUMENT
        .replace("enum: [short, long]", "enum: [long, short, endless]")
        .replace("Lends books.", "Lends books and maps.");
    put(root.path(), "document.yaml", &new);
    let before = fixture::files(root.path());
    let output = regen(root.path(), true);
    assert_eq!(output.outcome, Outcome::NeedsReview);
    let facts = output.out.split_once("--- a/specs/library/upstream.yaml").unwrap().1;
    insta::assert_snapshot!(facts, @"

    +++ b/specs/library/upstream.yaml
    @@ -9,6 +9,7 @@
       schemas:
         Kind:
           enum:
    +      - endless
           - long
           - short
           type: string
    --- a/specs/library/upstream.lock
    +++ b/specs/library/upstream.lock
    @@ -1,5 +1,5 @@
     # What upstream.yaml leaves out, as fingerprints; `cargo xtask regen library` writes it. Do not edit.
    -61919bab17272a24 #
    +d3304265b92fbe94 #
     56ab9386a057e6d5 #/components/parameters/Branch/description
     37171d544cfb4831 #/components/parameters/Branch/schema/example
     cb56d5b5412fc541 #/components/schemas/Loan/description
    @@ -7,7 +7,7 @@
     4be9d4f1daabdb03 #/components/schemas/Loan/properties/title/title
     dee954c824f17a2c #/components/schemas/LoanRequest/properties/description/description
     0f15a1047f5c6b35 #/components/securitySchemes/Desk/description
    -d0509c61d4c15718 #/info/description
    +d669b206bc6aaf48 #/info/description
     8dd9eb39c08f415c #/info/x-team
     4dbc4b910cc7a9a4 #/paths/~1loans/post/operationId
     649fdfeba3739c2e #/paths/~1loans/post/requestBody/content/application~1json/example
    @@ -18,4 +18,4 @@
     dff579af117630e5 #/paths/~1loans~1{id}~1end/post/responses/204/description
     4e07408562bedb8b #/paths/~1loans~1{id}~1end/post/x-weight
     2dcdef83e00c1b9c #/servers/0/description
    -5fa06f36b283f5d9 end
    +003efb98ffcae55b end
    --- a/specs/library/openapi.yaml
    +++ b/specs/library/openapi.yaml
    @@ -9,6 +9,7 @@
       schemas:
         Kind:
           enum:
    +      - endless
           - long
           - short
           type: string
    ");
    assert_eq!(fixture::files(root.path()), before);
}

#[test]
fn check_shows_changes_even_if_the_overlay_no_longer_applies() {
    let root = generated();
    let new = DOCUMENT.replace("schemas/Loan'", "schemas/Loaned'").replace("    Loan:", "    Loaned:");
    put(root.path(), "document.yaml", &new);
    let output = regen(root.path(), true);
    assert_eq!(output.outcome, Outcome::NeedsReview);
    assert!(output.out.contains("+++ b/specs/library/upstream.yaml"), "{}", output.out);
    insta::assert_snapshot!(output.err, @"
    library: operation openLoan is kept as createLoan
    library: resolve by hand first:
      specs/library/overlay.yaml: actions[0] on $.components.schemas.Loan: matches nothing (x-why: Docs.); since api-schema-renamed at #/components/schemas/Loaned: `Loan` was renamed to `Loaned`
    ");
}

#[test]
fn regen_writes_no_file_on_a_problem() {
    let root = generated();
    let before = fixture::files(root.path());
    let sound = read(root.path(), OVERLAY);
    let leads_nowhere = "{ $ref: '#/components/schemas/None' }";
    for (name, text, message) in [
        ("document.yaml", DOCUMENT.replace("  /loans:", "  /l:"), "no POST /loans"),
        ("document.yaml", "a: [".to_owned(), "document.yaml: "),
        (OVERLAY, sound.replace("schemas.Loan", "schemas.None"), "actions[0]"),
        (OVERLAY, sound.replace("x-kind: ours", "x-kind: mine"), "x-kind must be"),
        (OVERLAY, sound.replace("{ description: What was lent. }", leads_nowhere), "which does not exist"),
        (SOURCE, String::new(), "specs/library/source.toml"),
    ] {
        // A new document, so that every file would change.
        put(root.path(), "document.yaml", &DOCUMENT.replace("enum: [short, long]", "enum: [a]"));
        put(root.path(), name, &text);
        let spoilt = fixture::files(root.path());
        let output = regen(root.path(), false);
        assert!(output.outcome >= Outcome::NeedsReview, "{message}");
        assert!(output.err.contains(message), "{}", output.err);
        assert!(output.err.ends_with("nothing was written\n"), "{}", output.err);
        assert_eq!(fixture::files(root.path()), spoilt, "{message}");
        for (name, text) in &before {
            put(root.path(), name, text);
        }
    }
}

#[test]
fn failure_of_one_vendor_prevents_writing_any_vendor() {
    let root = generated();
    let library = root.path().join("specs/library");
    let museum = root.path().join("specs/museum");
    std::fs::create_dir(&museum).unwrap();
    for file in ["source.toml", "upstream.lock", "upstream.yaml"] {
        std::fs::copy(library.join(file), museum.join(file)).unwrap();
    }
    edit(root.path(), OVERLAY, "What was lent.", "What is lent.");
    let before = fixture::files(root.path());
    let output = run(root.path(), &Request::default());
    assert_eq!(output.outcome, Outcome::Failed);
    assert!(output.err.starts_with("specs/museum/overlay.yaml: "), "{}", output.err);
    assert_eq!(fixture::files(root.path()), before);
}

#[test]
fn unresolved_problem_of_one_vendor_prevents_writing_any_vendor() {
    let root = generated();
    let library = root.path().join("specs/library");
    let museum = root.path().join("specs/museum");
    std::fs::create_dir(&museum).unwrap();
    for file in ["source.toml", "upstream.lock", "upstream.yaml", "overlay.yaml"] {
        std::fs::copy(library.join(file), museum.join(file)).unwrap();
    }
    edit(root.path(), "specs/museum/overlay.yaml", "schemas.Loan", "schemas.Exhibit");
    edit(root.path(), OVERLAY, "What was lent.", "What is lent.");
    let before = fixture::files(root.path());
    let output = run(root.path(), &Request::default());
    assert_eq!(output.outcome, Outcome::NeedsReview);
    insta::assert_snapshot!(output.err, @"
    library: regen would change specs/library/openapi.yaml
    museum: resolve by hand first:
      specs/museum/overlay.yaml: actions[0] on $.components.schemas.Exhibit: matches nothing (x-why: Docs.)
    nothing was written
    ");
    assert_eq!(fixture::files(root.path()), before);
}

#[test]
fn unknown_vendor_and_document_without_a_vendor_are_errors() {
    let root = workspace();
    let unknown = Request { vendor: Some("../specs/library".into()), ..Request::default() };
    let output = run(root.path(), &unknown);
    assert_eq!(output.outcome, Outcome::Failed);
    assert!(output.err.contains("the vendors are: library"), "{}", output.err);
    let nobody = Request { input: Input::Recorded, ..Request::default() };
    let output = run(root.path(), &nobody);
    assert_eq!(output.outcome, Outcome::Failed);
    assert!(output.err.contains("name the vendor"), "{}", output.err);
}

#[test]
fn transcript_is_sorted_and_accepts_no_document() {
    let root = workspace();
    put(
        root.path(),
        SOURCE,
        "kind = \"transcribed\"\n[[operation]]\nid = \"endLoan\"\nmethod = \"post\"\npath = \"/end\"\n",
    );
    put(
        root.path(),
        UPSTREAM,
        "\
# From memory.
paths:
  /end:
    post:
      x-source: a talk at the desk
      summary: End
      operationId: endLoan
      responses: { 204: { description: Ended. } }
openapi: 3.0.3
info: { version: 2030-01-01, title: Library }
components: { schemas: { Loan: { x-source: a receipt, title: Loan, type: object } } }
",
    );
    let output = run(root.path(), &Request::default());
    assert_eq!(output.outcome, Outcome::Changed, "{}", output.err);
    insta::assert_snapshot!(read(root.path(), UPSTREAM), @"
    # Transcribed by hand. `cargo xtask regen library` sorts it; it keeps no comment and no prose.
    components:
      schemas:
        Loan:
          type: object
          x-source: a receipt
    info:
      title: Library
      version: '2030-01-01'
    openapi: 3.0.3
    paths:
      /end:
        post:
          operationId: endLoan
          responses:
            '204':
              description: ''
          x-source: a talk at the desk
    ");
    assert_eq!(check(root.path()).outcome, Outcome::Success);

    let output = regen(root.path(), false);
    assert_eq!(output.outcome, Outcome::Failed);
    assert!(output.err.starts_with("library publishes no document"), "{}", output.err);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the document, if regen takes it, doing it again changes nothing.
    #[test]
    fn regen_of_its_own_output_changes_nothing(
        at in proptest::sample::select(places()),
        value in prop_oneof![Just(json!(null)), Just(json!("text")), Just(json!(["b", "a"])), Just(json!({ "type": "string" }))],
    ) {
        let mut document = fixture::document();
        *document.pointer_mut(&at).unwrap() = value;
        let root = workspace();
        put(root.path(), "document.yaml", &document.to_string());
        let output = regen(root.path(), false);
        if !output.err.ends_with("nothing was written\n") {
            let written = fixture::files(root.path());
            prop_assert_eq!(regen(root.path(), false).outcome, Outcome::Success);
            prop_assert_eq!(check(root.path()).outcome, Outcome::Success);
            prop_assert_eq!(fixture::files(root.path()), written);
        }
    }
}

/// Every place of the library's document.
fn places() -> Vec<String> {
    let mut places = Vec::new();
    walk(&fixture::document(), &crate::shape::DOCUMENT, "", &mut |at, _, _| {
        if !at.is_empty() {
            places.push(at.to_owned());
        }
    });
    places
}
