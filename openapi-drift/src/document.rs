//! Parses untrusted YAML or JSON into a JSON value. Limits the size, the depth, the parsing time
//! and the amount of data. Rejects duplicate keys, and YAML that is not plain data, such as tags.

use std::cell::Cell;
use std::fmt;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::problems::Result;

pub(crate) const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The maximum amount of data in a document after its YAML aliases are expanded, because a short
/// file can expand to a huge document. Each value counts as 1. Each 32 bytes of text and each 256
/// bytes of a value's JSON pointer also count as 1.
pub(crate) const MAX_WEIGHT: usize = 1_000_000;

/// The maximum number of brackets that are open at the same time, including brackets in strings.
/// The parsing time of the YAML parser grows with the square of this number.
const MAX_OPEN: usize = 5_000;

const MAX_TIME: Duration = Duration::from_secs(20);

const BYTE_ORDER_MARK: char = '\u{feff}';

pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<Value> {
    parse_within(name, bytes, MAX_WEIGHT, MAX_TIME)
}

pub(crate) fn version(document: &Value) -> Option<String> {
    match document.get("openapi")? {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn parse_within(name: &str, bytes: &[u8], weight: usize, time: Duration) -> Result<Value> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("{name}: more than {MAX_BYTES} bytes").into());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| format!("{name}: not UTF-8: {error}"))?;
    let text = text.trim_start_matches(BYTE_ORDER_MARK).to_owned();
    if !is_json(&text) && opens_too_much(&text) {
        return Err(format!("{name}: more than {MAX_OPEN} brackets are open at once").into());
    }
    let (done, read) = mpsc::channel();
    // A parser that exceeds the time limit cannot be stopped. Its thread may run until the process
    // ends.
    thread::spawn(move || done.send(deserialize(&text, weight)));
    match read.recv_timeout(time) {
        Ok(Ok(value)) if value.is_object() => Ok(value),
        Ok(Ok(_)) => Err(format!("{name}: not a YAML or JSON object").into()),
        Ok(Err(error)) => Err(format!("{name}: {error}").into()),
        Err(_) => Err(format!("{name}: takes more than {time:?} to read").into()),
    }
}

/// The YAML parser supports neither surrogate pairs nor long keys, so serde_json must parse JSON.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

fn opens_too_much(text: &str) -> bool {
    let mut open = 0_usize;
    text.bytes().any(|byte| {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        open > MAX_OPEN
    })
}

fn deserialize(text: &str, weight: usize) -> std::result::Result<Value, String> {
    let left = Cell::new(weight);
    let node = Node { left: &left, length: 0 };
    if is_json(text) {
        let mut json = serde_json::Deserializer::from_str(text);
        node.deserialize(&mut json)
            .and_then(|value| json.end().map(|()| value))
            .map_err(|error| error.to_string())
    } else {
        node.deserialize(yaml_serde::Deserializer::from_str(text)).map_err(|error| error.to_string())
    }
}

#[derive(Clone, Copy)]
struct Node<'a> {
    left: &'a Cell<usize>,
    length: usize,
}

