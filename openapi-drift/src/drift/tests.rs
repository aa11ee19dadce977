//! Tests how each single edit of a spec is reported, and that no edit is ignored.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::canonical::{Form, canonical};
use crate::shape::walk;

pub(super) static SPEC: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "openapi": "3.0.3",
        "info": { "title": "Library", "version": "1", "contact": { "name": "Desk" } },
        "servers": [{ "url": "https://library.example" }],
        "security": [{ "Card": [] }, { "Login": ["read"] }],
        "paths": {
            "/loans": {
                "post": {
                    "operationId": "createLoan",
                    "description": "Lends.",
                    "parameters": [
                        { "name": "branch", "in": "query", "schema": { "type": "string", "enum": ["a", "b"] } },
                        { "$ref": "#/components/parameters/Day" },
                    ],
                    "requestBody": {
                        "required": true,
                        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/LoanRequest" } } },
                    },
                    "responses": {
                        "200": {
                            "description": "Lent.",
                            "headers": {
                                "x-request-id": { "required": true, "schema": { "type": "string" } },
                                "x-left": { "schema": { "type": "integer", "maximum": 9 } },
                            },
                            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Loan" } } },
                        },
                        "400": {
                            "description": "No.",
                            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Refusal" } } },
                        },
                    },
                },
            },
            "/loans/end": {
                "post": {
                    "operationId": "endLoan",
                    "deprecated": true,
                    "security": [{ "Card": [] }],
                    "responses": { "204": { "description": "Ended." } },
                },
            },
        },
        "components": {
            "parameters": {
                "Day": { "name": "x-day", "in": "header", "required": true, "schema": { "type": "string" } },
            },
            "schemas": {
                "LoanRequest": {
                    "type": "object",
                    "required": ["title"],
                    "properties": {
                        "title": { "type": "string", "maxLength": 80, "pattern": "^.", "description": "Of the book." },
                        "days": { "type": "integer", "minimum": 1, "maximum": 30, "default": 14 },
                        "tags": { "type": "array", "items": { "type": "string" }, "maxItems": 3 },
                        "kind": { "$ref": "#/components/schemas/Kind" },
                        "note": { "type": "string", "nullable": true },
                    },
                },
                "Loan": {
                    "type": "object",
                    "required": ["id", "kind"],
                    "properties": {
                        "id": { "type": "string", "example": "l-1" },
                        "kind": { "$ref": "#/components/schemas/Kind" },
                        "due": { "type": "integer", "description": "Days that are left.", "example": 14 },
                        "holder": { "oneOf": [{ "type": "string" }, { "type": "integer" }] },
                        "follows": { "$ref": "#/components/schemas/Loan" },
                    },
                },
                "Kind": { "type": "string", "enum": ["long", "short"] },
                "Refusal": { "type": "object", "properties": { "why": { "type": "string" } } },
            },
            "securitySchemes": {
                "Card": { "type": "http", "scheme": "basic" },
                "Login": {
                    "type": "oauth2",
                    "flows": { "clientCredentials": { "tokenUrl": "/token", "scopes": { "read": "Reads." } } },
                },
            },
        },
    })
});

pub(super) fn edited(at: &str, value: Value) -> Value {
    let mut spec = SPEC.clone();
    let (parent, key) = at.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match spec.pointer_mut(parent).unwrap_or_else(|| panic!("{at} does not exist")) {
        Value::Object(map) if value.is_null() => drop(map.remove(&key).unwrap_or_else(|| panic!("no {at}"))),
        Value::Object(map) => drop(map.insert(key, value)),
        Value::Array(list) if value.is_null() => drop(list.remove(key.parse().unwrap())),
        Value::Array(list) if key == "-" => list.push(value),
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
        _ => panic!("{at} has no parent"),
    }
    spec
}

struct CheckedIn {
    facts: Value,
    omitted: Omitted,
    lock: Lock,
}

impl CheckedIn {
    fn of(spec: &Value) -> Self {
        let facts = canonical(spec.clone(), Form::Facts);
        let omitted = omitted(spec, &facts);
        let lock = Lock::of(&omitted, &facts);
        Self { facts, omitted, lock }
    }

