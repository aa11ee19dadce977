//! What the clients of all vendors share. Does not know any vendor: each has a public client of its own that
//! holds these parts and adds its operations, defaults and rules.

mod auth;
pub(crate) mod config;
mod credentials;
mod forward;
mod inner;
pub(crate) mod scope;
mod uncached;

pub(crate) use auth::Auth;
pub use credentials::Credentials;
pub(crate) use forward::{builder_methods, client_methods, issue_method};
pub(crate) use inner::{Api, Builder, Inner};
pub use uncached::UncachedToken;
