//! What a token is, knowing no vendor and no HTTP.

mod expires_in;
mod scope;

pub use expires_in::ExpiresIn;
pub use scope::Scope;
