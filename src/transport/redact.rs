//! Decides which parts of a response may be shown, and removes secrets from them.

use http::{HeaderName, header};
use zeroize::Zeroizing;

/// The longest text that is kept of a header or error field, in characters. Longer text is cut.
pub(super) const TEXT_LIMIT: usize = 1024;
const REDACTED: &str = "[redacted]";

/// Returns whether a text has the form of an error code: `invalid_grant`,
/// `api_error.auth.unauthorized`.
pub(super) fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// Returns whether a text has the form of a request id or a Cloudflare ray id. A token in its place
/// would be longer or contain other characters.
pub(super) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// Returns whether a header of this name holds no credentials. `Location` may have some in its
/// query.
pub(super) fn is_public(name: &HeaderName) -> bool {
    let named = [header::LOCATION, header::SET_COOKIE, header::AUTHORIZATION, header::PROXY_AUTHORIZATION];
    let words = ["cookie", "secret", "token", "key", "authoriz", "signature"];
    !named.contains(name) && !words.iter().any(|word| name.as_str().contains(word))
}

/// Returns a server's text on one line, shortened to the limit, and without these secrets. A server
/// may quote the request, so the secrets are also removed in their form-encoded and JSON-encoded
/// forms.
pub(super) fn clean<'a>(text: &str, secrets: impl Iterator<Item = &'a str>) -> String {
    let mut text: String = text.chars().filter(|c| !c.is_control()).collect();
    for secret in secrets.filter(|secret| !secret.is_empty()) {
        let form = Zeroizing::new(form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>());
        let json = Zeroizing::new(serde_json::to_string(secret).unwrap_or_default());
        for shape in [secret, &form, json.trim_matches('"')] {
            text = text.replace(shape, REDACTED);
        }
    }
    text.chars().take(TEXT_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_lowercase_words_and_ids_are_short_plain_text() {
        for good in ["invalid_grant", "api_error.auth.expired_access_token"] {
            assert!(is_code(good), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", "eyJhbGciOi", "sk_live_4eC39H", "bad code", "Forbidden", "<b>", "[redacted]", &long] {
            assert!(!is_code(bad), "{bad}");
        }
        for good in ["9383a65a-dc2d-40ab-b3d3-5849209f9667", "8f1c2d3e4a5b6c7d-FRA", "7"] {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "eyJh.eyJz.c2ln", "a b", "a_b", "é", &long] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
