//! A sorted set of scopes.

use std::{fmt, ops::Deref, sync::Arc, vec};

use crate::{Error, token::scope::Scope};

/// The scopes of one token, sorted and without duplicates. A `ScopeSet` is cheap to clone.
///
/// Pass `&ScopeSet` to any function that takes a slice of scopes. Looking up a cached token with a
/// `ScopeSet` neither sorts nor allocates, even for a large set.
///
/// ```
/// use fintech_auth::{ScopeSet, emulator::Emulator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scopes = ScopeSet::new(["/fed.read".parse()?, "/accounts.read".parse()?])?;
/// assert_eq!(scopes.as_str(), "/accounts.read /fed.read");
///
/// # let emulator = Emulator::start().await?;
/// # let moov = emulator.moov().build()?;
/// let token = moov.token(&scopes).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct ScopeSet(Arc<Sorted>);

#[derive(Eq, Hash, PartialEq)]
struct Sorted {
    scopes: Box<[Scope]>,
    joined: Box<str>,
}

impl ScopeSet {
    /// Creates a set. Sorts the scopes and removes duplicates.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if the joined scopes are longer
    /// than 16 KiB.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Result<Self, Error> {
        let mut scopes: Vec<Scope> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        let joined = Scope::join(&scopes)?.into_boxed_str();
        Ok(Self(Arc::new(Sorted { scopes: scopes.into_boxed_slice(), joined })))
    }

    /// Returns the scopes, sorted and separated by spaces.
    pub fn as_str(&self) -> &str {
        &self.0.joined
    }
}

impl Deref for ScopeSet {
    type Target = [Scope];

    fn deref(&self) -> &[Scope] {
        &self.0.scopes
    }
}

impl IntoIterator for ScopeSet {
    type Item = Scope;
    type IntoIter = vec::IntoIter<Scope>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.scopes.clone().into_iter()
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.0.scopes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn scopes(names: &[&str]) -> Vec<Scope> {
        names.iter().map(|name| Scope::new(name).unwrap()).collect()
    }

    #[test]
    fn order_and_repetition_of_scopes_do_not_change_the_scope_set() {
        let set = ScopeSet::new(scopes(&["b", "a", "b"])).unwrap();
        assert_eq!((set.as_str(), set.to_string()), ("a b", "a b".to_owned()));
        assert_eq!(*set, scopes(&["a", "b"]));
        assert_eq!(set, ScopeSet::new(scopes(&["a", "b"])).unwrap());
        assert_eq!(set.into_iter().collect::<Vec<_>>(), scopes(&["a", "b"]));
        assert!(ScopeSet::new([]).unwrap().is_empty());
    }

    #[test]
    fn scope_set_over_16_kib_is_rejected() {
        let long = |count: usize| (0..count).map(|number| Scope::new(&format!("{number:01023}")).unwrap());
        assert!(ScopeSet::new(long(16)).is_ok());
        assert_eq!(ScopeSet::new(long(17)).unwrap_err().kind(), ErrorKind::InvalidConfig);
    }
}
