//! Uses generated schemas to test that the conversion does not change which values a schema allows,
//! unless the conversion reports a difference.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use super::downconvert;
use crate::shape::{self, walk};

#[derive(Clone, Copy, PartialEq)]
enum Version {
    V3_0,
    V3_1,
}
use Version::{V3_0, V3_1};

/// `nullable` without `type` also allows null, because code generators read `nullable` in this way.
fn admits(version: Version, schema: &Value, value: &Value) -> bool {
    let Some(map) = schema.as_object() else { return schema == &json!(true) };
    let is_null_by_flag = version == V3_0 && map.get("nullable") == Some(&json!(true)) && value.is_null();
    let all = |key: &str| map.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let matches = |key: &str| all(key).iter().filter(|schema| admits(version, schema, value)).count();
    let has = |key: &str| map.contains_key(key);
    let number = |key: &str| map.get(key).and_then(Value::as_f64);

    let is_of_type = match &map.get("type") {
        None => true,
        Some(Value::Array(types)) => types.iter().any(|kind| is(kind, value)),
        Some(kind) => is(kind, value),
    };
    let is_composed = (!has("$ref") || value.is_object())
        && matches("allOf") == all("allOf").len()
        && (!has("anyOf") || matches("anyOf") > 0)
        && (!has("oneOf") || matches("oneOf") == 1);
    let is_listed =
        (!has("enum") || all("enum").contains(value)) && map.get("const").is_none_or(|it| it == value);
    let is_denied = map.get("not").is_some_and(|not| admits(version, not, value));
    let is_within = value.as_f64().is_none_or(|value| {
        let is_flag = |key: &str| map.get(key) == Some(&json!(true));
        number("minimum").is_none_or(|it| if is_flag("exclusiveMinimum") { value > it } else { value >= it })
            && number("exclusiveMinimum").is_none_or(|it| value > it)
    });
    let is_long =
        value.as_str().is_none_or(|it| number("minLength").is_none_or(|min| it.len() as f64 >= min));
    let are_items = value.as_array().is_none_or(|list| {
        let first = all("prefixItems");
        number("maxItems").is_none_or(|max| list.len() as f64 <= max)
            && list.iter().enumerate().all(|(index, item)| {
                let schema = first.get(index).or(map.get("items"));
                schema.is_none_or(|schema| admits(version, schema, item))
            })
    });
    let are_properties = value.as_object().is_none_or(|members| {
        members.iter().all(|(name, member)| {
            let own = map.get("properties").and_then(|properties| properties.get(name));
            let others = map.get("additionalProperties").or(map.get("unevaluatedProperties"));
            own.or(others).is_none_or(|schema| admits(version, schema, member))
        })
    });
    (is_null_by_flag || is_of_type)
        && (is_null_by_flag && !has("type") || is_composed)
        && is_listed
        && !is_denied
        && is_within
        && is_long
        && are_items
        && are_properties
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap_or_default() {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn values() -> Value {
    json!([
        null, "", "a", "ab", 0, 1, 2, 1.5, [], [1], ["a"], ["a", 1], [1, "a"], [null, 1, 2], {}, { "p": 1 }, { "p": "a" },
        { "q": null }, { "p": null, "q": "ab" },
    ])
}

fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({ "type": "null" })),
        Just(json!({ "$ref": "#/components/schemas/Other" })),
        any::<bool>().prop_map(Value::Bool),
        facts(),
    ];
    leaf.prop_recursive(3, 24, 3, |inner| {
        let some = vec(inner.clone(), 1..4);
        let keywords = (
            facts(),
            subsequence(vec!["anyOf", "oneOf", "allOf", "prefixItems"], 0..3),
            vec(some, 4),
            subsequence(
                vec!["items", "not", "unevaluatedProperties", "additionalProperties", "p", "$ref"],
                0..3,
            ),
            vec(inner, 6),
        );
        keywords.prop_map(|(facts, lists, members, single, mut subschemas)| {
            let mut map = facts.as_object().cloned().unwrap_or_default();
            map.extend(lists.iter().zip(members).map(|(key, list)| ((*key).to_owned(), list.into())));
            for key in single {
                let schema = subschemas.pop().unwrap_or_default();
                match key {
                    "p" => map.insert("properties".into(), json!({ "p": schema })),
                    "$ref" => map.insert(key.into(), json!("#/components/schemas/Other")),
                    _ => map.insert(key.into(), schema),
                };
            }
            map.into()
        })
    })
}

