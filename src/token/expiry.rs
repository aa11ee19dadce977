//! How long a token may be believed, and which rule decided that.
//!
//! One pure function over what came with the token. It never reads a clock, never verifies a JWT,
//! and never believes one that says it lives longer than the answer around it does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::ExpiresIn;

/// The longest life that is taken seriously: 365 days.
///
/// It is the end of the range of seconds, and [`FIRST_TIMESTAMP`] begins that of timestamps. Both
/// are constants thirty years apart, so that a number can be read in one way only, whatever any
/// clock says: measured from "now", the ranges would meet on a machine whose clock starts in 1970.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The least Unix time that is taken for one: 2001-09-09, since when they have ten digits.
const FIRST_TIMESTAMP: Duration = Duration::from_secs(1_000_000_000);

/// How far `Date` and the local clock may be apart before it is doubtful which of them is right.
/// Zones mixed up make at most 26 hours; more is a clock never set, or a `Date` not made by a clock.
const CLASH: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// `Date` tells whole seconds, so that the server's time may be up to this much later.
const DATE_RESOLUTION: Duration = Duration::from_secs(1);

/// A longer token is not searched for claims. Moov's are at most 4,096 characters.
const MAX_JWT: usize = 16 * 1024;

/// Which rule decided how long a token is believed: the one that gave the shortest time.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ExpiryRule {
    /// `expires_in` is a number of seconds, at most 365 days (RFC 6749 section 5.1).
    Seconds,
    /// `expires_in` is a Unix timestamp (Moov's newer documents), measured against the answer's
    /// `Date`, or the local clock without one. Zero where it has passed.
    Timestamp,
    /// The access token is a JWT that ends earlier (`exp`, RFC 7519 section 4.1.4), measured in the
    /// same way. Zero where it has passed.
    JwtExp,
    /// The access token is a JWT made for a shorter life: from its `iat` to its `exp`.
    JwtLifetime,
    /// `expires_in` is missing, so the configured default holds.
    Absent,
    /// `expires_in` is neither a credible number of seconds nor a credible timestamp, so the
    /// configured default holds.
    Absurd,
    /// `expires_in` is zero or negative: the token may serve those who wait for it, and no longer.
    NotPositive,
    /// `expires_in` is a timestamp, but `Date` and the local clock are more than two days apart, so
    /// no more than the configured default is believed.
    ClocksClash,
    /// All say more than the configured maximum.
    Capped,
}

impl ExpiryRule {
    /// A stable name, for logs and metrics.
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
        }
    }
}

/// How long a token may be believed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Expiry {
    /// Counted from when the request was **sent**. The server made the token later than that, so
    /// the time on the way is taken off, never added. Zero: for those who wait, not to be kept.
    pub lifetime: Duration,
    /// The rule that gave this lifetime.
    pub rule: ExpiryRule,
    /// Seconds by which the server's `Date` is ahead of the local clock at the middle of the
    /// exchange; negative if it is behind. `None` without a `Date`.
    pub skew_seconds: Option<i64>,
}

/// What came with a token. No `Debug`, since the token is in it.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) expires_in: Option<ExpiresIn>,
    pub(crate) access_token: &'a str,
    /// The answer's `Date`.
    pub(crate) date: Option<SystemTime>,
    /// The local wall clock when the request was sent.
    pub(crate) sent: SystemTime,
    /// The same clock when the answer came.
    pub(crate) received: SystemTime,
}

/// What is believed when nothing is said, and the most that is ever believed.
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

/// Takes the shortest of all credible readings. What `expires_in` says, or the default in its place,
/// is one of them; the others can only shorten it.
pub(crate) fn resolve(facts: &Facts<'_>, limits: &Limits) -> Expiry {
    // Should the local clock jump while the request is out, the later reading gives the shorter life.
    let local = facts.sent.max(facts.received);
    // A timestamp and `Date` are made by the server's clock, so that the local one, which may well be
    // off, does not matter. `Date` is written after the token: what remains then is the least.
    let now = facts.date.map_or(local, |date| date.checked_add(DATE_RESOLUTION).unwrap_or(date));
    // Should `Date` be far behind the clock that made the timestamp, the difference is far too long.
    let clash = facts.date.is_some_and(|date| distance(date, local) > CLASH);

    let (mut lifetime, mut rule) = granted(facts.expires_in, now, clash, limits.default);
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

/// What the answer itself grants.
fn granted(
    expires_in: Option<ExpiresIn>,
    now: SystemTime,
    clash: bool,
    default: Duration,
) -> (Duration, ExpiryRule) {
    let Some(expires_in) = expires_in else { return (default, ExpiryRule::Absent) };
    let number = match u64::try_from(expires_in.raw()) {
        Ok(number) if number > 0 => Duration::from_secs(number),
        _ => return (Duration::ZERO, ExpiryRule::NotPositive),
    };
    if number <= YEAR {
        return (number, ExpiryRule::Seconds);
    }
    match remaining(number, now) {
        Some(left) if clash && left > default => (default, ExpiryRule::ClocksClash),
        Some(left) => (left, ExpiryRule::Timestamp),
        None => (default, ExpiryRule::Absurd),
    }
}

/// The time from `now` to a Unix time, zero if it has passed. `None` if that is no credible one.
fn remaining(end: Duration, now: SystemTime) -> Option<Duration> {
    if end < FIRST_TIMESTAMP {
        return None;
    }
    let left = UNIX_EPOCH.checked_add(end)?.duration_since(now).unwrap_or_default();
    (left <= YEAR).then_some(left)
}

/// The claims of a JWT that bear on its end, as Unix times. `nbf` does not: it bears on the start.
#[derive(Default)]
struct Claims {
    exp: Option<Duration>,
    iat: Option<Duration>,
}

impl Claims {
    /// Looks into a compact JWS (RFC 7515 section 7.1) without verifying it, which takes a key that
    /// only the vendor's own services need. `None` for an opaque token, and for a malformed JWT.
    fn read(token: &str) -> Option<Self> {
        if token.len() > MAX_JWT {
            return None;
        }
        let mut parts = token.split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let claims: Map<String, Value> = serde_json::from_slice(&payload).ok()?;
        let date = |name| Duration::try_from_secs_f64(claims.get(name)?.as_f64()?).ok();
        Some(Self { exp: date("exp"), iat: date("iat") })
    }

    /// The life that the token was made for, which no clock is needed to tell. `None` if the two do
    /// not agree on one.
    fn lifetime(&self) -> Option<Duration> {
        let iat = self.iat.filter(|iat| *iat >= FIRST_TIMESTAMP)?;
        self.exp?.checked_sub(iat)
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
