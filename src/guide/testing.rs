//! Testing your service: a bad day on order.
//!
//! The [`Emulator`] is both vendors' auth services, in your test's process on a port of 127.0.0.1. It responds as their
//! contracts say, and on order as they do on a bad day. Add the feature to the tests alone:
//!
//! ```toml
//! [dev-dependencies]
//! fintech-auth = { path = "../fintech-auth", features = ["emulator"] }
//! ```
//!
//! # A first test
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::emulator::{Operation, Emulator};
//!
//! let emulator = Emulator::start().await?; // one for each test: nothing is shared
//! let client = emulator.moneykit().build()?; // give this to your service
//! client.token(&[]).await?;
//!
//! assert_eq!(emulator.count(Operation::MoneykitToken), 1);
//! assert_eq!(emulator.requests()[0].status().unwrap(), 201);
//! # Ok(())
//! # }
//! ```
//!
//! A service that makes its client from a configuration gets the URL of the [`Emulator`] as its base URL, with the
//! credentials that the emulator knows.
//!
//! # Faults
//!
//! A [`Fault`] meets the next request of its operation, and those ordered after it wait their turn: a status with any body
//! and header, a delay, a hang, a reset, half a response, a response that is lost after it took effect.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{ErrorKind, RetryPolicy, emulator::{Fault, Operation, Emulator}};
//! use http::{HeaderValue, StatusCode, header};
//!
//! let emulator = Emulator::start().await?;
//! let once = |moov: fintech_auth::moov::ClientBuilder| {
//!     moov.with_tokens(|tokens| tokens.with_retry(RetryPolicy::never())).build()
//! };
//! let scopes = ["/accounts.read".parse()?];
//!
//! let too_many = Fault::response(StatusCode::TOO_MANY_REQUESTS);
//! let minute = HeaderValue::from_static("60");
//! emulator.fault(Operation::MoovToken, too_many.with_header(header::RETRY_AFTER, minute));
//! let error = once(emulator.moov())?.token(&scopes).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::RateLimited);
//! assert!(error.retry_after().is_some());
//!
//! emulator.fault(Operation::MoovToken, Fault::truncate());
//! let error = once(emulator.moov())?.token(&scopes).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Unavailable);
//! # Ok(())
//! # }
//! ```
//!
//! # Time
//!
//! Time stands still in an emulator until a test moves it. Give the client the same clock, and expiry needs no waiting.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::emulator::{Operation, Emulator};
//! # use std::time::Duration;
//! let emulator = Emulator::start().await?;
//! let clock = emulator.clock().clone();
//! let client = emulator.moneykit().with_tokens(|tokens| tokens.with_clock(clock)).build()?;
//!
//! let first = client.token(&[]).await?;
//! emulator.clock().advance(Duration::from_secs(3600));
//! let second = client.token(&[]).await?;
//! assert_ne!(first.expose_secret(), second.expose_secret());
//! assert_eq!(emulator.count(Operation::MoneykitToken), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # What the vendor does unasked
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::emulator::Emulator;
//! let emulator = Emulator::start().await?;
//! let moneykit = emulator.moneykit().build()?;
//!
//! emulator.revoke_all(); // every token: does your service recover?
//! emulator.rotate_moneykit_key()?; // a new key signs from here on
//! let sent = emulator.moneykit_webhook(r#"{"webhook_event":"link.product_refresh"}"#).sign()?;
//! moneykit.webhooks().verify(&sent.headers, &sent.body).await?; // send these to your handler
//! # Ok(())
//! # }
//! ```
//!
//! # Watching
//!
//! `Emulator::builder().with_observer(…)` calls a function with each request once it is over, for a live log;
//! `requests` has the last 10,000 for a test to look at. Neither shows a secret in `Debug`.
//!
//! # In any language
//!
//! The command line serves the same emulator to programs that are not Rust, with a live log and faults by option. What it
//! prints first is all that a client needs.
//!
//! ```sh
//! fintech-auth emulator --lifetime 30s
//! fintech-auth emulator --fault moov.token=429,retry-after=2,times=3 --json
//! ```
//!
#![doc = links!()]