    fn state(&self) -> State<'_> {
        State { facts: &self.facts, contract: None, lock: &self.lock }
    }
}

pub(super) fn drift_between(old: &Value, new: &Value) -> Drift {
    let (old, new) = (CheckedIn::of(old), CheckedIn::of(new));
    drift(old.state(), new.state(), &new.omitted)
}

pub(super) fn is_told(old: &Value, new: &Value) -> bool {
    let (old, new) = (CheckedIn::of(old), CheckedIn::of(new));
    !changes(old.state(), new.state(), &new.omitted, &Err(String::new())).is_empty()
}

pub(super) fn lines(drift: &Drift) -> String {
    let line = |change: &Change| {
        let side = change.side.map(|side| format!("{side:?} ")).unwrap_or_default().to_lowercase();
        format!("    {:?} {} ({side}{:?}): {}\n", change.level, change.rule, change.semver, change.what)
    };
    let lines: String = drift.changes.iter().map(line).collect();
    if let Err(reason) = &drift.surface {
        lines + &format!("    cannot generate bindings: {reason}\n")
    } else {
        lines
    }
}

pub(super) const REQUEST: &str = "/components/schemas/LoanRequest/properties";
pub(super) const RESPONSE: &str = "/components/schemas/Loan/properties";
pub(super) const POST: &str = "/paths/~1loans/post";

