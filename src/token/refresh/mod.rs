//! Requests tokens, renews rejected tokens, and limits the token requests of a cache.

pub(super) mod cool_down;
pub(super) mod expiring_map;
pub(super) mod negative_cache;
mod permit;
pub(super) mod rate_limiter;
mod renew;
pub(super) mod renewal;
pub(super) mod task;
mod via_store;

pub(crate) use renewal::Replacement;
