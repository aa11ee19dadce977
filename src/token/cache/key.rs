//! The key of a cache entry: a scope set.

use std::hash::{BuildHasher as _, Hasher as _};

use smallvec::SmallVec;

use crate::{
    Error,
    sync::RandomState,
    token::scope::{self, Scope},
};

/// A scope set to look for: sorted, each scope once.
pub(in crate::token) struct ScopeKey<'a>(pub(super) &'a [&'a str]);

impl ScopeKey<'_> {
    /// Allocates nothing for up to 8 scopes.
    #[inline]
    pub(in crate::token) fn with<T>(scopes: &[Scope], then: impl FnOnce(&ScopeKey<'_>) -> T) -> T {
        let (mut few, mut many) = ([""; 8], Vec::new());
        let sorted = match few.get_mut(..scopes.len()) {
            Some(few) => few,
            None => {
                many.resize(scopes.len(), "");
                &mut many[..]
            }
        };
        sorted.iter_mut().zip(scopes).for_each(|(sorted, scope)| *sorted = scope.as_str());
        sorted.sort_unstable();
        let mut len = sorted.len().min(1);
        for index in 1..sorted.len() {
            if sorted[index] != sorted[len - 1] {
                sorted[len] = sorted[index];
                len += 1;
            }
        }
        then(&ScopeKey(&sorted[..len]))
    }

    /// The key of scopes that are sorted and joined already.
    pub(in crate::token) fn with_joined<T>(scopes: &str, then: impl FnOnce(&ScopeKey<'_>) -> T) -> T {
        let scopes: SmallVec<[&str; 8]> = scopes.split(' ').filter(|scope| !scope.is_empty()).collect();
        then(&ScopeKey(&scopes))
    }

    pub(in crate::token) fn join(&self) -> Result<Box<str>, Error> {
        scope::join(self.0).map(String::into_boxed_str)
    }

    #[inline]
    pub(super) fn hash(&self, hasher: &RandomState) -> u64 {
        let mut hasher = hasher.build_hasher();
        for scope in self.0 {
            hasher.write(scope.as_bytes());
            hasher.write_u8(b' ');
        }
        hasher.finish()
    }

    /// Whether these are the scopes of an entry.
    #[inline]
    pub(in crate::token) fn matches(&self, joined: &str) -> bool {
        let mut rest = joined;
        for (index, scope) in self.0.iter().enumerate() {
            let after = if index == 0 { Some(rest) } else { rest.strip_prefix(' ') };
            let Some(after) = after.and_then(|rest| rest.strip_prefix(scope)) else { return false };
            rest = after;
        }
        rest.is_empty()
    }
}
