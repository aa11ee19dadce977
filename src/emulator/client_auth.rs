//! Checks the client credentials of a request, for each method of client authentication.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, header};

use super::fields::Fields;
use crate::Credentials;

pub(super) struct KnownClient(pub(super) Credentials);

impl KnownClient {
    /// The credentials may be in UTF-8, or in Latin-1, which MoneyKit's own SDK sends. Schemes
    /// other than Basic are ignored, because Moov's own SDK can send a bearer token with
    /// credentials in the body. An empty id with an empty secret counts as missing, because
    /// MoneyKit's Ruby SDK sends this pair in addition to credentials in the body.
    pub(super) fn basic(&self, headers: &HeaderMap) -> Shown {
        let Some(given) = with_scheme(headers, "basic") else { return Shown::Not };
        let expected = format!("{}:{}", self.0.client_id(), self.0.client_secret().expose_secret());
        let latin_1: Result<Vec<u8>, _> = expected.chars().map(u8::try_from).collect();
        let given = BASE64_STANDARD.decode(given).ok();
        if given.as_deref() == Some(b":") {
            return Shown::Not;
        }
        let is_right = given.is_some_and(|given| {
            given == expected.as_bytes() || latin_1.is_ok_and(|latin_1| given == latin_1)
        });
        if is_right { Shown::Right } else { Shown::Wrong }
    }

    pub(super) fn body(&self, fields: &Fields) -> Shown {
        let text = |name| fields.text(name).map(str::as_bytes);
        self.both(text("client_id"), text("client_secret"))
    }

    pub(super) fn headers(&self, headers: &HeaderMap) -> Shown {
        let bytes = |name| headers.get(name).map(http::HeaderValue::as_bytes);
        self.both(bytes("x-client-id"), bytes("x-client-secret"))
    }

    fn both(&self, id: Option<&[u8]>, secret: Option<&[u8]>) -> Shown {
        let known = (self.0.client_id().as_bytes(), self.0.client_secret().expose_secret().as_bytes());
        match (id, secret) {
            (Some(id), _) if id != known.0 => Shown::Wrong,
            (_, None) => Shown::Not,
            (Some(_), Some(secret)) if secret == known.1 => Shown::Right,
            _ => Shown::Wrong,
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shown {
    /// The request contains no credentials for this method of client authentication.
    Not,
    Right,
    Wrong,
}

pub(super) fn agree<const N: usize>(ways: [Shown; N]) -> bool {
    ways.contains(&Shown::Right) && !ways.contains(&Shown::Wrong)
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    std::str::from_utf8(with_scheme(headers, "bearer")?).ok()
}

fn with_scheme<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a [u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (given, rest) = value.split_at_checked(scheme.len())?;
    if !given.eq_ignore_ascii_case(scheme.as_bytes()) {
        return None;
    }
    rest.strip_prefix(b" ").map(<[u8]>::trim_ascii)
}
