//! Restricts plain http to this machine and to allowed hosts on private networks.

use std::{
    error::Error as StdError,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _},
    sync::Arc,
};

use reqwest::dns::{Name, Resolve, Resolving};

use super::base_url::{BaseUrl, is_loopback};
use crate::{Error, ErrorKind};

const TLS_ONLY: [&str; 2] = ["moneykit.com", "moov.io"];

#[derive(Clone, Debug, Default)]
pub(super) struct AllowedHosts(Arc<[Box<str>]>);

impl AllowedHosts {
    pub(super) fn new(hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(hosts.into_iter().map(|host| host.as_ref().to_ascii_lowercase().into()).collect())
    }

    pub(super) fn check(&self, base: &BaseUrl) -> Result<(), Error> {
        let refuse = |reason: &'static str| Err(Error::new(ErrorKind::InvalidConfig, reason));
        for host in &*self.0 {
            if !is_host(host) {
                return refuse("an allowed http host is a name or address, without scheme, port or wildcard");
            }
            if TLS_ONLY.iter().any(|domain| is_within(host, domain)) {
                return refuse("plain http to a vendor's host is never allowed");
            }
            if address(host).is_some_and(|address| !is_private(address)) {
                return refuse("plain http to a public address is never allowed");
            }
        }
        match base.is_https() || base.is_loopback() || self.contains(base.host()) {
            true => Ok(()),
            false => refuse(
                "the base url is plain http to another machine; use https, or allow the host if it is on a \
                 private network",
            ),
        }
    }

    fn contains(&self, host: &str) -> bool {
        self.0.iter().any(|allowed| **allowed == *host)
    }

    /// Plain http requests to other hosts go to a proxy on port 0, where no server can listen, so
    /// these requests fail. reqwest's own setting `https_only` cannot be used, because `https_only`
    /// rejects plain http to all hosts.
    pub(super) fn reject_other_hosts(&self) -> reqwest::Proxy {
        let hosts = self.clone();
        reqwest::Proxy::custom(move |url| {
            let is_allowed = url.host_str().is_some_and(|host| is_loopback(host) || hosts.contains(host));
            (url.scheme() == "http" && !is_allowed).then_some("http://127.0.0.1:0")
        })
    }
}

/// Resolves names only to private addresses. Otherwise a hijacked DNS name, or a name that a DNS
/// search domain completes, could send credentials in clear text to the internet.
pub(super) struct PrivateResolver;

impl Resolve for PrivateResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let resolved = tokio::task::spawn_blocking(move || (name, 0).to_socket_addrs()).await??;
            let addresses: Vec<SocketAddr> = resolved.collect();
            if !addresses.iter().all(|address| is_private(address.ip())) {
                return Err(Box::<dyn StdError + Send + Sync>::from(
                    "the host resolves to a public address: plain http is not allowed",
                ));
            }
            Ok(Box::new(addresses.into_iter()) as _)
        })
    }
}

fn is_host(host: &str) -> bool {
    let url = reqwest::Url::parse(&format!("http://{host}"));
    url.is_ok_and(|url| url.host_str() == Some(host) && url.port().is_none() && !host.contains('*'))
}

fn is_within(host: &str, domain: &str) -> bool {
    let host = host.trim_end_matches('.');
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => is_private_v4(address),
            None => is_private_v6(address),
        },
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    // 100.64.0.0/10 is shared address space, which is not public (RFC 6598).
    let is_shared = first == 100 && (64..128).contains(&second);
    address.is_loopback() || address.is_private() || address.is_link_local() || is_shared
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hosts: &[&str], base: &str) -> Result<(), Error> {
        AllowedHosts::new(hosts).check(&BaseUrl::parse(base).unwrap())
    }

    #[test]
    fn plain_http_is_allowed_only_for_exact_host_names() {
        for (hosts, base) in [
            (&["emulator"][..], "http://emulator:8080"),
            (&["a", "Emulator"], "http://EMULATOR"),
            (&["10.0.0.7"], "http://10.0.0.7:1"),
            (&["[fd00::1]"], "http://[fd00::1]"),
            (&[], "http://127.0.0.1:1"),
            (&[], "https://anything.example"),
        ] {
            assert!(check(hosts, base).is_ok(), "{hosts:?} {base}");
        }
        for (hosts, base) in [
            (&["emulator"][..], "http://emulator.example"),
            (&["emulator"], "http://sub.emulator"),
            (&["example"], "http://emulator"),
            (&[], "http://emulator"),
        ] {
            assert!(check(hosts, base).is_err(), "{hosts:?} {base}");
        }
    }

    #[test]
    fn plain_http_can_be_allowed_only_for_private_hosts() {
        for host in [
            "",
            "*",
            "*.local",
            "a:80",
            "http://a",
            "a/b",
            "a b",
            "u@a",
            "moov.io",
            "api.moov.io",
            "API.MOOV.IO",
            "api.moov.io.",
            "api.moneykit.com",
            "8.8.8.8",
            "[2606:4700::1]",
            "[::ffff:8.8.8.8]",
            "0.0.0.0",
        ] {
            assert!(check(&[host], "https://a.example").is_err(), "{host}");
        }
        assert!(check(&["notmoov.io", "moov.io.internal"], "https://a.example").is_ok());
    }

    #[tokio::test]
    async fn name_that_resolves_to_a_public_address_is_rejected() {
        for (name, expected) in [("127.0.0.1", true), ("10.0.0.1", true), ("8.8.8.8", false)] {
            let resolved = PrivateResolver.resolve(name.parse().unwrap()).await;
            assert_eq!(resolved.is_ok(), expected, "{name}");
        }
    }

    #[test]
    fn private_and_public_addresses_are_distinguished() {
        for (address, expected) in [
            ("127.0.0.1", true),
            ("10.1.2.3", true),
            ("172.16.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.1", true),
            ("169.254.1.1", true),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("0.0.0.0", false),
            ("255.255.255.255", false),
            ("1.1.1.1", false),
            ("::1", true),
            ("fd12::1", true),
            ("fe80::1", true),
            ("2001:db8::1", false),
            ("::ffff:10.0.0.1", true),
            ("::ffff:1.1.1.1", false),
            ("::", false),
        ] {
            assert_eq!(is_private(address.parse().unwrap()), expected, "{address}");
        }
    }
}
