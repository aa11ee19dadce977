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
//! # A service whose tokens can be replaced
//!
//! Let your service take a [`TokenProvider`](crate::token::TokenProvider). In production it is one of the clients, or a
//! [`TokenHandle`](crate::token::TokenHandle); in tests it is whatever the test needs.
//!
//! ```
//! use std::sync::Arc;
//!
//! use fintech_auth::{Error, Scope, token::TokenProvider};
//!
//! struct Accounts {
//!     tokens: Arc<dyn TokenProvider>,
//!     scopes: Vec<Scope>,
//! }
//!
//! impl Accounts {
//!     fn new(tokens: Arc<dyn TokenProvider>) -> Result<Self, Error> {
//!         Ok(Self { tokens, scopes: vec!["/accounts.read".parse()?] })
//!     }
//!
//!     /// The request for an account. Without a token there is none.
//!     async fn request(&self, id: &str) -> Result<http::Request<()>, Box<dyn std::error::Error>> {
//!         let token = self.tokens.token(&self.scopes).await?;
//!         let request = http::Request::get(format!("https://api.moov.io/accounts/{id}"));
//!         Ok(request.header(http::header::AUTHORIZATION, token.authorization()).body(())?)
//!     }
//! }
//! # let _ = Accounts::new;
//! ```
//!
//! `examples/user_service` is such a service as a crate, with three files of tests to copy: with a mock, with the
//! emulator, and with wiremock.
//!
//! ## With a static token
//!
//! The fastest test: no server and no port. [`Token::new`](crate::Token::new) makes a token that no server issued.
//!
//! ```
//! # use std::sync::Arc;
//! #
//! # use fintech_auth::{Error, Scope, token::TokenProvider};
//! #
//! # struct Accounts {
//! #     tokens: Arc<dyn TokenProvider>,
//! #     scopes: Vec<Scope>,
//! # }
//! #
//! # impl Accounts {
//! #     fn new(tokens: Arc<dyn TokenProvider>) -> Result<Self, Error> {
//! #         Ok(Self { tokens, scopes: vec!["/accounts.read".parse()?] })
//! #     }
//! #
//! #     /// The request for an account. Without a token there is none.
//! #     async fn request(&self, id: &str) -> Result<http::Request<()>, Box<dyn std::error::Error>> {
//! #         let token = self.tokens.token(&self.scopes).await?;
//! #         let request = http::Request::get(format!("https://api.moov.io/accounts/{id}"));
//! #         Ok(request.header(http::header::AUTHORIZATION, token.authorization()).body(())?)
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use fintech_auth::{Token, token::StaticTokenProvider};
//!
//! let token = Token::new("test-token", Duration::from_secs(60))?;
//! let accounts = Accounts::new(Arc::new(StaticTokenProvider::new(token)))?;
//!
//! let request = accounts.request("an-id").await?;
//! assert_eq!(request.headers()["authorization"], "Bearer test-token");
//! # Ok(())
//! # }
//! ```
//!
//! ## With an error
//!
//! [`Error::new`](crate::Error::new) makes any error that a client returns, with
//! [`with_retry_after`](crate::Error::with_retry_after) and [`with_status`](crate::Error::with_status) where your service
//! looks at those.
//!
//! ```
//! # use std::sync::Arc;
//! #
//! # use fintech_auth::{Error, Scope, token::TokenProvider};
//! #
//! # struct Accounts {
//! #     tokens: Arc<dyn TokenProvider>,
//! #     scopes: Vec<Scope>,
//! # }
//! #
//! # impl Accounts {
//! #     fn new(tokens: Arc<dyn TokenProvider>) -> Result<Self, Error> {
//! #         Ok(Self { tokens, scopes: vec!["/accounts.read".parse()?] })
//! #     }
//! #
//! #     /// The request for an account. Without a token there is none.
//! #     async fn request(&self, id: &str) -> Result<http::Request<()>, Box<dyn std::error::Error>> {
//! #         let token = self.tokens.token(&self.scopes).await?;
//! #         let request = http::Request::get(format!("https://api.moov.io/accounts/{id}"));
//! #         Ok(request.header(http::header::AUTHORIZATION, token.authorization()).body(())?)
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use fintech_auth::{ErrorKind, token::StaticTokenProvider};
//!
//! let limited = Error::new(ErrorKind::RateLimited, "too many token calls");
//! let limited = limited.with_retry_after(Duration::from_secs(60));
//! let accounts = Accounts::new(Arc::new(StaticTokenProvider::failing(limited)))?;
//!
//! let error = accounts.request("an-id").await.unwrap_err();
//! let error = error.downcast::<Error>()?;
//! assert_eq!(error.kind(), ErrorKind::RateLimited);
//! assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
//! # Ok(())
//! # }
//! ```
//!
//! ## With the emulator
//!
//! The test has the real client, so caching, expiry and renewal are those of production. It finds what the other two
//! cannot: one token call too many, a token kept for too long.
//!
//! ```
//! # use std::sync::Arc;
//! #
//! # use fintech_auth::{Error, Scope, token::TokenProvider};
//! #
//! # struct Accounts {
//! #     tokens: Arc<dyn TokenProvider>,
//! #     scopes: Vec<Scope>,
//! # }
//! #
//! # impl Accounts {
//! #     fn new(tokens: Arc<dyn TokenProvider>) -> Result<Self, Error> {
//! #         Ok(Self { tokens, scopes: vec!["/accounts.read".parse()?] })
//! #     }
//! #
//! #     /// The request for an account. Without a token there is none.
//! #     async fn request(&self, id: &str) -> Result<http::Request<()>, Box<dyn std::error::Error>> {
//! #         let token = self.tokens.token(&self.scopes).await?;
//! #         let request = http::Request::get(format!("https://api.moov.io/accounts/{id}"));
//! #         Ok(request.header(http::header::AUTHORIZATION, token.authorization()).body(())?)
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::emulator::{Emulator, Operation};
//!
//! let emulator = Emulator::start().await?;
//! let accounts = Accounts::new(Arc::new(emulator.moov().build()?))?;
//!
//! let request = accounts.request("an-id").await?;
//! let token = request.headers()["authorization"].to_str()?.trim_start_matches("Bearer ");
//! assert!(emulator.is_live(token));
//!
//! accounts.request("another-id").await?;
//! assert_eq!(emulator.count(Operation::MoovToken), 1);
//! # Ok(())
//! # }
//! ```
//!
//! ## Webhooks
//!
//! A handler takes a verified webhook. Tests make one with [`Verified::new`](crate::webhook::Verified::new) (MoneyKit),
//! [`UnsignedBody::new`](crate::webhook::UnsignedBody::new) (Moov) or
//! [`Event::new`](crate::moneykit::webhook::Event::new). To test the verification as well, let the emulator sign one
//! (see [below](#what-the-vendor-does-unasked)).
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
//!     moov.with_tokens(|tokens| tokens.with_retry(|_| RetryPolicy::never())).build()
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
//! fintech-auth emulator --seed my-project # the same webhook keys after each restart
//! ```
//!
//! ## Its page
//!
//! Open the address that it prints, `http://127.0.0.1:4848/`. The page shows requests, issued tokens and webhooks as
//! they come, with the reason for each refusal, and the newest 200 of each. It has four buttons: send a webhook to
//! your handler, order a fault, rotate the key that signs webhooks, move the clock.
//!
//! Other pages in the same browser cannot use it: requests must name a known host and come from the page itself. It
//! sends webhooks to this machine alone, and to hosts that are listed by `--webhook-host`.
//!
//! ## In containers
//!
//! ```sh
//! fintech-auth emulator --host 0.0.0.0 --allow-remote --webhook-host app
//! ```
//!
//! Then all that reach the port can use both services with the emulator's own credentials, in clear text: never give
//! it those of a live service. The page's data and buttons need the key in the address that is printed at the start.
//! Only addresses and `localhost` open the page; a name needs `--page-host`. `GET /healthz` says that the process
//! serves requests, and nothing else, so it needs no key; `fintech-auth health` asks it. SIGTERM ends the emulator
//! once the requests in flight have been answered, after 5 s at most. Nothing is written to a disk: after a restart
//! tokens are unknown, and the keys of `--seed` are as before. Whoever knows the seed has these keys, so they are
//! for tests alone.
//!
//! The repository has a `Dockerfile`, and in `examples/compose` a service in Python beside the emulator. The image could
//! not be built where they were written; tests run their commands without containers.
//!
#![doc = links!()]
