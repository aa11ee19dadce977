//! One scope of an access token. A scope is validated when it is created.

use std::{fmt, str::FromStr};

use crate::{Error, ErrorKind};

/// The longest scope, in bytes. The scopes of both vendors are shorter than 100 bytes.
const MAX_SCOPE: usize = 1_024;
/// The longest scope set of one token, in bytes, including the spaces between the scopes.
const MAX_SCOPE_SET: usize = 16 * 1_024;

/// A scope of RFC 6749 section 3.3 (`scope-token`): printable ASCII without space, `"` and `\`.
///
/// A scope of MoneyKit looks like `link_session:create`, a scope of Moov like `/accounts.read`. The
/// enums of the documented scopes convert to this type:
/// [`moneykit::NamedScope`](crate::moneykit::NamedScope),
/// [`moov::NamedScope`](crate::moov::NamedScope) and
/// [`moov::AccountScope`](crate::moov::AccountScope).
///
/// ```
/// use fintech_auth::Scope;
///
/// let scope: Scope = "/accounts.read".parse()?;
/// assert_eq!(scope.as_str(), "/accounts.read");
/// assert!("two scopes".parse::<Scope>().is_err());
/// # Ok::<(), fintech_auth::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Scope(Box<str>);

impl Scope {
    /// Validates a scope.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidConfig`] if the scope is empty, longer than 1,024 bytes, or
    /// contains a character that RFC 6749 does not allow.
    pub fn new(scope: &str) -> Result<Self, Error> {
        let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if scope.is_empty() || !scope.bytes().all(allowed) {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                "a scope must be printable ASCII without spaces, quotes or backslashes; pass several scopes separately",
            ));
        }
        if scope.len() > MAX_SCOPE {
            return Err(Error::new(ErrorKind::InvalidConfig, "scope is longer than 1,024 bytes"));
        }
        Ok(Self(scope.into()))
    }

    /// Returns the scope as a token request contains it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn join(scopes: &[Self]) -> Result<String, Error> {
        join(scopes.iter().map(Self::as_str))
    }
}

pub(super) fn join<'a>(scopes: impl Iterator<Item = &'a str>) -> Result<String, Error> {
    let mut joined = String::new();
    for scope in scopes {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(scope);
        if joined.len() > MAX_SCOPE_SET {
            return Err(Error::new(ErrorKind::InvalidConfig, "scope set is longer than 16 KiB"));
        }
    }
    Ok(joined)
}

impl AsRef<str> for Scope {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(scope: &str) -> Result<Self, Error> {
        Self::new(scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_of_both_vendors_are_valid_and_separators_are_rejected() {
        for good in
            ["link_session:create", "/accounts/00000000-0000-0000-0000-000000000000/issued-cards.read-secure"]
        {
            assert!(Scope::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a\"b", "a\\b", "a\nb", "ü", "a\u{7f}"] {
            assert!(Scope::new(bad).is_err(), "{bad:?}");
        }
    }
}