fn facts() -> impl Strategy<Value = Value> {
    let types = subsequence(vec!["string", "integer", "number", "array", "object", "null"], 1..4);
    let enums = subsequence(vec![json!("a"), json!(1), json!(null), json!({})], 1..4);
    let pairs = vec![
        ("const", json!("a")),
        ("const", json!(null)),
        ("minimum", json!(1)),
        ("exclusiveMinimum", json!(1)),
        ("exclusiveMinimum", json!(0)),
        ("minLength", json!(1)),
        ("maxItems", json!(1)),
        ("examples", json!(["a"])),
        ("title", json!("T")),
        ("propertyNames", json!({ "pattern": "" })),
        ("$comment", json!("c")),
    ];
    (
        proptest::option::of(types),
        proptest::option::weighted(0.2, enums),
        subsequence(pairs, 0..3),
        select(vec![0, 1]),
    )
        .prop_map(|(types, enums, pairs, bare)| {
            let mut map: Map<String, Value> =
                pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            if let Some(types) = types {
                let is_bare = bare == 1 && types.len() == 1;
                map.insert("type".into(), if is_bare { json!(types[0]) } else { json!(types) });
            }
            if let Some(enums) = enums {
                map.insert("enum".into(), enums.into());
            }
            map.into()
        })
}

fn document(schema: &Value) -> Value {
    json!({
        "openapi": "3.1.0",
        "paths": {},
        "components": { "schemas": { "It": schema, "Other": { "type": "object" } } },
    })
}

fn strange(document: &Value) -> Vec<String> {
    let words = "$ref additionalProperties allOf anyOf enum example exclusiveMinimum format items maxItems \
        minLength minimum not nullable oneOf properties title type";
    let mut strange = Vec::new();
    walk(document, &shape::DOCUMENT, "", &mut |at, shape, value| {
        if shape.is("schema") {
            let map = value.as_object();
            let is_sound = map.is_some_and(|map| {
                map.keys().all(|key| words.split_whitespace().any(|word| word == key))
                    && map.get("type").is_none_or(|kind| kind.is_string() && kind != "null")
                    && map
                        .get("exclusiveMinimum")
                        .is_none_or(|flag| flag.is_boolean() && map.contains_key("minimum"))
                    && (!map.contains_key("$ref") || map.len() == 1)
            });
            let is_truth = value.is_boolean() && at.ends_with("/additionalProperties");
            if !is_sound && !is_truth {
                strange.push(format!("{at}: {value}"));
            }
        }
    });
    strange
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn converted_schema_accepts_the_same_values(schema in schemas()) {
        let converted = downconvert("it", document(&schema)).unwrap();
        let made = &converted.document["components"]["schemas"]["It"];
        let is_told = converted.notices("it", &converted.document).map_or(true, |notices| !notices.is_empty());
        if !is_told {
            for value in values().as_array().unwrap() {
                prop_assert_eq!(admits(V3_1, &schema, value), admits(V3_0, made, value), "{} as {}", value, made);
            }
        }
    }

    #[test]
    fn converted_schema_has_no_openapi_3_1_keywords(schema in schemas()) {
        let converted = downconvert("it", document(&schema)).unwrap();
        prop_assert_eq!(strange(&converted.document), Vec::<String>::new());
        let again = downconvert("it", converted.document.clone()).unwrap();
        prop_assert_eq!(again.document, converted.document);
    }
}
