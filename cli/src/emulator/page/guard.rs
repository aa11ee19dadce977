//! Controls access to the status page. Without this control, other web pages in the same browser
//! could send requests to the emulator (CSRF, DNS rebinding).

use fintech_auth::{HttpOptions, Secret};
use http::{HeaderMap, HeaderName, Request, StatusCode, header, uri::Authority};
use subtle::ConstantTimeEq as _;

use super::Refusal;

/// A page of another origin cannot send this header, because the emulator rejects the preflight
/// request.
const KEY: HeaderName = HeaderName::from_static("x-page-key");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Access {
    /// The page contains no data, so any site may link to it.
    Page,
    /// The script and the style of the page. They contain no data, so they need no key.
    Asset,
    State,
    Action,
}

pub(in crate::emulator) struct Guard {
    is_remote: bool,
    key: Option<Secret>,
    hosts: Vec<String>,
}

impl Guard {
    pub(in crate::emulator) fn local(hosts: &[String]) -> Self {
        Self { is_remote: false, key: None, hosts: lower_case(hosts) }
    }

    pub(in crate::emulator) fn remote(hosts: &[String], key: Secret) -> Self {
        Self { is_remote: true, key: Some(key), hosts: lower_case(hosts) }
    }

    pub(in crate::emulator) fn key(&self) -> Option<&Secret> {
        self.key.as_ref()
    }

    pub(super) fn check<B>(&self, request: &Request<B>, access: Access) -> Result<(), Refusal> {
        let headers = request.headers();
        let host = host(request)
            .ok_or(Refusal::new(StatusCode::BAD_REQUEST, "the request must have exactly one Host header"))?;
        if !self.is_expected(&host) {
            return Err(forbidden(
                "the page is not available under this host name; use localhost or an IP address, or start the \
                 emulator with --page-host",
            ));
        }
        let origin = single(headers, &header::ORIGIN).map_err(forbidden)?;
        let is_own = |origin: &str| {
            let (scheme, authority) = origin.split_once("://").unwrap_or_default();
            matches!(scheme, "http" | "https") && authority.eq_ignore_ascii_case(host.as_str())
        };
        if origin.is_some_and(|origin| !is_own(origin)) {
            return Err(forbidden("the request comes from another page"));
        }
        if origin.is_none() && access == Access::Action {
            return Err(forbidden("an action needs the Origin header of the page"));
        }
        // Only browsers send `Sec-Fetch-Site`, so a request without this header is allowed.
        let site = single(headers, &FETCH_SITE).map_err(forbidden)?;
        let is_foreign = site.is_some_and(|site| site != "same-origin" && site != "none");
        if is_foreign && access != Access::Page {
            return Err(forbidden("the request comes from another page"));
        }
        let needs_key = matches!(access, Access::State | Access::Action);
        match &self.key {
            Some(key) if needs_key && !is_key(key, headers) => {
                Err(Refusal::new(StatusCode::UNAUTHORIZED, "the key of the page is missing or wrong"))
            }
            _ => Ok(()),
        }
    }

    /// An IP address is a safe host, because an attack by DNS rebinding needs a host name.
    fn is_expected(&self, host: &Authority) -> bool {
        let name = host.host().to_ascii_lowercase();
        let is_address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
        HttpOptions::is_loopback(&name) || self.is_remote && is_address || self.hosts.contains(&name)
    }
}

fn lower_case(hosts: &[String]) -> Vec<String> {
    hosts.iter().map(|host| host.to_ascii_lowercase()).collect()
}

fn host<B>(request: &Request<B>) -> Option<Authority> {
    // Only a request to a proxy has the host and the port in its request line, so reject such a
    // request.
    if request.uri().authority().is_some() {
        return None;
    }
    let host = single(request.headers(), &header::HOST).ok()??;
    host.parse().ok().filter(|authority: &Authority| !authority.as_str().contains('@'))
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, &'static str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| "a header is not valid ASCII"),
        _ => Err("a header appears twice"),
    }
}

fn is_key(key: &Secret, headers: &HeaderMap) -> bool {
    let given = headers.get(KEY).map_or(&b""[..], |value| value.as_bytes());
    given.ct_eq(key.expose_secret().as_bytes()).into()
}

