//! Decides which parts of a response may be shown, and removes secrets from these parts.

use http::{HeaderName, header};
use zeroize::Zeroizing;

use crate::{Secret, text::is_invisible};

/// The maximum length of a text from a response, in characters.
pub(super) const TEXT_LIMIT: usize = 1024;
const REDACTED: &str = "[redacted]";

pub(super) fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// Rejects tokens, because tokens are longer than ids or contain characters that ids do not
/// contain.
pub(super) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// `Location` is not public, because its query may contain credentials.
pub(super) fn is_public(name: &HeaderName) -> bool {
    // Check common names first, because searching a name for words is slower.
    let common = [header::DATE, header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CACHE_CONTROL];
    let named = [header::LOCATION, header::SET_COOKIE, header::AUTHORIZATION, header::PROXY_AUTHORIZATION];
    let words = ["cookie", "secret", "token", "key", "authoriz", "signature"];
    common.contains(name) || !named.contains(name) && !words.iter().any(|word| name.as_str().contains(word))
}

pub(super) fn forms(secret: &str) -> Vec<Secret> {
    let form = Zeroizing::new(form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>());
    let json = Zeroizing::new(serde_json::to_string(secret).unwrap_or_default());
    let mut forms = vec![secret, &form, json.trim_matches('"')];
    forms.retain(|form| !form.is_empty());
    forms.dedup();
    forms.into_iter().map(Secret::from).collect()
}

/// Redacts before and after invisible characters are removed: a secret may contain such characters,
/// and the text may have them inside a secret.
pub(super) fn clean<'a>(text: &str, forms: impl Iterator<Item = &'a str> + Clone) -> String {
    let redact = |text: String| forms.clone().fold(text, |text, form| text.replace(form, REDACTED));
    let mut text = redact(text.to_owned());
    if text.contains(is_invisible) {
        text.retain(|c| !is_invisible(c));
        text = redact(text);
    }
    text.chars().take(TEXT_LIMIT).collect()
}

pub(super) fn is_clean<'a>(text: &str, mut forms: impl Iterator<Item = &'a str>) -> bool {
    text.len() <= TEXT_LIMIT && !text.contains(is_invisible) && !forms.any(|form| text.contains(form))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_must_be_lowercase_words_and_request_ids_must_be_short() {
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

    #[test]
    fn secrets_are_redacted_in_each_encoding() {
        let secrets = forms("a\"b c");
        let secrets = || secrets.iter().map(Secret::expose_secret);
        let long = "x".repeat(TEXT_LIMIT + 1);
        for (text, cleaned) in [
            ("plain", "plain"),
            ("", ""),
            ("is a\"b c.", "is [redacted]."),
            ("is a%22b+c.", "is [redacted]."),
            ("is a\\\"b c.", "is [redacted]."),
            ("a\tb", "ab"),
            ("a\u{202e}b\u{2066}c\u{200b}", "abc"),
            ("is a\u{200b}\"b c.", "is [redacted]."),
            (&long, &long[1..]),
        ] {
            assert_eq!(clean(text, secrets()), cleaned, "{text}");
            assert_eq!(is_clean(text, secrets()), text == cleaned, "{text}");
        }
        let secrets = forms("a\u{200b}b\tc");
        let secrets = || secrets.iter().map(Secret::expose_secret);
        assert_eq!(clean("is a\u{200b}b\tc.", secrets()), "is [redacted].");
        assert_eq!(forms("").len(), 0);
        assert_eq!(forms("plain").len(), 1);
    }
}
