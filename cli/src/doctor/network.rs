//! Checks the network path to a service: the proxy, TLS and the clock.

use std::{
    env,
    time::{Duration, SystemTime},
};

use fintech_auth::{Error, ErrorKind, HttpOptions, Secret};
use http::{StatusCode, Uri, header};
use hyper_util::client::proxy::matcher::Matcher;

use super::{
    check::{Checks, Verdict},
    tls,
};
use crate::exit::{Exit, Failure, chain};

/// The default maximum age of a webhook. If the clocks of the sender and of the receiver differ by
/// this time or more, webhooks are rejected.
pub(super) const TOLERANCE: Duration = Duration::from_secs(5 * 60);
const WARN_SKEW: Duration = Duration::from_secs(30);
/// The resolution of the `Date` header is one second, so this machine's clock may seem to be ahead
/// by up to one second.
const RESOLUTION: Duration = Duration::from_secs(1);

/// The environment variables that can name a proxy, in order of precedence.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

pub(super) struct Route<'a> {
    url: &'a str,
    proxy: Option<String>,
    is_this_machine: bool,
}

impl<'a> Route<'a> {
    pub(super) fn check(
        checks: &mut Checks<'_>,
        url: &'a str,
        proxy: Option<&Secret>,
    ) -> Result<Self, Failure> {
        checks.ok("base_url.ok", url)?;
        let mut route = Self { url, proxy: None, is_this_machine: false };
        let Some(uri) =
            url.parse::<Uri>().ok().filter(|uri| !HttpOptions::is_loopback(uri.host().unwrap_or_default()))
        else {
            checks.ok("proxy.ok", "not used for this machine")?;
            route.is_this_machine = true;
            return Ok(route);
        };
        if !url.starts_with("https:") {
            checks.ok("proxy.ok", "not used for plain http")?;
            return Ok(route);
        }
        if let Some(proxy) = proxy.and_then(|proxy| proxy.expose_secret().parse::<Uri>().ok()) {
            let name = checks.setting("PROXY");
            route.through(checks, &proxy, &name)?;
            return Ok(route);
        }
        let named = PROXIES.iter().find(|name| env::var_os(name).is_some_and(|value| !value.is_empty()));
        let Some(name) = named else {
            checks.ok("proxy.ok", "none")?;
            return Ok(route);
        };
        // reqwest uses the same matcher, so the report names the proxy that reqwest uses.
        match Matcher::from_env().intercept(&uri) {
            Some(proxy) => route.through(checks, proxy.uri(), name)?,
            None if ["NO_PROXY", "no_proxy"].iter().any(|name| env::var_os(name).is_some()) => {
                checks.ok("proxy.ok", "not used, because NO_PROXY excludes this host")?;
            }
            None => {
                let found = format!("not used, because the value of {name} is not a proxy address");
                checks.add("proxy.unreadable", Verdict::Warn, &found, "write it as http://HOST:PORT")?;
            }
        }
        Ok(route)
    }

    /// The URL may contain a password, so the report contains only the host and the port.
    fn through(&mut self, checks: &mut Checks<'_>, proxy: &Uri, name: &str) -> Result<(), Failure> {
        self.proxy = Some(name.to_owned());
        let port = proxy.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        checks.ok("proxy.ok", &format!("{}{port}, from {name}", proxy.host().unwrap_or_default()))
    }

    pub(super) fn responded(
        &self,
        checks: &mut Checks<'_>,
        sent: Option<SystemTime>,
        date: Option<SystemTime>,
        tolerance: Option<Duration>,
    ) -> Result<(), Failure> {
        if self.url.starts_with("https:") {
            checks.ok("tls.ok", "the connection is encrypted and the certificate is trusted")?;
        } else {
            let found = match self.is_this_machine {
                true => "plain http to this machine".to_owned(),
                false => format!("plain http to a host that {} allows", checks.setting("ALLOW_HTTP")),
            };
            checks.add("tls.none", Verdict::Skip, &found, "")?;
        }
        let Some(date) = date else {
            return checks.add("clock.unknown", Verdict::Skip, "the response has no Date header", "");
        };
        let setting = checks.setting("WEBHOOK_TOLERANCE");
        clock(checks, sent, date, "the clock of the service", tolerance.unwrap_or(TOLERANCE), &setting)
    }