impl Node<'_> {
    fn below(self, step: usize) -> Self {
        Self { length: self.length + 1 + step, ..self }
    }

    fn spend<E: Error>(self, weight: usize) -> std::result::Result<(), E> {
        let left = self.left.get().checked_sub(weight);
        self.left.set(left.ok_or_else(|| E::custom("too much data"))?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> std::result::Result<Value, D::Error> {
        self.spend(1 + self.length / 256)?;
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("plain data")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> std::result::Result<Value, E> {
        serde_json::Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom(format_args!("{value} is not a JSON number")))
    }

    fn visit_str<E: Error>(self, value: &str) -> std::result::Result<Value, E> {
        self.spend(value.len() / 32)?;
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element_seed(self.below(1))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key_seed(self)? {
            let key = match key {
                Value::String(key) => key,
                Value::Number(_) | Value::Bool(_) => key.to_string(),
                _ => return Err(A::Error::custom("a key must be a string")),
            };
            if key == "<<" {
                return Err(A::Error::custom("merge keys are not supported"));
            }
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("duplicate key {key:?}")));
            }
            let value = entries.next_value_seed(self.below(key.len()))?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        parse("it.yaml", text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn yaml_and_json_parse_to_the_same_document() {
        let yaml = parse("it", b"a: [1, -2, 0.5, true, null]\n'200': \xe2\x82\xac\n").unwrap();
        let json = parse("it", br#" {"a": [1, -2, 0.5, true, null], "200": "\u20ac"}"#).unwrap();
        assert_eq!(yaml, json);
    }

    #[test]
    fn numeric_keys_are_converted_to_strings() {
        let document = parse("it", b"responses: { 200: yes, 404: no }").unwrap();
        assert_eq!(document["responses"]["200"], "yes");
    }

    #[test]
    fn byte_order_mark_is_ignored() {
        assert!(parse("it", "\u{feff}{}".as_bytes()).is_ok());
    }

    #[test]
    fn duplicate_key_is_rejected() {
        insta::assert_snapshot!(message("a:\n  b: 1\n  b: 2\n"), @r#"it.yaml: a: duplicate key "b" at line 2 column 3"#);
        insta::assert_snapshot!(message(r#"{"a": 1, "a": 2}"#), @r#"it.yaml: duplicate key "a" at line 1 column 12"#);
        insta::assert_snapshot!(message("200: 1\n'200': 2\n"), @r#"it.yaml: duplicate key "200""#);
    }

    #[test]
    fn yaml_that_is_not_plain_data_is_rejected() {
        insta::assert_snapshot!(message("a: !secret b"), @"it.yaml: a: invalid type: enum, expected plain data at line 1 column 4");
        insta::assert_snapshot!(message("a: .nan"), @"it.yaml: a: NaN is not a JSON number at line 1 column 4");
        insta::assert_snapshot!(message("a: &b { c: 1 }\nd:\n  <<: *b\n"), @"it.yaml: d: merge keys are not supported at line 3 column 3");
        insta::assert_snapshot!(message("[a]: 1"), @"it.yaml: a key must be a string");
        insta::assert_snapshot!(message("- a"), @"it.yaml: not a YAML or JSON object");
        insta::assert_snapshot!(message(""), @"it.yaml: not a YAML or JSON object");
        insta::assert_snapshot!(message("a: 1\n---\nb: 2\n"), @"it.yaml: deserializing from YAML containing more than one document is not supported");
        insta::assert_snapshot!(message(r#"{"a": 1} b"#), @"it.yaml: trailing characters at line 1 column 10");
    }

    #[test]
    fn non_utf_8_text_is_rejected() {
        let error = parse("it.yaml", b"a: \xff").unwrap_err().to_string();
        assert!(error.starts_with("it.yaml: not UTF-8"), "{error}");
    }

    #[test]
    fn alias_expansion_is_limited() {
        let mut bomb = String::from("a0: &a0 [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n");
        for level in 1..10 {
            let below = format!("*a{}", level - 1);
            let list = [below.as_str(); 10].join(", ");
            bomb += &format!("a{level}: &a{level} [{list}]\n");
        }
        assert!(parse("it", bomb.as_bytes()).is_err());
    }

    #[test]
    fn amount_of_parsed_data_is_limited() {
        let list = format!("a: [{}]", ["0"; 100].join(", "));
        let words = format!("a: &a '{}'\nb: [{}]", "word ".repeat(64), ["*a"; 10].join(", "));
        for text in [list, words] {
            let text = text.as_bytes();
            assert!(parse_within("it", text, 150, MAX_TIME).is_ok());
            let error = parse_within("it", text, 50, MAX_TIME).unwrap_err().to_string();
            assert!(error.contains("too much data"), "{error}");
        }
    }

    #[test]
    fn nesting_depth_is_limited() {
        for text in [
            format!("{{\"a\":{}", "[".repeat(1_000_000)),
            format!("a: {}", "[".repeat(5_000)),
            "- ".repeat(20_000),
            "? ".repeat(20_000),
        ] {
            assert!(parse("it", text.as_bytes()).is_err());
        }
    }

    #[test]
    fn total_length_of_json_pointers_is_limited() {
        let text = |key: &str| format!("{{\"{key}\": [{}]}}", ["0"; 1_000].join(", "));
        assert!(parse_within("it", text("short").as_bytes(), 2_000, MAX_TIME).is_ok());
        let error = parse_within("it", text(&"long".repeat(256)).as_bytes(), 2_000, MAX_TIME).unwrap_err();
        assert!(error.to_string().contains("too much data"), "{error}");
    }

    #[test]
    fn nesting_is_checked_before_parsing() {
        let text = format!("a: {}", "[".repeat(1_000_000));
        let error = parse_within("it", text.as_bytes(), 1, Duration::ZERO).unwrap_err();
        assert_eq!(error.to_string(), "it: more than 5000 brackets are open at once");
    }

    #[test]
    fn parsing_time_is_limited() {
        let text = format!("a: {}", "[\"]\", ".repeat(200_000));
        let error = parse_within("it", text.as_bytes(), 1, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.to_string(), "it: takes more than 50ms to read");
    }

    #[test]
    fn document_size_is_limited() {
        let error = parse("it", &vec![b' '; MAX_BYTES + 1]).unwrap_err();
        assert_eq!(error.to_string(), "it: more than 16777216 bytes");
    }
}
