//! The same clients for code that is not async.
//!
//! Nothing is done twice: each client here holds the async one, whose calls run on a thread of their own
//! while the caller's thread waits. Clones share the thread, the connections and the tokens. A token that
//! is fresh is answered on the caller's thread, from memory.
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
//! A call that would wait is refused there by [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig)
//! and sends nothing: it would hold up the runtime, and on a runtime of one thread whoever it waits for.
//! It neither panics nor blocks. What needs no waiting, such as a fresh token, is answered there as well.
//! In `tokio::task::spawn_blocking` and `block_in_place`, and on threads of your own, all calls work.
//! Code under `tokio::task::unconstrained` cannot be told from those, and neither can tasks of a runtime other than
//! tokio: they block for as long as the call takes.
//!
//! Clients may be made and dropped anywhere.
//!
//! # Requests of your own
//!
//! Take [`moov::Client::run`] or [`moneykit::Client::run`] around them: they run on your thread, with a token,
//! and once more with a new one after a 401 that a new token may help against. [`Authorizer`] gives the headers to add to one
//! request, with a token or the key pair, after a check of its origin.
//!
//! Two things of the async clients have no form here. [`Authorizer::send`](crate::authorize::Authorizer::send) would tie this
//! module to one blocking HTTP client. `Client::tokens` gives the cache, which is async; its methods are those of the client here.

mod authorizer;
mod inner;
pub mod moneykit;
pub mod moov;
mod runtime;

pub use authorizer::Authorizer;
