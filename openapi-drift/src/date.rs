//! Parses and computes dates in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate};

pub(crate) fn today() -> NaiveDate {
    of(SystemTime::now())
}

pub(crate) fn of(time: SystemTime) -> NaiveDate {
    /// The last second of the year 9999, as a Unix timestamp.
    const LAST: u64 = 253_402_300_799;
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).min(LAST);
    DateTime::from_timestamp(seconds.cast_signed(), 0).unwrap_or_default().date_naive()
}

pub(crate) fn parse(text: &str) -> Option<NaiveDate> {
    let date: NaiveDate = text.parse().ok()?;
    (date.to_string() == text && ("1970".."9999-12-32").contains(&text)).then_some(date)
}

pub(crate) fn find(text: &str) -> Option<NaiveDate> {
    (0..text.len()).find_map(|at| parse(text.get(at..at + "2025-06-10".len())?))
}

pub(crate) fn parse_http(text: &str) -> Option<NaiveDate> {
    let time = DateTime::parse_from_rfc2822(text).ok()?;
    parse(&time.to_utc().date_naive().to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn date_round_trips() {
        for (days, text) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_249, "2025-06-10"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            let date = parse(text).unwrap();
            assert_eq!(date.to_string(), text);
            let noon = UNIX_EPOCH + Duration::from_secs(days * 86_400 + 43_200);
            assert_eq!(of(noon), date);
        }
        assert!(today() > parse("2025-06-10").unwrap());
        let far = UNIX_EPOCH + Duration::from_secs(1 << 50);
        assert_eq!(of(far).to_string(), "9999-12-31");
    }

    #[test]
    fn invalid_date_is_rejected() {
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
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(find("moov-2025-06-10.yaml"), parse("2025-06-10"));
        assert_eq!(find("€2025"), None);
    }
}
