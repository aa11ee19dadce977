//! The type of the `expires_in` field of a token response.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

/// The number in the `expires_in` field of a token response. This type does not decide whether the
/// number is a duration or a timestamp.
///
/// MoneyKit sends the validity in seconds. Moov's documents disagree: the value is 900 (seconds) in
/// some documents, and 1736964352 (the Unix timestamp of the expiry) in other documents. This type
/// accepts both values, as a number or a numeric string. Fractions are truncated. Numbers outside
/// the range of `i64` are replaced by the nearest `i64`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExpiresIn(i64);

impl ExpiresIn {
    /// Returns the number from the response: seconds, or a Unix timestamp.
    pub fn raw(self) -> i64 {
        self.0
    }
}

impl From<i64> for ExpiresIn {
    fn from(raw: i64) -> Self {
        Self(raw)
    }
}

impl Serialize for ExpiresIn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for ExpiresIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Use `Value`, because no other type can read numbers with every combination of
        // `serde_json` features.
        let number = match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
            Value::String(text) => {
                let text = text.trim();
                text.parse::<i64>().ok().or_else(|| text.parse::<f64>().ok().and_then(whole))
            }
            _ => None,
        };
        number.map(Self).ok_or_else(|| D::Error::custom("neither a number nor a numeric string"))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, as documented")]
fn whole(number: f64) -> Option<i64> {
    number.is_finite().then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_numeric_strings_of_any_size_are_parsed() {
        for (json, raw) in [
            ("900", 900),
            ("1736964352", 1_736_964_352),
            ("\"3600\"", 3600),
            ("\" 3600 \"", 3600),
            ("3600.0", 3600),
            ("\"3600.5\"", 3600),
            ("0", 0),
            ("-5", -5),
            ("18446744073709551615", i64::MAX),
            ("1e300", i64::MAX),
            ("\"99999999999999999999\"", i64::MAX),
        ] {
            assert_eq!(serde_json::from_str::<ExpiresIn>(json).unwrap().raw(), raw, "{json}");
        }
    }

    #[test]
    fn values_that_are_not_numbers_are_rejected() {
        for json in ["\"soon\"", "\"\"", "\"NaN\"", "\"inf\"", "true", "{}", "[900]"] {
            assert!(serde_json::from_str::<ExpiresIn>(json).is_err(), "{json}");
        }
    }
}
