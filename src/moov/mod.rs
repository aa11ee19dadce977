//! Gets tokens from Moov (money movement), adds credentials to your own requests, and verifies
//! Moov's webhooks.
//!
//! ```
//! # #[cfg(feature = "emulator")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{ErrorKind, emulator::Emulator, moov};
//!
//! let emulator = Emulator::start().await?;
//! // In your service: moov::ClientBuilder::from_env()?.build()?
//! let client = emulator.moov().build()?;
//!
//! match client.token(&[moov::NamedScope::AccountsRead.into()]).await {
//!     Ok(token) => println!("{:?}", token.authorization()),
//!     Err(error) if error.kind() == ErrorKind::Unauthorized => {
//!         println!("check the credentials: {error}");
//!     }
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "emulator"))]
//! # fn main() {}
//! ```
//!
//! # Calls
//!
//! | method | operation | result |
//! | --- | --- | --- |
//! | [`Client::token`], [`Client::default_token`] | a token request, if needed | a cached token |
//! | [`Client::bearer`], [`Client::basic_auth`] | none | an authorizer for your own requests |
//! | [`Client::issue`] | `POST /oauth2/token` | a token for a web page, not cached |
//! | [`Client::create_access_token`] | `POST /oauth2/token` | a response with an access and a refresh token |
//! | [`Client::refresh`] | `POST /oauth2/token` | a response with a new pair of tokens |
//! | [`Client::revoke`] | `POST /oauth2/revoke` | an empty response |
//!
//! # Credentials
//!
//! [`ClientBuilder::from_env`] reads `MOOV_CLIENT_ID`, `MOOV_CLIENT_SECRET` or
//! `MOOV_CLIENT_SECRET_FILE`, and every other setting of [`Config`]. [`ClientAuth`] sets how the
//! credentials are sent. Default: HTTP Basic.
//!
//! A token for a web page needs the origin of the page (`MOOV_ORIGIN`): see [`ClientType`].
//!
//! # Version
//!
//! Every call sends `x-moov-version`. Default: [`version::DEFAULT`]. The service accepts only the
//! fields that this version documents: see [`ClientBuilder::with_version`].
//!
//! # Limits
//!
//! Moov allows 40 requests a second per IP address and account (10 in test mode). Above this
//! limit, the service responds with 429 and `Retry-After`. By default, a [`Client`] sends at most
//! 40 token requests a second.
//!
//! # Webhooks
//!
//! Moov signs three headers of a webhook (HMAC-SHA512 with a secret from Moov's dashboard), but
//! **not the body**. [`webhook::WebhookVerifier`] verifies the headers.

mod api;
mod auth;
mod client;
mod config;
mod scope;
pub mod types;
pub mod version;
pub mod webhook;

pub use auth::{ClientAuth, ClientType, Encoding, TokenTypeHint};
#[cfg(feature = "blocking")]
pub(crate) use client::present_refresh_token;
pub use client::{Client, ClientBuilder};
pub use config::Config;
pub use scope::{AccountScope, NamedScope};
