//! Reads a JSON object as a list of its members.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// Contains all members, even if several members have the same name. JSON parsers differ in which
/// of these members they use, and an attacker can exploit this difference.
pub(crate) struct Members<'a, V>(pub(crate) Vec<(Cow<'a, str>, V)>);

impl<V> Members<'_, V> {
    /// Takes time quadratic in the number of members, so limit this number before the call.
    pub(crate) fn has_repeated_name(&self) -> bool {
        let names = self.0.iter().map(|(name, _)| name).enumerate();
        names.into_iter().any(|(index, name)| self.0[..index].iter().any(|(other, _)| other == name))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<'de, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object(PhantomData))
    }
}

struct Object<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Object<V> {
    type Value = Members<'de, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn is_repeated(text: &str) -> bool {
        serde_json::from_str::<Members<'_, Value>>(text).unwrap().has_repeated_name()
    }

    #[test]
    fn duplicate_member_names_are_found_even_if_one_is_escaped() {
        assert!(is_repeated(r#"{"a":1,"b":2,"a":1}"#));
        assert!(is_repeated(r#"{"a":1,"\u0061":2}"#));
        assert!(!is_repeated(r#"{"a":1,"A":2}"#));
        assert!(!is_repeated("{}"));
    }
}
