//! [browser]: guide::browser_tokens
//! [first-token]: guide::first_token
//! [fleet]: guide::fleet
//! [many]: guide::many_merchants
//! [testing]: guide::testing
//! [token-life]: guide::token_life
//! [token-or-key-pair]: guide::token_or_key_pair
//! [troubleshooting]: guide::troubleshooting
//! [upgrading]: guide::upgrading
//! [webhooks]: guide::webhooks
//!
#![doc = include_str!("../README.md")]
// Of two definitions the first holds: here these links are pages, and in the repository the README's own are files.
// docs.rs, with its nightly compiler, marks what is behind a feature by itself.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod authorize;
#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "blocking")]
pub mod blocking;
mod catch_panic;
mod client;
mod clock;
mod error;
mod generated;
// Pages and their doctests: nothing is compiled for those who depend on the crate.
#[cfg(feature = "emulator")]
pub mod emulator;
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

pub use client::{Credentials, CredentialsFuture, CredentialsProvider, FileCredentials, UncachedToken};
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, ErrorKind, FieldError};
pub use response::Response;
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use timestamp::Timestamp;
pub use token::{ExpiresIn, Scope, ScopeSet, Token};
#[doc(hidden)]
pub use transport::Exchange;
pub use transport::HttpOptions;

// Crates before their version 1.0 whose types are in public signatures, so that users name the same version. A new
// major version of one is a new major version of this crate.
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
