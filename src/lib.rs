//! Authenticates a backend to **MoneyKit** (bank-account linking) and **Moov** (money movement)
//! with tokens or key pairs (client id and secret), and verifies the webhooks of both vendors.
//!
// If a feature is off, the link to its module leads to the list of features instead.
#![cfg_attr(not(feature = "axum"), doc = "[`axum`]: crate#features\n")]
#![cfg_attr(not(feature = "blocking"), doc = "[`blocking`]: crate#features\n")]
#![cfg_attr(not(feature = "emulator"), doc = "[`emulator`]: crate#features\n")]
//! ```no_run
//! use fintech_auth::{HttpOptions, moov};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // Reads MOOV_CLIENT_ID and MOOV_CLIENT_SECRET. Create it once: it caches the tokens.
//!     let client = moov::ClientBuilder::from_env()?.build()?;
//!     let authorizer = client.bearer(&[moov::NamedScope::AccountsRead.into()])?;
//!
//!     let http = HttpOptions::default().to_reqwest("https://api.moov.io")?;
//!     let request = http.get("https://api.moov.io/accounts").build()?;
//!     let response = authorizer.send(&http, request).await?; // fails if there is no token
//!     println!("{}", response.status());
//!     Ok(())
//! }
//! ```
//!
//! A token is cached and renewed before it expires. Many callers share one token request. Every
//! failure is an [`Error`], whose [`kind`](Error::kind) says what to do next. No error, log line or
//! `Debug` output shows a secret.
//!
//! New here? Start with [Token or key pair?](guide::token_or_key_pair) in the [guide].
//!
//! # Modules
//!
//! | module | content |
//! | --- | --- |
//! | [`moov`], [`moneykit`] | the clients of the two vendors |
//! | [`authorize`] | adds tokens and key pairs to your own requests |
//! | [`token`] | the token cache, its options, and stores that many processes share |
//! | [`webhook`] | the common parts of both vendors' webhook verifiers, and deduplication |
//! | [`axum`] | receives webhooks in axum |
//! | [`blocking`] | the same clients for code that is not async |
//! | [`emulator`] | fake servers of both vendors in your process, for tests |
//! | [`guide`] | pages that explain how to use the crate |
//!
//! # Features
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `rustls` (default), `native-tls` | TLS |
//! | `redis`, `redis-cluster`, `redis-sentinel` | tokens and deliveries shared through Redis or Valkey |
//! | `reqwest-middleware`, `tower` | tokens on requests, as a middleware or a layer |
//! | `axum`, `blocking`, `emulator` | the module with the same name |
//!
//! Async calls need a tokio runtime. Before you go live, read `SECURITY.md` in the repository: it
//! describes what the crate protects and what it does not.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod authorize;
#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "blocking")]
pub mod blocking;
mod catch_panic;
mod client;
mod clock;
#[cfg(feature = "emulator")]
pub mod emulator;
mod error;
mod generated;
#[cfg(any(doc, doctest))]
pub mod guide;
mod hex;
mod json;
pub mod moneykit;
pub mod moov;
mod observer;
mod resend;
mod response;
mod retry;
mod secret;
mod single_flight;
mod sync;
mod text;
mod timestamp;
pub mod token;
mod transport;
pub mod webhook;
mod work;

#[cfg(all(doctest, feature = "emulator"))]
#[doc = include_str!("../README.md")]
struct Readme;

pub use client::{Credentials, CredentialsFuture, CredentialsProvider, FileCredentials, UncachedToken};
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, ErrorKind, FieldError};
pub use response::Response;
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use timestamp::Timestamp;
#[doc(inline)]
pub use token::{ExpiresIn, Scope, ScopeSet, Token};
#[doc(hidden)]
pub use transport::Exchange;
pub use transport::HttpOptions;

// Public signatures contain types of the crates that are re-exported below. So a new major version
// of one of them requires a new major version of this crate.
#[cfg(feature = "tower")]
#[doc(no_inline)]
pub use ::{tower_layer, tower_service};
#[cfg(feature = "axum")]
#[doc(no_inline)]
pub use ::axum_core;
#[cfg(feature = "redis")]
#[doc(no_inline)]
pub use ::redis;
#[doc(no_inline)]
pub use ::reqwest;
#[cfg(feature = "reqwest-middleware")]
#[doc(no_inline)]
pub use ::reqwest_middleware;
