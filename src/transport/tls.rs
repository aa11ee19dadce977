//! Distinguishes TLS failures that the configuration causes from temporary TLS failures.

use std::{error::Error as StdError, io};

use rustls::{AlertDescription as Alert, Error};

pub(super) fn is_misconfigured(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return is_configuration(error);
        }
        // `io::Error::source` skips the wrapped error, but `io::Error::get_ref` returns the wrapped
        // error.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = held.map_or_else(|| error.source(), |held| Some(held));
    }
    false
}

fn is_configuration(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(_)
        | Error::InvalidCertRevocationList(_)
        | Error::NoCertificatesPresented
        | Error::UnsupportedNameType
        | Error::PeerIncompatible(_)
        | Error::NoApplicationProtocol
        | Error::BadMaxFragmentSize
        | Error::InconsistentKeys(_)
        // The server does not use TLS. It may be a plain http server.
        | Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => true,
        Error::AlertReceived(alert) => matches!(
            alert,
            Alert::HandshakeFailure
                | Alert::NoCertificate
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::ProtocolVersion
                | Alert::InsufficientSecurity
                | Alert::UnrecognisedName
                | Alert::CertificateRequired
                | Alert::NoApplicationProtocol
        ),
        _ => false,
    }
}
