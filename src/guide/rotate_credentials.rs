//! Rotate credentials: replace a client secret, a key pair or a webhook secret while the service runs.
//!
//! A client asks a [`CredentialsProvider`](crate::CredentialsProvider) before each call that sends its credentials. The
//! provider can be a file, or your own code. Nothing has to be restarted.
//!
//! # From files
//!
//! `MOOV_CLIENT_SECRET_FILE` (or `client_secret_file` in a file of settings) names a file with the secret, and
//! `MOOV_CREDENTIALS_DIR` a directory with the files `client_id` and `client_secret`, as Kubernetes mounts a secret with
//! these two keys. In code it is [`FileCredentials`](crate::FileCredentials). The files are read again before each call.
//!
//! | what happens | what the client does |
//! | --- | --- |
//! | the file is replaced | sends the new credentials with its next call |
//! | the mounted directory is swapped | reads both files from one directory, never an old id with a new secret |
//! | the file is empty, malformed or missing | logs a warning, goes on with the last credentials |
//! | the vendor refuses the credentials | reads the files again; if they have changed, sends the call once more |
//!
//! # From your own code
//!
//! Implement the trait for a secret manager. This provider keeps the credentials in memory, and gets them again after
//! a refusal:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use fintech_auth::emulator::Emulator;
//! # let emulator = Emulator::start().await?;
//! use std::sync::RwLock;
//!
//! use fintech_auth::{Credentials, CredentialsFuture, CredentialsProvider, Error, moov};
//!
//! #[derive(Debug)]
//! struct Vault {
//!     cached: RwLock<Credentials>, // its `Debug` shows no secret
//! #   credentials: Credentials,
//! }
//!
//! impl Vault {
//!     async fn fetch(&self) -> Result<Credentials, Error> {
//!         // Your request to the secret manager. Its error must not show the secret.
//! #       Ok(self.credentials.clone())
//!     }
//! }
//!
//! impl CredentialsProvider for Vault {
//!     fn credentials(&self) -> CredentialsFuture<'_> {
//!         Box::pin(async { Ok(self.cached.read().expect("no panic").clone()) })
//!     }
//!
//!     fn after_refusal<'a>(&'a self, _: &'a Credentials) -> CredentialsFuture<'a> {
//!         Box::pin(async {
//!             let credentials = self.fetch().await?;
//!             self.cached.write().expect("no panic").clone_from(&credentials);
//!             Ok(credentials)
//!         })
//!     }
//! }
//!
//! # let credentials = emulator.moov_credentials().clone();
//! let cached = RwLock::new(Credentials::new(credentials.client_id(), "the secret of yesterday"));
//! let vault = Vault { cached, credentials };
//! let moov = moov::Client::builder(vault).with_base_url(emulator.url()).build()?; // yours is without the base URL
//! moov.token(&["/accounts.read".parse()?]).await?; // refused, then sent once more
//! # assert_eq!(emulator.count(fintech_auth::emulator::Operation::MoovToken), 2);
//! # Ok(())
//! # }
//! ```
//!
//! A provider that fails, panics or takes longer than 5 s stops nothing that works: the client goes on with the last
//! credentials and asks again after 10 s.
//!
//! # The steps
//!
//! With a vendor that accepts two secrets at a time: make the new one, replace the file, wait until all processes have
//! sent a call, end the old one. With a vendor that ends the old secret at once, calls that are refused in between
//! are sent once more as soon as the new secret is there; refresh tokens too, if the refusal is a 401 or
//! `invalid_client`, because then they were not used up.
//!
//! Tokens that were issued before stay in use until they expire, in memory and in a shared store: stored tokens are
//! found by the client id, not by the secret. If the id changes as well, as with Moov's key pairs, give the client
//! a name that stays, such as `MOOV_CREDENTIALS_NAME=acme-production`. Set it before the rotation, in all processes. See
//! [what a stored token is found by](crate::token#what-a-stored-token-is-found-by), also for what it means for security.
//!
//! If a secret has leaked, revoke the tokens too: the vendor may accept them until they expire.
//!
//! Requests of your own that an [`Authorizer`](crate::authorize::Authorizer) signs with the key pair follow as well:
//! after a 401 the provider is asked, at most once in 5 s, and the request is repeated once with other credentials.
//!
//! # Webhook secrets
//!
//! MoneyKit's webhooks are verified by public keys that the client fetches; there is nothing to do. For Moov, replace
//! the secrets of the verifier that your handlers share:
//!
//! ```
//! # fn main() -> Result<(), fintech_auth::Error> {
//! use fintech_auth::{Secret, moov::webhook::WebhookVerifier};
//!
//! let (old, new) = (Secret::from("old"), Secret::from("new")); // from the vendor's dashboard
//! let webhooks = WebhookVerifier::new([old.clone()])?;
//!
//! webhooks.replace_secrets([old, new.clone()])?; // as soon as the dashboard shows the new one
//! webhooks.replace_secrets([new])?; // a day later, after the last retry of what the old one signed
//! # Ok(())
//! # }
//! ```
