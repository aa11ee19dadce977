//! Compiles the token cache and the webhook key cache with models of their locks, channels, timers
//! and tasks. In these models, shuttle decides which task runs next.

#![allow(dead_code, unused_imports, reason = "only the caches are compiled, and not their users")]

#[path = "../../../src/catch_panic.rs"]
mod catch_panic;
#[path = "../../../src/clock.rs"]
mod clock;
#[path = "../../../src/error.rs"]
mod error;
#[path = "../../../src/hex.rs"]
mod hex;
pub mod moneykit;
#[path = "../../../src/observer.rs"]
mod observer;
mod resend;
#[path = "../../../src/response.rs"]
mod response;
#[path = "../../../src/retry.rs"]
mod retry;
#[path = "../../../src/secret.rs"]
mod secret;
#[path = "../../../src/single_flight.rs"]
mod single_flight;
pub mod sync;
#[path = "../../../src/token/mod.rs"]
pub mod token;
pub mod webhook;
#[path = "../../../src/work.rs"]
mod work;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, ErrorKind, FieldError};
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use token::{ExpiresIn, Scope, Token};
