//! Reads from the headers of a response how long the client must wait before the next request.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

use crate::response::parse_date;

/// The wait is limited to one day, so that callers can add the wait to the current time without an
/// overflow.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A wait of more than one year is probably a mistake of the server. Such a wait is ignored if the
/// response also contains a shorter wait.
const CREDIBLE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// In `Retry-After`, a number of this size or larger is a Unix timestamp (2001-09-09 or later), not
/// a number of seconds to wait.
const FIRST_TIMESTAMP: Duration = Duration::from_secs(1_000_000_000);

/// `Retry-After` is a number of seconds or a date (RFC 9110 section 10.2.3). Moov's older header
/// `X-Retry-In` is a number of milliseconds. A date is compared with the `Date` header of the
/// response, so a wrong local clock has no effect.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let now = headers.get(header::DATE).and_then(parse_date).unwrap_or(now);
    let until = |end: SystemTime| end.duration_since(now).unwrap_or_default();
    let mut waits = Vec::new();
    for (name, unit) in [("retry-after", "s"), ("x-retry-in", "ms")] {
        for value in headers.get_all(name).iter().filter_map(|value| value.to_str().ok()) {
            let parts: Vec<&str> = value.split(',').map(str::trim).collect();
            // A date contains a comma, so `split` has cut it into two parts. Join each part with
            // the next part.
            let dates = parts.windows(2).filter_map(|pair| httpdate::parse_http_date(&pair.join(", ")).ok());
            let dates = dates.chain(httpdate::parse_http_date(value.trim()).ok());
            waits.extend(dates.map(until));
            waits.extend(parts.iter().filter_map(|part| duration(part, unit)).map(|wait| {
                let timestamp = (FIRST_TIMESTAMP..Duration::MAX).contains(&wait) && unit == "s";
                let end = SystemTime::UNIX_EPOCH.checked_add(wait).filter(|_| timestamp);
                end.map_or(wait, until)
            }));
        }
    }
    let credible = waits.iter().filter(|wait| **wait <= CREDIBLE).max();
    credible.or(waits.iter().max()).map(|wait| (*wait).min(LONGEST))
}

fn duration(text: &str, unit: &str) -> Option<Duration> {
    let mut rest = text.trim_matches('"').trim();
    let mut sum = Duration::ZERO;
    let has_unit = rest.ends_with(|c: char| c.is_ascii_alphabetic());
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let number: f64 = number.parse().ok()?;
        let end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (given, tail) = tail.split_at(end);
        let seconds = match if has_unit || !given.is_empty() { given } else { unit } {
            "h" => 3600.0,
            "m" => 60.0,
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "ms" => 0.001,
            "us" => 0.000_001,
            "ns" => 0.000_000_001,
            _ => return None,
        };
        sum = sum.saturating_add(Duration::try_from_secs_f64(number * seconds).unwrap_or(Duration::MAX));
        rest = tail;
        if rest.is_empty() {
            return Some(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<u128> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        retry_after(&map, now).map(|wait| wait.as_millis())
    }

    #[test]
    fn seconds_dates_and_milliseconds_are_parsed() {
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("retry-after", "3")]), Some(3_000));
        assert_eq!(wait(&[("retry-after", "Sun, 09 Sep 2001 01:46:50 GMT")]), Some(10_000));
        assert_eq!(wait(&[("retry-after", "Sun, 09 Sep 2001 01:46:30 GMT")]), Some(0));
        assert_eq!(wait(&[("x-retry-in", "1500")]), Some(1_500));
        assert_eq!(wait(&[("retry-after", "1"), ("x-retry-in", "1500")]), Some(1_500));
    }

    #[test]
    fn retry_after_date_is_compared_with_the_date_of_the_response() {
        let server = ("date", "Sun, 09 Sep 2001 01:46:45 GMT");
        assert_eq!(wait(&[("retry-after", "Sun, 09 Sep 2001 01:46:50 GMT"), server]), Some(5_000));
    }

    #[test]
    fn longest_valid_retry_after_value_is_used() {
        let day = Some(86_400_000);
        for (value, milliseconds) in [
            ("1.5", Some(1_500)),
            ("3, 5", Some(5_000)),
            ("5,soon,3", Some(5_000)),
            ("1500ms", Some(1_500)),
            ("1m30s", Some(90_000)),
            ("2 , Sun, 09 Sep 2001 01:46:50 GMT", Some(10_000)),
            ("Sun, 09 Sep 2001 01:46:50 GMT, Sun, 09 Sep 2001 01:46:49 GMT", Some(10_000)),
            ("Sun Sep  9 01:46:50 2001", Some(10_000)),
            ("1000000007", Some(7_000)),
            ("999999999", day),
            ("18446744073709551615", day),
            ("99999999999999999999999", day),
            ("3, 99999999999999999999999", Some(3_000)),
            ("Sun, 09 Sep 2091 01:46:50 GMT", day),
            ("4, Sun, 09 Sep 2091 01:46:50 GMT", Some(4_000)),
            ("0", Some(0)),
        ] {
            assert_eq!(wait(&[("retry-after", value)]), milliseconds, "{value}");
        }
        for (value, milliseconds) in [("1500ms", 1_500), ("2s", 2_000), ("1.5", 1), ("1, 2000", 2_000)] {
            assert_eq!(wait(&[("x-retry-in", value)]), Some(milliseconds), "{value}");
        }
        assert_eq!(wait(&[("retry-after", "3"), ("retry-after", "x"), ("retry-after", "5")]), Some(5_000));
    }

    #[test]
    fn invalid_retry_after_values_are_ignored() {
        for bad in
            ["soon", "-1", "1e5", "", ",", ".", "1.2.3", "NaN", "inf", "1 2", "3 parsecs", "s", "Sun, 99 Sep"]
        {
            assert_eq!(wait(&[("retry-after", bad)]), None, "{bad}");
            assert_eq!(wait(&[("x-retry-in", bad)]), None, "{bad}");
        }
    }
}
