//! Tests the comparison of documents in which a property moves to another place, gets a new name or
//! is wrapped in `allOf`.

use serde_json::{Value, json};

use super::tests::{POST, REQUEST, RESPONSE, SPEC, drift_between, edited, lines};
use super::{Drift, Level};
use crate::downconvert::downconvert;

fn old_due() -> Value {
    json!({ "type": "integer", "description": "Days that are left.", "example": 14 })
}

fn new_due() -> Value {
    json!({ "type": "integer", "description": "The day, counted from 1970.", "example": 20_000 })
}

fn set(spec: &mut Value, at: &str, value: Value) {
    let (parent, key) = at.rsplit_once('/').unwrap();
    spec.pointer_mut(parent).unwrap_or_else(|| panic!("no {at}"))[key.replace("~1", "/")] = value;
}

fn with(places: &[(&str, Value)]) -> Value {
    let mut spec = SPEC.clone();
    for (at, value) in places {
        set(&mut spec, at, value.clone());
        if value.is_null() {
            let (parent, key) = at.rsplit_once('/').unwrap();
            spec.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(&key.replace("~1", "/"));
        }
    }
    spec
}

fn refer(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn schema_of(status: &str) -> String {
    format!("{POST}/responses/{status}/content/application~1json/schema")
}

const SCHEMAS: &str = "/components/schemas";

fn row(name: &'static str, old: &[(&str, Value)], new: &[(&str, Value)]) -> (&'static str, Value, Value) {
    (name, with(old), with(new))
}

fn refactorings() -> Vec<(&'static str, Value, Value)> {
    let due = &format!("{RESPONSE}/due");
    let loan = SPEC.pointer("/components/schemas/Loan").unwrap();
    let mut moved = loan.clone();
    moved["properties"]["due"] = new_due();
    let loan_with = |due: Value| {
        let mut loan = loan.clone();
        loan["properties"]["due"] = due;
        loan
    };
    let days = &format!("{SCHEMAS}/Days");
    let day = &format!("{SCHEMAS}/Day");
    let (lent, refused) = (&schema_of("200"), &schema_of("400"));
    let ticket = &format!("{SCHEMAS}/Ticket");
    let inline = &format!("{SCHEMAS}/Loan");
    let mut as_ticket = moved.clone();
    as_ticket["properties"]["follows"] = refer("Ticket");
    vec![
        row(
            "a component name that a different schema had before",
            &[
                (ticket, json!({ "type": "object", "properties": { "why": { "type": "string" } } })),
                (refused, refer("Ticket")),
            ],
            &[
                (ticket, as_ticket.clone()),
                (lent, refer("Ticket")),
                (refused, refer("Refusal")),
                (inline, json!(null)),
            ],
        ),
        row("wrapped in allOf", &[], &[(due, json!({ "allOf": [new_due()] }))]),
        row(
            "wrapped in allOf with a reference to a component",
            &[],
            &[(day, new_due()), (due, json!({ "allOf": [refer("Day")] }))],
        ),
        row(
            "wrapped in allOf, with the text next to it",
            &[],
            &[
                (day, json!({ "type": "integer" })),
                (
                    due,
                    json!({ "allOf": [refer("Day")], "description": "The day, counted from 1970.", "example": 20_000 }),
                ),
            ],
        ),
        row("the whole schema wrapped in allOf", &[], &[(lent, json!({ "allOf": [moved.clone()] }))]),
        row(
            "the whole schema split into two parts of allOf",
            &[],
            &[
                (
                    lent,
                    json!({ "allOf": [refer("Loan"), { "type": "object", "properties": { "more": { "type": "string" } } }] }),
                ),
                (due, new_due()),
            ],
        ),
        row("oneOf with the old and new schema", &[], &[(due, json!({ "oneOf": [old_due(), new_due()] }))]),
        row(
            "anyOf with references to the old and the new schema",
            &[],
            &[(days, old_due()), (day, new_due()), (due, json!({ "anyOf": [refer("Days"), refer("Day")] }))],
        ),
        row(
            "another component, while the old one is still used elsewhere",
            &[(days, old_due()), (due, refer("Days")), (&format!("{REQUEST}/days"), refer("Days"))],
            &[
                (days, old_due()),
                (day, new_due()),
                (due, refer("Day")),
                (&format!("{REQUEST}/days"), refer("Days")),
            ],
        ),
        row("from inline to a component", &[], &[(day, new_due()), (due, refer("Day"))]),
        row("from a component to inline", &[(days, old_due()), (due, refer("Days"))], &[(due, new_due())]),
        row("the parent schema moves from a component to inline", &[], &[(lent, moved.clone())]),
        row(
            "the parent schema is renamed",
            &[],
            &[(ticket, as_ticket), (lent, refer("Ticket")), (inline, json!(null))],
        ),
        row(
            "the text moves next to the reference",
            &[(days, old_due()), (due, refer("Days"))],
            &[
                (days, old_due()),
                (
                    due,
                    json!({ "$ref": "#/components/schemas/Days", "description": "The day, counted from 1970.", "example": 20_000 }),
                ),
            ],
        ),
        row("the property stays in its place, for comparison", &[], &[(inline, loan_with(new_due()))]),
    ]
}

fn has_meaning(drift: &Drift, key: &str) -> bool {
    let is_of = |rule: &str| rule == format!("{key}-changed") || rule == format!("{key}-added");
    drift.changes.iter().any(|change| change.level == Level::Meaning && is_of(&change.rule))
}

#[test]
fn moved_property_is_not_reported_as_removed() {
    let mut all = String::new();
    for (name, old, new) in refactorings() {
        let drift = drift_between(&old, &new);
        let report = lines(&drift);
        assert!(has_meaning(&drift, "description") && has_meaning(&drift, "example"), "{name}\n{report}");
        let is_gone = |line: &&str| line.contains("was removed") && !line.contains("api-schema-removed");
        assert_eq!(report.lines().find(is_gone), None, "{name}\n{report}");
        assert!(!drift.changes.iter().any(|change| change.level == Level::Breaking), "{name}\n{report}");
        all += &format!("{name}\n{report}");
    }
    insta::assert_snapshot!("refactorings", all);
}

#[test]
fn differences_between_equivalent_specs_are_trivial() {
    let kind = &format!("{RESPONSE}/kind");
    let inline = SPEC.pointer("/components/schemas/Kind").unwrap().clone();
    let body = &format!("{POST}/requestBody");
    let parameters = &format!("{POST}/parameters");
    let list = SPEC.pointer(parameters).unwrap().clone();
    let headers = &format!("{POST}/responses/200/headers");
    let header = SPEC.pointer(&format!("{headers}/x-left")).unwrap().clone();
    let id = &format!("{RESPONSE}/id");
    let note = &format!("{REQUEST}/note");
    let response = SPEC.pointer(&format!("{POST}/responses/200")).unwrap().clone();
    let servers = json!([{ "url": "https://library.example" }]);
    let card = SPEC.pointer("/components/securitySchemes/Card").unwrap().clone();
    let with_charset = json!({ "application/json; charset=utf-8": { "schema": refer("Refusal") } });
    let mut loud = response["headers"].clone();
    loud.as_object_mut().unwrap().remove("x-left");
    loud["X-Left"] = header.clone();
    let mut day = list[1].clone();
    day["$ref"] = json!("#/components/parameters/Date");
    let rows = vec![
        row("an enum moves inline", &[], &[(kind, inline.clone())]),
        row("an enum becomes a component", &[(kind, inline.clone())], &[]),
        row("a reference in allOf", &[], &[(kind, json!({ "allOf": [refer("Kind")] }))]),
        row("a reference as the only item of oneOf", &[], &[(kind, json!({ "oneOf": [refer("Kind")] }))]),
        row(
            "an inline schema as the only item of anyOf",
            &[],
            &[(id, json!({ "anyOf": [{ "type": "string", "example": "l-1" }] }))],
        ),
        row(
            "null as an alternative",
            &[],
            &[(note, json!({ "oneOf": [{ "type": "string" }, { "enum": [null] }] }))],
        ),
        row(
            "null in the enum",
            &[(note, json!({ "type": "string", "nullable": true, "enum": ["a", "b"] }))],
            &[(note, json!({ "type": "string", "nullable": true, "enum": ["a", "b", null] }))],
        ),
        row(
            "null in the enum and as an alternative",
            &[(note, json!({ "oneOf": [{ "type": "string", "enum": ["a"] }, { "enum": [null] }] }))],
            &[(note, json!({ "type": "string", "enum": ["a", null] }))],
        ),
        row(
            "a request body becomes a component",
            &[],
            &[
                ("/components/requestBodies", json!({ "Lend": SPEC.pointer(body).unwrap() })),
                (body, json!({ "$ref": "#/components/requestBodies/Lend" })),
            ],
        ),
        row(
            "a response becomes a component",
            &[],
            &[
                ("/components/responses", json!({ "Lent": response })),
                (&format!("{POST}/responses/200"), json!({ "$ref": "#/components/responses/Lent" })),
            ],
        ),
        row(
            "a header becomes a component",
            &[],
            &[
                ("/components/headers", json!({ "Left": header })),
                (&format!("{headers}/x-left"), json!({ "$ref": "#/components/headers/Left" })),
            ],
        ),
        row("a header in capitals", &[], &[(headers, loud)]),
        row(
            "a media type with a parameter",
            &[],
            &[(&format!("{POST}/responses/400/content"), with_charset)],
        ),
        row(
            "a parameter component is renamed",
            &[],
            &[
                (
                    "/components/parameters",
                    json!({ "Date": SPEC.pointer("/components/parameters/Day").unwrap() }),
                ),
                (parameters, json!([list[0], day])),
            ],
        ),
        row(
            "a parameter moves to the path item",
            &[],
            &[(parameters, json!([list[1]])), ("/paths/~1loans/parameters", json!([list[0]]))],
        ),
        row(
            "servers move to each path",
            &[],
            &[
                ("/servers", json!(null)),
                ("/paths/~1loans/servers", servers.clone()),
                ("/paths/~1loans~1end/servers", servers),
            ],
        ),
        row(
            "a security scheme is renamed",
            &[],
            &[
                ("/components/securitySchemes/Ticket", card),
                ("/components/securitySchemes/Card", json!(null)),
                ("/security", json!([{ "Ticket": [] }, { "Login": ["read"] }])),
                ("/paths/~1loans~1end/post/security", json!([{ "Ticket": [] }])),
            ],
        ),
    ];
    let mut all = String::new();
    for (name, old, new) in rows {
        for (old, new) in [(&old, &new), (&new, &old)] {
            let drift = drift_between(old, new);
            let report = lines(&drift);
            let reported = drift.changes.iter().filter(|change| change.rule != "surface-unknown");
            assert_eq!(reported.map(|change| change.level).max(), Some(Level::Trivial), "{name}\n{report}");
            all += &format!("{name}\n{report}");
        }
    }
    insta::assert_snapshot!("rephrased", all);
}

fn read_3_1(at: &str, value: Value) -> Value {
    let mut spec = SPEC.clone();
    spec["openapi"] = json!(3.1);
    set(&mut spec, at, value);
    set(&mut spec, &format!("{REQUEST}/note"), json!({ "type": ["string", "null"] }));
    downconvert("it.yaml", spec).unwrap().document
}

#[test]
fn each_spelling_of_null_is_equivalent_to_nullable() {
    let (kind, required) = (format!("{REQUEST}/kind"), format!("{RESPONSE}/kind"));
    let optional = format!("{RESPONSE}/holder");
    let nothing = || json!({ "type": "null" });
    let mut all = String::new();
    for (at, level) in [(&kind, Level::Additive), (&optional, Level::Additive), (&required, Level::Breaking)]
    {
        let old = read_3_1(at, refer("Kind"));
        for value in [
            json!({ "oneOf": [nothing(), refer("Kind")] }),
            json!({ "oneOf": [refer("Kind"), nothing()] }),
            json!({ "anyOf": [refer("Kind"), nothing()] }),
            json!({ "type": ["string", "null"], "enum": ["long", "short", null] }),
        ] {
            let drift = drift_between(&old, &read_3_1(at, value.clone()));
            let report = lines(&drift);
            assert!(report.contains("became-nullable"), "{value}\n{report}");
            assert!(!report.contains("was removed"), "{value}\n{report}");
            assert_eq!(drift.level(), Some(level), "{at} {value}\n{report}");
            all += &format!("{at} = {value}\n{report}");
        }
    }
    insta::assert_snapshot!("nullable", all);
}

#[test]
fn adding_type_object_to_a_response_is_not_breaking() {
    let lent = schema_of("200");
    for schema in [json!({}), json!({ "properties": { "a": { "type": "string" } } })] {
        let mut typed = schema.clone();
        typed["type"] = json!("object");
        let drift = drift_between(&edited(&lent, schema.clone()), &edited(&lent, typed.clone()));
        assert!(drift.level() <= Some(Level::Additive), "{schema}\n{}", lines(&drift));
        let body = format!("{POST}/requestBody/content/application~1json/schema");
        let drift = drift_between(&edited(&body, schema.clone()), &edited(&body, typed));
        let expected = if schema == json!({}) { Level::Breaking } else { Level::Trivial };
        assert_eq!(drift.level(), Some(expected), "{schema}\n{}", lines(&drift));
    }
}

#[test]
fn wider_integer_format_is_additive_in_requests_but_breaking_in_responses() {
    let number = |format: &str| json!({ "type": "integer", "format": format });
    for (at, level) in
        [(format!("{REQUEST}/days"), Level::Additive), (format!("{RESPONSE}/due"), Level::Breaking)]
    {
        let drift = drift_between(&edited(&at, number("int32")), &edited(&at, number("int64")));
        assert_eq!(drift.level(), Some(level), "{at}\n{}", lines(&drift));
    }
}

#[test]
fn each_content_type_of_a_request_body_is_compared() {
    let form = format!("{POST}/requestBody/content/application~1x-www-form-urlencoded");
    let json_body = format!("{POST}/requestBody/content/application~1json");
    let lending = format!("{SCHEMAS}/Lending");
    let mut other = SPEC.pointer("/components/schemas/LoanRequest").unwrap().clone();
    other["properties"]["days"]["description"] = json!("Weeks, by now.");
    let both = |name: &str| json!({ "schema": refer(name) });
    let old = with(&[(&form, both("LoanRequest"))]);
    let one = with(&[(&lending, other.clone()), (&form, both("Lending"))]);
    let all = with(&[(&lending, other), (&form, both("Lending")), (&json_body, both("Lending"))]);
    for new in [one, all] {
        let report = lines(&drift_between(&old, &new));
        assert!(report.contains("Meaning description-added (request"), "{report}");
        assert!(!report.contains("was removed"), "{report}");
    }
}
