//! Validates and parses the value of each type of setting. Errors do not show the value.

use std::{fmt, path::PathBuf, time::Duration};

use super::Value;
use crate::{Scope, Secret, text};

pub(crate) trait Setting: Sized + fmt::Debug {
    const MUST_BE: &'static str;

    fn read(value: &Value) -> Option<Self>;

    fn flaw(text: &str) -> Option<&'static str> {
        text::flaw(text)
    }

    fn optional(value: &Value) -> Result<Option<Self>, &'static str> {
        let flaw = match value {
            Value::Nothing => return Ok(None),
            Value::List(values) => values.iter().filter_map(Value::text).find_map(Self::flaw),
            value => value.text().and_then(Self::flaw),
        };
        flaw.map_or_else(|| Self::read(value).map(Some).ok_or(Self::MUST_BE), Err)
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt(f)
    }
}

pub(crate) struct Shown<'a, S>(pub(crate) &'a S);

impl<S: Setting> fmt::Debug for Shown<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(f)
    }
}

impl Setting for String {
    const MUST_BE: &'static str = "must be text, in quotes if it looks like a number";

    fn read(value: &Value) -> Option<Self> {
        value.text().map(str::to_owned)
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&without_credentials(self), f)
    }
}

impl Setting for Secret {
    const MUST_BE: &'static str = "must be text, in quotes if it looks like a number";

    fn read(value: &Value) -> Option<Self> {
        value.text().map(Self::from)
    }
}

impl Setting for PathBuf {
    const MUST_BE: &'static str = "must be the path of a file";

    fn read(value: &Value) -> Option<Self> {
        value.text().filter(|text| !text.is_empty()).map(Self::from)
    }
}

impl Setting for usize {
    const MUST_BE: &'static str = "must be a whole number";

    fn read(value: &Value) -> Option<Self> {
        value.whole().and_then(|number| number.try_into().ok())
    }
}

impl Setting for u32 {
    const MUST_BE: &'static str = "must be a whole number";

    fn read(value: &Value) -> Option<Self> {
        value.whole().and_then(|number| number.try_into().ok())
    }
}

impl Setting for f64 {
    const MUST_BE: &'static str = "must be greater than 0 and at most 1, such as 0.5";

    fn read(value: &Value) -> Option<Self> {
        let number = match value {
            Value::Number(number) => *number,
            value => value.text()?.parse().ok()?,
        };
        (number > 0.0 && number <= 1.0).then_some(number)
    }
}

impl Setting for Vec<String> {
    const MUST_BE: &'static str = "must be host names: a list, or a string separated by spaces";

    fn read(value: &Value) -> Option<Self> {
        let host = |text: &str| (!text.contains([',', ';'])).then(|| text.to_owned());
        match value {
            Value::List(values) => values.iter().map(|value| host(value.text()?)).collect(),
            value => value.text()?.split_whitespace().map(host).collect(),
        }
    }
}

impl Setting for Duration {
    const MUST_BE: &'static str = "must be a number of seconds, or a time such as 500ms, 15s, 5m or 1h";

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Number(seconds) => Self::try_from_secs_f64(*seconds).ok(),
            value => duration(value.text()?),
        }
    }
}

impl Setting for (usize, Duration) {
    const MUST_BE: &'static str = "must be a rate, such as 40/s or 300/60s";

    fn read(value: &Value) -> Option<Self> {
        let (calls, per) = value.text()?.split_once('/')?;
        let per =
            if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
        let (calls, per) = (calls.parse().ok()?, duration(&per)?);
        (calls > 0 && !per.is_zero()).then_some((calls, per))
    }
}

impl Setting for Vec<Scope> {
    const MUST_BE: &'static str = "must be scopes: a list, or a string separated by spaces";

    fn flaw(text: &str) -> Option<&'static str> {
        text::scopes_flaw(text)
    }

    fn read(value: &Value) -> Option<Self> {
        let scopes = |text: &str| text.split_whitespace().map(|scope| Scope::new(scope).ok()).collect();
        match value {
            Value::List(values) => values.iter().map(|value| Scope::new(value.text()?).ok()).collect(),
            value => scopes(value.text()?),
        }
    }
}

