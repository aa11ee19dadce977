//! Parses the fields of a request, from a form or JSON. Parsing is strict, because a lenient
//! emulator would hide a client's mistakes until the client runs in production.

use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Fields without a value are removed, because RFC 6749 section 3.2 treats such fields as omitted.
#[derive(Default)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn json(body: &[u8]) -> Option<Self> {
        let mut fields: Map<String, Value> = serde_json::from_slice(body).ok()?;
        fields.retain(|_, value| !value.is_null() && value != "");
        Some(Self(fields))
    }

    pub(super) fn form(body: &[u8]) -> Option<Self> {
        let mut fields = Map::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut sides = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(sides.next()?)?;
            let value = decode(sides.next().unwrap_or_default())?;
            if fields.insert(name, value.into()).is_some() {
                return None;
            }
        }
        fields.retain(|_, value| value != "");
        Some(Self(fields))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    pub(super) fn decode<T: DeserializeOwned>(self) -> Option<T> {
        serde_json::from_value(Value::Object(self.0)).ok()
    }
}

pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Follows section 5.1 of the WHATWG URL standard, but rejects incomplete escapes and invalid
/// UTF-8.
fn decode(encoded: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter();
    while let Some(&byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (hex(*bytes.next()?)?, hex(*bytes.next()?)?);
                high << 4 | low
            }
            _ => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_encodings_of_the_sdks_are_parsed() {
        let fields = Fields::form(b"scope=%2Faccounts.read+a%3Ab&client_id=%C3%bc&empty=&flag").unwrap();
        assert_eq!(fields.text("scope"), Some("/accounts.read a:b"));
        assert_eq!(fields.text("client_id"), Some("ü"));
        assert_eq!((fields.text("empty"), fields.text("flag")), (None, None));
        assert!(Fields::form(b"").is_some());
    }

    #[test]
    fn malformed_forms_and_duplicate_fields_are_rejected() {
        for bad in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=1&a=2", "a=1&a="] {
            assert!(Fields::form(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_json_objects_are_parsed() {
        let fields = Fields::json(br#"{"scope":"\u00fc","refresh_token":null,"token":""}"#).unwrap();
        assert_eq!(fields.text("scope"), Some("ü"));
        assert_eq!((fields.text("refresh_token"), fields.text("token")), (None, None));
        for bad in ["", "{", "[]", "\"a\"", "{} {}", "\u{feff}{}"] {
            assert!(Fields::json(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
