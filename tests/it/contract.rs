//! Compares responses with the OpenAPI documents in `specs/`.

use std::{fs, path::Path, sync::LazyLock};

use serde_json::{Value, json};

use crate::build_script::parse;

static DOCUMENTS: LazyLock<[Value; 2]> = LazyLock::new(|| ["moneykit", "moov"].map(document));

fn document(vendor: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("specs/{vendor}/openapi.yaml"));
    parse(&fs::read_to_string(path).expect("the spec exists")).expect("the spec is valid YAML")
}

/// The names in `headers` must be in lower case.
pub(crate) fn violations(
    (method, path): (&str, &str),
    status: u16,
    headers: &[(String, String)],
    body: &str,
) -> Option<Vec<String>> {
    let (document, operation) = DOCUMENTS.iter().find_map(|document| {
        Some((document, document["paths"].get(path)?.get(method.to_ascii_lowercase())?))
    })?;
    let Some(expected) = operation["responses"].get(status.to_string()) else {
        return Some(vec![format!("undocumented status {status}")]);
    };
    let header = |name: &str| headers.iter().find(|(given, _)| given == name).map(|(_, value)| value);
    let mut found = Vec::new();
    for (name, documented) in expected.get("headers").and_then(Value::as_object).into_iter().flatten() {
        match header(&name.to_ascii_lowercase()) {
            Some(value) => found.extend(check(document, &documented["schema"], &json!(value), name)),
            None if documented["required"] == true => found.push(format!("no header {name}")),
            None => {}
        }
    }
    match (expected.get("content"), header("content-type")) {
        (None, None) if body.is_empty() => {}
        (None, _) => found.push("undocumented body".to_owned()),
        (Some(content), kind) => {
            match (kind.and_then(|kind| content.get(kind)), serde_json::from_str(body)) {
                (Some(documented), Ok(body)) => {
                    found.extend(check(document, &documented["schema"], &body, "body"));
                }
                _ => found.push(format!("content type {kind:?} is not documented, or the body is not JSON")),
            }
        }
    }
    Some(found)
}

/// Panics if the schema has an unsupported keyword, so that no constraint is skipped unnoticed.
fn check(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema.get("$ref") {
        let pointer = reference.as_str().and_then(|text| text.strip_prefix('#')).expect("a local reference");
        let schema = document.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));
        return check(document, schema, value, at);
    }
    if value.is_null() && schema.get("nullable") == Some(&json!(true)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (keyword, constraint) in schema.as_object().expect("a schema is an object") {
        let is_met = match keyword.as_str() {
            "type" => has_type(value, constraint),
            "format" => has_format(value, constraint),
            "enum" => constraint.as_array().expect("a list").contains(value),
            "maxLength" => value.as_str().map(|text| text.chars().count() as u64) <= constraint.as_u64(),
            "pattern" => {
                assert_eq!(constraint, "^-?[0-9]+$", "this test does not support the pattern");
                value.as_str().is_none_or(|text| text.parse::<i128>().is_ok())
            }
            "oneOf" => {
                let fits = |schema: &&Value| check(document, schema, value, at).is_empty();
                constraint.as_array().expect("a list").iter().filter(fits).count() == 1
            }
            "required" => {
                let names = constraint.as_array().expect("a list").iter();
                names.map(|name| name.as_str().expect("a name")).all(|name| value.get(name).is_some())
            }
            "items" => {
                let items = value.as_array().into_iter().flatten();
                found.extend(items.flat_map(|item| check(document, constraint, item, at)));
                true
            }
            "properties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let at = format!("{at}.{name}");
                    match constraint.get(name) {
                        Some(schema) => found.extend(check(document, schema, value, &at)),
                        None => found.push(format!("{at} is not documented")),
                    }
                }
                true
            }
            "default" | "deprecated" | "description" | "nullable" | "x-source" => true,
            other => panic!("{at}: this test does not support the keyword {other}"),
        };
        if !is_met {
            found.push(format!("{at} does not meet {keyword}: {constraint}"));
        }
    }
    found
}

fn has_type(value: &Value, expected: &Value) -> bool {
    match expected.as_str() {
        Some("array") => value.is_array(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("object") => value.is_object(),
        Some("string") => value.is_string(),
        _ => panic!("this test does not support the type {expected}"),
    }
}

fn has_format(value: &Value, expected: &Value) -> bool {
    match (expected.as_str(), value.as_str()) {
        (Some("int64"), _) => value.is_i64(),
        (Some("date-time"), Some(text)) => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        (Some("uuid"), Some(text)) => text.len() == 36 && uuid::Uuid::parse_str(text).is_ok(),
        (Some("password"), Some(_)) => true,
        (Some("date-time" | "uuid" | "password"), None) => false,
        _ => panic!("this test does not support the format {expected}"),
    }
}

#[test]
fn a_response_that_differs_from_its_contract_is_reported() {
    let id = ("x-request-id".to_owned(), "b6d4cf0f-4b9d-4d8d-9a3d-7a4a5a0f0d11".to_owned());
    let json_type = ("content-type".to_owned(), "application/json".to_owned());
    let both = [id, json_type];
    let moov = ("POST", "/oauth2/token");
    let token = r#"{"access_token":"a","expires_in":900,"scope":null}"#;
    assert_eq!(violations(("GET", "/accounts"), 200, &[], ""), None);
    for (status, headers, body, expected) in [
        (200, &both[..], token, &[][..]),
        (403, &both[..1], "", &[]),
        (418, &both, token, &["undocumented status 418"]),
        (200, &both[1..], token, &["no header x-request-id"]),
        (403, &both, "{}", &["undocumented body"]),
        (200, &both[..1], token, &["content type None is not documented, or the body is not JSON"]),
        (
            200,
            &both,
            r#"{"access_token":1}"#,
            &[
                "body.access_token does not meet format: \"password\"",
                "body.access_token does not meet type: \"string\"",
            ],
        ),
        (200, &both, "{}", &["body does not meet required: [\"access_token\"]"]),
        (200, &both, r#"{"access_token":"a","more":1}"#, &["body.more is not documented"]),
    ] {
        assert_eq!(violations(moov, status, headers, body).unwrap(), expected, "{status} {body}");
    }
    let long = json!({ "access_token": "a".repeat(4097), "expires_in": 1.5 }).to_string();
    assert_eq!(violations(moov, 200, &both, &long).unwrap().len(), 2);
}
