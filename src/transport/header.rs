//! Builds and checks header values from user input.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::HeaderValue;
use reqwest::Url;
use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Secret};

pub(crate) fn visible(what: &str, value: &str) -> Result<HeaderValue, Error> {
    let printable = !value.is_empty() && value.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
    printable
        .then(|| HeaderValue::from_str(value).ok())
        .flatten()
        .ok_or_else(|| invalid(format!("{what} is empty or not printable ASCII")))
}

pub(crate) fn sensitive(what: &str, value: &str) -> Result<HeaderValue, Error> {
    let mut value = visible(what, value)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The user name and the password are not form-encoded, although RFC 6749 section 2.3.1 requires
/// the encoding. The vendors' own SDKs do not encode them either. The credentials of both vendors
/// contain only letters, digits, `-` and `_`, which the encoding would not change.
pub(crate) fn basic(user: &str, password: &Secret) -> Result<HeaderValue, Error> {
    let control = |text: &str| text.chars().any(char::is_control);
    if user.contains(':') || control(user) || control(password.expose_secret()) {
        return Err(invalid(
            "HTTP Basic cannot carry a colon in the client id, or control characters; \
             authenticate in the body instead",
        ));
    }
    let pair = Zeroizing::new(format!("{user}:{}", password.expose_secret()));
    let encoded = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
    sensitive("the credentials", &Zeroizing::new(format!("Basic {}", *encoded)))
}

pub(crate) fn bearer(token: &Secret) -> Result<HeaderValue, Error> {
    if token.is_empty() {
        return Err(invalid("the token is empty"));
    }
    sensitive("the token", &Zeroizing::new(format!("Bearer {}", token.expose_secret())))
}

pub(crate) fn origin(what: &str, value: &str) -> Result<String, Error> {
    let is_origin = Url::parse(value).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == value
    });
    if is_origin {
        return Ok(value.to_owned());
    }
    Err(invalid(format!(
        "{what} must be a scheme and a domain, without a path or a slash: https://your-domain.com"
    )))
}

pub(crate) fn is_like(text: &str, model: &str) -> bool {
    text.len() == model.len()
        && text.bytes().zip(model.bytes()).all(|(byte, model)| match model {
            b'0' => byte.is_ascii_digit(),
            _ => byte == model,
        })
}

fn invalid(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidConfig, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_accepted_only_in_the_form_of_an_origin_header() {
        for good in ["https://your-domain.com", "http://localhost:3000", "https://a.b:8443"] {
            assert!(origin("the origin", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "your-domain.com",
            "https://a.b/",
            "https://a.b/path",
            "https://u@a.b",
            "https://A.b",
            "https://a.b:443",
            "null",
            "*",
            "https://a.b\r\nx: y",
        ] {
            assert!(origin("the origin", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn header_debug_and_errors_show_no_secrets() {
        let value = basic("id", &"hunter2".into()).unwrap();
        assert_eq!(format!("{value:?}"), "Sensitive");
        let error = bearer(&"line\nbreak".into()).unwrap_err();
        assert!(!format!("{error:?}").contains("break"));
        assert!(basic("i:d", &"x".into()).is_err());
        assert!(basic("id", &"x\n".into()).is_err());
    }
}
