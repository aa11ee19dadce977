//! One scope of an access token, checked once so that a request never carries a malformed one.

use std::{fmt, str::FromStr};

use crate::{Error, ErrorKind};

/// A scope-token of RFC 6749 section 3.3: printable ASCII without space, `"` and `\`.
///
/// MoneyKit's look like `link_session:create`, Moov's like `/accounts.read`.
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
    /// Checks and wraps one scope.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if it is empty or has a character that no scope may have.
    pub fn new(scope: &str) -> Result<Self, Error> {
        let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if scope.is_empty() || !scope.bytes().all(allowed) {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                "a scope is printable ASCII without space, quote and backslash; give several one by one",
            ));
        }
        Ok(Self(scope.into()))
    }

    /// The scope as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The `scope` field of a request: all of them, separated by spaces.
    pub(crate) fn join(scopes: &[Self]) -> String {
        scopes.iter().map(Self::as_str).collect::<Vec<_>>().join(" ")
    }
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
    fn admits_what_both_vendors_use_and_nothing_that_breaks_the_list() {
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
