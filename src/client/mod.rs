//! What the clients of all vendors share. Does not know any vendor: each has a public client of its own that
//! holds these parts and adds its operations, defaults and rules.

pub(crate) mod config;
mod credentials;

pub use credentials::Credentials;
