//! Tests each rule of the conversion with a schema and its expected result.

use serde_json::{Value, json};

use super::downconvert;
use crate::shape::join;

fn document(schemas: Value) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Library", "version": "7" },
        "paths": { "/loans": { "post": { "responses": { "201": { "description": "" } } } } },
        "components": { "schemas": schemas },
    })
}

fn converted(document: Value) -> (Value, String) {
    let converted = downconvert("it.yaml", document).unwrap();
    let message = match converted.notices("it.yaml", &converted.document) {
        Ok(notices) => notices.join("\n"),
        Err(problems) => problems.to_string(),
    };
    (converted.document, message)
}

fn schema(given: Value) -> (Value, String) {
    let (mut document, message) = converted(document(json!({ "It": given })));
    (document["components"]["schemas"]["It"].take(), message)
}

#[test]
fn each_schema_converts_to_its_equivalent_in_openapi_3_0() {
    for (given, expected) in [
        (json!({ "type": ["string", "null"] }), json!({ "type": "string", "nullable": true })),
        (json!({ "type": ["string"] }), json!({ "type": "string" })),
        (json!({ "type": "null", "title": "T" }), json!({ "enum": [null], "title": "T" })),
        (
            json!({ "anyOf": [{ "type": "string", "format": "date" }, { "type": "null" }], "title": "T" }),
            json!({ "type": "string", "format": "date", "nullable": true, "title": "T" }),
        ),
        (
            json!({ "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/It" }] }),
            json!({ "allOf": [{ "$ref": "#/components/schemas/It" }], "nullable": true }),
        ),
        (
            json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }, { "type": "null" }] }),
            json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }], "nullable": true }),
        ),
        (
            json!({ "anyOf": [{ "type": "string", "enum": ["a"] }, { "const": null }] }),
            json!({ "type": "string", "enum": ["a", null], "nullable": true }),
        ),
        (json!({ "anyOf": [{ "type": "null" }] }), json!({ "enum": [null] })),
        (
            json!({ "type": "string", "anyOf": [{ "minLength": 1 }, { "type": "null" }] }),
            json!({ "type": "string", "anyOf": [{ "minLength": 1 }, { "enum": [null] }] }),
        ),
        (
            json!({ "oneOf": [{ "minLength": 1 }, { "type": "null" }] }),
            json!({ "oneOf": [{ "minLength": 1 }, { "enum": [null] }] }),
        ),
        (
            json!({ "anyOf": [{ "type": "object", "$ref": "#/components/schemas/It" }, { "type": "null" }] }),
            json!({
                "anyOf": [
                    { "type": "object", "allOf": [{ "$ref": "#/components/schemas/It" }] },
                    { "enum": [null] },
                ],
            }),
        ),
        (
            json!({ "type": ["string", "integer"], "maxLength": 3, "minimum": 0, "title": "T" }),
            json!({
                "anyOf": [{ "type": "string", "maxLength": 3 }, { "type": "integer", "minimum": 0 }],
                "title": "T",
            }),
        ),
        (
            json!({ "type": ["string", "integer", "null"], "enum": ["a", 1, null] }),
            json!({
                "anyOf": [{ "type": "string", "enum": ["a"] }, { "type": "integer", "enum": [1] }],
                "nullable": true,
            }),
        ),
        (
            json!({ "type": ["string", "array"], "anyOf": [{ "minLength": 1 }, { "minItems": 1 }] }),
            json!({
                "anyOf": [{ "minLength": 1 }, { "minItems": 1 }],
                "allOf": [{ "anyOf": [{ "type": "string" }, { "type": "array", "items": {} }] }],
            }),
        ),
        (json!({ "type": ["integer", "number"] }), json!({ "type": "number" })),
        (json!({ "type": [] }), json!({ "not": {} })),
        (
            json!({ "type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9 }),
            json!({ "type": "integer", "minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": true }),
        ),
        (json!({ "minimum": 5, "exclusiveMinimum": 4.5 }), json!({ "minimum": 5 })),
        (json!({ "maximum": 5, "exclusiveMaximum": 5 }), json!({ "maximum": 5, "exclusiveMaximum": true })),
        (
            json!({ "minimum": 9007199254740993_i64, "exclusiveMinimum": 9007199254740992_i64 }),
            json!({ "minimum": 9007199254740993_i64 }),
        ),
        (json!({ "const": "a" }), json!({ "type": "string", "enum": ["a"] })),
        (json!({ "const": 1, "enum": [1, 2] }), json!({ "type": "integer", "enum": [1] })),
        (json!({ "const": 3, "enum": [1, 2] }), json!({ "enum": [1, 2], "not": {} })),
        (json!({ "const": { "a": 1 } }), json!({ "enum": [{ "a": 1 }] })),
        (json!({ "examples": ["a", "b"], "type": "string" }), json!({ "example": "a", "type": "string" })),
        (json!(true), json!({})),
        (json!(false), json!({ "not": {} })),
        (json!({ "$ref": "#/components/schemas/It" }), json!({ "$ref": "#/components/schemas/It" })),
        (
            json!({ "$ref": "#/components/schemas/It", "minLength": 1, "allOf": [{ "maxLength": 2 }] }),
            json!({ "allOf": [{ "$ref": "#/components/schemas/It" }, { "maxLength": 2 }], "minLength": 1 }),
        ),
        (json!({ "contentEncoding": "base64" }), json!({ "format": "byte" })),
        (json!({ "contentMediaType": "application/octet-stream" }), json!({ "format": "binary" })),
        (json!({ "type": "array" }), json!({ "type": "array", "items": {} })),
        (json!({ "items": true }), json!({ "items": {} })),
        (json!({ "items": false }), json!({ "items": {}, "maxItems": 0 })),
        (
            json!({ "prefixItems": [{ "type": "string" }, { "type": "string" }], "items": false }),
            json!({ "items": { "type": "string" }, "maxItems": 2 }),
        ),
        (json!({ "unevaluatedProperties": false }), json!({ "additionalProperties": false })),
        (
            json!({ "unevaluatedProperties": false, "additionalProperties": { "type": "null" } }),
            json!({ "additionalProperties": { "enum": [null] } }),
        ),
        (json!({ "$comment": "c", "$anchor": "a", "$id": "https://library.example/it" }), json!({})),
        (json!({ "then": false, "else": false }), json!({})),
    ] {
        assert_eq!(schema(given.clone()), (expected, String::new()), "{given}");
    }
}

