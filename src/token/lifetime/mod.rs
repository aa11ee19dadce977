//! The lifetime of tokens: when a token is fresh, stale or expired.

pub(super) mod age;
pub(super) mod expires_in;
pub(super) mod expiry;

pub use expires_in::ExpiresIn;
pub use expiry::ExpiryRule;
pub(crate) use expiry::audience;
