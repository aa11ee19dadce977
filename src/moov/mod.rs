//! Moov: money movement.
//!
//! # Calls
//!
//! | method | operation | response |
//! | --- | --- | --- |
//! | [`Client::token`], [`Client::default_token`] | the token call, when needed | a token that works now |
//! | [`Client::create_access_token`] | `POST /oauth2/token` | an access and a refresh token |
//! | [`Client::refresh`] | `POST /oauth2/token` | a new pair for a refresh token |
//! | [`Client::revoke`] | `POST /oauth2/revoke` | nothing, by 204 |
//!
//! # Credentials
//!
//! How they are sent is [`ClientAuth`], HTTP Basic unless told otherwise. From the environment
//! ([`ClientBuilder::from_env`]): `MOOV_CLIENT_ID`, `MOOV_CLIENT_SECRET` or `MOOV_CLIENT_SECRET_FILE`, `MOOV_ORIGIN` if set,
//! and every other setting of [`Config`], which files of any format can hold as well.
//! Who will use the token is [`ClientType`]; one for a browser needs the page's origin.
//!
//! # Version
//!
//! Every call sends `x-moov-version`, by default [`version::DEFAULT`], so that the service knows the fields that are
//! sent with it: see [`ClientBuilder::with_version`].
//!
//! # Tokens
//!
//! [`Client::token`] caches and renews them: see [`token`](crate::token) for their life. The other methods are
//! the operations as they are.
//!
//! # Limits
//!
//! 40 requests a second for an address and account, 10 in test mode, then 429 with `Retry-After`.
//! The client keeps to 40 token calls a second.
//!
//! # Webhooks
//!
//! Their headers are signed by HMAC-SHA512 under a secret of the dashboard, the body is **not**.
//! [`webhook::WebhookVerifier`] verifies them: [`webhook`].
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "emulator")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{moov, emulator::Emulator};
//!
//! let emulator = Emulator::start().await?;
//! let client = emulator.moov().build()?; // or: moov::ClientBuilder::from_env()?.build()?
//! let token = client.token(&[moov::NamedScope::AccountsRead.into()]).await?;
//! client.revoke(&token, None).await?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "emulator"))]
//! # fn main() {}
//! ```

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
