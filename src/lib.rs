#![doc = include_str!("../README.md")]

#[cfg(feature = "axum")]
pub mod axum;
pub mod bearer;
#[cfg(feature = "blocking")]
pub mod blocking;
mod clock;
mod config;
mod credentials;
mod error;
mod generated;
pub mod moneykit;
pub mod moov;
mod retry;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod secret;
mod timestamp;
pub mod token;
mod transport;
pub mod webhook;

pub use clock::{Clock, ManualClock, SystemClock};
pub use credentials::Credentials;
pub use error::{Error, ErrorKind, FieldError};
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use timestamp::Timestamp;
pub use token::{ExpiresIn, Scope, Token};
pub use transport::{HttpOptions, Response};
