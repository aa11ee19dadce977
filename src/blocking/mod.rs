//! Blocking clients for code that is not async.
//!
//! Each client here wraps the async client. The calls run on a separate thread while the calling
//! thread waits. Clones share the thread, the connections and the tokens. A fresh token is returned
//! on the calling thread, from memory.
//!
//! ```
//! # #[cfg(feature = "emulator")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::blocking;
//! # use fintech_auth::emulator::Emulator;
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # let emulator = runtime.block_on(Emulator::start())?;
//!
//! let builder = emulator.moov(); // or: moov::ClientBuilder::from_env()?
//! let client = blocking::moov::Client::new(builder)?;
//! let token = client.token(&["/accounts.read".parse()?])?;
//! client.revoke(&token, None)?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "emulator"))]
//! # fn main() {}
//! ```
//!
//! # In async code
//!
//! In async code, a call that would have to wait returns
//! [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) and sends nothing. Waiting would
//! block the runtime, and on a single-threaded runtime the call could wait for a task that it
//! blocks. Calls that need not wait, such as for a fresh token, work in async code too.
//!
//! All calls work in `tokio::task::spawn_blocking` and `block_in_place`, and on your own threads.
//! This module cannot detect code under `tokio::task::unconstrained` or tasks of a runtime other
//! than tokio. In such code, calls block until they finish.
//!
//! Clients can be created and dropped anywhere.
//!
//! # Your own requests
//!
//! Use [`moov::Client::run`] or [`moneykit::Client::run`] for your own requests. Your function
//! sends a request with a token, on your thread. After a 401 that a new token may fix, the function
//! runs once more with a new token. [`Authorizer`] returns the headers to add to one request, with
//! a token or the key pair, after checking the origin.
//!
//! # Differences from the async clients
//!
//! [`Authorizer::send`](crate::authorize::Authorizer::send) has no blocking form, because it would
//! tie this module to one blocking HTTP client. `Client::tokens` has no blocking form either,
//! because it returns the async cache. The blocking client itself has the methods of the cache.

mod authorizer;
mod inner;
pub mod moneykit;
pub mod moov;
mod runtime;

pub use authorizer::Authorizer;
