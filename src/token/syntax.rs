//! Checks the syntax of issued tokens.

use std::borrow::Cow;

use crate::Secret;

/// Token types that are not in this list are accepted, because the vendors have used the names
/// `opaque` and `jwt` for bearer tokens.
const NOT_BEARER: [&str; 4] = ["DPoP", "MAC", "N_A", "PoP"];

pub(super) const MAX_KEPT: usize = 16 * 1024;

pub(super) fn is_kept_refresh_token(token: &Secret) -> bool {
    token.is_refresh_token() && token.expose_secret().len() <= MAX_KEPT
}

fn is_bearer_token(text: &str) -> bool {
    let is_allowed = |byte: u8| {
        // The range from `-` to `9` contains `-`, `.`, `/` and the digits.
        let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        is_letter
            | (byte.wrapping_sub(b'-') <= b'9' - b'-')
            | (byte == b'+')
            | (byte == b'_')
            | (byte == b'~')
    };
    let characters = text.trim_end_matches('=');
    // Do not return at the first wrong byte. Without an early return, the compiler can vectorize
    // the loop.
    !characters.is_empty() & characters.bytes().fold(true, |all, byte| all & is_allowed(byte))
}

pub(crate) fn check_issued(
    access_token: &Secret,
    token_type: Option<&str>,
    refresh_token: &mut Option<Secret>,
) -> Result<(), Cow<'static, str>> {
    if !is_bearer_token(access_token.expose_secret()) {
        return Err("the issued access token is empty or contains invalid characters".into());
    }
    let token_type = token_type.unwrap_or_default().trim();
    if let Some(other) = NOT_BEARER.iter().find(|other| other.eq_ignore_ascii_case(token_type)) {
        return Err(format!("the issued access token is of type {other} and not a bearer token").into());
    }
    refresh_token.take_if(|token| token.expose_secret().bytes().all(|byte| byte == b' '));
    if refresh_token.as_ref().is_some_and(|token| !token.is_refresh_token()) {
        return Err("the issued refresh token contains invalid characters".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_token_allows_only_the_characters_of_rfc_6750() {
        for good in ["a", "A-z.0_~+/", "eyJ.eyJ.c2ln", "YQ==", "a="] {
            assert!(is_bearer_token(good), "{good}");
        }
        for bad in [
            "", " ", "=", "==", "a b", "a\r", "a\n", "a\0", "a\x7f", "a\u{9b}", "é", "a=b", "a\"", "<a>",
            "a,b",
        ] {
            assert!(!is_bearer_token(bad), "{bad:?}");
        }
    }

    #[test]
    fn refresh_token_may_be_any_visible_text() {
        let access = Secret::from("a");
        let check = |refresh: &str| {
            let mut refresh = Some(Secret::from(refresh));
            check_issued(&access, None, &mut refresh).map(|()| refresh.is_some())
        };
        for good in ["r", "a b", "~!\"%:|"] {
            assert_eq!(check(good), Ok(true), "{good}");
        }
        for none in ["", " ", "   "] {
            assert_eq!(check(none), Ok(false), "{none:?}");
        }
        for bad in ["\n", "r\n", "r\u{1b}[0m", "r\u{9b}", "r\u{7f}", "\0", "é"] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn token_type_is_rejected_only_if_it_is_known_and_not_bearer() {
        let check = |token_type: Option<&str>| check_issued(&"a".into(), token_type, &mut None);
        for good in [None, Some(""), Some("Bearer"), Some("bEARER "), Some("opaque"), Some("jwt")] {
            assert_eq!(check(good), Ok(()), "{good:?}");
        }
        for bad in ["DPoP", "dpop", "MAC", "mac", "PoP", "N_A"] {
            assert!(check(Some(bad)).is_err_and(|reason| reason.contains("not a bearer")), "{bad}");
        }
    }
}
