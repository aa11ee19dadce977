//! Blocking clients for code that is not async.
//!
//! Each client in this module wraps the async client. The calls run on a separate thread while the
//! calling thread waits. Clones share the thread, the connections and the tokens. If the cache has
//! a fresh token, a call for this token returns immediately and does not use the separate thread.
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
//! [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) and sends nothing. Otherwise the
//! call would block the runtime. On a single-threaded runtime, the call could also deadlock. Calls
//! that need not wait, such as a call for a fresh token in the cache, also work in async code.
//!
//! All calls work in `tokio::task::spawn_blocking` and `block_in_place`, and on your own threads.
//! This module cannot detect code under `tokio::task::unconstrained` or tasks of a runtime other
//! than tokio. In such code, calls block until they finish.
//!
//! You can create and drop clients anywhere, including in async code.
//!
//! # Your own requests
//!
//! Pass a function that sends your request with a token to [`moov::Client::run`] or
//! [`moneykit::Client::run`]. The client calls the function on your thread. After a 401 that a new
//! token may fix, the client calls the function once more with a new token.
//!
//! [`Authorizer`] checks the origin of a request, and returns the headers with a token or the key
//! pair.
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
