//! Downloads a document over TLS, or over plain HTTP from a loopback address. Limits the size and
//! the duration of the download. Sends no credentials.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use indicatif::{ProgressBar, ProgressStyle};
use ureq::Agent;
use ureq::http::{HeaderMap, Response, Uri, header};

use crate::date;
use crate::document::MAX_BYTES;
use crate::problems::Result;

const TOO_LATE: &str = "timed out; increase `timeout` (seconds) in source.toml";

const MAX_REDIRECTS: usize = 5;

#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) bytes: Vec<u8>,
    pub(crate) date: NaiveDate,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

#[derive(Debug)]
pub(crate) struct FetchOptions {
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    pub(crate) timeout: Duration,
}

pub(crate) fn get(url: &str, options: &FetchOptions) -> Result<Option<Fetched>> {
    let deadline = Instant::now() + options.timeout;
    let mut at: Uri = url.parse().map_err(|error| format!("{url}: {error}"))?;
    if !is_admitted(&at) {
        return Err(format!("{url}: the URL must be https, or http on loopback").into());
    }
    for _ in 0..=MAX_REDIRECTS {
        let response = send(&at, options, deadline).map_err(|error| match error {
            ureq::Error::Timeout(_) => format!("{url}: {TOO_LATE}"),
            error => format!("{url}: {error}"),
        })?;
        let status = response.status().as_u16();
        match status {
            200 => return body(url, response).map(Some),
            304 if options.etag.is_some() || options.last_modified.is_some() => return Ok(None),
            301 | 302 | 303 | 307 | 308 => {
                at = target(&at, response.headers()).map_err(|why| format!("{url}: redirects {why}"))?;
            }
            _ => return Err(format!("{url}: the server returned {}", response.status()).into()),
        }
    }
    Err(format!("{url}: more than {MAX_REDIRECTS} redirects").into())
}

fn is_admitted(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_loopback =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_loopback,
        _ => false,
    }
}

fn target(at: &Uri, headers: &HeaderMap) -> std::result::Result<Uri, String> {
    let location = text(headers, header::LOCATION).ok_or("without a location")?;
    let absolute = match (location.strip_prefix('/'), at.authority()) {
        (Some(path), Some(host)) if !path.starts_with('/') => {
            format!("{}://{host}{location}", at.scheme_str().unwrap_or_default())
        }
        _ => location,
    };
    let to: Uri = absolute.parse().map_err(|_| format!("to {absolute}, which is not a URL"))?;
    let is_downgrade = at.scheme_str() == Some("https") && to.scheme_str() != Some("https");
    if is_downgrade || !is_admitted(&to) {
        return Err(format!("to {absolute}, which is not https"));
    }
    Ok(to)
}

fn send(
    at: &Uri,
    options: &FetchOptions,
    deadline: Instant,
) -> std::result::Result<Response<ureq::Body>, ureq::Error> {
    let left = deadline.saturating_duration_since(Instant::now());
    // ureq must not follow redirects. `get` follows them, so that it can reject a redirect from
    // https to http, even to a loopback address.
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(left))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .build()
        .into();
    let mut request = agent.get(at);
    if let Some(etag) = &options.etag {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    if let Some(date) = &options.last_modified {
        request = request.header(header::IF_MODIFIED_SINCE, date);
    }
    request.call()
}

fn body(url: &str, response: Response<ureq::Body>) -> Result<Fetched> {
    let headers = response.headers();
    let kind = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    if kind.starts_with("text/html") {
        return Err(format!("{url}: a web page ({kind}), not a document").into());
    }
    let last_modified = text(headers, header::LAST_MODIFIED);
    let changed = last_modified.as_deref().and_then(date::parse_http);
    let etag = text(headers, header::ETAG);
    let too_large = || format!("{url}: more than {MAX_BYTES} bytes");
    if response.body().content_length().is_some_and(|length| length > MAX_BYTES as u64) {
        return Err(too_large().into());
    }
    // ureq fails as soon as the body reaches the limit, so the limit is one byte higher than
    // `MAX_BYTES`.
    let bar = progress(url, response.body().content_length());
    let reader = response.into_body().into_with_config().limit(MAX_BYTES as u64 + 1).reader();
    let mut bytes = Vec::new();
    bar.wrap_read(reader).read_to_end(&mut bytes).map_err(|error| match ureq::Error::from(error) {
        ureq::Error::Timeout(_) => format!("{url}: {TOO_LATE}"),
        ureq::Error::BodyExceedsLimit(_) => too_large(),
        error => format!("{url}: cannot read the response: {error}"),
    })?;
    Ok(Fetched { bytes, date: changed.unwrap_or_else(date::today), etag, last_modified })
}

fn progress(url: &str, length: Option<u64>) -> ProgressBar {
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    if bar.is_hidden() {
        let _ = writeln!(std::io::stderr(), "downloading {url}");
    }
    let template = if length.is_some() { "{bar:30} {bytes} of {total_bytes}" } else { "{spinner} {bytes}" };
    bar.with_style(ProgressStyle::with_template(template).expect("a constant template is valid"))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(from: &str, to: &str) -> std::result::Result<String, String> {
        let headers = HeaderMap::from_iter([(header::LOCATION, to.parse().unwrap())]);
        target(&from.parse().unwrap(), &headers).map(|uri| uri.to_string())
    }

    #[test]
    fn redirect_from_https_to_http_is_rejected() {
        let secure = "https://library.example/a";
        assert_eq!(redirect(secure, "/b"), Ok("https://library.example/b".into()));
        assert_eq!(redirect(secure, "https://other.example/b"), Ok("https://other.example/b".into()));
        assert_eq!(redirect("http://127.0.0.1:1/a", "/b"), Ok("http://127.0.0.1:1/b".into()));
        for to in [
            "http://library.example/a",
            "http://127.0.0.1/a",
            "http://localhost/a",
            "//other.example/a",
            "b",
            "file:///etc/passwd",
        ] {
            let error = redirect(secure, to).unwrap_err();
            assert!(error.starts_with(&format!("to {to}, which is no")), "{error}");
        }
        let error = redirect("http://127.0.0.1/a", "http://library.example/a").unwrap_err();
        assert_eq!(error, "to http://library.example/a, which is not https");
    }

    #[test]
    fn plain_http_is_allowed_only_for_loopback() {
        for (url, expected) in [
            ("https://library.example/a", true),
            ("http://127.0.0.1:80/a", true),
            ("http://[::1]/a", true),
            ("http://localhost/a", true),
            ("http://127.0.0.1.example/a", false),
            ("http://localhost@library.example/a", false),
            ("http://library.example/a", false),
            ("ftp://127.0.0.1/a", false),
        ] {
            assert_eq!(is_admitted(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
