//! The ids of tokens.

use std::num::NonZeroU64;

use crate::{Secret, token::fingerprint::Fingerprint};

/// The id of an access token or a refresh token: the first 8 bytes of the [`Fingerprint`] of the
/// token. An id is never zero.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TokenId(NonZeroU64);

impl TokenId {
    #[cfg(test)]
    pub(in crate::token) const MIN: Self = Self(NonZeroU64::MIN);
    #[cfg(test)]
    pub(in crate::token) const MAX: Self = Self(NonZeroU64::MAX);

    /// Creates an id from a stored number. Returns `None` for zero.
    pub fn new(id: u64) -> Option<Self> {
        NonZeroU64::new(id).map(Self)
    }

    /// Returns the id as a number, for a store or a log.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

pub(in crate::token) fn token_id(token: &Secret) -> TokenId {
    TokenId(Fingerprint::of([token.expose_secret()]).short())
}
