//! Browser tokens: what a page with Moov.js may have.
//!
//! A page cannot keep a secret, so your backend asks for a token and hands the page that token alone. Give it as
//! little as it needs, for as short as it can be.
//!
//! # A client for pages
//!
//! Moov issues tokens for browsers by the page's origin, which must be one of the domains allowed for the API key in its
//! dashboard. The documentation says that another one is refused with 403; the live service issues a token that does not work. [`with_origin`](crate::moov::ClientBuilder::with_origin) sends it and makes the tokens of type
//! `web`; a client without one gets tokens for a service. So make two clients: one for pages, one for the backend.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{Error, Token, moov::{self, AccountScope}, emulator::Emulator};
//! use http::{Response, header};
//! use uuid::Uuid;
//!
//! /// For a page on which somebody adds a bank account to his own account, after your login.
//! async fn for_page(pages: &moov::Client, account: Uuid) -> Result<Token, Error> {
//!     let scopes = [AccountScope::BankAccountsWrite.of(account).into()];
//!     let issued = pages.issue(&scopes).await?;
//!     Ok(issued.into_token()) // the refresh token, if there is one, stays on the server
//! }
//!
//! /// What your endpoint returns. From here on the token is text that anything may log: make it last.
//! fn response(token: &Token) -> http::Result<Response<String>> {
//!     Response::builder()
//!         .header(header::CACHE_CONTROL, "no-store")
//!         .header(header::CONTENT_TYPE, "application/json")
//!         .body(serde_json::json!({ "token": token.expose_secret() }).to_string())
//! }
//!
//! let emulator = Emulator::start().await?;
//! // Yours: https://pay.your-domain.com
//! let pages = emulator.moov().with_origin(emulator.origin()).build()?;
//! let token = for_page(&pages, Uuid::from_u128(1)).await?;
//! let sent = response(&token)?;
//! assert_eq!(sent.headers()[header::CACHE_CONTROL], "no-store");
//! assert!(sent.body().contains(token.expose_secret()) && emulator.is_live(token.expose_secret()));
//!
//! let elsewhere = emulator.moov().with_origin("https://elsewhere.example").build()?;
//! // Moov issues a token for any origin, but one that is not allowed is missing from its audience, and requests with
//! // that token get a 401. This client logs a warning.
//! assert!(for_page(&elsewhere, Uuid::from_u128(1)).await.is_ok());
//! let token = elsewhere.token(&["/accounts.read".parse()?]).await?;
//! assert_eq!(token.audience(), Some(vec![]));
//! # Ok(())
//! # }
//! ```
//!
//! The origin is a scheme and a host, without a path: `https://pay.your-domain.com`. From the environment it is
//! `MOOV_ORIGIN`; `fintech-auth doctor` tells whether it is allowed. Requests with the token need the same `Origin`.
//!
//! # Why not the cached token
//!
//! [`Client::issue`](crate::moov::Client::issue) does not cache the token, and for a page that is right:
//!
//! - Each page gets its own, so that one can be revoked without the others.
//! - It has its whole life before it. One from memory may have seconds left.
//!
//! It counts against the same limits: 40 token calls a second, shared with all else that this client asks for. So do
//! not ask on every page view, but when the page is about to need it, and behind your own login.
//!
//! # When the page is done
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::{moov::{self, AccountScope}, emulator::Emulator};
//! # let emulator = Emulator::start().await?;
//! # let pages = emulator.moov().with_origin(emulator.origin()).build()?;
//! # let scope = AccountScope::BankAccountsWrite.of(uuid::Uuid::from_u128(1)).into();
//! let token = pages.issue(&[scope]).await?.into_token();
//! pages.revoke(&token, Some(moov::TokenTypeHint::AccessToken)).await?;
//! assert!(!emulator.is_live(token.expose_secret()));
//! # Ok(())
//! # }
//! ```
//!
//! # Security
//!
//! **Never hand out**: the client secret; a refresh token, with which anybody can go on for as long as it lives; a
//! token for scopes without an account in them, such as `/accounts.write`; a token for the account of somebody else than
//! who is logged in; `issued-cards.read-secure`, unless you fall under PCI DSS and mean to.
//!
//! Send the token in the body of a response over TLS with `Cache-Control: no-store`; not in a URL, a cookie or a page that
//! a cache may keep. Whoever has it can use it until it ends: outside of a browser, anyone can send any `Origin`.
//!
//! # Sources
//!
//! The origin: Moov's documentation of the token endpoint (no OpenAPI document states it). The types of clients: its SDKs,
//! generated from v2026.07.00. Scopes: its documentation of them.
