//! Parses the date-times of the API schemas.

use std::{fmt, time::SystemTime};

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A point in time. The generated types use this type for the OpenAPI format `date-time`.
///
/// Deserializes RFC 3339 date-times with any offset. A missing offset means UTC, because Python
/// services often omit the offset of a UTC time.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(DateTime<Utc>);

/// Date libraries can convert the `SystemTime` to their own types, for example to
/// `chrono::DateTime<Utc>`.
impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.0.into()
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(time.into())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        DateTime::parse_from_rfc3339(&text)
            .map(|time| time.to_utc())
            .or_else(|_| text.parse::<NaiveDateTime>().map(|time| time.and_utc()))
            .map(Self)
            .map_err(|_| D::Error::custom("not an RFC 3339 date-time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<String> {
        serde_json::from_str::<Timestamp>(json).ok().map(|time| time.to_string())
    }

    #[test]
    fn parsed_timestamp_is_serialized_to_the_same_text() {
        for text in ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.250Z"] {
            let json = format!("\"{text}\"");
            assert_eq!(
                serde_json::to_string(&serde_json::from_str::<Timestamp>(&json).unwrap()).unwrap(),
                json
            );
        }
    }

    #[test]
    fn timestamp_converts_to_and_from_system_time() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_704_067_200_250);
        assert_eq!(SystemTime::from(Timestamp::from(time)), time);
        assert_eq!(Timestamp::from(time).to_string(), "2024-01-01T00:00:00.250+00:00");
    }

    #[test]
    fn any_offset_is_parsed_and_a_missing_offset_means_utc() {
        let expected = Some("2024-01-01T00:00:00+00:00".to_owned());
        assert_eq!(read(r#""2024-01-01T00:00:00Z""#), expected);
        assert_eq!(read(r#""2024-01-01T02:00:00+02:00""#), expected);
        assert_eq!(read(r#""2024-01-01T00:00:00""#), expected);
        assert_eq!(read(r#""yesterday""#), None);
    }
}
