//! Tells the metrics of a service what its token cache does.

use std::time::Duration;

use crate::{Error, observer::Observer, token::lifetime::expiry::ExpiryRule};

/// What a [`TokenCache`](crate::token::TokenCache) did. Shows no token.
#[derive(Debug)]
#[non_exhaustive]
pub enum TokenEvent<'a> {
    /// A new token was obtained, from the source or from another process by the store. After an unexplained 401 it
    /// replaces the old one only if it helps.
    #[non_exhaustive]
    Obtained {
        /// The scopes, sorted and separated by spaces. There may be any number of scope sets: not for a label.
        scopes: &'a str,
        /// How long it took, with retries and the wait for the rate limit.
        latency: Duration,
        /// Which rule decided its expiry.
        rule: ExpiryRule,
    },
    /// Requesting a token failed. A token that still works is not affected.
    #[non_exhaustive]
    Failed {
        /// The scopes, sorted and separated by spaces. There may be any number of scope sets: not for a label.
        scopes: &'a str,
        /// How long it took, with retries and the wait for the rate limit.
        latency: Duration,
        /// Why; [`Error::kind`] is fit for a label.
        error: &'a Error,
    },
    /// A cool-down began: for this long no token is requested.
    #[non_exhaustive]
    CoolDown {
        /// How long it lasts.
        length: Duration,
    },
    /// A token was invalidated or revoked in this process.
    #[non_exhaustive]
    Invalidated {},
    /// The store failed. Tokens are requested without it until it responds again.
    #[non_exhaustive]
    StoreDown {},
    /// The store responds again. Concurrent calls may report this and `StoreDown` in either order;
    /// [`Stats::store_circuit_open`](crate::token::Stats::store_circuit_open) is the state.
    #[non_exhaustive]
    StoreUp {},
}

/// The observer of a cache, if it has one.
pub(in crate::token) type TokenObserver = Observer<dyn Fn(&TokenEvent<'_>) + Send + Sync>;