    pub(super) fn failed(&self, checks: &mut Checks<'_>, error: &Error) -> Result<bool, Failure> {
        if let Some((found, next)) = tls::finding(error) {
            checks.add("tls.failed", Verdict::Fail, &found, next)?;
            return Ok(true);
        }
        let base_url = checks.setting("BASE_URL");
        if let Some(status) = error.status() {
            return self.intercepted(checks, error, status);
        }
        if !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout) {
            return Ok(false);
        }
        let next = if let Some(name) = &self.proxy {
            // NO_PROXY does not apply to a proxy from the configuration.
            let or =
                if PROXIES.contains(&name.as_str()) { ", or exclude the host with NO_PROXY" } else { "" };
            format!("check that the proxy ({name}) is running, accepts its password and allows this host{or}")
        } else if self.url.starts_with("http:") {
            format!("check that the service is running; if it uses TLS, {base_url} must begin with https://")
        } else if error.kind() == ErrorKind::Timeout {
            "check that no firewall blocks this machine; if it needs a proxy, set HTTPS_PROXY".to_owned()
        } else {
            format!(
                "check that {base_url} names the right host and that this machine can resolve and reach it; if it \
                 needs a proxy, set HTTPS_PROXY"
            )
        };
        checks.add("reached.failed", Verdict::Fail, &chain(error), &next)?;
        Ok(true)
    }

    fn intercepted(
        &self,
        checks: &mut Checks<'_>,
        error: &Error,
        status: StatusCode,
    ) -> Result<bool, Failure> {
        let base_url = checks.setting("BASE_URL");
        let kind = error.headers().and_then(|headers| headers.get(header::CONTENT_TYPE));
        let is_page = kind.is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"text/html"));
        if error.kind() == ErrorKind::InvalidResponse && (status.is_redirection() || is_page) {
            let next = format!(
                "check {base_url}; if it is right, a captive portal or the login page of a proxy responds instead of \
                 the service: log in there, or set HTTPS_PROXY"
            );
            checks.add("reached.portal", Verdict::Fail, &chain(error), &next)?;
            return Ok(true);
        }
        // Except for 408 and 425, the library reports a 4xx response as `Unavailable` only if the
        // service itself did not send the response.
        let is_refusal = status.is_client_error() && !matches!(status.as_u16(), 408 | 425);
        let is_unavailable = error.kind() == ErrorKind::Unavailable;
        if is_unavailable && error.request_id().is_none() && (is_refusal || error.ray_id().is_some()) {
            let next = format!(
                "check that this machine's address and user agent are not blocked and that {base_url} is right; give \
                 the ray id to the vendor's support; the credentials were not checked"
            );
            checks.add("reached.cdn", Verdict::Fail, &chain(error), &next)?;
            return Ok(true);
        }
        Ok(false)
    }
}

pub(super) fn misconfigured(checks: &mut Checks<'_>, failure: &Failure) -> Result<(), Failure> {
    if let Some((found, next)) = failure.error.as_ref().and_then(|error| tls::finding(error)) {
        return checks.add("tls.failed", Verdict::Fail, &found, next);
    }
    let found = std::iter::once(&failure.reason).chain(&failure.causes).cloned().collect::<Vec<_>>();
    let next = match failure.exit {
        Exit::Usage => "correct this setting",
        exit => exit.next(),
    };
    checks.add("configured.invalid", Verdict::Fail, &found.join(": "), next)
}

pub(super) fn clock(
    checks: &mut Checks<'_>,
    sent: Option<SystemTime>,
    other: SystemTime,
    clock_name: &str,
    tolerance: Duration,
    setting: &str,
) -> Result<(), Failure> {
    let now = SystemTime::now();
    let (skew, side) = skew(sent.unwrap_or(now), now, other);
    let found = format!("{} s {side} {clock_name}", skew.as_secs());
    let next = format!(
        "synchronize this machine's clock (NTP): webhooks are rejected if it is off by {} s ({setting})",
        tolerance.as_secs()
    );
    match skew {
        skew if skew >= tolerance => checks.add("clock.off", Verdict::Fail, &found, &next),
        skew if skew >= WARN_SKEW.min(tolerance / 2) => checks.add("clock.off", Verdict::Warn, &found, &next),
        _ => checks.ok("clock.ok", &found),
    }
}

fn skew(sent: SystemTime, now: SystemTime, other: SystemTime) -> (Duration, &'static str) {
    if let Ok(behind) = other.duration_since(now) {
        return (behind, "behind");
    }
    let ahead = sent.duration_since(other).unwrap_or_default();
    (ahead.saturating_sub(RESOLUTION), "ahead of")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_clock_skew_excludes_the_call_duration() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for (sent, now, other, seconds, side) in [
            (100, 100, 100, 0, "behind"),
            (100, 160, 160, 0, "behind"),
            (100, 160, 100, 0, "ahead of"),
            (100, 160, 130, 0, "ahead of"),
            (100, 160, 190, 30, "behind"),
            (100, 160, 60, 39, "ahead of"),
        ] {
            let expected = (Duration::from_secs(seconds), side);
            assert_eq!(skew(at(sent), at(now), at(other)), expected, "{sent} {now} {other}");
        }
    }
}
