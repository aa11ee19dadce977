//! Explains TLS errors and suggests fixes.

use std::{error::Error, sync::Arc};

pub(super) fn finding(error: &(dyn Error + 'static)) -> Option<(String, &'static str)> {
    cause(error).map(explained)
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // `io::Error` and `Arc` skip the inner error: their `source()` returns the source of the
        // inner error.
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let shared = error.downcast_ref::<Arc<dyn Error + Send + Sync>>();
        next = match (held, shared) {
            (Some(held), _) => Some(held),
            (_, Some(shared)) => Some(&**shared),
            _ => error.source(),
        };
    }
    None
}

fn explained(error: &rustls::Error) -> (String, &'static str) {
    use rustls::{CertificateError as Certificate, Error as Tls};

    let found = |text: &str| text.to_owned();
    match error {
        Tls::InvalidCertificate(Certificate::UnknownIssuer | Certificate::BadSignature) => (
            found("the certificate's issuer is not trusted on this machine"),
            "if your own proxy or gateway intercepts TLS, add its root certificate to this machine's trust store (on \
             Linux, SSL_CERT_FILE works too); otherwise do not trust the connection",
        ),
        Tls::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => (
            found("the certificate has expired"),
            "renew the certificate; if it is valid on other machines, correct this machine's clock",
        ),
        Tls::InvalidCertificate(Certificate::NotValidYet | Certificate::NotValidYetContext { .. }) => {
            (found("the certificate is not valid yet"), "synchronize this machine's clock (NTP)")
        }
        Tls::InvalidCertificate(Certificate::NotValidForName) => {
            (found("the certificate is for another host name"), OTHER_NAME)
        }
        Tls::InvalidCertificate(Certificate::NotValidForNameContext { expected, presented }) => {
            let names: Vec<&str> = presented.iter().take(3).map(|name| bare(name)).collect();
            let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
            (format!("the certificate is for {names}, not for {}", expected.to_str()), OTHER_NAME)
        }
        Tls::InvalidMessage(_) => (
            found("the server at this address does not use TLS"),
            "correct the host and port, or use an address without TLS",
        ),
        // The platform's verifier reports this error if it finds no root certificates.
        Tls::General(text) => {
            (text.clone(), "install root certificates on this machine (Debian: ca-certificates)")
        }
        _ => (error.to_string(), "check that the server offers TLS 1.2 or 1.3 and a server certificate"),
    }
}

const OTHER_NAME: &str = "correct the host in the address, or use a certificate for this host";

/// A DNS name has at most 253 characters. The limit counts characters and not bytes, because the
/// text of a certificate may not be ASCII.
fn bare(name: &str) -> &str {
    let name = name.split('"').nth(1).unwrap_or(name);
    name.char_indices().nth(253).map_or(name, |(end, _)| &name[..end])
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn dns_names_are_truncated_to_253_characters() {
        assert_eq!(bare(r#"DnsName("api.example")"#), "api.example");
        assert_eq!(bare("api.example"), "api.example");
        for name in ["a".repeat(300), format!("a{}", "ü".repeat(300))] {
            assert_eq!(bare(&format!("DnsName(\"{name}\")")).chars().count(), 253);
        }
    }
}