#[test]
fn keywords_that_openapi_3_0_lacks_are_removed_and_reported() {
    for (given, expected, reported) in [
        (json!({ "if": {}, "then": {}, "else": {} }), json!({}), "`if`"),
        (json!({ "propertyNames": { "pattern": "a" } }), json!({}), "`propertyNames`"),
        (json!({ "contains": {}, "type": "string" }), json!({ "type": "string" }), "`contains`"),
        (json!({ "dependentRequired": { "a": ["b"] } }), json!({}), "`dependentRequired`"),
        (json!({ "dependentSchemas": { "a": false } }), json!({}), "`dependentSchemas`"),
        (json!({ "unevaluatedItems": false }), json!({}), "`unevaluatedItems`"),
        (json!({ "contentEncoding": "base16" }), json!({}), "`contentEncoding`"),
        (json!({ "contentSchema": {} }), json!({}), "`contentSchema`"),
        (
            json!({ "allOf": [{}], "unevaluatedProperties": false }),
            json!({ "allOf": [{}] }),
            "`unevaluatedProperties`",
        ),
        (
            json!({ "prefixItems": [{ "type": "string" }, { "type": "integer" }], "maxItems": 2 }),
            json!({ "items": { "anyOf": [{ "type": "string" }, { "type": "integer" }] }, "maxItems": 2 }),
            "`prefixItems`",
        ),
        (json!({ "prefixItems": [{ "type": "string" }] }), json!({ "items": {} }), "`prefixItems`"),
        (json!({ "patternProperties": { "a": false } }), json!({}), "`patternProperties`"),
        (
            json!({ "patternProperties": { "a": { "type": "string" } }, "additionalProperties": false }),
            json!({ "additionalProperties": { "type": "string" } }),
            "`patternProperties`",
        ),
        (json!({ "vendorsOwn": 1, "x-own": 1 }), json!({ "x-own": 1 }), "`vendorsOwn`"),
    ] {
        let (made, message) = schema(given.clone());
        assert_eq!(made, expected, "{given}");
        let at = join("/components/schemas/It", reported.trim_matches('`'));
        assert_eq!(message, format!("OpenAPI 3.0 does not support {reported}; dropped at {at}"));
    }
}