fn table() -> Vec<(String, Value)> {
    let body = format!("{POST}/requestBody");
    let response = format!("{POST}/responses/200");
    let json_of = |at: &str| format!("{at}/content/application~1json");
    let scopes = "/components/securitySchemes/Login/flows/clientCredentials";
    let rows = [
        (
            "/paths/~1books".to_owned(),
            json!({ "get": { "operationId": "listBooks", "responses": { "200": { "description": "" } } } }),
        ),
        (
            "/paths/~1loans~1end/get".into(),
            json!({ "operationId": "endings", "responses": { "200": { "description": "" } } }),
        ),
        ("/paths/~1loans".into(), json!(null)),
        ("/paths/~1loans/post".into(), json!(null)),
        ("/paths/~1loans~1end/post".into(), json!(null)),
        (format!("{POST}/operationId"), json!("lendBook")),
        (format!("{POST}/deprecated"), json!(true)),
        (format!("{POST}/deprecated"), json!(false)),
        ("/paths/~1loans~1end/post/deprecated".into(), json!(null)),
        (format!("{POST}/callbacks"), json!({ "onEnd": {} })),
        (format!("{POST}/description"), json!("Lends a book.")),
        (format!("{POST}/tags"), json!(["Loans"])),
        (format!("{POST}/x-weight"), json!(3)),
        (
            format!("{POST}/parameters/-"),
            json!({ "name": "page", "in": "query", "schema": { "type": "integer" } }),
        ),
        (
            format!("{POST}/parameters/-"),
            json!({ "name": "x", "in": "header", "required": true, "schema": { "type": "string" } }),
        ),
        (format!("{POST}/parameters/0"), json!(null)),
        (format!("{POST}/parameters/0/required"), json!(true)),
        (format!("{POST}/parameters/0/deprecated"), json!(true)),
        (format!("{POST}/parameters/0/style"), json!("form")),
        (format!("{POST}/parameters/0/schema/type"), json!("integer")),
        (format!("{POST}/parameters/0/schema/default"), json!("a")),
        (format!("{POST}/parameters/0/schema/enum"), json!(["a", "c"])),
        (format!("{POST}/parameters/0/schema/enum"), json!(null)),
        ("/components/parameters/Day/required".into(), json!(false)),
        ("/components/parameters/Day/name".into(), json!("x-date")),
        (
            "/paths/~1loans/parameters".into(),
            json!([{ "name": "all", "in": "query", "schema": { "type": "string" } }]),
        ),
        (body.clone(), json!(null)),
        (format!("{body}/required"), json!(null)),
        (
            "/paths/~1loans~1end/post/requestBody".into(),
            json!({ "content": { "application/json": { "schema": { "type": "string" } } } }),
        ),
        (
            format!("{body}/content/application~1x-www-form-urlencoded"),
            json!({ "schema": { "$ref": "#/components/schemas/LoanRequest" } }),
        ),
        (format!("{}/schema", json_of(&body)), json!(null)),
        (format!("{}/schema", json_of(&body)), json!({ "$ref": "#/components/schemas/Refusal" })),
        (format!("{}/encoding", json_of(&body)), json!({ "title": { "style": "form" } })),
        (format!("{REQUEST}/shelf"), json!({ "type": "string" })),
        ("/components/schemas/LoanRequest/required/-".into(), json!("days")),
        ("/components/schemas/LoanRequest/required".into(), json!(null)),
        ("/components/schemas/LoanRequest/required/-".into(), json!("nothing")),
        ("/components/schemas/LoanRequest/additionalProperties".into(), json!(false)),
        (format!("{REQUEST}/title"), json!(null)),
        (format!("{REQUEST}/title/type"), json!("integer")),
        (format!("{REQUEST}/title/format"), json!("uuid")),
        (format!("{REQUEST}/title/maxLength"), json!(40)),
        (format!("{REQUEST}/title/maxLength"), json!(null)),
        (format!("{REQUEST}/title/minLength"), json!(2)),
        (format!("{REQUEST}/title/pattern"), json!("^..")),
        (format!("{REQUEST}/title/pattern"), json!(null)),
        (format!("{REQUEST}/title/enum"), json!(["Emma"])),
        (format!("{REQUEST}/title/description"), json!("Of the book, in full.")),
        (format!("{REQUEST}/days/maximum"), json!(60)),
        (format!("{REQUEST}/days/minimum"), json!(2)),
        (format!("{REQUEST}/days/exclusiveMaximum"), json!(true)),
        (format!("{REQUEST}/days/multipleOf"), json!(7)),
        (format!("{REQUEST}/days/default"), json!(21)),
        (format!("{REQUEST}/days/default"), json!(null)),
        (format!("{REQUEST}/days/deprecated"), json!(true)),
        (format!("{REQUEST}/days/readOnly"), json!(true)),
        (format!("{REQUEST}/tags/maxItems"), json!(2)),
        (format!("{REQUEST}/tags/uniqueItems"), json!(true)),
        (format!("{REQUEST}/tags/items"), json!({ "type": "integer" })),
        (format!("{REQUEST}/tags/xml"), json!({ "wrapped": true })),
        (format!("{REQUEST}/note/nullable"), json!(null)),
        (format!("{REQUEST}/days/nullable"), json!(true)),
        (format!("{REQUEST}/kind"), json!({ "type": "string", "enum": ["long", "short"] })),
        (format!("{REQUEST}/note/not"), json!({ "enum": ["x"] })),
        ("/components/schemas/Kind/enum".into(), json!(["endless", "long"])),
        ("/components/schemas/Kind/type".into(), json!("integer")),
        (format!("{RESPONSE}/shelf"), json!({ "type": "string" })),
        (format!("{RESPONSE}/due"), json!(null)),
        (format!("{RESPONSE}/id"), json!(null)),
        (format!("{RESPONSE}/id/maxLength"), json!(9)),
        (format!("{RESPONSE}/id/nullable"), json!(true)),
        (format!("{RESPONSE}/id/example"), json!("l-2")),
        (format!("{RESPONSE}/due/description"), json!("The day, as a number of days since 1970.")),
        (format!("{RESPONSE}/due/example"), json!(20_000)),
        (format!("{RESPONSE}/due/type"), json!("string")),
        ("/components/schemas/Loan/required".into(), json!(["kind"])),
        ("/components/schemas/Loan/required/-".into(), json!("due")),
        (format!("{RESPONSE}/holder/oneOf/-"), json!({ "type": "boolean" })),
        (format!("{RESPONSE}/holder/oneOf/0"), json!(null)),
        (format!("{RESPONSE}/holder/discriminator"), json!({ "propertyName": "kind" })),
        (format!("{POST}/responses/201"), json!({ "description": "" })),
        (format!("{POST}/responses/429"), json!({ "description": "" })),
        (format!("{POST}/responses/400"), json!(null)),
        ("/components/schemas/Refusal/properties/code".into(), json!({ "type": "integer" })),
        (format!("{response}/headers/x-other"), json!({ "schema": { "type": "string" } })),
        (format!("{response}/headers/x-request-id"), json!(null)),
        (format!("{response}/headers/x-left"), json!(null)),
        (format!("{response}/headers/x-request-id/required"), json!(null)),
        (format!("{response}/headers/x-left/schema/maximum"), json!(99)),
        (format!("{response}/content/text~1csv"), json!({ "schema": { "type": "string" } })),
        (format!("{response}/content"), json!(null)),
        (format!("{response}/links"), json!({ "end": { "operationId": "endLoan" } })),
        (format!("{response}/description"), json!("It is lent.")),
        ("/security/-".into(), json!({})),
        ("/security/0".into(), json!(null)),
        ("/security/1/Login".into(), json!(["read", "write"])),
        (format!("{POST}/security"), json!([])),
        (format!("{POST}/security"), json!([{ "Login": ["read"] }, { "Card": [] }])),
        ("/paths/~1loans~1end/post/security".into(), json!(null)),
        ("/paths/~1loans~1end/post/security".into(), json!([])),
        ("/components/securitySchemes/Card/scheme".into(), json!("bearer")),
        (format!("{scopes}/tokenUrl"), json!("/oauth/token")),
        (format!("{scopes}/scopes/write"), json!("Writes.")),
        ("/servers/0/url".into(), json!("https://api.library.example")),
        ("/servers/0/variables".into(), json!({ "region": { "default": "eu" } })),
        ("/info/version".into(), json!("2")),
        ("/info/title".into(), json!("The Library")),
        ("/info/contact/name".into(), json!("Emma")),
        ("/openapi".into(), json!("3.0.4")),
        ("/components/schemas/Unused".into(), json!({ "type": "string" })),
        ("/jsonSchemaDialect".into(), json!("x")),
    ];
    rows.into()
}

