//! Emulates both services, MoneyKit and Moov, in this process and on one port, for tests and demos.
//!
//! The emulator follows the API schemas of the real services, and can produce rare failures on
//! demand. By default, the emulator listens on a loopback address. The emulator connects only to
//! the webhook handlers that you name. The emulator is not a production server: it has no TLS, no
//! rate limits, and no limit on the number of stored tokens.
//!
//! ```
//! use std::time::Duration;
//!
//! use fintech_auth::{ErrorKind, emulator::{Fault, Operation, Emulator}};
//! use http::StatusCode;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::start().await?;
//! let client = emulator.moneykit().build()?;
//!
//! // The next token call fails, and all later calls succeed.
//! let refusal = Fault::response(StatusCode::BAD_REQUEST);
//! emulator.fault(Operation::MoneykitToken, refusal);
//! let error = client.create_access_token(&[]).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::InvalidRequest);
//! let token = client.create_access_token(&[]).await?;
//! assert_eq!(emulator.count(Operation::MoneykitToken), 2);
//!
//! // The clock stands still until a test advances it.
//! emulator.clock().advance(Duration::from_secs(3600));
//! assert!(client.introspect(&token.access_token).await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # What is emulated
//!
//! - The emulator supports each way in which the real services authenticate a client. It also
//!   supports scopes, expiry, revocation, introspection, the rotation of refresh tokens, and Moov's
//!   check of the `Origin`.
//! - MoneyKit's key set contains an ES256 key that is generated when the emulator starts.
//! - If Moov's live service differs from its documentation, the emulator behaves like the live
//!   service by default: see [`Behaviour`].
//! - Moov's `GET /accounts` is emulated, so that a test can use a token. The response is an empty
//!   list if the request has a token with the scope `/accounts.read`, or the client id and secret.
//!   Otherwise the response is a 401 or 403 without a body, as in the live service.
//! - [`Emulator::moneykit_webhook`] and [`Emulator::moov_webhook`] create webhooks that are signed
//!   with the emulator's keys, and forged webhooks. [`WebhookSender`] sends a webhook to a handler.
//!   With a [`RetrySchedule`], the sender retries until the handler accepts the webhook or the
//!   schedule ends.
//! - The emulator creates bodies from the types that are generated from the API schemas, and parses
//!   requests into these types.
//! - Connections use HTTP/1.1 over TCP. A reset connection ends with a TCP RST, and a truncated
//!   response is shorter than its `Content-Length`.
//!
//! # What is not emulated
//!
//! - Each service has only one client, which is granted any well-formed scope.
//! - Moov does not document how long a refresh token is valid, or what happens if a client sends a
//!   refresh token twice. In the emulator, a refresh token is valid for 30 days. If a client sends
//!   a refresh token twice, the emulator revokes all tokens of the same grant (RFC 9700 section
//!   4.14.2).
//! - Requests for paths that are not emulated get a 404.

mod behaviour;
mod builder;
mod client_auth;
mod delivery;
pub mod delivery_store_contract;
mod fault;
mod fields;
mod issued;
mod jwt;
mod log;
pub mod moneykit;
pub mod moov;
mod operation;
mod random;
mod response;
mod server;
mod signing_key;
pub mod store_contract;
mod time;
mod tokens;
mod webhooks;

use std::{fmt, io, sync::Arc, time::Duration};

use tokio::{sync::watch, task::AbortHandle};

pub use behaviour::{Behaviour, ExpiresInStyle};
pub use builder::Builder;
pub use delivery::{Attempt, Delivery, RetrySchedule, RetrySignature, WebhookSender};
pub use fault::{Fault, PendingFault};
pub use issued::TokenState;
pub use log::Request;
pub use operation::Operation;
pub use tokens::ListedToken;
pub use webhooks::{MoneykitWebhook, MoovWebhook, SignedWebhook};

use crate::{Credentials, clock::ManualClock};

/// A running emulator of both services. Dropping the emulator closes the port and all connections.
pub struct Emulator {
    url: String,
    services: Arc<server::Services>,
    server: AbortHandle,
    /// The server and its connections hold the receivers, so a shutdown waits until the receivers
    /// are dropped.
    stopping: watch::Sender<bool>,
}

