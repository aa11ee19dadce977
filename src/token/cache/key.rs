//! The key of a cache entry: a scope set.

use smallvec::SmallVec;

use crate::{
    Error,
    token::scope::{self, Scope},
};

/// A scope set to look up: either `scopes` or `names`.
pub(in crate::token) struct ScopeKey<'a> {
    /// The sum of the hashes of the scopes, so that their order does not matter.
    pub(super) hash: u64,
    scopes: &'a [Scope],
    names: &'a [&'a str],
}

impl<'a> ScopeKey<'a> {
    pub(in crate::token) fn with<T>(scopes: &[Scope], then: impl FnOnce(&ScopeKey<'_>) -> T) -> T {
        if is_sorted(scopes) {
            return then(&ScopeKey::of_scopes(scopes));
        }
        let mut sorted: SmallVec<[&Scope; 8]> = scopes.iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        let names: SmallVec<[&str; 8]> = sorted.iter().map(|scope| scope.as_str()).collect();
        then(&ScopeKey {
            hash: sum(sorted.iter().map(|scope| scope.name_hash())),
            scopes: &[],
            names: &names,
        })
    }

    #[inline]
    pub(in crate::token) fn find<T>(
        scopes: &[Scope],
        find: impl Fn(&ScopeKey<'_>) -> Option<T>,
    ) -> Option<T> {
        // Most callers pass sorted scopes, so the first look-up does not check the order.
        match find(&ScopeKey::of_scopes(scopes)) {
            None if !is_sorted(scopes) => Self::with(scopes, find),
            found => found,
        }
    }

    #[inline]
    fn of_scopes(scopes: &'a [Scope]) -> Self {
        Self { hash: sum(scopes.iter().map(Scope::name_hash)), scopes, names: &[] }
    }

    /// `names` must be sorted and without duplicates.
    pub(super) fn of_names(names: &'a [&'a str]) -> Self {
        let hash = sum(names.iter().map(|name| scope::name_hash(name)));
        Self { hash, scopes: &[], names }
    }

    #[inline]
    fn names(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(Scope::as_str).chain(self.names.iter().copied())
    }

    /// `scopes` must be sorted, without duplicates, and separated by spaces.
    pub(in crate::token) fn with_joined<T>(scopes: &str, then: impl FnOnce(&ScopeKey<'_>) -> T) -> T {
        let scopes: SmallVec<[&str; 8]> = scopes.split(' ').filter(|scope| !scope.is_empty()).collect();
        then(&ScopeKey::of_names(&scopes))
    }

    pub(in crate::token) fn join(&self) -> Result<Box<str>, Error> {
        scope::join(self.names()).map(String::into_boxed_str)
    }

    #[inline]
    pub(in crate::token) fn matches(&self, joined: &str) -> bool {
        if self.names.is_empty() {
            is_joined(self.scopes.iter().map(Scope::as_str), joined)
        } else {
            is_joined(self.names.iter().copied(), joined)
        }
    }
}

#[inline]
fn is_joined<'a>(mut names: impl Iterator<Item = &'a str>, joined: &str) -> bool {
    let rest = names.try_fold(joined.as_bytes(), |rest, name| {
        let rest = rest.strip_prefix(name.as_bytes())?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix(b" ") }
    });
    rest.is_some_and(<[u8]>::is_empty)
}

/// The sum starts at 1, because the empty set must not have the hash 0: a token that was not
/// requested by a cache has the hash 0.
#[inline]
fn sum(hashes: impl Iterator<Item = u64>) -> u64 {
    hashes.fold(1, u64::wrapping_add)
}

fn is_sorted(scopes: &[Scope]) -> bool {
    scopes.is_sorted_by(|a, b| a < b)
}