fn forbidden(why: &'static str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_TEXT: &str = "0123456789abcdef0123456789abcdef";

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri("/_page/state");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request")
    }

    fn status(guard: &Guard, headers: &[(&str, &str)], access: Access) -> u16 {
        guard.check(&request(headers), access).map_or_else(|refusal| refusal.status.as_u16(), |()| 200)
    }

    #[test]
    fn page_is_served_only_for_expected_host_headers() {
        let local = Guard::local(&["Dev.Example".to_owned()]);
        let remote = Guard::remote(&["emulator".to_owned()], KEY_TEXT.into());
        for (host, expected) in [
            ("localhost:4848", [200, 200]),
            ("LOCALHOST", [200, 200]),
            ("127.0.0.1:1", [200, 200]),
            ("[::1]:4848", [200, 200]),
            ("dev.example:4848", [200, 403]),
            ("emulator:4848", [403, 200]),
            ("192.168.1.7:4848", [403, 200]),
            ("[2001:db8::1]", [403, 200]),
            ("evil.example:4848", [403, 403]),
            ("localhost.evil.example", [403, 403]),
            ("127.0.0.1.evil.example", [403, 403]),
            ("localhost.", [403, 403]),
            ("localhost@evil.example", [400, 400]),
            ("evil.example@localhost", [400, 400]),
            ("", [400, 400]),
        ] {
            let headers = [("host", host)];
            assert_eq!(
                [&local, &remote].map(|guard| status(guard, &headers, Access::Page)),
                expected,
                "{host}"
            );
        }
        assert_eq!(status(&local, &[], Access::Page), 400);
        assert_eq!(status(&local, &[("host", "localhost"), ("host", "localhost")], Access::Page), 400);
        let absolute = Request::get("http://localhost/").header("host", "localhost").body(()).unwrap();
        assert_eq!(local.check(&absolute, Access::Page).unwrap_err().status, 400);
    }

    #[test]
    fn guard_rejects_requests_from_other_origins() {
        let guard = Guard::local(&[]);
        for (headers, expected) in [
            (&[][..], [200, 200, 403]),
            (&[("origin", "http://localhost:4848")], [200, 200, 200]),
            (&[("origin", "https://localhost:4848")], [200, 200, 200]),
            (&[("origin", "http://LOCALHOST:4848"), ("sec-fetch-site", "same-origin")], [200, 200, 200]),
            (&[("origin", "http://localhost:3000")], [403, 403, 403]),
            (&[("origin", "http://localhost")], [403, 403, 403]),
            (&[("origin", "http://127.0.0.1:4848")], [403, 403, 403]),
            (&[("origin", "https://evil.example")], [403, 403, 403]),
            (&[("origin", "file://localhost:4848")], [403, 403, 403]),
            (&[("origin", "null")], [403, 403, 403]),
            (&[("origin", "")], [403, 403, 403]),
            (&[("origin", "http://localhost:4848"), ("origin", "http://localhost:4848")], [403, 403, 403]),
            (&[("sec-fetch-site", "none")], [200, 200, 403]),
            (&[("sec-fetch-site", "cross-site")], [200, 403, 403]),
            (&[("sec-fetch-site", "same-site")], [200, 403, 403]),
            (&[("origin", "http://localhost:4848"), ("sec-fetch-site", "cross-site")], [200, 403, 403]),
        ] {
            let headers = [headers, &[("host", "localhost:4848")]].concat();
            let statuses =
                [Access::Page, Access::State, Access::Action].map(|it| status(&guard, &headers, it));
            assert_eq!(statuses, expected, "{headers:?}");
        }
    }

    #[test]
    fn remote_clients_need_the_key_to_read_state_or_run_actions() {
        let guard = Guard::remote(&[], KEY_TEXT.into());
        let own = [("host", "10.0.0.7:4848"), ("origin", "http://10.0.0.7:4848")];
        for (key, expected) in [
            (None, 401),
            (Some(""), 401),
            (Some("0123456789abcdef0123456789abcdee"), 401),
            (Some("0123456789abcdef"), 401),
            (Some(KEY_TEXT), 200),
        ] {
            let key = key.map(|key| ("x-page-key", key));
            let headers: Vec<_> = own.into_iter().chain(key).collect();
            for access in [Access::State, Access::Action] {
                assert_eq!(status(&guard, &headers, access), expected, "{key:?}");
            }
        }
        assert_eq!(status(&guard, &own, Access::Page), 200);
        assert_eq!(status(&guard, &own, Access::Asset), 200);
    }
}
