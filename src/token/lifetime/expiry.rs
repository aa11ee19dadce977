//! Computes the lifetime of a token, and returns the rule that determined the lifetime.
//!
//! The module does not verify JWTs, so a JWT can shorten the lifetime, but never extend it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::token::lifetime::expires_in::ExpiresIn;

/// The longest credible lifetime. An `expires_in` up to this limit is a number of seconds. An
/// `expires_in` of at least [`FIRST_TIMESTAMP`] is a timestamp. Both limits are constants, because
/// the local clock may be wrong.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// 2001-09-09, the first Unix timestamp with ten digits.
const FIRST_TIMESTAMP: Duration = Duration::from_secs(1_000_000_000);

/// If `Date` and the local clock differ by more than this time, neither clock is trusted. A wrong
/// time zone causes a difference of at most 26 hours. A larger difference means that one of the
/// clocks was never set.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// `Date` is in whole seconds, so the server's clock may be ahead of `Date` by up to this time.
const DATE_RESOLUTION: Duration = Duration::from_secs(1);

/// The maximum size of a JWT whose claims are read, in bytes. Moov's tokens have at most 4,096
/// characters.
const MAX_JWT: usize = 16 * 1024;

/// The rule that determined the lifetime of a token. If several rules apply, the cache uses the
/// rule with the shortest lifetime.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ExpiryRule {
    /// `expires_in` is a number of seconds (RFC 6749 section 5.1). This crate accepts at most 365
    /// days.
    Seconds,
    /// `expires_in` is a Unix timestamp, as in Moov's newer documents. The timestamp is compared
    /// with the `Date` of the response, or with the local clock if the response has no `Date`. The
    /// lifetime is zero if the timestamp is in the past.
    Timestamp,
    /// The access token is a JWT whose `exp` (RFC 7519 section 4.1.4) gives a shorter lifetime than
    /// the other rules. Like a [`Self::Timestamp`], `exp` is compared with `Date` or the local
    /// clock. The lifetime is zero if `exp` is in the past.
    JwtExp,
    /// The access token is a JWT, and the time from its `iat` to its `exp` is shorter than the
    /// lifetimes that the other rules give.
    JwtLifetime,
    /// `expires_in` is missing, so the configured default lifetime applies.
    Absent,
    /// `expires_in` is negative, or gives an expiry more than 365 days in the future, so the
    /// configured default lifetime applies.
    Absurd,
    /// `expires_in` is zero. The waiting callers get the token, but the cache does not keep the
    /// token.
    NotPositive,
    /// `expires_in` is a timestamp, but `Date` and the local clock differ by more than two days.
    /// The lifetime is at most the configured default lifetime.
    ClocksClash,
    /// The other rules give a longer lifetime than the configured maximum, so the maximum applies.
    Capped,
    /// Another process determined the expiry, and the token was loaded from a
    /// [`TokenStore`](crate::token::TokenStore).
    Stored,
}

impl ExpiryRule {
    /// Returns a stable name, for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Timestamp => "timestamp",
            Self::JwtExp => "jwt_exp",
            Self::JwtLifetime => "jwt_lifetime",
            Self::Absent => "absent",
            Self::Absurd => "absurd",
            Self::NotPositive => "not_positive",
            Self::ClocksClash => "clocks_clash",
            Self::Capped => "capped",
            Self::Stored => "stored",
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Expiry {
    /// The lifetime starts when the request was **sent**. So the token is never used for longer
    /// than the server allows.
    pub(crate) lifetime: Duration,
    pub(crate) rule: ExpiryRule,
    /// The `Date` of the server minus the local time halfway between request and response.
    pub(crate) skew_seconds: Option<i64>,
}

/// `Facts` contains the token, so `Facts` does not implement `Debug`.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) expires_in: Option<ExpiresIn>,
    pub(crate) access_token: &'a str,
    pub(crate) date: Option<SystemTime>,
    pub(crate) sent: SystemTime,
    pub(crate) received: SystemTime,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) default: Duration,
    pub(crate) max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { default: Duration::from_secs(5 * 60), max: Duration::from_secs(24 * 60 * 60) }
    }
}

