//! The life of a token: when one is asked for, renewed, and dropped.
//!
#![doc = include_str!("token_life.svg")]
//!
//! | it is | who asks gets | and |
//! | --- | --- | --- |
//! | fresh | it, from memory | nothing is sent, locked or allocated |
//! | stale: about a quarter of its life is left, about 5 minutes at most | it, from memory | the first who notices begins one refresh behind |
//! | expired: a tenth is left, 10 seconds at most | a new one, after one request that all share | |
//! | revoked, or called invalid by a 401 | the same | no refresh that was begun before puts it back |
//! | rejected by a 401 without a cause | it | a new one takes its place if that is [accepted](crate::authorize#what-happens-on-a-401) |
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use fintech_auth::emulator::{Operation, Emulator};
//!
//! let emulator = Emulator::start().await?; // MoneyKit's tokens live an hour
//! let clock = emulator.clock().clone();
//! let client = emulator.moneykit().with_tokens(|tokens| tokens.with_clock(clock)).build()?;
//!
//! // However many ask at once, one request goes out.
//! let (a, b) = tokio::join!(client.token(&[]), client.token(&[]));
//! let first = a?;
//! assert_eq!(first.expose_secret(), b?.expose_secret());
//! assert_eq!(emulator.count(Operation::MoneykitToken), 1);
//!
//! // Stale: served at once, renewed behind.
//! emulator.clock().advance(Duration::from_secs(3600 - 60));
//! assert_eq!(client.token(&[]).await?.expose_secret(), first.expose_secret());
//!
//! // Over: the new one, whoever got it.
//! emulator.clock().advance(Duration::from_secs(60));
//! assert_ne!(client.token(&[]).await?.expose_secret(), first.expose_secret());
//! # Ok(())
//! # }
//! ```
//!
//! # When a refresh fails
//!
//! A stale token goes on serving until it expires. Nobody asks again for a second, then two, four, up to a minute; who
//! has no token gets the same error until then, with [`Error::retry_after`](crate::Error::retry_after). A 429 or a
//! `Retry-After` is a cool-down for all scope sets of the client. A refusal is remembered for ten seconds, for the scope
//! set alone or for the credentials. All of it is in [Reactions](super::reactions).
//!
//! # When the process ends
//!
//! A deploy should not lose a refresh token that is on its way, nor a revocation that Redis has missed. In this order, within
//! the time that your platform gives (Kubernetes: 30 s by default):
//!
//! 1. Your server stops accepting requests and finishes those that it has.
//! 2. [`Deliveries::shutdown`](crate::webhook::Deliveries::shutdown) waits for webhook handlers and their records.
//! 3. `shutdown` of each client ([`TokenCache::shutdown`](crate::token::TokenCache::shutdown)) finishes what is on the wire and
//!    writes what the store has missed.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::emulator::Emulator;
//! use std::time::Duration;
//! use fintech_auth::webhook::Deliveries;
//!
//! # let emulator = Emulator::start().await?;
//! # let client = emulator.moneykit().build()?;
//! let deliveries = Deliveries::default(); // a clone is in each verifier
//! # client.token(&[]).await?;
//!
//! // After SIGTERM, once the server has stopped:
//! if let Err(error) = deliveries.shutdown(Duration::from_secs(15)).await {
//!     eprintln!("{error}"); // the vendor retries those
//! }
//! if let Err(error) = client.shutdown(Duration::from_secs(5)).await {
//!     eprintln!("{error}");
//! }
//! # assert!(client.token(&[]).await.is_ok());
//! # Ok(())
//! # }
//! ```
//!
//! `RedisStore::close` then closes the connections to Redis; otherwise they end with the last `Arc` of the store.
//!
//! # How long it is believed
//!
//! Moov documents `expires_in` as seconds and as a Unix timestamp, under one name. Both are read; where a token is a JWT, its
//! `exp` counts as well, and the shortest credible reading holds, by the monotonic and by the wall clock.
//! [`Token::expiry_rule`](crate::Token::expiry_rule) tells which rule decided.
//!
//! Every number here can be set: [`TokenOptions`](crate::token::TokenOptions). The module [`token`](crate::token) has the
//! whole of it, and takes a token server of your own.
//!
//! # Sources
//!
//! [RFC 6749](https://www.rfc-editor.org/rfc/rfc6749) section 5.1 for `expires_in`; Moov's OpenAPI documents since 2025-01-15
//! for the Unix timestamp, its SDK for Go for seconds; MoneyKit's SDKs for an hour.
