//! One scope of an access token.

use std::{fmt, hash::BuildHasher as _, str::FromStr, sync::LazyLock};

use crate::{Error, ErrorKind, sync::RandomState};

const MAX_SCOPE: usize = 1_024;
const MAX_SCOPE_SET: usize = 16 * 1_024;

/// A scope of RFC 6749 section 3.3 (`scope-token`): printable ASCII except space, `"` and `\`.
///
/// A scope of MoneyKit looks like `link_session:create`. A scope of Moov looks like
/// `/accounts.read`. The enums of the documented scopes convert to this type:
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
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Scope {
    name: Box<str>,
    hash: u64,
}

impl Scope {
    /// Validates a scope.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidConfig`] if the scope is empty, is longer than 1,024 bytes, or
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
        Ok(Self { name: scope.into(), hash: name_hash(scope) })
    }

    /// Returns the text of the scope.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    #[inline]
    pub(super) fn name_hash(&self) -> u64 {
        self.hash
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

/// The seed is random in each process. Otherwise an attacker who chooses scope names could put many
/// entries into one bucket of a hash table.
pub(super) fn name_hash(name: &str) -> u64 {
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::default);
    SEED.hash_one(name.as_bytes())
}

impl AsRef<str> for Scope {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.name).finish()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
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
