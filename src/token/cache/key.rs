//! The key of a cache entry: a scope set.

use std::hash::{BuildHasher as _, Hasher as _};

use smallvec::SmallVec;

use crate::{
    Error,
    sync::RandomState,
    token::scope::{self, Scope},
};

/// A scope set to look up, sorted and without duplicates. Either `scopes` or `names` contains the
/// scopes, and the other slice is empty.
pub(in crate::token) struct ScopeKey<'a> {
    scopes: &'a [Scope],
    names: &'a [&'a str],
}

impl<'a> ScopeKey<'a> {
    /// Calls `then` with the key of a scope set. Does not allocate if the scopes are sorted, as in
    /// a [`ScopeSet`](crate::ScopeSet), or if there are at most 8 scopes.
    #[inline]
    pub(in crate::token) fn with<T>(scopes: &[Scope], then: impl FnOnce(&ScopeKey<'_>) -> T) -> T {
        if scopes.windows(2).all(|pair| pair[0] < pair[1]) {
            return then(&ScopeKey { scopes, names: &[] });
        }
        let mut names: SmallVec<[&str; 8]> = scopes.iter().map(Scope::as_str).collect();
        names.sort_unstable();
        names.dedup();
        then(&ScopeKey::of_names(&names))
    }

    /// `names` must be sorted and without duplicates.
    pub(super) fn of_names(names: &'a [&'a str]) -> Self {
        Self { scopes: &[], names }
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
    pub(super) fn hash(&self, hasher: &RandomState) -> u64 {
        let mut hasher = hasher.build_hasher();
        for scope in self.names() {
            hasher.write(scope.as_bytes());
            hasher.write_u8(b' ');
        }
        hasher.finish()
    }

    #[inline]
    pub(in crate::token) fn matches(&self, joined: &str) -> bool {
        let mut rest = joined;
        for (index, scope) in self.names().enumerate() {
            let after = if index == 0 { Some(rest) } else { rest.strip_prefix(' ') };
            let Some(after) = after.and_then(|rest| rest.strip_prefix(scope)) else { return false };
            rest = after;
        }
        rest.is_empty()
    }
}
