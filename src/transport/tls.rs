//! Tells failures of TLS that trying again cannot mend from passing ones.

use std::{error::Error as StdError, io};

use rustls::{AlertDescription as Alert, Error};

/// Whether TLS failed because of how one of both sides is set up: the certificate, its name, the trusted
/// roots, or no version or cipher in common. A handshake that broke off passes by itself.
pub(super) fn is_misconfigured(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return is_configuration(error);
        }
        // An io::Error returns the source of what it holds, and not what it holds.
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
        // What comes is no TLS at all, as from a server of plain http.
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
