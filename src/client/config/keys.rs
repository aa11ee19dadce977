//! Deserializes settings from any serde format. Errors show no values.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer,
    de::{Error, MapAccess, Visitor},
};

use super::{contract::Settings, nearest::nearest, value::Value};

/// An unknown key may contain a secret that a user has entered in place of the key. So errors show
/// at most this many characters of the key.
const SHOWN: usize = 64;

pub(crate) fn deserialize<'de, S: Settings, D: Deserializer<'de>>(deserializer: D) -> Result<S, D::Error> {
    // With `deserialize_map`, some formats report a wrong type with an error that shows the value.
    deserializer.deserialize_any(Keys(PhantomData))
}

/// Without the `visit_*` methods below, serde would return an error that shows the value.
fn no_table<S, E: Error>() -> Result<S, E> {
    Err(E::custom("expected a table of settings, found a single value"))
}

struct Keys<S>(PhantomData<S>);

impl<'de, S: Settings> Visitor<'de> for Keys<S> {
    type Value = S;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of settings")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<S, E> {
        no_table()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<S, E> {
        no_table()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<S, E> {
        no_table()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<S, E> {
        no_table()
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<S, M::Error> {
        let mut settings = S::default();
        let mut seen = Vec::new();
        while let Some(given) = map.next_key::<String>()? {
            let Some(key) = S::KEYS.iter().find(|key| **key == given) else {
                return Err(M::Error::custom(unknown(&given, S::KEYS)));
            };
            if seen.contains(&key) {
                return Err(M::Error::custom(format_args!("key `{key}` is given twice")));
            }
            seen.push(key);
            let value: Value = map.next_value()?;
            settings
                .set(key, &value)
                .map_err(|must_be| M::Error::custom(format_args!("key `{key}` {must_be}")))?;
        }
        Ok(settings)
    }
}

/// Escapes all characters that are not in ASCII, because some of them are invisible, and others look
/// like the letters of a known name.
pub(super) fn shown(name: &str) -> String {
    let mut shown = String::new();
    for c in name.chars().take(SHOWN) {
        match c {
            ' '..='~' => shown.push(c),
            _ => shown.extend(c.escape_default()),
        }
    }
    shown
}

fn unknown(given: &str, keys: &[&str]) -> String {
    let shown = shown(given);
    match nearest(given, keys.iter().copied()) {
        Some(near) => format!("unknown key `{shown}`; did you mean `{near}`?"),
        None => format!("unknown key `{shown}`; known keys: {}", keys.join(", ")),
    }
}