/// Redacts a URL if it may contain credentials. The builder rejects a URL with credentials, but a
/// program may print the settings before it calls the builder.
fn without_credentials(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    match (rest.contains(['@', '?', '#']), scheme) {
        (false, _) => text.to_owned(),
        (true, "") => "[redacted]".to_owned(),
        (true, scheme) => format!("{scheme}://[redacted]"),
    }
}

fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned().into())
    }

    #[test]
    fn durations_are_parsed_with_and_without_units() {
        for (value, millis) in [
            (Value::Number(15.0), 15_000),
            (Value::Number(0.5), 500),
            (text("15"), 15_000),
            (text("0.5"), 500),
            (text("250ms"), 250),
            (text("15s"), 15_000),
            (text("5m"), 300_000),
            (text("1h"), 3_600_000),
        ] {
            assert_eq!(Duration::read(&value), Some(Duration::from_millis(millis)), "{value:?}");
        }
        for bad in ["", "s", "-1", "1d", "1 s", "1e9", "1.2.3", "99999999999999999999999h"] {
            assert_eq!(Duration::read(&text(bad)), None, "{bad}");
        }
        assert_eq!(Duration::read(&Value::Number(-1.0)), None);
        assert_eq!(Duration::read(&Value::Number(f64::NAN)), None);
    }

    #[test]
    fn credentials_in_a_url_are_not_shown() {
        for (given, shown) in [
            ("https://api.moov.io/a:b", "https://api.moov.io/a:b"),
            ("https://user:pass@api.moov.io/a", "https://[redacted]"),
            ("https://user:pa?ss@api.moov.io", "https://[redacted]"),
            ("https://api.moov.io/?key=secret", "https://[redacted]"),
            ("https://api.moov.io#secret", "https://[redacted]"),
            ("user:pass@api.moov.io", "[redacted]"),
            ("a-client-id", "a-client-id"),
            ("", ""),
        ] {
            assert_eq!(format!("{:?}", Shown(&given.to_owned())), format!("{shown:?}"));
        }
    }

    #[test]
    fn rates_are_parsed_as_calls_per_duration() {
        for (given, expected) in [
            ("40/s", Some((40, 1))),
            ("300/60s", Some((300, 60))),
            ("300/m", Some((300, 60))),
            ("0/s", None),
            ("40/0s", None),
            ("40", None),
            ("/s", None),
        ] {
            let expected = expected.map(|(calls, seconds)| (calls, Duration::from_secs(seconds)));
            assert_eq!(<(usize, Duration)>::read(&text(given)), expected, "{given}");
        }
    }

    #[test]
    fn rate_limit_share_must_be_above_0_and_at_most_1() {
        for (given, expected) in
            [("0.5", Some(0.5)), ("1", Some(1.0)), ("0", None), ("-0.1", None), ("1.1", None), ("NaN", None)]
        {
            assert_eq!(f64::read(&text(given)), expected, "{given}");
        }
        assert_eq!((f64::read(&Value::Number(0.25)), f64::read(&Value::Other)), (Some(0.25), None));
    }

    #[test]
    fn hosts_are_separated_only_by_spaces() {
        let hosts = |given: &str| Vec::<String>::read(&text(given));
        assert_eq!(hosts("emulator  10.0.0.7"), Some(vec!["emulator".to_owned(), "10.0.0.7".to_owned()]));
        assert_eq!((hosts("a,b"), hosts("a;b"), hosts("a, b")), (None, None, None));
    }

    #[test]
    fn integers_are_parsed_only_if_they_are_exact_and_in_range() {
        assert_eq!(usize::read(&Value::Number(1_048_576.0)), Some(1 << 20));
        assert_eq!(usize::read(&text("1048576")), Some(1 << 20));
        for bad in [Value::Number(0.5), Value::Number(-1.0), Value::Number(1e300), text("1k"), text("+1")] {
            assert_eq!(usize::read(&bad), None, "{bad:?}");
        }
        assert_eq!(u32::read(&Value::Number(4_294_967_296.0)), None);
    }
}
