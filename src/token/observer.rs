//! Events of a token cache, for the metrics of a service.

use std::time::Duration;

use crate::{Error, observer::Observer, token::lifetime::expiry::ExpiryRule};

/// An event of a [`TokenCache`](crate::token::TokenCache). An event contains no token.
#[derive(Debug)]
#[non_exhaustive]
pub enum TokenEvent<'a> {
    /// A new token was received from the source, or from another process through the store. After a
    /// 401 without a reason, the new token replaces the old token only if the server accepts the
    /// new token.
    #[non_exhaustive]
    Obtained {
        /// The scopes, sorted and separated by spaces. Do not use the scopes as a metric label,
        /// because there may be any number of scope sets.
        scopes: &'a str,
        /// The duration of the request, including retries and the wait for the rate limit.
        latency: Duration,
        /// The rule that determined the expiry.
        rule: ExpiryRule,
    },
    /// A token request failed. If the cache has a valid token, callers still get that token.
    #[non_exhaustive]
    Failed {
        /// The scopes, sorted and separated by spaces. Do not use the scopes as a metric label,
        /// because there may be any number of scope sets.
        scopes: &'a str,
        /// The duration of the request, including retries and the wait for the rate limit.
        latency: Duration,
        /// The error. [`Error::kind`] is suitable as a metric label.
        error: &'a Error,
    },
    /// A cool-down started. No token is requested until the cool-down ends.
    #[non_exhaustive]
    CoolDown {
        /// The duration of the cool-down.
        length: Duration,
    },
    /// A token was invalidated or revoked in this process.
    #[non_exhaustive]
    Invalidated {},
    /// The store failed. Until the store responds again, tokens are requested without the store.
    #[non_exhaustive]
    StoreDown {},
    /// The store responds again. If calls run concurrently, `StoreUp` and `StoreDown` may be
    /// reported in the wrong order.
    /// [`Stats::store_circuit_open`](crate::token::Stats::store_circuit_open) has the current
    /// state.
    #[non_exhaustive]
    StoreUp {},
}

pub(in crate::token) type TokenObserver = Observer<dyn Fn(&TokenEvent<'_>) + Send + Sync>;
