//! MoneyKit: bank-account linking.
//!
//! # Calls
//!
//! | method | operation | response |
//! | --- | --- | --- |
//! | [`Client::token`], [`Client::default_token`] | the token call, when needed | a token that works now |
//! | [`Client::create_access_token`] | `POST /auth/token` | a token, by 201 |
//! | [`Client::introspect`], [`Client::introspect_client`] | `GET /auth/introspect` | the client behind it |
//! | [`Client::jwks`] | `GET /.well-known/jwks.json` | the keys that sign webhooks |
//!
//! # Credentials
//!
//! The client id's prefix tells the environment, `sandbox_` or `live_`; the host is the same. How
//! they are sent is [`ClientAuth`], HTTP Basic unless told otherwise. From the environment
//! ([`ClientBuilder::from_env`]): `MONEYKIT_CLIENT_ID`, `MONEYKIT_CLIENT_SECRET` or
//! `MONEYKIT_CLIENT_SECRET_FILE`, and every other setting of [`Config`], which files of any format can hold as well.
//!
//! # Tokens
//!
//! [`Client::token`] caches and renews them: see [`token`](crate::token) for their life. The other methods are
//! the operations as they are.
//!
//! # Limits
//!
//! 300 token calls a minute for a client, then 429 with `Retry-After`. The client keeps to it.
//!
//! # Webhooks
//!
//! Signed by ES256 under a key of [`Client::jwks`], the body included. [`Client::webhooks`] verifies
//! them and keeps the keys: [`webhook`].
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "emulator")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::emulator::Emulator;
//!
//! let emulator = Emulator::start().await?;
//! let client = emulator.moneykit().build()?; // or: moneykit::ClientBuilder::from_env()?.build()?
//! let token = client.token(&[]).await?;
//! let about = client.introspect(&token).await?;
//! println!("{} may {}", about.client_id, about.scope.as_deref().unwrap_or("anything"));
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
pub mod webhook;

pub use auth::ClientAuth;
#[cfg(feature = "emulator")]
pub(crate) use client::is_version;
pub use client::{Client, ClientBuilder, VERSION};
pub use config::Config;
pub use scope::NamedScope;
