//! What is wrong where TLS does not come about, and what to do: from the error itself, not its words. It makes
//! no connection.

use std::{error::Error, sync::Arc};

/// What was found and what to do next; `None` where TLS is not what failed.
pub(super) fn finding(error: &(dyn Error + 'static)) -> Option<(String, &'static str)> {
    cause(error).map(explained)
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // These two tell the source of what they hold, and not what they hold.
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
            found("the certificate is of an issuer that this machine does not trust"),
            "if a proxy or gateway of yours stands between, add its root to this machine's (on Linux also by \
             SSL_CERT_FILE); if not, trust nobody there",
        ),
        Tls::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => (
            found("the certificate has expired"),
            "have it renewed; if it is good elsewhere, set this machine's clock",
        ),
        Tls::InvalidCertificate(Certificate::NotValidYet | Certificate::NotValidYetContext { .. }) => {
            (found("the certificate is not valid yet"), "set this machine's clock, by NTP")
        }
        Tls::InvalidCertificate(Certificate::NotValidForName) => {
            (found("the certificate is for another host name"), OTHER_NAME)
        }
        Tls::InvalidCertificate(Certificate::NotValidForNameContext { expected, presented }) => {
            // Few of them, as there may be a hundred.
            let names: Vec<&str> = presented.iter().take(3).map(|name| bare(name)).collect();
            let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
            (format!("the certificate is not for {} but for {names}", expected.to_str()), OTHER_NAME)
        }
        Tls::InvalidMessage(_) => (
            found("what responds there does not speak TLS"),
            "correct the host and port, or write the address of a plain connection if it is to be one",
        ),
        // The verifier of the platform, where it finds no roots at all.
        Tls::General(words) => {
            (words.clone(), "see that this machine has root certificates (Debian: ca-certificates)")
        }
        _ => (error.to_string(), "the service has to offer TLS 1.2 or 1.3, and a certificate for servers"),
    }
}

const OTHER_NAME: &str = "correct the host in the address, or have the certificate name it";

/// The name in `DnsName("name")`, as rustls writes it: no more of it than a name can have.
fn bare(name: &str) -> &str {
    let name = name.split('"').nth(1).unwrap_or(name);
    // Of characters, as what a certificate says may hold any.
    name.char_indices().nth(253).map_or(name, |(end, _)| &name[..end])
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn dns_names_are_cut_at_253_characters() {
        assert_eq!(bare(r#"DnsName("api.example")"#), "api.example");
        assert_eq!(bare("api.example"), "api.example");
        // The limit is within a character.
        for name in ["a".repeat(300), format!("a{}", "ü".repeat(300))] {
            assert_eq!(bare(&format!("DnsName(\"{name}\")")).chars().count(), 253);
        }
    }
}