pub(crate) fn resolve(facts: &Facts<'_>, limits: &Limits) -> Expiry {
    // The local clock may jump during the request. Use the later of the send time and the receive
    // time, so that a jump can only shorten the lifetime.
    let local = facts.sent.max(facts.received);
    // A timestamp and `Date` come from the server's clock, so an inaccurate local clock has no
    // effect. `Date` is truncated to seconds, so add its resolution. Otherwise the lifetime could
    // be up to a second too long.
    let now = facts.date.map_or(local, |date| date.checked_add(DATE_RESOLUTION).unwrap_or(date));
    let clocks_clash = facts.date.is_some_and(|date| distance(date, local) > MAX_CLOCK_DIFFERENCE);

    let (mut lifetime, mut rule) = granted(facts.expires_in, now, clocks_clash, limits.default);
    let claims = Claims::read(facts.access_token).unwrap_or_default();
    let shorter = [
        (claims.exp.and_then(|exp| remaining(exp, now)), ExpiryRule::JwtExp),
        (claims.lifetime(), ExpiryRule::JwtLifetime),
        (Some(limits.max), ExpiryRule::Capped),
    ];
    for (reading, its_rule) in shorter {
        if let Some(reading) = reading.filter(|reading| *reading < lifetime) {
            (lifetime, rule) = (reading, its_rule);
        }
    }
    Expiry { lifetime, rule, skew_seconds: skew_seconds(facts) }
}

fn granted(
    expires_in: Option<ExpiresIn>,
    now: SystemTime,
    clocks_clash: bool,
    default: Duration,
) -> (Duration, ExpiryRule) {
    let Some(expires_in) = expires_in else { return (default, ExpiryRule::Absent) };
    let number = match u64::try_from(expires_in.raw()) {
        Ok(0) => return (Duration::ZERO, ExpiryRule::NotPositive),
        Ok(number) => Duration::from_secs(number),
        Err(_) => return (default, ExpiryRule::Absurd),
    };
    if number <= YEAR {
        return (number, ExpiryRule::Seconds);
    }
    match remaining(number, now) {
        Some(left) if clocks_clash && left > default => (default, ExpiryRule::ClocksClash),
        Some(left) => (left, ExpiryRule::Timestamp),
        None => (default, ExpiryRule::Absurd),
    }
}

fn remaining(end: Duration, now: SystemTime) -> Option<Duration> {
    if end < FIRST_TIMESTAMP {
        return None;
    }
    let left = UNIX_EPOCH.checked_add(end)?.duration_since(now).unwrap_or_default();
    (left <= YEAR).then_some(left)
}

#[derive(Default)]
struct Claims {
    exp: Option<Duration>,
    iat: Option<Duration>,
}

impl Claims {
    /// Does not verify the signature, because only the vendor's own services have the key.
    fn read(token: &str) -> Option<Self> {
        let claims = claims(token)?;
        let date = |name| Duration::try_from_secs_f64(claims.get(name)?.as_f64()?).ok();
        Some(Self { exp: date("exp"), iat: date("iat") })
    }

    fn lifetime(&self) -> Option<Duration> {
        let iat = self.iat.filter(|iat| *iat >= FIRST_TIMESTAMP)?;
        self.exp?.checked_sub(iat)
    }
}

