//! The key of a cache entry: a scope set.

use smallvec::SmallVec;

use crate::{
    Error,
    token::scope::{self, Scope},
};

pub(in crate::token) struct ScopeKey<'a> {
    pub(super) hash: u64,
    scopes: &'a [Scope],
    names: &'a [&'a str],
}

impl<'a> ScopeKey<'a> {
    pub(in crate::token) fn with<T>(scopes: &[Scope], then: impl FnOnce(&ScopeKey<'_>) -> T) -> T {
        if is_sorted(scopes) {
            return then(&ScopeKey::of_scopes(scopes));
        }
        let mut names: SmallVec<[&str; 8]> = scopes.iter().map(Scope::as_str).collect();
        names.sort_unstable();
        names.dedup();
        then(&ScopeKey::of_names(&names))
    }

    #[inline]
    pub(in crate::token) fn find<T>(
        scopes: &[Scope],
        find: impl Fn(&ScopeKey<'_>) -> Option<T>,
    ) -> Option<T> {
        match find(&ScopeKey::of_scopes(scopes)) {
            None if !is_sorted(scopes) => Self::with(scopes, find),
            found => found,
        }
    }

    #[inline]
    fn of_scopes(scopes: &'a [Scope]) -> Self {
        let hash = scopes.iter().fold(0, |sum: u64, scope| sum.wrapping_add(scope.name_hash()));
        Self { hash, scopes, names: &[] }
    }

    /// `names` must be sorted and without duplicates.
    pub(super) fn of_names(names: &'a [&'a str]) -> Self {
        let hash = names.iter().fold(0, |sum: u64, name| sum.wrapping_add(scope::name_hash(name)));
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
        let rest = self.names().try_fold(joined.as_bytes(), |rest, name| {
            let rest = rest.strip_prefix(name.as_bytes())?;
            if rest.is_empty() { Some(rest) } else { rest.strip_prefix(b" ") }
        });
        rest.is_some_and(<[u8]>::is_empty)
    }
}

fn is_sorted(scopes: &[Scope]) -> bool {
    scopes.is_sorted_by(|a, b| a < b)
}