#[test]
fn conversions_that_change_the_meaning_are_rejected() {
    for (given, expected) in [
        (json!({ "$dynamicRef": "#a" }), "/It/$dynamicRef is a dynamic reference"),
        (json!({ "$schema": "https://library.example/own" }), "/It/$schema names an unsupported dialect"),
        (
            json!({ "$id": "https://library.example/a", "items": { "$ref": "#/b" } }),
            "/It/$id changes the base of the references below it",
        ),
        (json!({ "not": { "propertyNames": {} } }), "/It/not/propertyNames is inside `not`"),
        (json!({ "$defs": 1 }), "/It/$defs is not a map of schemas"),
    ] {
        let (_, message) = schema(given);
        assert!(message.starts_with("it.yaml: /components/schemas"), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn property_named_like_a_keyword_is_not_converted() {
    let names = ["const", "examples", "$defs", "if", "type", "$id", "prefixItems", "nullable"];
    let properties: Value =
        names.map(|name| (name.to_owned(), json!({ "type": "string" }))).into_iter().collect();
    let data = json!({ "const": 1, "type": ["string", "null"], "examples": [1] });
    let given = json!({ "properties": properties, "default": data, "x-own": data, "enum": [data] });
    assert_eq!(schema(given.clone()), (given, String::new()));
}

#[test]
fn null_type_is_removed_from_the_schema_of_a_parameter() {
    let mut given = document(json!({ "It": {} }));
    let nothing = json!({ "type": "null" });
    let reference = json!({ "$ref": "#/components/schemas/It" });
    let parameters = [
        (json!({ "type": ["string", "null"] }), json!({ "type": "string" })),
        (json!({ "anyOf": [reference, nothing] }), reference),
        (
            json!({ "anyOf": [{ "type": "string", "enum": ["a"] }, nothing] }),
            json!({ "type": "string", "enum": ["a"] }),
        ),
        (
            json!({ "type": "string", "properties": { "a": { "type": ["string", "null"] } } }),
            json!({ "type": "string", "properties": { "a": { "type": "string", "nullable": true } } }),
        ),
    ];
    for (schema, expected) in parameters {
        given["components"]["parameters"] = json!({ "P": { "in": "query", "name": "p", "schema": schema } });
        assert_eq!(converted(given.clone()).0["components"]["parameters"]["P"]["schema"], expected);
    }
}

#[test]
fn schemas_in_defs_are_moved_to_components() {
    let (document, message) = converted(document(json!({
        "A": {
            "$defs": { "B": { "type": "null" }, "C": { "$defs": { "D": { "type": "string" } } } },
            "properties": {
                "b": { "$ref": "#/components/schemas/A/$defs/B" },
                "d": { "$ref": "#/components/schemas/A/$defs/C/$defs/D" },
            },
        },
        "B": { "type": "string" },
    })));
    assert_eq!(message, "");
    assert_eq!(
        document["components"]["schemas"],
        json!({
            "A": { "properties": {
                "b": { "$ref": "#/components/schemas/B2" },
                "d": { "$ref": "#/components/schemas/D" },
            } },
            "B": { "type": "string" },
            "B2": { "enum": [null] },
            "C": {},
            "D": { "type": "string" },
        })
    );
}

#[test]
fn reference_to_a_list_item_is_rejected_if_its_index_changes() {
    let (_, message) = converted(document(json!({
        "A": { "anyOf": [{ "type": "null" }, { "type": "string" }, { "type": "integer" }] },
        "B": { "$ref": "#/components/schemas/A/anyOf/1" },
        "C": { "properties": { "d": { "type": "string" } } },
        "E": { "$ref": "#/components/schemas/C/properties/d" },
    })));
    insta::assert_snapshot!(message, @"it.yaml: /components/schemas/B refers to #/components/schemas/A/anyOf/1, which the conversion to OpenAPI 3.0 changes");
}

#[test]
fn members_that_exist_only_in_openapi_3_1_are_removed() {
    let mut given = document(json!({}));
    given["info"]["summary"] = json!("Lends.");
    given["info"]["license"] = json!({ "name": "MIT", "identifier": "MIT" });
    given["webhooks"] = json!({ "ended": {} });
    given["jsonSchemaDialect"] = json!("https://spec.openapis.org/oas/3.1/dialect/base");
    given["components"]["securitySchemes"] = json!({
        "Card": { "type": "http", "scheme": "basic" },
        "Pass": { "type": "mutualTLS" },
    });
    given["security"] = json!([{ "Card": ["reader"] }]);
    given["paths"]["/loans"]["post"]["parameters"] =
        json!([{ "$ref": "#/components/parameters/P", "description": "Where." }]);
    given["paths"]["/loans"]["get"] = json!({ "operationId": "a" });
    let (made, message) = converted(given);
    assert_eq!(made["openapi"], "3.0.3");
    assert_eq!(made["info"], json!({ "title": "Library", "version": "7", "license": { "name": "MIT" } }));
    assert_eq!(
        made["paths"]["/loans"]["post"]["parameters"],
        json!([{ "$ref": "#/components/parameters/P" }])
    );
    assert_eq!(made["paths"]["/loans"]["get"]["responses"], json!({ "default": { "description": "" } }));
    assert_eq!(made["security"], json!([{ "Card": [] }]));
    assert!(made.get("webhooks").is_none() && made.get("jsonSchemaDialect").is_none());
    insta::assert_snapshot!(message, @"it.yaml: /components/securitySchemes/Pass is a mutualTLS scheme, which OpenAPI 3.0 does not support");

    let nothing = json!({ "openapi": "3.1.1", "info": {}, "webhooks": { "ended": {} } });
    let (made, message) = converted(nothing);
    assert_eq!(made["paths"], json!({}));
    assert_eq!(message, "OpenAPI 3.0 does not support `webhooks`; dropped at /webhooks");
}

#[test]
fn shared_path_items_are_copied_to_each_use() {
    let mut given = document(json!({}));
    given["components"]["pathItems"] = json!({
        "Ends": { "post": { "operationId": "end", "responses": {} } },
        "Alias": { "$ref": "#/components/pathItems/Ends" },
        "Loop": { "$ref": "#/components/pathItems/Pool" },
        "Pool": { "$ref": "#/components/pathItems/Loop" },
    });
    given["paths"]["/ends"] = json!({ "$ref": "#/components/pathItems/Alias", "servers": [] });
    given["paths"]["/again"] = json!({ "$ref": "#/paths/~1ends" });
    let (made, message) = converted(given.clone());
    assert_eq!(message, "");
    assert_eq!(made["paths"]["/ends"]["post"]["operationId"], "end");
    assert_eq!(made["paths"]["/again"], made["paths"]["/ends"]);
    assert!(made["components"].get("pathItems").is_none());

    given["paths"]["/loop"] = json!({ "$ref": "#/components/pathItems/Loop" });
    given["paths"]["/none"] = json!({ "$ref": "#/components/pathItems/End" });
    given["paths"]["/twice"] = json!({ "$ref": "#/components/pathItems/Ends", "post": {} });
    let (_, message) = converted(given);
    insta::assert_snapshot!(message, @"
    it.yaml: /paths/~1loop refers to #/components/pathItems/Loop: this chain of path items is circular or too long
    it.yaml: /paths/~1none refers to #/components/pathItems/End, which is not a path item of this document
    it.yaml: /paths/~1twice/post is also in #/components/pathItems/Ends; OpenAPI does not define which one applies
    ");
}

#[test]
fn notices_are_grouped_and_omit_schemas_that_are_not_in_the_slice() {
    let strange = json!({ "propertyNames": {} });
    let given = document(
        json!({ "A": strange, "B": strange, "C": strange, "D": strange, "E": strange, "F": strange }),
    );
    let converted = downconvert("it.yaml", given).unwrap();
    let mut slice = converted.document.clone();
    slice["components"]["schemas"].as_object_mut().unwrap().remove("A");
    let notices = converted.notices("it.yaml", &slice).unwrap();
    insta::assert_snapshot!(notices.join("\n"), @"OpenAPI 3.0 does not support `propertyNames`; dropped at /components/schemas/B/propertyNames, /components/schemas/C/propertyNames, /components/schemas/D/propertyNames and 2 more");
    assert!(converted.notices("it.yaml", &json!({})).unwrap().is_empty());
}

#[test]
fn openapi_3_0_document_is_not_changed() {
    let mut given = document(json!({ "A": { "nullable": true, "exclusiveMinimum": true, "const": 1 } }));
    given["openapi"] = json!("3.0.2");
    assert_eq!(converted(given.clone()), (given, String::new()));
}

#[test]
fn openapi_version_3_2_is_rejected() {
    let error = downconvert("it.yaml", json!({ "openapi": "3.2.0" })).unwrap_err().to_string();
    assert_eq!(error, "it.yaml: OpenAPI 3.2.0; only 3.0.x and 3.1.x are supported");
}

#[test]
fn openapi_version_without_a_patch_number_is_accepted() {
    let read = |version: Value| {
        let document = json!({ "openapi": version, "paths": {}, "components": { "schemas": {
            "A": { "type": ["string", "null"] } } } });
        let converted = super::downconvert("it.yaml", document);
        converted.map(|converted| converted.document).map_err(|problems| problems.to_string())
    };
    let expected = json!({ "type": "string", "nullable": true });
    for version in [json!(3.1), json!("3.1"), json!("3.1.0"), json!("3.1.1"), json!(" 3.1 ")] {
        let document = read(version).unwrap();
        assert_eq!(document["components"]["schemas"]["A"], expected);
        assert_eq!(document["openapi"], "3.0.3");
    }
    for version in [json!(3.0), json!("3.0")] {
        assert_eq!(read(version).unwrap()["openapi"], "3.0.3");
    }
    for (version, message) in [
        (json!(3.2), "it.yaml: OpenAPI 3.2; only 3.0.x and 3.1.x are supported"),
        (json!("3.2.0"), "it.yaml: OpenAPI 3.2.0; only 3.0.x and 3.1.x are supported"),
        (json!(2), "it.yaml: OpenAPI 2; only 3.0.x and 3.1.x are supported"),
        (json!("3.10.0"), "it.yaml: OpenAPI 3.10.0; only 3.0.x and 3.1.x are supported"),
    ] {
        assert_eq!(read(version).unwrap_err(), message);
    }
}
