//! One header of a webhook, where there must be exactly one. It never guesses which of two is meant.

use http::{HeaderMap, HeaderName};

use super::{VerifyError, VerifyErrorKind as Kind};

/// The value of a header that comes once, is visible ASCII and within its limit.
pub(crate) fn one<'a>(
    headers: &'a HeaderMap,
    name: &'static HeaderName,
    limit: usize,
) -> Result<&'a str, VerifyError> {
    let about = |kind| VerifyError::about(kind, name.as_str());
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or_else(|| about(Kind::MissingHeader))?;
    if values.next().is_some() {
        return Err(about(Kind::RepeatedHeader));
    }
    if value.len() > limit {
        return Err(about(Kind::HeaderTooLarge));
    }
    let text =
        value.to_str().ok().filter(|text| !text.is_empty() && text.bytes().all(|c| c.is_ascii_graphic()));
    text.ok_or_else(|| about(Kind::MalformedHeader))
}
