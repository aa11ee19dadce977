//! Days of the calendar, as ISO 8601 writes them: when a document is from, and how old it is. There
//! are no times of day here and no zones; a day is a day in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Counted from 1970-01-01; nothing before it, and nothing beyond the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(u64);

impl Date {
    pub(crate) fn today() -> Self {
        Self::of(SystemTime::now())
    }

    pub(crate) fn of(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self((seconds / (24 * 60 * 60)).min(Self::start_of(10_000) - 1))
    }

    /// The first date in `text`, `2025-06-10` for `moov-2025-06-10.yaml`.
    pub(crate) fn in_text(text: &str) -> Option<Self> {
        (0..text.len()).find_map(|at| Self::parse(text.get(at..at + "2025-06-10".len())?))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let [year, month, day] = <[&str; 3]>::try_from(text.split('-').collect::<Vec<_>>()).ok()?;
        let number = |text: &str, length: usize| {
            let is_plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u64>().ok().filter(|_| is_plain)
        };
        let (year, month, day) = (number(year, 4)?, number(month, 2)? as usize, number(day, 2)?);
        if year < 1970 || !(1..=12).contains(&month) || !(1..=length(year, month)).contains(&day) {
            return None;
        }
        let months: u64 = (1..month).map(|month| length(year, month)).sum();
        Some(Self(Self::start_of(year) + months + day - 1))
    }

    /// How many days `self` is before `other`; none if it is after.
    pub(crate) fn days_to(self, other: Self) -> u64 {
        other.0.saturating_sub(self.0)
    }

    fn start_of(year: u64) -> u64 {
        (1970..year).map(days_of).sum()
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mut year, mut month, mut day) = (1970, 1, self.0);
        while day >= days_of(year) {
            day -= days_of(year);
            year += 1;
        }
        while day >= length(year, month) {
            day -= length(year, month);
            month += 1;
        }
        write!(f, "{year:04}-{month:02}-{:02}", day + 1)
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn length(year: u64, month: usize) -> u64 {
    MONTHS[month - 1] + u64::from(month == 2 && is_leap(year))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_day_is_counted_and_written_alike() {
        for (days, text) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_249, "2025-06-10"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(Date::parse(text), Some(Date(days)), "{text}");
            assert_eq!(Date(days).to_string(), text);
            let noon = UNIX_EPOCH + Duration::from_secs(days * 86_400 + 43_200);
            assert_eq!(Date::of(noon), Date(days));
        }
        assert!(Date::today() > Date::parse("2025-06-10").unwrap());
        assert_eq!(Date(3).days_to(Date(10)), 7);
        assert_eq!(Date(10).days_to(Date(3)), 0);
    }

    #[test]
    fn what_is_no_day_is_none() {
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
