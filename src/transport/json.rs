//! Reads JSON responses leniently: an unreadable optional field does not make a response unusable.

use std::{
    borrow::Cow,
    cell::Cell,
    collections::{HashMap, hash_map::Entry},
};

use serde::{Deserialize as _, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};
use zeroize::Zeroizing;

use crate::json::Members;

/// A number that replaces an unusable value, such as `NaN`. The number is valid JSON, but too large
/// for every field type. So decoding the value fails.
const UNREADABLE: &str = "1e999";

thread_local! {
    /// Whether `optional` fails if a field is unreadable. The variable is thread-local, because
    /// serde passes no state to the functions that read fields.
    static IS_STRICT: Cell<bool> = const { Cell::new(false) };
}

/// `build.rs` makes the generated types call this function for all their optional fields.
pub(crate) fn optional<'de, D, T>(field: &'static str, deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    if IS_STRICT.get() {
        return T::deserialize(deserializer);
    }
    // The field may be a refresh token, so its text is wiped from memory.
    let json: Box<str> = Box::<RawValue>::deserialize(deserializer)?.into();
    let json = Zeroizing::new(json);
    if &**json == "null" {
        return Ok(T::default());
    }
    Ok(serde_json::from_str(&json).unwrap_or_else(|_| {
        tracing::warn!(fintech_auth.field = field, "ignoring unreadable response field");
        T::default()
    }))
}

/// Decodes strictly first, because lenient decoding copies each optional field.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    decode_strictly(body).or_else(|error| match normalize(body) {
        Some(json) => serde_json::from_str(&Zeroizing::new(json)),
        None => Err(error),
    })
}

fn decode_strictly<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    struct Reset;

    impl Drop for Reset {
        fn drop(&mut self) {
            IS_STRICT.set(false);
        }
    }

    IS_STRICT.set(true);
    let _reset = Reset;
    serde_json::from_slice(body)
}

fn normalize(body: &[u8]) -> Option<String> {
    with_members(body, |members| {
        let mut json = String::from("{");
        for (name, value) in members {
            if json.len() > 1 {
                json.push(',');
            }
            json += &serde_json::to_string(&name).unwrap_or_default();
            json.push(':');
            json += value.map_or(UNREADABLE, RawValue::get);
        }
        json.push('}');
        json
    })
}

pub(super) fn object(body: &[u8]) -> Option<Map<String, Value>> {
    with_members(body, |members| {
        let value = |value: Option<&RawValue>| serde_json::from_str(value?.get()).ok();
        members.into_iter().map(|(name, raw)| (name, value(raw).unwrap_or_default())).collect()
    })
}

fn with_members<T>(body: &[u8], then: impl FnOnce(Vec<(String, Option<&RawValue>)>) -> T) -> Option<T> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}');
    if let Ok(members) = serde_json::from_str::<Members<'_, &RawValue>>(text) {
        return Some(then(merge(members.0)));
    }
    let text = without_nan(text);
    serde_json::from_str::<Members<'_, &RawValue>>(&text).ok().map(|members| then(merge(members.0)))
}

fn merge<'a>(members: Vec<(Cow<'_, str>, &'a RawValue)>) -> Vec<(String, Option<&'a RawValue>)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut merged: Vec<(String, Option<&'a RawValue>)> = Vec::new();
    for (name, value) in members {
        match places.entry(name.into_owned()) {
            Entry::Vacant(place) => {
                merged.push((place.key().clone(), Some(value)));
                place.insert(merged.len() - 1);
            }
            Entry::Occupied(place) => {
                let first = &mut merged[*place.get()].1;
                *first = first.filter(|first| is_same(first, value));
            }
        }
    }
    merged
}

fn is_same(a: &RawValue, b: &RawValue) -> bool {
    let value = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).ok();
    a.get() == b.get() || value(a).is_some_and(|a| Some(a) == value(b))
}

/// Python's `json` module writes `NaN` and `Infinity`, which are not valid JSON.
fn without_nan(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut in_string) = (text, false);
    while let Some(next) = rest.chars().next() {
        let number = ["NaN", "Infinity", "-Infinity"].into_iter().find(|name| rest.starts_with(name));
        if let (false, Some(number)) = (in_string, number) {
            out += UNREADABLE;
            rest = &rest[number.len()..];
            continue;
        }
        let escaped = usize::from(in_string && next == '\\');
        let length = rest.chars().take(1 + escaped).map(char::len_utf8).sum();
        in_string ^= next == '"';
        out += &rest[..length];
        rest = &rest[length..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(body: impl AsRef<[u8]>) -> Option<String> {
        normalize(body.as_ref())
    }

    fn optional_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
        optional("b", deserializer)
    }

    #[derive(Debug, serde::Deserialize, PartialEq)]
    struct Body {
        a: u8,
        #[serde(default, deserialize_with = "optional_number")]
        b: Option<u8>,
    }

    #[test]
    fn unreadable_optional_field_is_ignored_in_any_decoder() {
        let deep = format!(r#"{{"a":1,"b":{}{}}}"#, "[".repeat(500), "]".repeat(500));
        for (text, b) in [
            (r#"{"a":1,"b":2}"#, Some(2)),
            (r#"{"a":1,"b":null}"#, None),
            (r#"{"a":1,"b":1e999}"#, None),
            (r#"{"a":1,"b":[{"c":2}]}"#, None),
            (r#"{"a":1,"b":2,"b":3}"#, None),
            (&deep, None),
        ] {
            assert_eq!(decode::<Body>(text.as_bytes()).unwrap(), Body { a: 1, b }, "{text}");
            assert!(!IS_STRICT.get(), "{text}");
        }
        assert!(decode::<Body>(br#"{"a":256}"#).is_err());
        assert_eq!(serde_json::from_str::<Body>(r#"{"a":1,"b":{}}"#).unwrap(), Body { a: 1, b: None });
    }

    #[test]
    fn json_object_is_normalized_to_strict_json() {
        for (body, json) in [
            ("{}", "{}"),
            (" { \"a\" : 1 } ", "{\"a\":1}"),
            ("\u{feff}{\"a\":1}", r#"{"a":1}"#),
            (r#"{"a":1,"b":2,"a":1}"#, r#"{"a":1,"b":2}"#),
            (r#"{"a":"x","a":"\u0078"}"#, r#"{"a":"x"}"#),
            (r#"{"a":1,"a":2,"a":1}"#, r#"{"a":1e999}"#),
            (r#"{"a":NaN,"b":[-Infinity],"NaN":"Na\"NaN"}"#, r#"{"a":1e999,"b":[1e999],"NaN":"Na\"NaN"}"#),
            (r#"{"a":1e400}"#, r#"{"a":1e400}"#),
        ] {
            assert_eq!(normal(body).as_deref(), Some(json), "{body}");
        }
        assert_eq!(normal(b"{\"a\":\"\xff\"}").as_deref(), Some("{\"a\":\"\u{fffd}\"}"));
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(normal(&deep), Some(deep));
    }

    #[test]
    fn values_other_than_objects_are_rejected() {
        for body in ["", "null", "[]", "[{}]", "\"{}\"", "{", "{}x", "{\"a\":}", "<html>", "{\"a\":NaNa}"] {
            assert_eq!(normal(body), None, "{body}");
        }
    }

    #[test]
    fn numbers_out_of_range_and_conflicting_duplicates_become_null() {
        let members = object(br#"{"a":1e400,"b":"x","c":1,"c":2}"#).unwrap();
        assert_eq!(Value::from(members).to_string(), r#"{"a":null,"b":"x","c":null}"#);
    }
}
