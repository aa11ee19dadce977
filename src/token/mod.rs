//! One token that works now, for as many callers as ask: its life, knowing no vendor and no HTTP.
//!
//! ```text
//!            asked for            stale                     expired        really over
//!  nothing ─────┬──────── fresh ────┬──────── stale ──────────┬──────────────┬───────► time
//!               │  from memory      │  from memory, and one   │ all wait for │
//!               │                   │  refresh runs behind    │ one request  │
//!               └ one request,      └ a quarter of its life,  └ a tenth of its life, 10 s
//!                 shared by all       5 min at most, before     at most, before the end
//!                                     that; a little earlier
//!                                     by chance
//! ```
//!
//! # Life
//!
//! - **Fresh**, it is answered from memory. That takes no lock and no allocation.
//! - **Stale**, it is still answered at once, and the first to notice begins one refresh behind.
//! - **Expired** or absent, all callers wait for one shared request.
//! - A **failed refresh** takes nothing away: a stale token serves until it expires. No new attempt
//!   is made for a second, then two, four, up to a minute; who has no token gets the same error until
//!   then, with [`Error::retry_after`](crate::Error::retry_after).
//! - **Rejected** by a 401 that calls the token invalid, exactly that token is forgotten
//!   ([`TokenCache::invalidate`]), and not a newer one. After a 401 without a cause it stays until a new token
//!   is accepted in its place ([`Rejection`]).
//! - **Revoked**, it is forgotten before the request is sent ([`TokenCache::forget`]), and a refresh that
//!   was begun with it puts nothing back.
//!
//! Ends are told by two clocks, the monotonic and the wall clock, whichever is later in the token's
//! life: a suspend stops the one, and somebody may set back the other.
//!
//! # How long it is believed
//!
//! One function decides, takes the shortest credible reading, and tells which rule that was
//! ([`Token::expiry_rule`]): `expires_in` as seconds or as a Unix timestamp, the `exp` of a JWT, a default
//! if nothing is said or nothing credible.
//!
//! # What is sent, and when
//!
//! - A refresh token is used while its token has been neither rejected nor revoked, and is sent once:
//!   if it fails, the client credentials are used.
//! - A 429, or a `Retry-After` on any error, is a **cool-down** for all scope sets of the cache, for a
//!   second at least. A caller that can wait for its end waits; others get `RateLimited` at once.
//! - A 401 to the client credentials is about them. If the source has others by then
//!   ([`TokenSource::renew_credentials`]), the call is sent once more. Otherwise no token is requested for ten
//!   seconds, then one request at a time probes. Another refusal is about the scope set, until three different ones are
//!   refused with no success in between. A refused refresh token stops nobody.
//! - No span of time has more token calls than [`TokenOptions::with_rate_limit`] says. Callers are
//!   served in order of arrival.
//! - Other failures are sent again by the [`RetryPolicy`](crate::RetryPolicy).
//!
//! # Where it is kept
//!
//! In memory, by scope set, up to a capacity. With a [`TokenStore`] also outside of the process: then one
//! process at a time refreshes a token, under a lease, and the others take it over. The feature `redis` has
//! one for a fleet. If a store fails or takes over a second, its circuit opens for 5 s: tokens are
//! requested without it, and a good token is never lost by that. [`Stats`] and a trace event report it.
//!
//! # What a stored token is found by
//!
//! By the [fingerprint of its source](TokenSource::fingerprint) and its scopes. For the vendors' clients the
//! fingerprint is of the vendor, the base URL, the client id (or the name that `with_credentials_name` of their builders
//! puts in its place) and the version; for Moov also of the client type,
//! `Origin` and `Referer`. The client secret is not part of it. So a new secret finds the stored tokens, and a fleet
//! needs no new tokens when its secret is replaced.
//!
//! **Security**: a process with the right client id and a wrong secret gets the stored tokens too. What protects
//! them is the access to the store (for Redis, its password and the sealing key). Do not share a store between
//! clients whose ids and secrets come from parties that do not trust each other, such as tenants that enter their
//! own: one tenant could enter the id of another. The same holds for names.
//!
//! A refusal of the credentials is remembered for exactly the id and the secret that were refused
//! ([`TokenSource::credentials_fingerprint`]), here and in the store. A process with a wrong secret stops only itself.
//!
//! # Your own OAuth 2.0 server
//!
//! ```
//! use fintech_auth::{
//!     Error, Scope, Secret,
//!     token::{Fingerprint, IssuedToken, TokenCache, TokenOptions, TokenSource},
//! };
//!
//! struct Server {
//!     client_id: String,
//!     client_secret: Secret,
//! }
//!
//! impl TokenSource for Server {
//!     fn fingerprint(&self) -> Fingerprint {
//!         Fingerprint::of(["https://auth.example", &self.client_id])
//!     }
//!
//!     fn credentials_fingerprint(&self) -> Fingerprint {
//!         Fingerprint::of([&*self.client_id, self.client_secret.expose_secret()])
//!     }
//!
//!     async fn issue(&self, scopes: &[Scope]) -> Result<IssuedToken, Error> {
//!         // Your request to the token endpoint stands here.
//!         let mut token = IssuedToken::new(format!("a token for {} scope(s)", scopes.len()).replace(' ', "-"));
//!         token.expires_in = Some(900.into());
//!         Ok(token)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let server = Server { client_id: "id".into(), client_secret: "secret".into() };
//! let tokens = TokenCache::new(server, TokenOptions::default());
//! let token = tokens.token(&["read".parse()?]).await?;
//! assert_eq!(token.authorization(), "Bearer a-token-for-1-scope(s)");
//! # Ok(())
//! # }
//! ```

mod as_token;
mod cache;
mod fingerprint;
mod id;
mod lifetime;
mod observer;
mod provider;
mod refresh;
mod rejection;
mod scope;
mod scope_set;
mod source;
mod store;
mod syntax;
#[expect(clippy::module_inception, reason = "a token is the first thing here")]
mod token;

pub(crate) use as_token::sealed;
pub use as_token::{AsRefreshToken, AsToken};
pub use cache::{Stats, TokenCache, TokenHandle, TokenOptions};
pub use fingerprint::Fingerprint;
pub use id::TokenId;
pub(crate) use lifetime::audience;
pub use lifetime::{ExpiresIn, ExpiryRule};
pub use observer::TokenEvent;
pub use provider::{StaticTokenProvider, TokenFuture, TokenProvider};
pub(crate) use refresh::Replacement;
pub use rejection::Rejection;
pub use scope::Scope;
pub use scope_set::ScopeSet;
pub use source::{IssuedToken, TokenSource};
#[cfg(feature = "redis")]
pub use store::redis;
pub use store::{
    Block, Claim, Lease, MemoryStore, Notice, Permit, RateLimit, StoreError, StoreFuture, StoreKey,
    StoredToken, TokenStore,
};
pub(crate) use syntax::check_issued;
pub use token::Token;
