//! Asks a server for a document: over TLS unless the host is this machine, within a size and a time,
//! and only for what is newer than the copy we know. It sends no credentials and keeps nothing.

use std::io::{IsTerminal, Read, Write, stderr};
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::{HeaderMap, Response, Uri, header};

use crate::date::Date;
use crate::document::MAX_BYTES;
use crate::fetch::{Copy, Known};
use crate::problems::Result;

const TOO_LATE: &str = "takes too long; source.toml may say how many seconds are enough, as `timeout`";

const MAX_REDIRECTS: usize = 5;

/// The document at `url`, or none if it is still the known one.
///
/// # Errors
///
/// When it cannot be had within the limits, or what comes is no document.
pub(crate) fn get(url: &str, known: &Known) -> Result<Option<Copy>> {
    let deadline = Instant::now() + known.timeout;
    let mut at = uri(url)?;
    for _ in 0..=MAX_REDIRECTS {
        let answer = send(&at, known, deadline).map_err(|error| match error {
            ureq::Error::Timeout(_) => format!("{url}: {TOO_LATE}"),
            error => format!("{url}: {error}"),
        })?;
        let status = answer.status().as_u16();
        match status {
            200 => return body(url, answer, deadline).map(Some),
            304 if known.etag.is_some() || known.last_modified.is_some() => return Ok(None),
            301 | 302 | 303 | 307 | 308 => {
                at = target(&at, answer.headers()).map_err(|why| format!("{url}: redirects {why}"))?;
            }
            _ => return Err(format!("{url}: the server answers {}", answer.status()).into()),
        }
    }
    Err(format!("{url}: more than {MAX_REDIRECTS} redirects").into())
}

fn uri(url: &str) -> Result<Uri> {
    let uri: Uri = url.parse().map_err(|error| format!("{url}: {error}"))?;
    if is_admitted(&uri) {
        Ok(uri)
    } else {
        Err(format!("{url}: only https is read, or http from this machine").into())
    }
}

/// Whether nobody on the way can change what comes.
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

/// Where a redirect from `at` leads.
fn target(at: &Uri, headers: &HeaderMap) -> std::result::Result<Uri, String> {
    let location = text(headers, header::LOCATION).ok_or("nowhere")?;
    let absolute = match (location.strip_prefix('/'), at.authority()) {
        (Some(path), Some(host)) if !path.starts_with('/') => {
            format!("{}://{host}{location}", at.scheme_str().unwrap_or_default())
        }
        _ => location,
    };
    let to: Uri = absolute.parse().map_err(|_| format!("to {absolute}, which is no URL"))?;
    let is_downgrade = at.scheme_str() == Some("https") && to.scheme_str() != Some("https");
    if is_downgrade || !is_admitted(&to) {
        return Err(format!("to {absolute}, which is not https"));
    }
    Ok(to)
}

fn send(
    at: &Uri,
    known: &Known,
    deadline: Instant,
) -> std::result::Result<Response<ureq::Body>, ureq::Error> {
    let left = deadline.saturating_duration_since(Instant::now());
    // Redirects are followed by hand: an https URL must not lead to http, not even on this machine.
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(left))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .build()
        .into();
    let mut request = agent.get(at);
    if let Some(etag) = &known.etag {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    if let Some(date) = &known.last_modified {
        request = request.header(header::IF_MODIFIED_SINCE, date);
    }
    request.call()
}

fn body(url: &str, answer: Response<ureq::Body>, deadline: Instant) -> Result<Copy> {
    let headers = answer.headers();
    let kind = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    if kind.starts_with("text/html") {
        return Err(format!("{url}: a web page ({kind}) and no document").into());
    }
    let length = text(headers, header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > MAX_BYTES) {
        return Err(format!("{url}: more than {MAX_BYTES} bytes").into());
    }
    let last_modified = text(headers, header::LAST_MODIFIED);
    let changed = last_modified.as_deref().and_then(|date| httpdate::parse_http_date(date).ok());
    let etag = text(headers, header::ETAG);
    let mut progress = Progress::new(stderr().is_terminal().then(stderr), length);
    let bytes = read(answer.into_body().into_reader(), deadline, &mut progress)
        .map_err(|error| format!("{url}: {error}"))?;
    Ok(Copy { bytes, date: changed.map_or_else(Date::today, Date::of), etag, last_modified })
}

fn read(
    mut from: impl Read,
    deadline: Instant,
    progress: &mut Progress<impl Write>,
) -> std::result::Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut some = [0; 64 * 1024];
    loop {
        let count = from.read(&mut some).map_err(|error| match ureq::Error::from(error) {
            ureq::Error::Timeout(_) => TOO_LATE.to_owned(),
            error => format!("the document breaks off: {error}"),
        })?;
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(&some[..count]);
        if bytes.len() > MAX_BYTES {
            return Err(format!("more than {MAX_BYTES} bytes"));
        }
        // A server that sends a byte now and then keeps every single read within its time.
        if Instant::now() > deadline {
            return Err(TOO_LATE.to_owned());
        }
        progress.show(bytes.len());
    }
    progress.end();
    Ok(bytes)
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// One line on a terminal that tells how much has come, if that takes long. Elsewhere none: there it
/// is told afterwards.
struct Progress<W> {
    to: Option<W>,
    length: Option<usize>,
    shown: Instant,
    is_shown: bool,
}

impl<W: Write> Progress<W> {
    const EVERY: Duration = Duration::from_millis(500);

    fn new(to: Option<W>, length: Option<usize>) -> Self {
        Self { to, length, shown: Instant::now(), is_shown: false }
    }

    fn show(&mut self, read: usize) {
        if self.shown.elapsed() < Self::EVERY {
            return;
        }
        let of = self.length.map(|length| format!(" of {}", length / 1024)).unwrap_or_default();
        self.say(&format!("\r\x1b[K{}{of} KiB", read / 1024));
        self.shown = Instant::now();
        self.is_shown = true;
    }

    fn end(&mut self) {
        if self.is_shown {
            self.say("\r\x1b[K");
        }
    }

    fn say(&mut self, text: &str) {
        if let Some(to) = &mut self.to {
            // Who no longer looks at the terminal still wants the document.
            let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(from: &str, to: &str) -> std::result::Result<String, String> {
        let headers = HeaderMap::from_iter([(header::LOCATION, to.parse().unwrap())]);
        target(&from.parse().unwrap(), &headers).map(|uri| uri.to_string())
    }

    #[test]
    fn a_redirect_never_leaves_tls() {
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
    fn plain_http_is_for_this_machine_only() {
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

    #[test]
    fn a_long_download_is_one_line_on_a_terminal() {
        let mut seen = Vec::new();
        let mut progress = Progress::new(Some(&mut seen), Some(4096));
        progress.show(1024);
        progress.shown -= Progress::<Vec<u8>>::EVERY;
        progress.show(2048);
        progress.end();
        assert_eq!(String::from_utf8(seen).unwrap(), "\r\x1b[K2 of 4 KiB\r\x1b[K");
        let mut quiet = Progress::new(None::<Vec<u8>>, None);
        quiet.shown -= Progress::<Vec<u8>>::EVERY;
        quiet.show(1);
        quiet.end();
    }
}
