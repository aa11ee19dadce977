//! The ids of tokens.

use std::num::NonZeroU64;

use crate::{Secret, token::fingerprint::Fingerprint};

/// Identifies an access token or a refresh token: the first eight bytes of its SHA-256.
pub type TokenId = NonZeroU64;

/// The id of a token. It is the same in every process, and the token cannot be computed from it.
pub(in crate::token) fn token_id(token: &Secret) -> TokenId {
    Fingerprint::of([token.expose_secret()]).short()
}
