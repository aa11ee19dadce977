//! Classifies a 401 by the challenges in its `WWW-Authenticate` headers.

use std::borrow::Cow;

use http::{HeaderMap, header};

use crate::token::Rejection;

/// Classifies a 401 by its challenges (RFC 9110 section 11.6.1).
///
/// Returns [`Rejection::InvalidToken`] if a `Bearer` challenge has the error `invalid_token` (RFC
/// 6750 section 3.1). Otherwise returns [`Rejection::Other`].
pub fn classify_challenges(headers: &HeaderMap) -> Rejection {
    let mut challenges = headers.get_all(header::WWW_AUTHENTICATE).iter();
    match challenges.any(|value| has_invalid_token(value.as_bytes())) {
        true => Rejection::InvalidToken,
        false => Rejection::Other,
    }
}

/// Accepts a missing comma between parameters, because servers often omit this comma.
fn has_invalid_token(mut rest: &[u8]) -> bool {
    let mut is_bearer = false;
    loop {
        rest = skip(rest, |byte| is_space(byte) || byte == b',');
        let (name, after) = split(rest, is_token);
        if name.is_empty() {
            return false;
        }
        if let Some(value) = trim(after).strip_prefix(b"=") {
            let Some((value, after)) = value_of(trim(value)) else { return false };
            if is_bearer && name.eq_ignore_ascii_case(b"error") && *value == *b"invalid_token" {
                return true;
            }
            rest = after;
        } else {
            is_bearer = name.eq_ignore_ascii_case(b"bearer");
            rest = without_token68(after);
        }
    }
}

fn value_of(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let (value, after) = split(text, |byte| !is_space(byte) && byte != b',');
        return Some((value.into(), after));
    };
    let mut value = Vec::new();
    let mut bytes = quoted.iter();
    loop {
        match bytes.next()? {
            b'"' => return Some((value.into(), bytes.as_slice())),
            b'\\' => value.push(*bytes.next()?),
            byte => value.push(*byte),
        }
    }
}

fn without_token68(text: &[u8]) -> &[u8] {
    let (_, after) = split(trim(text), |byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
    let after = trim(skip(after, |byte| byte == b'='));
    if after.first().is_none_or(|byte| *byte == b',') { after } else { text }
}

fn split(text: &[u8], is_part: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !is_part(*byte)).unwrap_or(text.len()))
}

fn skip(text: &[u8], is_skipped: impl Fn(u8) -> bool) -> &[u8] {
    split(text, is_skipped).1
}

fn trim(text: &[u8]) -> &[u8] {
    skip(text, is_space)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The characters of an HTTP `token` are defined in RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn classify(challenges: &[&[u8]]) -> Rejection {
        let mut headers = HeaderMap::new();
        for challenge in challenges {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_bytes(challenge).unwrap());
        }
        classify_challenges(&headers)
    }

    #[test]
    fn every_spelling_of_an_invalid_token_challenge_is_recognized() {
        for challenge in [
            r#"Bearer error="invalid_token""#,
            "Bearer error=invalid_token",
            r#"bEARER ERROR = "invalid_token""#,
            "Bearer\terror\t=\tinvalid_token\t",
            r#"Bearer realm="x", error="invalid_token", error_description="it, expired""#,
            r#"Bearer realm="x" error="invalid_token""#,
            r#"Bearer realm="a \"quoted\", error=\"x\"", error="invalid_token""#,
            r#"Bearer error="invalid\_token""#,
            r#", ,Bearer  ,, error="invalid_token""#,
            r#"Basic realm="x", Bearer error="invalid_token""#,
            r#"Negotiate ab/cd+ef==, Bearer error="invalid_token""#,
            r#"Negotiate, Bearer realm="x",error="invalid_token", Basic realm="y""#,
            r#"Bearer scope="a b", error="invalid_token""#,
        ] {
            assert_eq!(classify(&[challenge.as_bytes()]), Rejection::InvalidToken, "{challenge}");
        }
        let obsolete_text = b"Bearer realm=\"caf\xe9\", error=\"invalid_token\"";
        assert_eq!(classify(&[obsolete_text]), Rejection::InvalidToken);
        assert_eq!(classify(&[b"Basic", b"Bearer error=\"invalid_token\""]), Rejection::InvalidToken);
    }

    #[test]
    fn challenges_other_than_invalid_token_are_ignored() {
        for challenge in [
            "",
            "Bearer",
            "Bearer ,",
            r#"Bearer error="insufficient_scope""#,
            r#"Bearer error="INVALID_TOKEN""#,
            r#"Bearer error_description="error=invalid_token""#,
            r#"Bearer realm="x, Bearer error=invalid_token""#,
            r#"Bearer realm="\", error=\"invalid_token""#,
            r#"Bearer error="invalid_token"#,
            r#"Bearer x_error="invalid_token""#,
            r#"DPoP error="invalid_token""#,
            r#"Bearer realm="x", DPoP error="invalid_token""#,
            r#"Bearer, Digest error="invalid_token""#,
            r#"error="invalid_token""#,
            "Bearer error=",
            "Bearer error",
            "=",
            "\"",
            "Bearer \\",
        ] {
            assert_eq!(classify(&[challenge.as_bytes()]), Rejection::Other, "{challenge}");
        }
        assert_eq!(classify(&[b"Bearer", b"error=\"invalid_token\""]), Rejection::Other);
        assert_eq!(classify(&[]), Rejection::Other);
    }
}
