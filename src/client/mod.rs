//! The parts that the clients of both vendors share.

pub(crate) mod config;
pub(crate) mod credentials;
mod forward;
mod inner;
mod key_pair;
pub(crate) mod scope;
mod uncached;

pub use credentials::{Credentials, CredentialsFuture, CredentialsProvider, FileCredentials};
pub(crate) use credentials::{CurrentCredentials, Headers, Scheme, account, basic_header};
pub(crate) use forward::{builder_methods, client_methods, issue_method};
pub(crate) use inner::{Api, Builder, Inner};
pub use uncached::UncachedToken;
