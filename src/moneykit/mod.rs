//! Gets tokens from MoneyKit (bank-account linking), adds credentials to your own requests, and
//! verifies MoneyKit's webhooks.
//!
//! ```
//! # #[cfg(feature = "emulator")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::emulator::Emulator;
//!
//! let emulator = Emulator::start().await?;
//! // In your service: moneykit::ClientBuilder::from_env()?.build()?
//! let client = emulator.moneykit().build()?;
//!
//! let token = client.token(&[]).await?; // without scopes: all permissions of the application
//! let about = client.introspect(&token).await?;
//! println!("{} has {:?}", about.client_id, about.scope);
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
//! | [`Client::bearer`], [`Client::key_pair`] | none | an authorizer for your own requests |
//! | [`Client::create_access_token`] | `POST /auth/token` | a response with a token |
//! | [`Client::introspect`], [`Client::introspect_client`] | `GET /auth/introspect` | the client application |
//! | [`Client::jwks`] | `GET /.well-known/jwks.json` | the public keys that verify webhooks |
//!
//! # Credentials
//!
//! [`ClientBuilder::from_env`] reads `MONEYKIT_CLIENT_ID`, `MONEYKIT_CLIENT_SECRET` or
//! `MONEYKIT_CLIENT_SECRET_FILE`, and every other setting of [`Config`]. [`ClientAuth`] sets how
//! the credentials are sent. Default: HTTP Basic.
//!
//! The prefix of the client id, `sandbox_` or `live_`, selects the environment. Both environments
//! have the same host.
//!
//! # Limits
//!
//! MoneyKit allows each client 300 token requests a minute. Above that limit, the service responds
//! with 429 and `Retry-After`. By default, a [`Client`] sends at most 300 token requests a minute.
//!
//! # Webhooks
//!
//! MoneyKit signs the whole body with ES256. [`Client::webhooks`] returns a verifier, which fetches
//! the keys with [`Client::jwks`] and caches the keys.

mod api;
mod auth;
mod client;
mod config;
mod scope;
pub mod types;
pub mod webhook;

pub use auth::ClientAuth;
#[cfg(feature = "emulator")]
pub(crate) use client::is_version;
pub use client::{Client, ClientBuilder, VERSION};
pub use config::Config;
pub use scope::NamedScope;
