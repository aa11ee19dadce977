//! The day that a document is from, in UTC.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate};

/// A day from 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(NaiveDate);

impl Date {
    pub(crate) fn today() -> Self {
        Self::of(SystemTime::now())
    }

    pub(crate) fn of(time: SystemTime) -> Self {
        /// The end of the year 9999.
        const LAST: u64 = 253_402_300_799;
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).min(LAST);
        Self(DateTime::from_timestamp(seconds.cast_signed(), 0).unwrap_or_default().date_naive())
    }

    /// The first date in `text`, `2025-06-10` for `moov-2025-06-10.yaml`.
    pub(crate) fn in_text(text: &str) -> Option<Self> {
        (0..text.len()).find_map(|at| Self::parse(text.get(at..at + "2025-06-10".len())?))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let date = Self(text.parse().ok()?);
        (date.to_string() == text && ("1970".."9999-12-32").contains(&text)).then_some(date)
    }

    /// The day of an HTTP date, `Tue, 10 Jun 2025 12:00:00 GMT`.
    pub(crate) fn in_http(text: &str) -> Option<Self> {
        let time = DateTime::parse_from_rfc2822(text).ok()?;
        Self::parse(&time.to_utc().date_naive().to_string())
    }

    /// How many days `self` is before `other`; 0 if it is after.
    pub(crate) fn days_to(self, other: Self) -> u64 {
        u64::try_from((other.0 - self.0).num_days()).unwrap_or(0)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_day_is_parsed_and_written_alike() {
        for (days, text) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_249, "2025-06-10"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            let date = Date::parse(text).unwrap();
            assert_eq!(date.to_string(), text);
            let noon = UNIX_EPOCH + Duration::from_secs(days * 86_400 + 43_200);
            assert_eq!(Date::of(noon), date);
        }
        assert!(Date::today() > Date::parse("2025-06-10").unwrap());
        let (third, tenth) = (Date::parse("2025-06-03").unwrap(), Date::parse("2025-06-10").unwrap());
        assert_eq!(third.days_to(tenth), 7);
        assert_eq!(tenth.days_to(third), 0);
        let far = UNIX_EPOCH + Duration::from_secs(1 << 50);
        assert_eq!(Date::of(far).to_string(), "9999-12-31");
    }

    #[test]
    fn an_invalid_day_is_none() {
        for text in [
            "",
            "2025-02-29",
            "2025-13-01",
            "2025-00-01",
            "2025-06-00",
            "1969-12-31",
            "25-6-1",
            "2025-06-1x",
            "+025-06-10",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        assert_eq!(Date::in_text("moov-2025-06-10.yaml"), Date::parse("2025-06-10"));
        assert_eq!(Date::in_text("€2025"), None);
    }
}
