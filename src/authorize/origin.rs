//! Compares request URLs with the origins that may receive tokens. Host names are compared as text,
//! without DNS.

use std::fmt;

use reqwest::Url;

use crate::{Error, ErrorKind, transport::BaseUrl};

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Origin {
    scheme: &'static str,
    host: Box<str>,
    port: u16,
}

impl Origin {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let base = BaseUrl::parse(text)?;
        if !(base.is_https() || base.is_loopback()) {
            let reason = "the origin is plain http to another machine; use https";
            return Err(Error::new(ErrorKind::InvalidConfig, reason));
        }
        let url = Url::parse(base.as_str()).ok().filter(|url| url.path() == "/");
        url.as_ref().and_then(Self::of_url).ok_or_else(|| {
            let reason = "an origin must not have a path; use for example https://api.example.com";
            Error::new(ErrorKind::InvalidConfig, reason)
        })
    }

    /// Does not check whether plain http is allowed, so `text` must be a validated base URL.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        Self::of_url(&Url::parse(text).ok()?)
    }

    fn of_url(url: &Url) -> Option<Self> {
        let scheme = ["https", "http"].into_iter().find(|scheme| *scheme == url.scheme())?;
        Some(Self { scheme, host: url.host_str()?.into(), port: url.port_or_known_default()? })
    }

    pub(super) fn has_url(&self, url: &Url) -> bool {
        url.scheme() == self.scheme
            && url.username().is_empty()
            && url.password().is_none()
            && url.host_str() == Some(&*self.host)
            && url.port_or_known_default() == Some(self.port)
    }

    /// Compares the whole authority as text. `http::Uri` accepts user info and invalid ports, so it
    /// is not enough to compare the parsed host and port.
    #[cfg(any(test, feature = "tower"))]
    pub(super) fn has_uri(&self, uri: &http::Uri) -> bool {
        let Some((host, rest)) =
            uri.authority().and_then(|authority| authority.as_str().split_at_checked(self.host.len()))
        else {
            return false;
        };
        let default_port = if self.scheme == "https" { 443 } else { 80 };
        let has_port = match rest {
            "" => self.port == default_port,
            _ => rest.strip_prefix(':').is_some_and(|port| *port == *self.port.to_string()),
        };
        uri.scheme_str() == Some(self.scheme) && host.eq_ignore_ascii_case(&self.host) && has_port
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match (self.scheme, self.port) {
            ("https", 443) | ("http", 80) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::*;

    fn has(origin: &str, url: &str) -> bool {
        let origin = Origin::parse(origin).unwrap();
        let by_url = origin.has_url(&Url::parse(url).unwrap());
        if let Ok(uri) = url.parse::<Uri>() {
            assert_eq!(origin.has_uri(&uri), by_url, "{url}");
        }
        by_url
    }

    #[test]
    fn urls_have_the_same_origin_if_scheme_host_and_port_are_equal() {
        let moov = "https://api.moov.io";
        for url in ["https://api.moov.io", "https://API.MOOV.IO:443/a?b#c", "https://api.moov.io?q"] {
            assert!(has(moov, url), "{url}");
        }
        for url in [
            "http://api.moov.io/",
            "http://api.moov.io:443/",
            "https://api.moov.io:8443/",
            "https://moov.io/",
            "https://api.moov.io.evil.example/",
            "https://api.moov.io@evil.example/",
            "https://u@api.moov.io/",
            "https://u:p@api.moov.io/",
            "https://evil.example/api.moov.io",
            "https://api.moov.io./",
            "wss://api.moov.io/",
        ] {
            assert!(!has(moov, url), "{url}");
        }
        assert!(has("http://127.0.0.1:8080/", "http://127.0.0.1:8080/x"));
        assert!(!has("http://127.0.0.1:8080", "http://127.0.0.1/"));
        assert!(has("http://[::1]:1", "http://[::1]:1/"));
        assert!(has("http://localhost", "http://localhost:80/"));
        assert!(!Origin::parse(moov).unwrap().has_uri(&Uri::from_static("/relative")));
    }

    #[test]
    fn uri_with_a_different_authority_has_a_different_origin() {
        let moov = Origin::parse("https://api.moov.io").unwrap();
        let local = Origin::parse("http://localhost:80").unwrap();
        for authority in [
            "api.moov.io:99999",
            "api.moov.io:65979",
            "api.moov.io:4430",
            "api.moov.io:",
            "api.moov.io:0443",
            "api.moov.io:44",
            "u@api.moov.io",
            "u:p@api.moov.io",
            "@api.moov.io",
            "api.moov.io.",
            "api.moov.i",
            "[::1]",
        ] {
            let uri = format!("https://{authority}/");
            if let Ok(uri) = uri.parse::<Uri>() {
                assert!(!moov.has_uri(&uri), "{uri}");
            }
        }
        assert!(!local.has_uri(&Uri::from_static("http://localhost:70000/")));
        assert!(local.has_uri(&Uri::from_static("http://localhost/")));
        assert!("https://api.moov.io:99999/".parse::<Uri>().is_ok());
    }

    #[test]
    fn invalid_or_unsafe_origins_are_rejected() {
        for bad in ["http://api.moov.io", "https://api.moov.io/oauth2", "api.moov.io", "https://u:p@a.b"] {
            assert_eq!(Origin::parse(bad).unwrap_err().kind(), ErrorKind::InvalidConfig, "{bad}");
        }
    }
}
