//! A fleet: many processes, one token.
//!
//! Each process alone asks for its own tokens, and a deploy that restarts hundreds of them breaks the vendors' limits.
//! With the feature `redis` they share, through Redis 6 or newer, or Valkey.
//!
//! # Set it up
//!
//! 1. Make a sealing key, once, and give it to all processes as you do with other secrets:
//!    `openssl rand -base64 32`. Tokens are encrypted under it before they leave the process.
//! 2. Give Redis a user of its own; [`token::redis`] lists the rights that it needs.
//! 3. Put the store into the client. All else stays as it was.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::emulator::Emulator;
//! # let emulator = Emulator::start().await?;
//! use std::sync::Arc;
//!
//! use fintech_auth::{Error, Secret, moov, token::redis::{RedisStore, SealingKey}};
//!
//! fn client(moov: moov::ClientBuilder, url: &str, key: &Secret) -> Result<moov::Client, Error> {
//!     let store = RedisStore::builder([SealingKey::from_base64(key)?])
//!         .with_namespace("production") // staging on the same server is another one
//!         .open(url)?; // rediss://user:password@redis.example
//!     moov.with_tokens(|tokens| tokens.with_store(Arc::new(store))).build()
//! }
//!
//! // Nothing listens at this address: a Redis that is down. Tokens come all the same.
//! let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".into();
//! let client = client(emulator.moov(), "redis://127.0.0.1:1", &key)?;
//! client.token(&["/accounts.read".parse()?]).await?;
//! assert!(client.stats().store_failures > 0); // it is left alone for five seconds now
//! assert_eq!(client.stats().store_bypassed, 1); // and the token was asked for without it
//! # Ok(())
//! # }
//! ```
//!
//! `cargo run --example fleet --features redis` shows four processes of which one asks.
//!
//! # What is shared
//!
//! - **Tokens**, by client id (or [name](super::rotate_credentials#the-steps)) and scope set: one process asks under a lease, the others take its token over.
//! - **Revocations**: what one process revokes or rejects, all drop, whoever holds it. [`token::redis`] states the bound.
//! - **Limits**: cool-downs and the vendor's rate limit are those of the fleet. Refused credentials stop the processes
//!   that have the same id and secret, and no others. Calls that have to
//!   wait are served in order of arrival, whichever process they come from.
//!
//! Not shared: connections, the keys of webhooks, and [deliveries](crate::webhook::DeliveryStore).
//!
//! # What a bad day costs
//!
//! | what happens | what it costs, by default |
//! | --- | --- |
//! | a process dies while it asks | the others wait 10 s at most, the time of its lease |
//! | a token call takes long | as long as it takes: the lease is renewed meanwhile |
//! | Redis is down, slow or full | a second at most, then each asks alone and tries Redis again after 5 s; no token in hand is lost |
//! | Redis is flushed | a token call more for each set |
//! | a failover loses its last writes | a token that was just dropped may be back until a 401 drops it again |
//! | Redis is down while a token is revoked | the result of the revocation says so, and the others are told when Redis is back |
//!
//! The lease is [`with_lease`](crate::token::TokenOptions::with_lease), the second
//! [`with_store_timeout`](crate::token::TokenOptions::with_store_timeout), the rest
//! [`with_store_circuit_open_for`](crate::token::TokenOptions::with_store_circuit_open_for).
//!
//! # Rotate the sealing key
//!
//! The first key seals, all open. Three deploys, and no token is lost:
//!
//! | deploy | keys | so that |
//! | --- | --- | --- |
//! | 1 | old, new | all can open what the new one will seal |
//! | 2 | new, old | new tokens are sealed under it |
//! | 3, a day later | new | nothing is left under the old one |
//!
//! ```
//! # use fintech_auth::{Secret, token::redis::{RedisStore, SealingKey}};
//! # let (old, new) = (SealingKey::new(&[1; 32]).unwrap(), SealingKey::new(&[2; 32]).unwrap());
//! let store = RedisStore::builder([old, new]).with_namespace("production"); // the first deploy
//! ```
//!
//! # Watch it
//!
//! [`Stats::shared`](crate::token::Stats::shared) should be most of what is not a hit;
//! [`store_bypassed`](crate::token::Stats::store_bypassed) and
//! [`store_failures`](crate::token::Stats::store_failures) should stand still;
//! [`store_circuit_open`](crate::token::Stats::store_circuit_open) is the state right now.
//!
//! # A store of your own
//!
//! [`TokenStore`](crate::token::TokenStore) is a trait. The emulator has the contract as a check that yours can be run
//! through: `emulator::store_contract::check`.
//!
#![doc = links!()]
