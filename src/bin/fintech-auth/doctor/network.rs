//! What can be said of the way to a service: its address, TLS, proxy and clock. It sends nothing itself.

use std::{
    env,
    time::{Duration, SystemTime},
};

use fintech_auth::{Error, ErrorKind};

use super::check::{Checks, Verdict};
use crate::exit::Failure;

/// At five minutes both vendors' webhooks are refused.
const SKEW: Duration = Duration::from_secs(5 * 60);
/// A clock that is set by NTP is never so far off.
const NOTICED: Duration = Duration::from_secs(30);

/// The variables that name a proxy for https.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The address and the proxy, before anything is sent.
pub(super) fn before(checks: &mut Checks<'_>, url: &str) -> Result<(), Failure> {
    checks.ok("base url", url)?;
    if url.starts_with("http:") {
        return checks.ok("proxy", "none is used to this machine");
    }
    let named = PROXIES.iter().find_map(|name| {
        let value = env::var(name).ok().filter(|value| !value.is_empty())?;
        Some((*name, value))
    });
    let Some((name, value)) = named else { return checks.ok("proxy", "none") };
    let except = ["NO_PROXY", "no_proxy"].iter().any(|name| env::var_os(name).is_some());
    let except = if except { ", unless NO_PROXY excepts it" } else { "" };
    // Before the @ there may be a password.
    let host = value.rsplit('@').next().unwrap_or_default();
    let host = host.split("://").last().unwrap_or_default();
    checks.ok("proxy", &format!("{host}, from {name}{except}"))
}

/// What the first answer tells of the connection, and the clock.
pub(super) fn after(checks: &mut Checks<'_>, url: &str, date: Option<SystemTime>) -> Result<(), Failure> {
    if url.starts_with("https:") {
        checks.ok("tls", "the connection is encrypted, and the certificate trusted")?;
    } else {
        checks.tell("tls", Verdict::Skip, "plain http to this machine", "")?;
    }
    let Some(date) = date else {
        return checks.tell("clock", Verdict::Skip, "the service told no Date", "");
    };
    let now = SystemTime::now();
    let (skew, side) = match now.duration_since(date) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let found = format!("{} s {side} the service's", skew.as_secs());
    let next = "set this machine's clock, by NTP";
    match skew {
        skew if skew >= SKEW => checks.tell("clock", Verdict::Fail, &found, next),
        skew if skew >= NOTICED => checks.tell("clock", Verdict::Warn, &found, next),
        _ => checks.ok("clock", &found),
    }
}

/// Whether a failure says that no connection came about, or none that can be trusted.
pub(super) fn is_unreached(error: &Error) -> bool {
    error.kind() == ErrorKind::Unavailable && error.status().is_none()
}
