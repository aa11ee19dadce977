//! Reads the headers of a request from any framework, and rejects repeated headers.

use std::collections::HashMap;

use http::HeaderMap;

use super::{Reason, VerifyError};

/// The headers of a request, from any framework.
///
/// This trait is implemented for `&http::HeaderMap`, for slices of name-value pairs, for maps from
/// a name to its value, and for closures that return all values of a name:
///
/// ```
/// use std::collections::HashMap;
///
/// use fintech_auth::webhook::Headers;
///
/// fn accepts<'h>(_: impl Headers<'h>) {}
///
/// accepts(&http::HeaderMap::new());
/// let pairs = [("X-Nonce", "n-1"), ("X-Timestamp", "1736964352")];
/// accepts(pairs.as_slice());
/// accepts(&HashMap::<String, String>::new());
/// let others: HashMap<&str, Vec<&[u8]>> = HashMap::new(); // names in lower case
/// accepts(|name: &str| others.get(name).into_iter().flatten().copied());
/// ```
///
/// `examples/webhook_frameworks` has handlers for actix-web and AWS Lambda.
pub trait Headers<'h> {
    /// Passes every value of the header `name` to `visit`.
    ///
    /// `name` is in lower case. Compare names case-insensitively. Visit all values of the header,
    /// so that a repeated header is rejected.
    fn each(&self, name: &str, visit: &mut dyn FnMut(&'h [u8]));
}

impl<'h> Headers<'h> for &'h HeaderMap {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        self.get_all(name).iter().for_each(|value| visit(value.as_bytes()));
    }
}

impl<'h, N: AsRef<str>, V: AsRef<[u8]>> Headers<'h> for &'h [(N, V)] {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        let pairs: &'h [(N, V)] = self;
        visit_named(pairs.iter().map(|(name, value)| (name, value)), name, visit);
    }
}

impl<'h, N: AsRef<str>, V: AsRef<[u8]>, S> Headers<'h> for &'h HashMap<N, V, S> {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        visit_named(self.iter(), name, visit);
    }
}

impl<'h, F, I> Headers<'h> for F
where
    F: Fn(&str) -> I,
    I: IntoIterator<Item = &'h [u8]>,
{
    fn each(&self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        self(name).into_iter().for_each(visit);
    }
}

fn visit_named<'h, N: AsRef<str> + 'h, V: AsRef<[u8]> + 'h>(
    pairs: impl Iterator<Item = (&'h N, &'h V)>,
    name: &str,
    visit: &mut dyn FnMut(&'h [u8]),
) {
    let named = pairs.filter(|(other, _)| other.as_ref().eq_ignore_ascii_case(name));
    named.for_each(|(_, value)| visit(value.as_ref()));
}

pub(crate) fn one<'h>(
    headers: &impl Headers<'h>,
    name: &'static str,
    limit: usize,
) -> Result<&'h str, VerifyError> {
    let about = |kind| VerifyError::about(kind, name);
    let (mut first, mut is_repeated) = (None, false);
    headers.each(name, &mut |value| {
        is_repeated |= first.is_some();
        first = first.or(Some(value));
    });
    let value = first.ok_or_else(|| about(Reason::MissingHeader))?;
    if is_repeated {
        return Err(about(Reason::RepeatedHeader));
    }
    if value.len() > limit {
        return Err(about(Reason::HeaderTooLarge));
    }
    let is_visible = !value.is_empty() && value.iter().all(u8::is_ascii_graphic);
    let text = std::str::from_utf8(value).ok().filter(|_| is_visible);
    text.ok_or_else(|| about(Reason::MalformedHeader))
}
