//! What a token is and how it lives, knowing no vendor and no HTTP.

mod cache;
mod expires_in;
mod expiry;
mod fingerprint;
mod flight;
mod gate;
mod options;
mod rejection;
mod scope;
mod slot;
mod source;
mod stats;
mod store;
#[expect(clippy::module_inception, reason = "a token is the first thing here")]
mod token;

pub use cache::{TokenCache, TokenHandle};
pub use expires_in::ExpiresIn;
pub use expiry::ExpiryRule;
pub use fingerprint::Fingerprint;
pub use options::TokenOptions;
pub use rejection::is_expired;
pub use scope::Scope;
pub use source::{IssuedToken, TokenSource};
pub use stats::Stats;
pub use store::{Lease, MemoryStore, StoreError, StoreFuture, StoreKey, StoredToken, TokenStore};
pub use token::Token;
