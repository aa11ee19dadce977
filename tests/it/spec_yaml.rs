//! Tests which YAML the build script accepts.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::build_script::{bindings, parse};

fn text(vendor: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("specs/{vendor}/openapi.yaml"));
    fs::read_to_string(path).expect("the spec exists")
}

fn rejected(text: &str) -> String {
    parse(text).expect_err(text)
}

#[test]
fn contracts_parse_the_same_with_another_yaml_parser() {
    for vendor in ["moneykit", "moov"] {
        let text = text(vendor);
        assert_eq!(parse(&text).unwrap(), yaml_serde::from_str::<Value>(&text).unwrap(), "{vendor}");
    }
}

#[test]
fn plain_yaml_data_is_parsed() {
    let text = "a: [1, -2, 0.5, true, null, ~, text, '1', \"\\u20ac\"]\nb: |-\n  two\n  lines\nc:\nd: {}\n";
    let expected = json!({
        "a": [1, -2, 0.5, true, null, null, "text", "1", "\u{20ac}"],
        "b": "two\nlines",
        "c": null,
        "d": {},
    });
    assert_eq!(parse(text).unwrap(), expected);
}

#[test]
fn duplicate_keys_are_rejected() {
    assert_eq!(rejected("a:\n  b: 1\n  b: 2\n"), "line 3: duplicate key \"b\"");
    assert_eq!(rejected("{\"a\": 1, \"a\": 1}"), "line 1: duplicate key \"a\"");
    assert_eq!(rejected("200: 1\n'200': 2\n"), "line 2: duplicate key \"200\"");
}

#[test]
fn anchors_and_aliases_are_rejected() {
    for text in ["a: &b 1\n", "a: &b [1]\n", "a: &b { c: 1 }\nd: *b\n", "&a b: 1\n"] {
        assert_eq!(rejected(text), "line 1: anchors are not supported", "{text}");
    }
    assert!(rejected("a: *b\n").contains("unknown anchor"));
}

#[test]
fn merge_keys_are_rejected() {
    assert_eq!(rejected("a:\n  <<: { b: 1 }\n"), "line 2: merge keys are not supported");
}

#[test]
fn yaml_tags_and_additional_documents_are_rejected() {
    assert_eq!(rejected("a: !!str 1\n"), "line 1: tags are not supported");
    assert_eq!(rejected("a: !secret {}\n"), "line 1: tags are not supported");
    assert_eq!(rejected("a: 1\n---\nb: 2\n"), "line 2: more than one document");
    assert_eq!(rejected("[a]: 1\n"), "line 1: a key must be a scalar");
    assert_eq!(rejected("? {a: 1}\n: 1\n"), "line 1: a key must be a scalar");
    assert_eq!(rejected(""), "the document is empty");
    assert!(parse("a: [").is_err());
    for deep in ["[".repeat(200_000), "- ".repeat(20_000), "{a: ".repeat(5_000)] {
        assert!(parse(&deep).is_err());
    }
}

#[test]
fn numeric_keys_are_parsed_as_text() {
    let expected = json!({ "responses": { "200": "yes, text", "2XX": 1, "3.0": 2, "true": 3 } });
    assert_eq!(parse("responses: { 200: 'yes, text', 2XX: 1, 3.0: 2, true: 3 }").unwrap(), expected);
}

#[test]
fn numeric_version_is_rejected_where_the_spec_requires_text() {
    let mut moov = text("moov");
    let versions = moov.matches("openapi: 3.0.").count();
    assert_eq!(versions, 1);
    let at = moov.find("openapi: 3.0.").unwrap();
    let end = at + moov[at..].find('\n').unwrap();
    moov.replace_range(at..end, "openapi: 3.0");
    let error = parse(&moov).and_then(bindings).unwrap_err();
    assert_eq!(error, "not OpenAPI 3.0: invalid type: floating point `3.0`, expected a string");
    assert_eq!(parse("'3.0'").unwrap(), "3.0");
    assert_eq!(parse("3.0.3").unwrap(), "3.0.3");
}

#[test]
fn ambiguous_unquoted_scalars_are_rejected() {
    let ambiguous = [
        "no",
        "Yes",
        "on",
        "y",
        "True",
        "NULL",
        ".inf",
        "-.INF",
        ".nan",
        "2023-02-18",
        "12:30:00",
        "1_000",
        "0x1F",
        "0b1010",
        "0o17",
        "017",
        "+1",
        "12e4567",
        "1e3_0",
        "=",
        ".5",
        "2001-12-14t21:59:43.10-05:00",
    ];
    for text in ambiguous {
        assert_eq!(
            rejected(&format!("a: {text}\n")),
            format!("line 1: ambiguous scalar {text}; quote it if it is text")
        );
        assert_eq!(parse(&format!("a: '{text}'\n")).unwrap(), json!({ "a": text }));
    }
    for text in ["2XX", "v2024.01.00", "/oauth2/token", "none", "5 minutes", "-a", "3.0.3"] {
        assert_eq!(parse(&format!("a: {text}\n")).unwrap(), json!({ "a": text }));
    }
}
