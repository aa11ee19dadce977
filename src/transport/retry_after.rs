//! How long a vendor asks to wait.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, header};

/// A day. Callers add this to the time of day, and a vendor's mistake must not overflow that.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
const X_RETRY_IN: HeaderName = HeaderName::from_static("x-retry-in");

/// Reads `Retry-After`, in seconds or as a date (RFC 9110 section 10.2.3), and Moov's older
/// `X-Retry-In`, in milliseconds. The longer one holds where both are sent.
///
/// A date is counted from the answer's own `Date`, so that a local clock that is off does no harm.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let whole = |text: &str| text.parse::<u64>().ok();
    let standard = text(header::RETRY_AFTER).and_then(|value| {
        whole(value).map(Duration::from_secs).or_else(|| {
            let until = httpdate::parse_http_date(value).ok()?;
            Some(until.duration_since(date(headers).unwrap_or(now)).unwrap_or_default())
        })
    });
    let older = text(X_RETRY_IN).and_then(whole).map(Duration::from_millis);
    standard.max(older).map(|wait| wait.min(LONGEST))
}

/// The `Date` of an answer.
pub(super) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<u128> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        retry_after(&map, now).map(|wait| wait.as_millis())
    }

    #[test]
    fn reads_seconds_dates_and_milliseconds() {
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("retry-after", "3")]), Some(3_000));
        assert_eq!(wait(&[("retry-after", "Sun, 09 Sep 2001 01:46:50 GMT")]), Some(10_000));
        assert_eq!(wait(&[("retry-after", "Sun, 09 Sep 2001 01:46:30 GMT")]), Some(0));
        assert_eq!(wait(&[("x-retry-in", "1500")]), Some(1_500));
        assert_eq!(wait(&[("retry-after", "1"), ("x-retry-in", "1500")]), Some(1_500));
    }

    #[test]
    fn counts_a_date_from_the_answers_own() {
        let server = ("date", "Sun, 09 Sep 2001 01:46:45 GMT");
        assert_eq!(wait(&[("retry-after", "Sun, 09 Sep 2001 01:46:50 GMT"), server]), Some(5_000));
    }

    #[test]
    fn passes_over_what_it_cannot_read() {
        assert_eq!(wait(&[("retry-after", "18446744073709551615")]), Some(86_400_000));
        for bad in ["soon", "-1", "1.5", "", "99999999999999999999999"] {
            assert_eq!(wait(&[("retry-after", bad)]), None, "{bad}");
        }
    }
}