impl Emulator {
    /// Starts both services on a free port, with the defaults of [`Builder`].
    ///
    /// # Errors
    ///
    /// Fails if no port is available, or if the operating system's random number generator fails.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime, and in a runtime whose IO driver is not enabled.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Returns a builder, which sets options and then starts the emulator.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the base URL of both services, without a trailing slash.
    ///
    /// The URL contains a loopback address if the emulator listens on all addresses.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns a builder of a MoneyKit client with the emulator's URL and credentials.
    pub fn moneykit(&self) -> crate::moneykit::ClientBuilder {
        crate::moneykit::Client::builder(self.moneykit_credentials().clone()).with_base_url(&self.url)
    }

    /// Returns a builder of a Moov client with the emulator's URL and credentials.
    pub fn moov(&self) -> crate::moov::ClientBuilder {
        crate::moov::Client::builder(self.moov_credentials().clone()).with_base_url(&self.url)
    }

    /// Returns the client id and secret that MoneyKit accepts.
    pub fn moneykit_credentials(&self) -> &Credentials {
        &self.services.moneykit.client.0
    }

    /// Returns the client id and secret that Moov accepts.
    pub fn moov_credentials(&self) -> &Credentials {
        &self.services.moov.client.0
    }

    /// Returns the configured origin. For tokens of type `web`, Moov allows only this `Origin`,
    /// unless [`Builder::with_origin_check`] allows all origins.
    pub fn origin(&self) -> &str {
        &self.services.moov.origin
    }

    /// Returns the clock of the services, so that a test can advance the clock.
    ///
    /// With [`Builder::with_system_clock`], the services use the system time plus the total time by
    /// which you have advanced this clock. To get the time of the services, call [`Emulator::now`].
    pub fn clock(&self) -> &ManualClock {
        self.services.time.clock()
    }

    /// Schedules a fault for the next request of an operation. Faults that were scheduled earlier
    /// for the same operation occur first.
    pub fn fault(&self, operation: Operation, fault: Fault) {
        self.fault_times(operation, fault, 1);
    }

    /// Schedules a fault for the next `times` requests of an operation.
    pub fn fault_times(&self, operation: Operation, fault: Fault, times: usize) {
        self.services.faults.order(operation, fault, times);
    }

    /// Returns the faults that have not occurred yet. The faults of one operation are in the order
    /// in which they will occur.
    pub fn pending_faults(&self) -> Vec<PendingFault> {
        self.services.faults.pending()
    }

    /// Cancels all faults that have not occurred yet.
    pub fn clear_faults(&self) {
        self.services.faults.clear();
    }

    /// Returns the newest requests, at most 10,000, in the order in which they were received.
    pub fn requests(&self) -> Vec<Request> {
        self.services.log.requests()
    }

    /// Returns how many requests of an operation were received, including requests with a fault.
    pub fn count(&self, operation: Operation) -> usize {
        self.services.log.count(operation)
    }

    /// Removes all requests from the log and sets the counts to zero.
    pub fn clear_requests(&self) {
        self.services.log.clear();
    }

    /// Returns whether a service would accept this access or refresh token now.
    pub fn is_live(&self, token: &str) -> bool {
        let now = self.services.time.now();
        self.services.moneykit.issued().is_live(token, now) || self.services.moov.issued().is_live(token, now)
    }

    /// Returns the total number of access tokens that the two services have issued.
    pub fn issued(&self) -> usize {
        self.services.moneykit.issued().access_tokens() + self.services.moov.issued().access_tokens()
    }

    /// Returns how many times clients have sent a Moov refresh token that was already used. A
    /// correct client never sends a refresh token twice, because the service then revokes all
    /// tokens of the grant.
    pub fn double_spends(&self) -> usize {
        self.services.moov.issued().double_spends()
    }

    /// Revokes a token, as the vendor may do at any time. Ignores an unknown token.
    pub fn revoke(&self, token: &str) {
        self.services.moneykit.issued().revoke(token);
        self.services.moov.issued().revoke(token);
    }

    /// Revokes all tokens of both services.
    pub fn revoke_all(&self) {
        self.services.moneykit.issued().revoke_all();
        self.services.moov.issued().revoke_all();
    }

    /// Stops the emulator. The emulator accepts no more connections, waits at most `within` for the
    /// requests in flight, and then closes all connections. Dropping the emulator closes all
    /// connections immediately.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the emulator continues to reject new connections. Call this method
    /// again to continue waiting.
    pub async fn shutdown(&self, within: Duration) {
        self.stopping.send_replace(true);
        _ = tokio::time::timeout(within, self.stopping.closed()).await;
        self.server.abort();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("url", &self.url).finish_non_exhaustive()
    }
}
