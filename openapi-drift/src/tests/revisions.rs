//! Tests the checked-in specs, and the reports about four revisions of an invented document. These
//! revisions differ in ways that we have also seen in a vendor's real documents.

use serde_json::{Value, json};

use super::*;

#[test]
fn checked_in_specs_match_the_regen_output() {
    let output = check(&workspace_root());
    assert_eq!(output.outcome, Outcome::Success, "{}{}", output.err, output.out);
}

fn refer(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

fn body(schema: Value) -> Value {
    json!({ "description": "", "content": { "application/json": { "schema": schema } } })
}

fn text(description: &str, example: &str) -> Value {
    json!({ "type": "string", "description": description, "example": example })
}

fn due(description: &str, example: u32) -> Value {
    json!({ "type": "integer", "format": "int32", "description": description, "example": example })
}

fn kind(values: &[&str], description: &str) -> Value {
    json!({ "type": "string", "enum": values, "description": description })
}

fn security() -> Value {
    json!({ "Card": { "type": "http", "scheme": "basic" } })
}

fn first() -> Value {
    json!({
        "openapi": "3.0.0",
        "info": { "title": "Library", "version": "" },
        "servers": [{ "url": "https://library.example" }],
        "paths": { "/loans": { "post": {
            "operationId": "openLoan",
            "description": "Lend a book.",
            "parameters": [],
            "security": [{ "Card": [] }],
            "requestBody": { "required": true, "content": { "application/json": { "schema": refer("schemas", "Desk.LoanRequest") } } },
            "responses": {
                "201": body(refer("schemas", "Desk.Loan")),
                "401": { "description": "" },
                "403": { "description": "" },
                "409": body(refer("schemas", "Desk.Refusal")),
                "422": body(json!({})),
            },
        } } },
        "components": { "securitySchemes": security(), "schemas": {
            "Desk.LoanRequest": { "type": "object", "required": ["kind", "titles"], "properties": {
                "kind": refer("schemas", "Desk.Kind"),
                "titles": text("What to lend.", "Emma, Persuasion"),
            } },
            "Desk.Loan": { "type": "object", "required": ["id", "due"], "properties": {
                "id": text("Opaque.", "l-1"),
                "due": due("Days that are left.", 14),
                "state": refer("schemas", "Desk.State"),
            } },
            "Desk.Kind": kind(&["long", "short"], "How long."),
            "Desk.State": kind(&["lent", "late"], "Where it is."),
            "Desk.Refusal": { "type": "object", "properties": { "why": { "type": "string" } } },
        } },
    })
}

fn second() -> Value {
    let request = || json!({ "schema": refer("schemas", "LoanRequest") });
    let mut document = first();
    document["info"]["version"] = json!("latest");
    document["paths"] = json!({
        "/loans": { "post": {
            "operationId": "createLoan",
            "description": "Lend or extend.",
            "parameters": [refer("parameters", "Shared")],
            "security": [{ "Card": [] }],
            "requestBody": { "required": true, "content": {
                "application/json": request(),
                "application/x-www-form-urlencoded": request(),
            } },
            "responses": { "201": body(refer("schemas", "Loan")), "422": body(refer("schemas", "Invalid")) },
        } },
        "/loans/{id}/end": { "post": {
            "operationId": "endLoan",
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
            "security": [{ "Card": [] }],
            "responses": { "204": { "description": "" } },
        } },
    });
    document["components"] = json!({
        "securitySchemes": security(),
        "parameters": { "Shared": {
            "name": "x-edition", "in": "header", "required": false, "description": "Which edition.",
            "schema": refer("schemas", "Editions"),
        } },
        "schemas": {
            "Editions": kind(&["e1", "newest"], "One for each year."),
            "LoanRequest": { "type": "object", "required": ["kind"], "properties": {
                "kind": refer("schemas", "Kind"),
                "title": text("What to lend or extend.", "Emma"),
                "card": text("The card, unless a header has it.", "c-1"),
            } },
            "Loan": { "type": "object", "required": ["due", "id"], "properties": {
                "id": refer("schemas", "LoanId"),
                "due": due("The day, counted from 1970.", 20_000),
                "state": refer("schemas", "State"),
            } },
            "LoanId": { "type": "string", "maxLength": 64, "description": "Not to be parsed.", "example": "ey-1" },
            "Kind": kind(&["long", "short"], "How long, in words."),
            "State": kind(&["lent", "late"], "Where it is, in words."),
            "Invalid": { "type": "object", "properties": { "title": { "type": "string" } } },
        },
    });
    document
}

fn third() -> Value {
    let mut document = second();
    document["components"]["schemas"]["Editions"] = kind(&["e2", "e3", "newest"], "Two a year.");
    for path in ["/loans", "/loans/{id}/end"] {
        for status in ["500", "504"] {
            document["paths"][path]["post"]["responses"][status] = json!({ "description": "" });
        }
    }
    document
}

fn fourth() -> Value {
    let mut document = third();
    document["security"] = json!([{ "Card": [] }]);
    document["components"]["parameters"] = json!({ "Edition": {
        "name": "x-edition", "in": "header", "required": false, "description": "Which edition. Two a year.",
        "schema": { "type": "string", "default": "e1", "x-hidden": true },
    } });
    document["paths"]["/loans"]["post"]["parameters"] = json!([refer("parameters", "Edition")]);
    document["components"]["schemas"].as_object_mut().unwrap().remove("Editions");
    document["components"]["schemas"]["State"] = kind(&["Lent"], "One word.");
    for path in ["/loans", "/loans/{id}/end"] {
        let post = document["paths"][path]["post"].as_object_mut().unwrap();
        post.remove("security");
        for (_, response) in post["responses"].as_object_mut().unwrap() {
            response["headers"] = json!({ "x-request-id": { "required": true, "schema": { "type": "string", "format": "uuid" } } });
        }
    }
    document
}

#[test]
fn drift_command_reports_the_changes_between_any_two_revisions() {
    let root = workspace();
    let revisions = [("first", first()), ("second", second()), ("third", third()), ("fourth", fourth())];
    for (name, document) in &revisions {
        put(root.path(), &format!("{name}.yaml"), &document.to_string());
    }
    let at = |name: &str| Origin::File(root.path().join(format!("{name}.yaml")));
    for (index, (from, _)) in revisions.iter().enumerate() {
        for (to, _) in &revisions[index + 1..] {
            let request = Request {
                vendor: Some("library".into()),
                input: Input::From(at(to)),
                base: Some(at(from)),
                mode: Mode::Drift,
                ..Request::default()
            };
            let output = run(root.path(), &request);
            assert_eq!(output.outcome, Outcome::NeedsReview, "{from} {to}: {}", output.err);
            assert!(!output.out.contains("`due` was removed"), "{from} {to}: {}", output.out);
            assert!(!output.out.contains("unhandled ("), "{from} {to}: {}", output.out);
            insta::assert_snapshot!(format!("{from}_{to}"), output.out);
        }
    }
}
