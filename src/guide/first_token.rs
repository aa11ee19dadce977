//! First token: a client, a token, a request, a failure.
//!
//! # 1. A client
//!
//! Make one for each vendor and set of credentials, when your program starts, and keep it: it holds the
//! connections and the tokens. It is cheap to clone, and clones share both.
//!
//! ```no_run
//! use fintech_auth::{Error, moneykit, moov};
//!
//! fn clients() -> Result<(moneykit::Client, moov::Client), Error> {
//!     // MONEYKIT_CLIENT_ID, and MONEYKIT_CLIENT_SECRET or MONEYKIT_CLIENT_SECRET_FILE
//!     let moneykit = moneykit::ClientBuilder::from_env()?.build()?;
//!     // MOOV_CLIENT_ID, and MOOV_CLIENT_SECRET or MOOV_CLIENT_SECRET_FILE
//!     let moov = moov::ClientBuilder::from_env()?.build()?;
//!     Ok((moneykit, moov))
//! }
//! ```
//!
//! `build` sends nothing; it only checks the options. From a file of any format take
//! [`moneykit::Config`](crate::moneykit::Config) and [`moov::Config`](crate::moov::Config); from code,
//! [`Client::builder`](crate::moov::Client::builder).
//!
//! The environment also says how the network is: `MOOV_TIMEOUT`, `MOOV_PROXY`, `MOOV_ROOT_CERTIFICATE_FILE` for a gateway
//! with a certificate authority of your own, `MOOV_CLIENT_IDENTITY_FILE` for mutual TLS, `MOOV_ALLOW_HTTP` for the name of a
//! container. What you change in code leaves the rest as it is configured:
//!
//! ```
//! use std::time::Duration;
//!
//! use fintech_auth::{Error, moov};
//!
//! fn client(config: &moov::Config) -> Result<moov::Client, Error> {
//!     let builder = config.builder()?;
//!     builder.with_http(|http| http.with_connect_timeout(Duration::from_secs(2))).build()
//! }
//! ```
//!
//! No credentials yet? Add the feature `emulator` and take the client of the [`Emulator`], as all examples
//! here do.
//!
//! # 2. A token
//!
//! Ask each time you need one, and do not keep it yourself. That costs nothing while a token is fresh, and is
//! what makes renewal work.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{moov, emulator::{Operation, Emulator}};
//!
//! let emulator = Emulator::start().await?;
//! let client = emulator.moov().build()?; // yours: moov::ClientBuilder::from_env()?.build()?
//!
//! let scopes = [moov::NamedScope::AccountsRead.into()];
//! let token = client.token(&scopes).await?;
//! let again = client.token(&scopes).await?; // from memory
//! assert_eq!(token.expose_secret(), again.expose_secret());
//! assert_eq!(emulator.count(Operation::MoovToken), 1);
//!
//! // Nothing shows it by accident.
//! assert_eq!(format!("{:?}", token.authorization()), "Sensitive");
//! # Ok(())
//! # }
//! ```
//!
//! MoneyKit takes an empty list of scopes for all that the application may do; Moov wants one at least.
//! [`Client::default_token`](crate::moov::Client::default_token) is for the scopes that the builder was given,
//! and the fastest way to a token.
//!
//! # 3. A request
//!
//! With a client of your own, add [`Token::authorization`](crate::Token::authorization) as the `Authorization`
//! header. Better, let [`authorize`](crate::authorize) add it: it also renews a token that the vendor says has expired,
//! repeats the request once, and sends no token to another origin.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::emulator::Emulator;
//! # let emulator = Emulator::start().await?;
//! use fintech_auth::HttpOptions;
//!
//! let bearer = emulator.moneykit().build()?.bearer(&[])?;
//! let http = HttpOptions::default().to_reqwest(emulator.url())?; // or one of your own
//!
//! let request = http.get(format!("{}/auth/introspect", emulator.url())).build()?;
//! let response = bearer.send(&http, request).await?; // fails if there is no token; sends nothing then
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! # 4. A failure
//!
//! The [kind](crate::ErrorKind) of an error is what to do next; [Troubleshooting](super::troubleshooting) goes
//! through them. Calls that may safely be repeated have been, by the [`RetryPolicy`](crate::RetryPolicy), so do
//! not wrap a loop around them.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::emulator::Emulator;
//! # let emulator = Emulator::start().await?;
//! use fintech_auth::{Credentials, ErrorKind, moneykit};
//!
//! let wrong = Credentials::new("sandbox_0123", "not the secret");
//! let client = moneykit::Client::builder(wrong).with_base_url(emulator.url()).build()?;
//!
//! let error = client.token(&[]).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Unauthorized);
//! assert!(!error.is_transient());
//! assert_eq!(error.code(), Some("api_error.auth.unauthorized"));
//! println!("{error}"); // one line, without a secret: fit for a log
//! # Ok(())
//! # }
//! ```
//!
//! # Without async
//!
//! The feature `blocking` has the same clients: [`blocking`].
//!
#![doc = links!()]
