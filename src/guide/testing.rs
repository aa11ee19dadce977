//! Testing your service: a bad day on order.
//!
//! The [`Sandbox`] is both vendors' auth services, in your test's process on a port of 127.0.0.1. It answers as their
//! contracts say, and on order as they do on a bad day. Add the feature to the tests alone:
//!
//! ```toml
//! [dev-dependencies]
//! fintech-auth = { path = "../fintech-auth", features = ["sandbox"] }
//! ```
//!
//! # A first test
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::sandbox::{Operation, Sandbox};
//!
//! let sandbox = Sandbox::start().await?; // one for each test: nothing is shared
//! let client = sandbox.moneykit().build()?; // give this to your service
//! client.token(&[]).await?;
//!
//! assert_eq!(sandbox.count(Operation::MoneykitToken), 1);
//! assert_eq!(sandbox.requests()[0].status().unwrap(), 201);
//! # Ok(())
//! # }
//! ```
//!
//! A service that makes its client from a configuration gets the URL of the [`Sandbox`] as its base URL, with the
//! credentials that the sandbox knows.
//!
//! # Faults
//!
//! A [`Fault`] meets the next request of its operation, and those ordered after it wait their turn: a status with any body
//! and header, a delay, a hang, a reset, half an answer, an answer that is lost after it took effect.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{ErrorKind, RetryPolicy, sandbox::{Fault, Operation, Sandbox}};
//! use http::{HeaderValue, StatusCode, header};
//!
//! let sandbox = Sandbox::start().await?;
//! let once = |moov: fintech_auth::moov::ClientBuilder| {
//!     moov.with_tokens(|tokens| tokens.with_retry(RetryPolicy::never())).build()
//! };
//! let scopes = ["/accounts.read".parse()?];
//!
//! let too_many = Fault::answer(StatusCode::TOO_MANY_REQUESTS);
//! let minute = HeaderValue::from_static("60");
//! sandbox.fault(Operation::MoovToken, too_many.with_header(header::RETRY_AFTER, minute));
//! let error = once(sandbox.moov())?.token(&scopes).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::RateLimited);
//! assert!(error.retry_after().is_some());
//!
//! sandbox.fault(Operation::MoovToken, Fault::truncate());
//! let error = once(sandbox.moov())?.token(&scopes).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Unavailable);
//! # Ok(())
//! # }
//! ```
//!
//! # Time
//!
//! Time stands still in a sandbox until a test moves it. Give the client the same clock, and expiry needs no waiting.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::sandbox::{Operation, Sandbox};
//! # use std::time::Duration;
//! let sandbox = Sandbox::start().await?;
//! let clock = sandbox.clock().clone();
//! let client = sandbox.moneykit().with_tokens(|tokens| tokens.with_clock(clock)).build()?;
//!
//! let first = client.token(&[]).await?;
//! sandbox.clock().advance(Duration::from_secs(3600));
//! let second = client.token(&[]).await?;
//! assert_ne!(first.expose(), second.expose());
//! assert_eq!(sandbox.count(Operation::MoneykitToken), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # What the vendor does unasked
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::sandbox::Sandbox;
//! let sandbox = Sandbox::start().await?;
//! let moneykit = sandbox.moneykit().build()?;
//!
//! sandbox.revoke_all(); // every token: does your service recover?
//! sandbox.rotate_moneykit_key()?; // a new key signs from here on
//! let sent = sandbox.moneykit_webhook(r#"{"webhook_event":"link.product_refresh"}"#).sign()?;
//! moneykit.webhooks().verify(&sent.headers, &sent.body).await?; // send these to your handler
//! # Ok(())
//! # }
//! ```
//!
//! # Watching
//!
//! `Sandbox::builder().with_observer(…)` calls a function with each request once it is over, for a live log;
//! `requests` has the last 10,000 for a test to look at. Neither shows a secret in `Debug`.
//!
//! # In any language
//!
//! The command line serves the same sandbox to programs that are not Rust, with a live log and faults by option. What it
//! prints first is all that a client needs.
//!
//! ```sh
//! fintech-auth sandbox --lifetime 30s
//! fintech-auth sandbox --fault moov.token=429,retry-after=2,times=3 --json
//! ```
//!
#![doc = links!()]