fn claims(token: &str) -> Option<Map<String, Value>> {
    if token.len() > MAX_JWT {
        return None;
    }
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Does not verify the JWT.
pub(crate) fn audience(token: &str) -> Option<Vec<String>> {
    match claims(token)?.remove("aud")? {
        Value::String(one) => Some(vec![one]),
        Value::Array(several) => Some(
            several
                .into_iter()
                .filter_map(|value| match value {
                    Value::String(text) => Some(text),
                    _ => None,
                })
                .collect(),
        ),
        _ => None,
    }
}

fn skew_seconds(facts: &Facts<'_>) -> Option<i64> {
    let way = facts.received.duration_since(facts.sent).unwrap_or_default();
    let middle = facts.sent.checked_add(way / 2)?;
    let (seconds, sign) = match facts.date?.duration_since(middle) {
        Ok(ahead) => (ahead.as_secs(), 1),
        Err(behind) => (behind.duration().as_secs(), -1),
    };
    Some(i64::try_from(seconds).unwrap_or(i64::MAX) * sign)
}

fn distance(a: SystemTime, b: SystemTime) -> Duration {
    a.duration_since(b).unwrap_or_else(|later| later.duration())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ExpiryRule as Rule, *};

    const NOW: i64 = 1_736_964_352 - 900;
    const DAY: i64 = 24 * 60 * 60;

    fn at(unix: i64) -> SystemTime {
        let distance = Duration::from_secs(unix.unsigned_abs());
        if unix < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }.unwrap()
    }

    fn jwt(claims: &str) -> String {
        format!("eyJhbGciOiJFUzI1NiJ9.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
    }

    fn expiry(expires_in: Option<i64>, token: &str, date: Option<i64>, local: i64) -> Expiry {
        let facts = Facts {
            expires_in: expires_in.map(ExpiresIn::from),
            access_token: token,
            date: date.map(at),
            sent: at(local),
            received: at(local),
        };
        resolve(&facts, &Limits::default())
    }

    #[track_caller]
    fn is(expiry: Expiry, seconds: u64, rule: Rule) {
        assert_eq!((expiry.lifetime, expiry.rule), (Duration::from_secs(seconds), rule));
    }

    #[test]
    fn expiry_rule_depends_on_the_range_of_expires_in() {
        for (expires_in, seconds, rule) in [
            (None, 300, Rule::Absent),
            (Some(i64::MIN), 300, Rule::Absurd),
            (Some(-1), 300, Rule::Absurd),
            (Some(0), 0, Rule::NotPositive),
            (Some(1), 1, Rule::Seconds),
            (Some(900), 900, Rule::Seconds),
            (Some(DAY), 86_400, Rule::Seconds),
            (Some(DAY + 1), 86_400, Rule::Capped),
            (Some(365 * DAY), 86_400, Rule::Capped),
            (Some(365 * DAY + 1), 300, Rule::Absurd),
            (Some(999_999_999), 300, Rule::Absurd),
            (Some(1_000_000_000), 0, Rule::Timestamp),
            (Some(NOW - 1), 0, Rule::Timestamp),
            (Some(NOW), 0, Rule::Timestamp),
            (Some(NOW + 1), 1, Rule::Timestamp),
            (Some(1_736_964_352), 900, Rule::Timestamp),
            (Some(NOW + DAY + 1), 86_400, Rule::Capped),
            (Some(NOW + 365 * DAY), 86_400, Rule::Capped),
            (Some(NOW + 365 * DAY + 1), 300, Rule::Absurd),
            (Some(NOW * 1000), 300, Rule::Absurd),
            (Some(i64::MAX), 300, Rule::Absurd),
        ] {
            is(expiry(expires_in, "opaque", None, NOW), seconds, rule);
        }
    }

    #[test]
    fn date_header_affects_timestamps_in_expires_in_but_not_seconds() {
        is(expiry(Some(NOW + 900), "opaque", Some(NOW), NOW), 899, Rule::Timestamp);
        for local in [NOW - DAY, NOW - 60, NOW + 60, NOW + DAY] {
            is(expiry(Some(NOW + 900), "opaque", Some(NOW), local), 899, Rule::Timestamp);
            is(expiry(Some(900), "opaque", Some(NOW), local), 900, Rule::Seconds);
        }
        is(expiry(Some(NOW + 900), "opaque", Some(NOW + 901), NOW), 0, Rule::Timestamp);
    }

    #[test]
    fn lifetime_is_at_most_the_default_if_the_clocks_differ_by_days() {
        for (date, local) in [(NOW, 0), (NOW, NOW - 3 * DAY), (NOW, NOW + 3 * DAY), (NOW - 3 * DAY, NOW)] {
            is(expiry(Some(NOW + 900), "opaque", Some(date), local), 300, Rule::ClocksClash);
        }
        for (off, seconds, rule) in [(2 * DAY, 899, Rule::Timestamp), (2 * DAY + 1, 300, Rule::ClocksClash)] {
            is(expiry(Some(NOW + 900), "opaque", Some(NOW), NOW + off), seconds, rule);
            is(expiry(Some(NOW + 900), "opaque", Some(NOW), NOW - off), seconds, rule);
        }
        is(expiry(Some(NOW + 60), "opaque", Some(NOW), 0), 59, Rule::Timestamp);
        is(expiry(Some(NOW - 60), "opaque", Some(NOW), 0), 0, Rule::Timestamp);
        is(expiry(Some(900), "opaque", Some(NOW), 0), 900, Rule::Seconds);
        is(expiry(Some(NOW + 900), "opaque", Some(0), NOW), 300, Rule::Absurd);
    }

    #[test]
    fn a_jwt_can_only_shorten_the_lifetime() {
        let short = jwt(&format!(r#"{{"exp":{}}}"#, NOW + 60));
        let long = jwt(&format!(r#"{{"exp":{},"iat":{NOW}}}"#, NOW + 3600));
        let young = jwt(&format!(r#"{{"exp":{},"iat":{}}}"#, NOW + 3600, NOW + 3000));
        let over = jwt(&format!(r#"{{"exp":{},"iat":{}}}"#, NOW - 1, NOW - 901));
        let (seconds, timestamp) = (Some(900), Some(NOW + 900));
        for (expires_in, token, date, lifetime, rule) in [
            (seconds, &short, None, 60, Rule::JwtExp),
            (seconds, &short, Some(NOW), 59, Rule::JwtExp),
            (timestamp, &short, Some(NOW), 59, Rule::JwtExp),
            (None, &short, None, 60, Rule::JwtExp),
            (Some(i64::MAX), &short, None, 60, Rule::JwtExp),
            (Some(0), &short, None, 0, Rule::NotPositive),
            (seconds, &long, None, 900, Rule::Seconds),
            (timestamp, &long, None, 900, Rule::Timestamp),
            (None, &long, None, 300, Rule::Absent),
            (Some(i64::MAX), &long, None, 300, Rule::Absurd),
            (Some(DAY + 1), &long, None, 3600, Rule::JwtExp),
            (seconds, &young, None, 600, Rule::JwtLifetime),
            (None, &young, None, 300, Rule::Absent),
            (seconds, &over, None, 0, Rule::JwtExp),
            (seconds, &over, Some(NOW - DAY), 900, Rule::Seconds),
        ] {
            is(expiry(expires_in, token, date, NOW), lifetime, rule);
        }
    }

    #[test]
    fn malformed_jwt_does_not_change_the_lifetime() {
        let exp = format!(r#"{{"exp":{}}}"#, NOW + 60);
        let good = jwt(&exp);
        is(expiry(Some(900), &good, None, NOW), 60, Rule::JwtExp);
        for token in [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            good.replacen('.', "", 1),
            format!("{good}.more"),
            format!("a.{exp}.c"),
            format!("{good}{}", "x".repeat(MAX_JWT)),
            jwt("not json"),
            jwt(&format!("[{}]", NOW + 60)),
            jwt(&format!("{{\"exp\":{}}}, {{}}", NOW + 60)),
            jwt(&format!(r#"{{"exp":"{}"}}"#, NOW + 60)),
            jwt(r#"{"exp":null}"#),
            jwt(r#"{"exp":60}"#),
            jwt(r#"{"exp":60,"iat":0}"#),
            jwt(r#"{"exp":-1}"#),
            jwt(r#"{"exp":1e300}"#),
            jwt(&format!(r#"{{"exp":{}}}"#, (NOW + 60) * 1000)),
            jwt(&format!(r#"{{"iat":{NOW},"nbf":{NOW}}}"#)),
            jwt(&format!(r#"{{"exp":{},"iat":{}}}"#, NOW + 3600, (NOW + 3000) * 1000)),
            jwt(&"[".repeat(10_000)),
        ] {
            is(expiry(Some(900), &token, None, NOW), 900, Rule::Seconds);
        }
    }

    #[test]
    fn jwt_expiry_may_have_a_fraction_and_other_claims_may_be_malformed() {
        let token = jwt(&format!(r#"{{"iat":"today","exp":{}.5,"nbf":[]}}"#, NOW + 60));
        assert_eq!(expiry(Some(900), &token, None, NOW).lifetime.as_millis(), 60_500);
    }

    #[test]
    fn clock_jump_during_a_request_does_not_extend_the_lifetime() {
        for (sent, received) in [(NOW, NOW - 3600), (NOW - 3600, NOW)] {
            let facts = Facts {
                expires_in: Some(ExpiresIn::from(NOW + 900)),
                access_token: "opaque",
                date: None,
                sent: at(sent),
                received: at(received),
            };
            is(resolve(&facts, &Limits::default()), 900, Rule::Timestamp);
        }
    }

    #[test]
    fn clock_skew_is_measured_at_the_middle_of_the_request() {
        let skew = |date: Option<i64>, sent, received| {
            let facts = Facts {
                expires_in: None,
                access_token: "opaque",
                date: date.map(at),
                sent: at(sent),
                received: at(received),
            };
            resolve(&facts, &Limits::default()).skew_seconds
        };
        assert_eq!(skew(None, NOW, NOW), None);
        assert_eq!(skew(Some(NOW + 5), NOW, NOW + 10), Some(0));
        assert_eq!(skew(Some(NOW + 65), NOW, NOW + 10), Some(60));
        assert_eq!(skew(Some(NOW - 55), NOW, NOW + 10), Some(-60));
        assert_eq!(skew(Some(NOW), NOW, NOW - 10), Some(0));
        assert_eq!(skew(Some(i64::MAX), i64::MIN, i64::MIN), Some(i64::MAX));
    }

    #[test]
    fn default_lifetime_above_the_maximum_is_capped() {
        let facts =
            Facts { expires_in: None, access_token: "", date: None, sent: at(NOW), received: at(NOW) };
        let limits = Limits { default: Duration::from_secs(60), max: Duration::from_secs(30) };
        is(resolve(&facts, &limits), 30, Rule::Capped);
    }

    fn number() -> impl Strategy<Value = i64> {
        prop_oneof![
            -5..5_i64,
            1..100_000_i64,
            365 * DAY - 5..365 * DAY + 5,
            1_000_000_000 - 5..1_000_000_000 + 5_i64,
            NOW - 2000..NOW + 2000,
            NOW - 4 * DAY..NOW + 4 * DAY,
            NOW + 365 * DAY - 5..NOW + 365 * DAY + 5,
            Just(NOW * 1000),
            any::<i64>(),
            Just(i64::MIN),
            Just(i64::MAX),
        ]
    }

    prop_compose! {
        fn token()(
            exp in number(),
            iat in prop::option::of(number()),
            opaque in ".{0,40}",
            kind in 0..3,
        ) -> String {
            match (kind, iat) {
                (0, _) => opaque,
                (_, None) => jwt(&format!(r#"{{"exp":{exp}}}"#)),
                (_, Some(iat)) => jwt(&format!(r#"{{"exp":{exp},"iat":{iat}}}"#)),
            }
        }
    }

    proptest! {
        #[test]
        fn the_shortest_credible_lifetime_is_used(
            expires_in in prop::option::of(number()),
            exp in prop::option::of(prop_oneof![1..100_000_000_000_i64, NOW - 2000..NOW + 2000]),
            iat in prop::option::of(NOW - 2000..NOW + 2000),
            date in prop::option::of(number()),
            (sent, received) in (number(), number()),
            (default, max) in (0..100_000_u64, 0..100_000_000_u64),
        ) {
            let claims = [("exp", exp), ("iat", iat)];
            let claims = claims.iter().filter_map(|(name, value)| Some(format!(r#""{name}":{}"#, (*value)?)));
            let token = jwt(&format!("{{{}}}", claims.collect::<Vec<_>>().join(",")));
            let facts = Facts {
                expires_in: expires_in.map(ExpiresIn::from),
                access_token: &token,
                date: date.map(at),
                sent: at(sent),
                received: at(received),
            };
            let limits = Limits { default: Duration::from_secs(default), max: Duration::from_secs(max) };
            let believed = resolve(&facts, &limits);

            let local = i128::from(sent.max(received));
            let now = date.map_or(local, |date| i128::from(date) + 1);
            let clocks_clash = date.is_some_and(|date| (i128::from(date) - local).abs() > i128::from(2 * DAY));
            let year = i128::from(365 * DAY);
            let timestamp = |end: i64| {
                let left = (i128::from(end) - now).max(0);
                (end >= 1_000_000_000 && left <= year).then_some(left)
            };
            let granted = match expires_in {
                Some(number) if number < 0 => None,
                Some(number) if i128::from(number) <= year => Some(i128::from(number)),
                Some(number) if clocks_clash => timestamp(number).map(|left| left.min(i128::from(default))),
                Some(number) => timestamp(number),
                None => None,
            };
            let readings = [
                Some(granted.unwrap_or(default.into())),
                exp.and_then(timestamp),
                exp.zip(iat).map(|(exp, iat)| i128::from(exp - iat)).filter(|life| *life >= 0),
                Some(max.into()),
            ];
            for reading in readings.into_iter().flatten() {
                prop_assert!(i128::from(believed.lifetime.as_secs()) <= reading, "{believed:?} > {reading}");
            }
            let shortest = readings.into_iter().flatten().min();
            prop_assert_eq!(Some(i128::from(believed.lifetime.as_secs())), shortest);
        }

        #[test]
        fn a_jwt_never_extends_the_lifetime(
            expires_in in prop::option::of(number()),
            token in token(),
            date in prop::option::of(number()),
            local in number(),
        ) {
            let with = expiry(expires_in, &token, date, local);
            prop_assert!(with.lifetime <= expiry(expires_in, "opaque", date, local).lifetime);
        }

        #[test]
        fn wrong_local_clock_has_no_effect_if_the_response_has_a_date(
            expires_in in prop::option::of(number()),
            token in token(),
            off in -DAY..=DAY,
        ) {
            let right = expiry(expires_in, &token, Some(NOW), NOW);
            let skewed = expiry(expires_in, &token, Some(NOW), NOW + off);
            prop_assert_eq!((skewed.lifetime, skewed.rule), (right.lifetime, right.rule));
            prop_assert_eq!(skewed.skew_seconds, Some(-off));
        }

        #[test]
        fn any_input_gives_a_lifetime_of_at_most_the_maximum(
            expires_in in prop::option::of(any::<i64>()),
            claims in ".{0,60}",
            (token, kind) in (".{0,60}", any::<bool>()),
            date in prop::option::of(any::<SystemTime>()),
            (sent, received) in any::<(SystemTime, SystemTime)>(),
            (default, max) in any::<(Duration, Duration)>(),
        ) {
            let token = if kind { jwt(&claims) } else { token };
            let expires_in = expires_in.map(ExpiresIn::from);
            let facts = Facts { expires_in, access_token: &token, date, sent, received };
            let believed = resolve(&facts, &Limits { default, max });
            prop_assert!(believed.lifetime <= max);
        }
    }
}
