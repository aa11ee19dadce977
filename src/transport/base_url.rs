//! The checked base URL of a service.

use std::{fmt, net::IpAddr};

use reqwest::Url;

use crate::{Error, ErrorKind};

/// The URL may use plain http with any host. `HttpOptions` decides whether plain http is allowed.
#[derive(Clone)]
pub(crate) struct BaseUrl {
    text: String,
    host: Box<str>,
}

impl BaseUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |reason: &'static str| Error::new(ErrorKind::InvalidConfig, reason);
        let url = Url::parse(text)
            .map_err(|_| refuse("the base url is invalid; use one such as https://api.example.com"))?;
        let host = url.host_str().ok_or_else(|| refuse("the base url names no host"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("the base url holds credentials; give them to the builder instead"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("the base url has a query or fragment; leave it out"));
        }
        if !matches!(url.scheme(), "https" | "http") {
            return Err(refuse("the base url is neither https nor http"));
        }
        Ok(Self { text: url.as_str().trim_end_matches('/').to_owned(), host: host.into() })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    pub(crate) fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }
}

/// `localhost` needs no lookup, because RFC 6761 section 6.3 reserves the name for loopback
/// addresses.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_loopback_are_accepted_and_trailing_slashes_removed() {
        for (given, kept) in [
            ("https://api.moov.io", "https://api.moov.io"),
            ("https://api.moov.io/", "https://api.moov.io"),
            ("https://gateway.example/moov//", "https://gateway.example/moov"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("http://127.8.8.8", "http://127.8.8.8"),
            ("http://[::1]:1", "http://[::1]:1"),
            ("http://localhost:1", "http://localhost:1"),
        ] {
            assert_eq!(BaseUrl::parse(given).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn only_loopback_addresses_count_as_loopback() {
        for (url, expected) in [
            ("http://127.8.8.8", true),
            ("http://[::1]:1", true),
            ("http://localhost:1", true),
            ("http://api.moov.io", false),
            ("http://127.0.0.1.example.com", false),
            ("http://localhost.example.com", false),
            ("http://0.0.0.0", false),
        ] {
            assert_eq!(BaseUrl::parse(url).unwrap().is_loopback(), expected, "{url}");
        }
    }

    #[test]
    fn urls_that_would_expose_or_misdirect_credentials_are_rejected() {
        for bad in [
            "",
            "api.moov.io",
            "ftp://127.0.0.1",
            "https://user:pass@api.moov.io",
            "https://api.moov.io/?key=1",
            "https://api.moov.io/#x",
            "data:text/plain,x",
        ] {
            let error = BaseUrl::parse(bad).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{bad}");
            assert!(!error.to_string().contains("pass@"), "{error}");
        }
    }
}
