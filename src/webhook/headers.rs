//! One header of a webhook, where there must be exactly one. It never guesses which of two is meant.

use http::HeaderMap;

use super::{VerifyError, VerifyErrorKind as Kind};

/// The value of a header that comes once, is visible ASCII and within its limit.
pub(crate) fn one<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
    limit: usize,
) -> Result<&'a str, VerifyError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or_else(|| VerifyError::about(Kind::MissingHeader, name))?;
    if values.next().is_some() {
        return Err(VerifyError::about(Kind::RepeatedHeader, name));
    }
    if value.len() > limit {
        return Err(VerifyError::about(Kind::HeaderTooLarge, name));
    }
    let text =
        value.to_str().ok().filter(|text| !text.is_empty() && text.bytes().all(|c| c.is_ascii_graphic()));
    text.ok_or_else(|| VerifyError::about(Kind::MalformedHeader, name))
}
