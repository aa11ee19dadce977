//! Checks settings for unwanted characters, such as line breaks, quotes or a byte order mark. The
//! errors do not contain the value of a setting.

use crate::{Error, ErrorKind};

const BYTE_ORDER_MARK: char = '\u{feff}';

const MISREAD_BYTE_ORDER_MARK: &str = "ï»¿";

pub(crate) fn flaw(text: &str) -> Option<&'static str> {
    let is_space = |c: char| c.is_whitespace();
    if text.contains(BYTE_ORDER_MARK) || text.starts_with(MISREAD_BYTE_ORDER_MARK) {
        Some("contains a byte order mark; save the text as UTF-8 without one")
    } else if text.starts_with(is_space) || text.ends_with(is_space) {
        Some("starts or ends with white space or a line break; remove it")
    } else if text.starts_with(is_quote) || text.ends_with(is_quote) {
        Some("is enclosed in quotes that are part of the value; remove them")
    } else if text.chars().any(is_invisible) {
        Some("contains a line break or another invisible character; remove it")
    } else {
        None
    }
}

pub(crate) fn check(what: &str, text: &str) -> Result<(), Error> {
    match flaw(text) {
        Some(flaw) => Err(Error::new(ErrorKind::InvalidConfig, format!("{what} {flaw}"))),
        None => Ok(()),
    }
}

/// RFC 6749 section 3.3 allows some characters that this function rejects. No vendor uses these
/// characters in scopes.
pub(crate) fn scopes_flaw(text: &str) -> Option<&'static str> {
    let joined = |scope: &str| [".read/", ".write/"].iter().any(|end| scope.contains(end));
    if text.contains(BYTE_ORDER_MARK) || text.starts_with(MISREAD_BYTE_ORDER_MARK) {
        Some("contains a byte order mark; save the text as UTF-8 without one")
    } else if text.contains(is_quote) {
        Some("is enclosed in quotes that are part of the value; remove them")
    } else if text.contains([',', ';', '+', '%', '&', '|', '\\']) || text.split_whitespace().any(joined) {
        Some("must have one space between scopes, and no other separator")
    } else if text.contains(['[', ']', '{', '}', '<', '>', '(', ')', '$']) {
        Some("must be scopes separated by spaces, without brackets and with every placeholder filled in")
    } else {
        None
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}')
}

/// Also returns `true` for characters that change the direction of the text after them.
#[inline]
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | BYTE_ORDER_MARK
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_copied_with_quotes_or_whitespace_are_detected() {
        for (text, word) in [
            ("\u{feff}abc", "byte order mark"),
            ("abc\u{feff}", "byte order mark"),
            ("\u{ef}\u{bb}\u{bf}abc", "byte order mark"),
            (" abc", "white space"),
            ("abc\n", "white space"),
            ("abc\r\n", "white space"),
            ("abc\u{a0}", "white space"),
            ("   ", "white space"),
            ("\"abc\"", "quotes"),
            ("'abc'", "quotes"),
            ("\"abc", "quotes"),
            ("abc'", "quotes"),
            ("`abc`", "quotes"),
            ("\u{201c}abc\u{201d}", "quotes"),
            ("a\nbc", "invisible"),
            ("a\u{0}bc", "invisible"),
            ("a\u{200b}bc", "invisible"),
            ("a\u{2028}bc", "invisible"),
            ("a\u{202e}bc", "invisible"),
        ] {
            assert!(flaw(text).is_some_and(|flaw| flaw.contains(word)), "{text:?}: {:?}", flaw(text));
        }
        for good in
            ["", "abc", "a-b_c.d:e/f=", "idé", "it's fine", "https://api.moov.io", "/run/my secrets/x"]
        {
            assert_eq!(flaw(good), None, "{good:?}");
        }
    }

    #[test]
    fn wrongly_joined_scopes_are_detected() {
        for text in [
            "/a.read,/b.read",
            "/a.read, /b.read",
            "/a.read;/b.read",
            "/a.read+/b.read",
            "/a.read%20/b.read",
            "/a.read|/b.read",
            "/a.read/b.write",
            "/a.read\\n/b.read",
            "\"/a.read /b.read\"",
            "[\"/a.read\"]",
            "[/a.read]",
            "/accounts/{accountID}/cards.read",
            "/accounts/$ID/cards.read",
            "\u{feff}/a.read",
        ] {
            assert!(scopes_flaw(text).is_some(), "{text:?}");
        }
        for good in
            ["", "/a.read", " /a.read\n/b.read ", "link_session:create link:data:read", "analytics.read"]
        {
            assert_eq!(scopes_flaw(good), None, "{good:?}");
        }
    }
}