#[test]
fn each_kind_of_edit_has_a_drift_rule() {
    let text: String = table()
        .into_iter()
        .map(|(at, value)| {
            let new = edited(&at, value.clone());
            let drift = drift_between(&SPEC, &new);
            assert!(!drift.changes.is_empty(), "{at} = {value}");
            format!("{at} = {value}\n{}", lines(&drift))
        })
        .collect();
    insta::assert_snapshot!("rules", text);
}

#[test]
fn renamed_item_is_reported_as_renamed() {
    let renamed = |from: &str, to: &str| {
        let text = SPEC.to_string().replace(from, to);
        lines(&drift_between(&SPEC, &serde_json::from_str(&text).unwrap()))
    };
    insta::assert_snapshot!(renamed("LoanRequest", "Lending"), @"    Trivial api-schema-renamed (Major): `LoanRequest` was renamed to `Lending`");
    insta::assert_snapshot!(renamed("\"title\"", "\"titles\""), @"
    Breaking request-property-renamed (request Patch): `title` was renamed to `titles`
    Unhandled surface-unknown (Major): the bindings cannot be generated: not OpenAPI 3.0: missing field `title`
    Trivial api-title-changed (Patch): `title` changed from `Library` to unset
    Trivial api-info-changed (Patch): `titles` changed from unset to `Library`
    cannot generate bindings: not OpenAPI 3.0: missing field `title`
    ");
}

#[test]
fn order_change_is_not_reported_if_the_order_has_no_meaning() {
    let mut new = SPEC.clone();
    for list in ["/security", "/paths/~1loans/post/parameters", "/components/schemas/Kind/enum"] {
        new.pointer_mut(list).unwrap().as_array_mut().unwrap().reverse();
    }
    assert_eq!(lines(&drift_between(&SPEC, &new)), "");
}

#[test]
fn list_items_are_matched_by_meaning_after_reordering() {
    let parameter = |name: &str, text: &str| json!({ "name": name, "in": "query", "schema": { "type": "string" }, "description": text });
    let spec = |list: Value| edited(&format!("{POST}/parameters"), list);
    let old = spec(json!([parameter("a", "A."), parameter("until", "Seconds.")]));
    let new = spec(json!([parameter("until", "A timestamp."), parameter("b", "B.")]));
    insta::assert_snapshot!(lines(&drift_between(&old, &new)), @r#"
    Breaking request-parameter-removed (request Major): the query parameter "a" was removed
    Meaning description-changed (request Patch): `description` changed
    Additive new-optional-request-parameter (request Minor): the query parameter "b" was added
    "#);
    let turned = spec(json!([parameter("until", "Seconds."), parameter("a", "A.")]));
    assert_eq!(lines(&drift_between(&old, &turned)), "");
}

#[test]
fn changed_component_is_reported_for_each_request_and_response() {
    let refer = |to: &str| json!({ "$ref": format!("#/components/schemas/{to}") });
    let spec = |first: &str| {
        let mut spec = SPEC.clone();
        let schemas = &mut spec["components"]["schemas"];
        schemas["Aa"] = json!({ "type": "string", "maxLength": 10 });
        schemas["Bb"] = json!({ "type": "string", "maxLength": 5 });
        schemas["Keep"] = json!({ "type": "object", "properties": { "a": refer("Aa"), "b": refer("Bb") } });
        for schema in ["Loan", "LoanRequest"] {
            schemas[schema]["properties"]["size"] = refer(first);
            schemas[schema]["properties"]["keep"] = refer("Keep");
        }
        spec
    };
    insta::assert_snapshot!(lines(&drift_between(&spec("Aa"), &spec("Bb"))), @"
    Breaking request-property-max-length-decreased (request Patch): `maxLength` changed from `10` to `5`
    Meaning response-property-reference-changed (response Major): refers to `Bb` instead of `Aa`
    Meaning request-property-reference-changed (request Major): refers to `Bb` instead of `Aa`
    Additive response-property-max-length-decreased (response Patch): `maxLength` changed from `10` to `5`
    ");
}

#[test]
fn order_change_is_reported_if_the_order_matters() {
    let servers = |first: &str, second: &str| {
        edited(
            "/servers",
            json!([{ "url": format!("https://{first}.example") }, { "url": format!("https://{second}.example") }]),
        )
    };
    insta::assert_snapshot!(lines(&drift_between(&servers("a", "b"), &servers("b", "a"))), @"    Meaning order-changed (Patch): the order of `servers` changed, and the first match applies");
}

#[test]
fn names_that_look_like_keywords_are_compared_as_names() {
    let header = "/paths/~1loans/post/responses/200/headers/security";
    let old = edited(header, json!({ "required": true, "schema": { "type": "string" } }));
    let new = edited(header, json!({ "schema": { "type": "string" } }));
    insta::assert_snapshot!(lines(&drift_between(&old, &new)), @"    Breaking response-header-became-optional (response Patch): it became optional");
    let days = format!("{REQUEST}/days/default");
    let (old, new) = (edited(&days, json!({})), edited(&days, json!({ "nullable": false })));
    insta::assert_snapshot!(lines(&drift_between(&old, &new)), @"    Unhandled unhandled (request Patch): `nullable` was added; no rule covers this change");
}

#[test]
fn values_are_escaped_inside_backticks() {
    let values = json!(["long", "short", "`![x](https://evil.example/x.png) @all`"]);
    let new = edited("/components/schemas/Kind/enum", values);
    let text = lines(&drift_between(&SPEC, &new));
    assert!(text.contains("the value `'![x](https://evil.example/x.png) @all'` was added"), "{text}");
}

#[test]
fn changes_of_shared_examples_are_not_reported() {
    let with = |text: &str| edited("/components/examples", json!({ "Other": { "value": text } }));
    assert_eq!(lines(&drift_between(&with("a"), &with("b"))), "");
}

#[test]
fn long_lists_are_reported_in_limited_time() {
    let names =
        |prefix: &str, count: usize| (0..count).map(|it| format!("{prefix}_{it}_field")).collect::<Vec<_>>();
    let properties = |prefix: &str| -> Value {
        names(prefix, 5_000)
            .into_iter()
            .map(|name| (name, json!({ "type": "string" })))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let parameters = |prefix: &str| -> Value {
        names(prefix, 10_000)
            .iter()
            .map(|name| json!({ "name": name, "in": "query", "schema": {} }))
            .collect()
    };
    let choices = |prefix: &str| -> Value {
        names(prefix, 20_000).iter().map(|name| json!({ "pattern": name })).collect()
    };
    let required = |prefix: &str| json!(names(prefix, 50_000));
    type List<'a> = &'a dyn Fn(&str) -> Value;
    let rows: [(&str, List<'_>); 4] = [
        ("/components/schemas/Loan/properties", &properties),
        ("/paths/~1loans/post/parameters", &parameters),
        ("/components/schemas/Loan/properties/holder/oneOf", &choices),
        ("/components/schemas/Loan/required", &required),
    ];
    for (at, list) in rows {
        let drift = drift_between(&edited(at, list("aaa")), &edited(at, list("bbb")));
        assert!(drift.level() > Some(Level::Additive), "{at}");
    }
}

#[test]
fn mismatch_between_reported_changes_and_generated_api_is_reported() {
    let new = edited(&format!("{RESPONSE}/due/type"), json!("string"));
    let (old, new) = (CheckedIn::of(&SPEC), CheckedIn::of(&new));
    let surfaces = Surface::of(&old.facts).and_then(|before| Ok((before, Surface::of(&new.facts)?)));
    let compared = || changes(old.state(), new.state(), &new.omitted, &surfaces);
    let after = |shifts: &[(&str, Semver)]| {
        let mut changes = compared();
        let shifts = shifts.iter().map(|(item, shift)| ((*item).to_owned(), *shift)).collect();
        reconcile(&mut changes, &shifts);
        lines(&Drift { changes, surface: Ok(shifts) })
    };
    let expected = ("type Loan.due", Semver::Major);
    insta::assert_snapshot!(after(&[expected]), @"    Breaking response-property-type-changed (response Major): `type` changed from `integer` to `string`");
    insta::assert_snapshot!(after(&[]), @"
    Breaking response-property-type-changed (response Patch): `type` changed from `integer` to `string`
    Unhandled surface-unchanged (response Patch): `response-property-type-changed` should change the generated API, but does not
    ");
    insta::assert_snapshot!(after(&[expected, ("type Loan.id", Semver::Major)]), @"
    Breaking response-property-type-changed (response Major): `type` changed from `integer` to `string`
    Unhandled surface-unexplained (Major): `type Loan.id` changed in the generated API, but no change of the spec explains it
    ");
}

fn places() -> Vec<(String, Value)> {
    let mut places = Vec::new();
    walk(&SPEC, &crate::shape::DOCUMENT, "", &mut |at, _, value| {
        if !at.is_empty() {
            places.push((at.to_owned(), value.clone()));
        }
    });
    places
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z]{1,8}".prop_map(Value::from),
        Just(json!(["one"])),
        Just(json!({ "some": "thing" })),
        Just(json!({ "type": "string" })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_single_edit_is_reported(
        (at, was) in proptest::sample::select(places()),
        value in proptest::option::of(any_value()),
        key in proptest::option::of("[a-z]{1,6}|x-[a-z]{1,4}|maxLength|nullable|example|deprecated|default"),
    ) {
        let new = match (value, key) {
            (Some(value), Some(key)) if was.is_object() && was.get(&key) != Some(&value) => edited(&format!("{at}/{key}"), value),
            (Some(value), _) if value != was => edited(&at, value),
            (None, _) => edited(&at, Value::Null),
            _ => return Ok(()),
        };
        prop_assert!(is_told(&SPEC, &new), "at {at}");
    }

    #[test]
    fn reverse_of_each_edit_is_reported(row in proptest::sample::select(table())) {
        let new = edited(&row.0, row.1);
        prop_assert!(is_told(&new, &SPEC));
    }
}
