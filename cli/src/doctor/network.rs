//! Checks the way to a service: its address, proxy, TLS, clock, and what may answer in its place. Sends nothing itself, and does not show the
//! password of a proxy.

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

/// How far the clocks may be apart before webhooks are rejected, unless `WEBHOOK_TOLERANCE` says otherwise.
pub(super) const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// A clock that is set by NTP is never so far off.
const NOTICED: Duration = Duration::from_secs(30);
/// `Date` has whole seconds.
const RESOLUTION: Duration = Duration::from_secs(1);

/// The variables that name a proxy for https, in the order in which they count.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// How a service is reached.
pub(super) struct Route<'a> {
    url: &'a str,
    /// The variable or setting that names the proxy which is used.
    proxy: Option<String>,
    is_this_machine: bool,
}

impl<'a> Route<'a> {
    /// Reports the address and the proxy, before anything is sent. `proxy` is the one of the settings, which replaces that of the environment.
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
            checks.ok("proxy.ok", "none is used to this machine")?;
            route.is_this_machine = true;
            return Ok(route);
        };
        if !url.starts_with("https:") {
            checks.ok("proxy.ok", "none is used for plain http")?;
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
        // As reqwest finds it; what it says holds no password, which stands apart.
        match Matcher::from_env().intercept(&uri) {
            Some(proxy) => route.through(checks, proxy.uri(), name)?,
            None if ["NO_PROXY", "no_proxy"].iter().any(|name| env::var_os(name).is_some()) => {
                checks.ok("proxy.ok", "none: NO_PROXY excepts this host")?;
            }
            None => {
                let found = format!("none, although {name} is set: it is not the address of a proxy");
                checks.add("proxy.unreadable", Verdict::Warn, &found, "write it as http://HOST:PORT")?;
            }
        }
        Ok(route)
    }

    /// Shows of the proxy's URL no more than host and port.
    fn through(&mut self, checks: &mut Checks<'_>, proxy: &Uri, name: &str) -> Result<(), Failure> {
        self.proxy = Some(name.to_owned());
        let port = proxy.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        checks.ok("proxy.ok", &format!("{}{port}, from {name}", proxy.host().unwrap_or_default()))
    }

    /// Reports what a response shows about TLS and the clock. `sent` is when its request was sent, if that is known.
    pub(super) fn responded(
        &self,
        checks: &mut Checks<'_>,
        sent: Option<SystemTime>,
        date: Option<SystemTime>,
        tolerance: Option<Duration>,
    ) -> Result<(), Failure> {
        if self.url.starts_with("https:") {
            checks.ok("tls.ok", "the connection is encrypted, and the certificate trusted")?;
        } else {
            let found = match self.is_this_machine {
                true => "plain http to this machine".to_owned(),
                false => format!("plain http to a host of {}", checks.setting("ALLOW_HTTP")),
            };
            checks.add("tls.none", Verdict::Skip, &found, "")?;
        }
        let Some(date) = date else {
            return checks.add("clock.unknown", Verdict::Skip, "the service told no Date", "");
        };
        let setting = checks.setting("WEBHOOK_TOLERANCE");
        clock(checks, sent, date, "the service's", tolerance.unwrap_or(TOLERANCE), &setting)
    }

    /// Reports a call to which the service did not respond: something else did, or nothing. Returns false for any
    /// other error, without a report.
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
            // NO_PROXY has no effect on the proxy of the settings.
            let or = if PROXIES.contains(&name.as_str()) { "; or except the host by NO_PROXY" } else { "" };
            format!(
                "see that the proxy ({name}) runs, knows the password it is given and lets this host pass{or}"
            )
        } else if self.url.starts_with("http:") {
            format!("see that the service runs there; if it speaks TLS, {base_url} begins with https://")
        } else if error.kind() == ErrorKind::Timeout {
            "see that a firewall lets this machine through; if it only has a proxy's way out, set HTTPS_PROXY"
                .to_owned()
        } else {
            format!(
                "see that {base_url} names the right host, and that this machine resolves and reaches it; if it only \
                 has a proxy's way out, set HTTPS_PROXY"
            )
        };
        checks.add("reached.failed", Verdict::Fail, &chain(error), &next)?;
        Ok(true)
    }

    /// Reports a response that something between this machine and the service sent.
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
                "correct {base_url}; if it is right, a captive portal or the login page of a proxy answers in place \
                 of the service: log in there, or set HTTPS_PROXY"
            );
            checks.add("reached.portal", Verdict::Fail, &chain(error), &next)?;
            return Ok(true);
        }
        // The library classifies a refusal as unavailable if the service did not send it.
        let is_refusal = status.is_client_error() && !matches!(status.as_u16(), 408 | 425);
        let is_unavailable = error.kind() == ErrorKind::Unavailable;
        if is_unavailable && error.request_id().is_none() && (is_refusal || error.ray_id().is_some()) {
            let next = format!(
                "see that nothing blocks this machine's address or user agent, and that {base_url} is right; quote the \
                 ray to the vendor's support; the credentials were not judged"
            );
            checks.add("reached.cdn", Verdict::Fail, &chain(error), &next)?;
            return Ok(true);
        }
        Ok(false)
    }
}

/// Reports why a client could not be built, and what to do.
pub(super) fn misconfigured(checks: &mut Checks<'_>, failure: &Failure) -> Result<(), Failure> {
    if let Some((found, next)) = failure.error.as_ref().and_then(|error| tls::finding(error)) {
        return checks.add("tls.failed", Verdict::Fail, &found, next);
    }
    let found = std::iter::once(&failure.reason).chain(&failure.causes).cloned().collect::<Vec<_>>();
    let next = match failure.exit {
        Exit::Usage => "correct the setting that is named",
        exit => exit.next(),
    };
    checks.add("configured.invalid", Verdict::Fail, &found.join(": "), next)
}

/// Reports how far this machine's clock is from another one. `whose` names it, as in "the service's". The time between
/// `sent` and now is no skew, as the other clock was read in between.
pub(super) fn clock(
    checks: &mut Checks<'_>,
    sent: Option<SystemTime>,
    other: SystemTime,
    whose: &str,
    tolerance: Duration,
    setting: &str,
) -> Result<(), Failure> {
    let now = SystemTime::now();
    let (skew, side) = skew(sent.unwrap_or(now), now, other);
    let found = format!("{} s {side} {whose}", skew.as_secs());
    let next = format!(
        "set this machine's clock, by NTP: webhooks are rejected from {} s on ({setting})",
        tolerance.as_secs()
    );
    match skew {
        skew if skew >= tolerance => checks.add("clock.off", Verdict::Fail, &found, &next),
        skew if skew >= NOTICED.min(tolerance / 2) => checks.add("clock.off", Verdict::Warn, &found, &next),
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
    fn skew_is_only_the_part_outside_the_call() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for (sent, now, other, seconds, side) in [
            (100, 100, 100, 0, "behind"),
            // A slow response: the other clock was read at its end, its beginning, or on the way.
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
