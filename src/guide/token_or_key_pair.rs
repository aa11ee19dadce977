//! Token or key pair? How to authenticate the calls of your backend.
//!
//! Both vendors take two kinds of credentials on every endpoint. After this page you know which one a call needs, and
//! how to add it.
//!
//! | | Moov | MoneyKit |
//! | --- | --- | --- |
//! | **your backend calls the vendor** | key pair, in HTTP Basic: [`basic_auth`](crate::moov::Client::basic_auth) | key pair, in `X-Client-Id` and `X-Client-Secret`: [`key_pair`](crate::moneykit::Client::key_pair) |
//! | **a page or a device calls the vendor** | token of few scopes: [`issue`](crate::moov::Client::issue) and [Browser tokens](super::browser_tokens) | not documented |
//! | **a part of your system must not be able to do everything** | token of few scopes: [`bearer`](crate::moov::Client::bearer) | token of few scopes: [`bearer`](crate::moneykit::Client::bearer) |
//!
//! The recommendation for a backend is the key pair, for both vendors: it is what their documentation and SDKs use
//! between servers. It has no scopes, no expiry and no token endpoint that can fail. Choose tokens where the key pair
//! would be too powerful: a leaked token opens a few scopes for an hour at most, a leaked key pair opens everything
//! until you replace it.
//!
//! | | key pair | token |
//! | --- | --- | --- |
//! | may do | all that the application may | what its scopes allow |
//! | ends | when you replace it | after minutes or an hour |
//! | costs | nothing | a token call now and then, within the vendor's rate limit |
//! | a 401 means | wrong or replaced credentials; the request is repeated once if there are others | perhaps an expired token; the request is repeated once |
//! | may leave your servers | never | yes, if it has few scopes |
//!
//! # With the key pair
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::emulator::Emulator;
//! # let emulator = Emulator::start().await?;
//! use fintech_auth::HttpOptions;
//!
//! let moov = emulator.moov().build()?; // yours: moov::ClientBuilder::from_env()?.build()?
//! let http = HttpOptions::default().to_reqwest(emulator.url())?; // follows no redirects
//! let authorizer = moov.basic_auth()?;
//!
//! let request = http.get(format!("{}/accounts", emulator.url())).build()?;
//! assert_eq!(authorizer.send(&http, request).await?.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! # With tokens, one scope set for each merchant
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::emulator::Emulator;
//! # let emulator = Emulator::start().await?;
//! use fintech_auth::{HttpOptions, moov::{self, AccountScope}};
//!
//! let moov = emulator.moov().build()?;
//! let http = HttpOptions::default().to_reqwest(emulator.url())?;
//! let authorizer = moov.bearer(&[moov::NamedScope::AccountsRead.into()])?;
//!
//! let merchant = uuid::Uuid::from_u128(1);
//! let scopes = [moov::NamedScope::AccountsRead.into(), AccountScope::WalletsRead.of(merchant).into()];
//! let request = http.get(format!("{}/accounts", emulator.url())).build()?;
//! let response = authorizer.with_scopes(&scopes)?.send(&http, request).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! Both kinds are an [`Authorizer`](crate::authorize::Authorizer): they go to the configured origin alone, and a
//! request that cannot be authenticated is not sent. [`authorize`](crate::authorize) has the layers for
//! `reqwest-middleware` and tower.
//!
#![doc = links!()]
