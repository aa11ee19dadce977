//! Checks the way to a service: its address, proxy, TLS and clock. Sends nothing itself, and does not show the
//! password of a proxy.

use std::{
    env,
    time::{Duration, SystemTime},
};

use fintech_auth::{Error, ErrorKind, HttpOptions};
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::{
    check::{Checks, Verdict},
    tls,
};
use crate::exit::{Exit, Failure, chain};

/// From five minutes on, webhooks of both vendors are rejected.
const SKEW: Duration = Duration::from_secs(5 * 60);
/// A clock that is set by NTP is never so far off.
const NOTICED: Duration = Duration::from_secs(30);

/// The variables that name a proxy for https, in the order in which they count.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// How a service is reached.
pub(super) struct Route<'a> {
    url: &'a str,
    is_proxied: bool,
}

impl<'a> Route<'a> {
    /// Reports the address and the proxy, before anything is sent.
    pub(super) fn check(checks: &mut Checks<'_>, url: &'a str) -> Result<Self, Failure> {
        checks.ok("base url", url)?;
        let mut route = Self { url, is_proxied: false };
        let Some(uri) =
            url.parse::<Uri>().ok().filter(|uri| !HttpOptions::is_loopback(uri.host().unwrap_or_default()))
        else {
            checks.ok("proxy", "none is used to this machine")?;
            return Ok(route);
        };
        let named = PROXIES.iter().find(|name| env::var_os(name).is_some_and(|value| !value.is_empty()));
        let Some(name) = named else {
            checks.ok("proxy", "none")?;
            return Ok(route);
        };
        // As reqwest finds it; what it says holds no password, which stands apart.
        match Matcher::from_env().intercept(&uri) {
            Some(proxy) => {
                route.is_proxied = true;
                let port = proxy.uri().port_u16().map(|port| format!(":{port}")).unwrap_or_default();
                checks
                    .ok("proxy", &format!("{}{port}, from {name}", proxy.uri().host().unwrap_or_default()))?;
            }
            None if ["NO_PROXY", "no_proxy"].iter().any(|name| env::var_os(name).is_some()) => {
                checks.ok("proxy", "none: NO_PROXY excepts this host")?;
            }
            None => {
                let found = format!("none, although {name} is set: it is not the address of a proxy");
                checks.add("proxy", Verdict::Warn, &found, "write it as http://HOST:PORT")?;
            }
        }
        Ok(route)
    }

    /// Reports what the first response shows about TLS and the clock.
    pub(super) fn responded(&self, checks: &mut Checks<'_>, date: Option<SystemTime>) -> Result<(), Failure> {
        if self.url.starts_with("https:") {
            checks.ok("tls", "the connection is encrypted, and the certificate trusted")?;
        } else {
            checks.add("tls", Verdict::Skip, "plain http to this machine", "")?;
        }
        match date {
            Some(date) => clock(checks, date, "the service's"),
            None => checks.add("clock", Verdict::Skip, "the service told no Date", ""),
        }
    }

    /// Reports a call that got no response. Returns false for any other error, without a report.
    pub(super) fn failed(&self, checks: &mut Checks<'_>, error: &Error) -> Result<bool, Failure> {
        if let Some((found, next)) = tls::finding(error) {
            checks.add("tls", Verdict::Fail, &found, next)?;
            return Ok(true);
        }
        let has_no_response = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout);
        if !has_no_response || error.status().is_some() {
            return Ok(false);
        }
        let next = if self.is_proxied {
            "see that the proxy runs, knows the password it is given and lets this host pass; or except the host \
             by NO_PROXY"
        } else if self.url.starts_with("http:") {
            "see that the service runs there; if it speaks TLS, the base url begins with https://"
        } else if error.kind() == ErrorKind::Timeout {
            "see that a firewall lets this machine through; if it only has a proxy's way out, set HTTPS_PROXY"
        } else {
            "see that the base url names the right host, and that this machine resolves and reaches it; if it \
             only has a proxy's way out, set HTTPS_PROXY"
        };
        checks.add("reached", Verdict::Fail, &chain(error), next)?;
        Ok(true)
    }
}

/// Reports why a client could not be built, and what to do.
pub(super) fn misconfigured(checks: &mut Checks<'_>, failure: &Failure) -> Result<(), Failure> {
    if let Some((found, next)) = failure.error.as_ref().and_then(|error| tls::finding(error)) {
        return checks.add("tls", Verdict::Fail, &found, next);
    }
    let found = std::iter::once(&failure.reason).chain(&failure.causes).cloned().collect::<Vec<_>>();
    let next = match failure.exit {
        Exit::Usage => "correct the configuration",
        exit => exit.next(),
    };
    checks.add("configured", Verdict::Fail, &found.join(": "), next)
}

/// Reports how far this machine's clock is from another one. `whose` names it, as in "the service's".
pub(super) fn clock(checks: &mut Checks<'_>, other: SystemTime, whose: &str) -> Result<(), Failure> {
    let now = SystemTime::now();
    let (skew, side) = match now.duration_since(other) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let found = format!("{} s {side} {whose}", skew.as_secs());
    let next = "set this machine's clock, by NTP";
    match skew {
        skew if skew >= SKEW => checks.add("clock", Verdict::Fail, &found, next),
        skew if skew >= NOTICED => checks.add("clock", Verdict::Warn, &found, next),
        _ => checks.ok("clock", &found),
    }
}
