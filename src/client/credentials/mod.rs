//! Client credentials and their providers.

mod auth;
mod current;
mod file;
mod pair;
mod provider;
mod read;
mod shared;

pub(crate) use auth::{Headers, Scheme, basic_header};
pub(crate) use current::{CurrentCredentials, account};
pub use file::FileCredentials;
pub use pair::Credentials;
pub use provider::{CredentialsFuture, CredentialsProvider};
pub(crate) use read::{named, read_file, read_secret};
