//! Many merchants: one client, a token for each set of scopes.
//!
//! Moov's scopes name the account, so a platform with 100,000 merchants holds as many tokens. That is one
//! client's work: its tokens are found by scope set.
//!
//! # One set of credentials, many accounts
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{Scope, moov::AccountScope, emulator::{Operation, Emulator}};
//! use uuid::Uuid;
//!
//! /// What a job may do in one merchant's account, and no more.
//! fn payouts(merchant: Uuid) -> [Scope; 2] {
//!     let scopes = [AccountScope::TransfersWrite, AccountScope::WalletsRead];
//!     scopes.map(|scope| scope.of(merchant).into())
//! }
//!
//! let emulator = Emulator::start().await?;
//! let client = emulator.moov().build()?;
//! let (here, there) = (Uuid::from_u128(1), Uuid::from_u128(2));
//!
//! let token = client.token(&payouts(here)).await?;
//! let other = client.token(&payouts(there)).await?;
//! assert_ne!(token.expose_secret(), other.expose_secret());
//!
//! // The order of scopes does not matter: the same set is the same token.
//! let [write, read] = payouts(here);
//! assert_eq!(client.token(&[read, write]).await?.expose_secret(), token.expose_secret());
//! assert_eq!(emulator.count(Operation::MoovToken), 2);
//! # Ok(())
//! # }
//! ```
//!
//! Build scopes from [`AccountScope`](crate::moov::AccountScope) and a `Uuid`, not by joining text:
//! so no account's id can smuggle in another scope. Few scopes in a set make a token that is worth less to a thief;
//! few *different* sets make few token calls.
//!
//! Requests of your own get the token of their merchant from one [`Authorizer`](crate::authorize::Authorizer):
//! [`with_scopes`](crate::authorize::Authorizer::with_scopes) with plain reqwest, or a
//! [`ScopeSet`](crate::ScopeSet) among the extensions of a request that goes through the middleware or the tower layer.
//!
//! # A merchant that is asked for often
//!
//! A handle spares the look-up, and keeps its place in the cache for as long as it lives, so make handles for the busy
//! few.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::{moov::AccountScope, emulator::Emulator};
//! # let emulator = Emulator::start().await?;
//! # let client = emulator.moov().build()?;
//! # let merchant = uuid::Uuid::from_u128(1);
//! let handle = client.tokens().handle(&[AccountScope::TransfersWrite.of(merchant).into()])?;
//! let token = handle.token().await?;
//! assert_eq!(handle.cached().unwrap().expose_secret(), token.expose_secret());
//! # Ok(())
//! # }
//! ```
//!
//! # How many are kept
//!
//! 100,000 scope sets, unless
//! [`TokenOptions::with_capacity`](crate::token::TokenOptions::with_capacity) says otherwise; beyond that, those not
//! asked for lately go first. One costs about 300 bytes beside the text of the token and its scopes.
//! [`Stats`](crate::token::Stats) counts the evictions: if they keep up with the misses, give it more. Scope sets that
//! handles hold are not evicted; there are 100,000 of those at most, unless
//! [`TokenOptions::with_max_handles`](crate::token::TokenOptions::with_max_handles) says otherwise.
//!
//! The vendor's rate limit is kept for all merchants together: at Moov's 40 calls a second, 10,000 cold tokens take a
//! little over four minutes. Nobody waits that long unless told to. Of a job that begins with every merchant at once some
//! 1,200 have their token within the 30 seconds of
//! [`TokenOptions::with_max_wait`](crate::token::TokenOptions::with_max_wait); the others fail, with
//! [`RateLimited`](crate::ErrorKind::RateLimited) or [`Timeout`](crate::ErrorKind::Timeout). So either
//!
//! - let five hundred at a time begin, and the next when all of these have theirs; or
//! - let the job wait for as long as it takes, by
//!   [`TokenCache::token_within`](crate::token::TokenCache::token_within). There is no queue: until the job is through,
//!   whoever else asks for a cold token is one among thousands for the next place.
//!
//! The other way round, a request that should fail rather than wait uses the same with a shorter time.
//!
//! # Merchants with credentials of their own
//!
//! Then each has a client of its own, and nothing is shared by mistake: connections, tokens, cool-downs and rate limits
//! belong to the client. Keep them in a map by merchant; a client that is dropped ends what it had running.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::emulator::Emulator;
//! # let emulator = Emulator::start().await?;
//! use std::collections::HashMap;
//!
//! use fintech_auth::{Credentials, moneykit};
//!
//! let mut clients: HashMap<&str, moneykit::Client> = HashMap::new();
//! for (merchant, id, secret) in [("a", "live_a", "secret a"), ("b", "live_b", "secret b")] {
//!     let credentials = Credentials::new(id, secret);
//!     let client = moneykit::Client::builder(credentials).with_base_url(emulator.url()).build()?;
//!     clients.insert(merchant, client);
//! }
//! assert_eq!(clients.len(), 2);
//! # Ok(())
//! # }
//! ```
