//! Both services, MoneyKit and Moov, in this process on one port, by default of loopback: for tests and demos.
//!
//! A client cannot tell it from the real services by what the contract promises, and can be shown
//! on order what those only do on a bad day. It connects to nothing but the handlers that you name, and never does what a
//! production server must: no TLS, no rate limits, no bound on how many tokens it remembers.
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
//! // The next token call is refused, all later ones are served.
//! let refusal = Fault::response(StatusCode::BAD_REQUEST);
//! emulator.fault(Operation::MoneykitToken, refusal);
//! let error = client.create_access_token(&[]).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::InvalidRequest);
//! let token = client.create_access_token(&[]).await?;
//! assert_eq!(emulator.count(Operation::MoneykitToken), 2);
//!
//! // Time stands still until a test moves it.
//! emulator.clock().advance(Duration::from_secs(3600));
//! assert!(client.introspect(&token.access_token).await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # What is real
//!
//! - Client authentication in every way that the services take, Moov's check of the `Origin`, scopes,
//!   expiry, rotation of refresh tokens, revocation, introspection, and a key set with an ES256 key
//!   made at the start. Where Moov's live service differs from its documents, the live service is the default:
//!   see [`Behaviour`].
//! - One endpoint of the rest of Moov's API, `GET /accounts`, which responds with an empty list to a token with the scope
//!   `/accounts.read` or to the key pair, and otherwise a 401 or 403 as the live service does: without a body.
//! - Webhooks of both, signed with these keys ([`Emulator::moneykit_webhook`],
//!   [`Emulator::moov_webhook`]), and forged ones. [`WebhookSender`] sends them to a handler, and again as the
//!   vendors do until the handler accepts them.
//! - Statuses, headers and bodies. Bodies are built from the types generated from the contract, and
//!   requests are read into them.
//! - The wire: HTTP/1.1 over TCP. A reset is a reset, a truncated response is shorter than its
//!   `Content-Length` says.
//!
//! # What is not
//!
//! - There is one client to a service, and it may have any well-formed scope.
//! - A spent Moov refresh token that comes again ends all tokens of its grant (RFC 9700 section
//!   4.14.2), and a refresh token lives 30 days. What the real service does here is not documented.
//! - Other parts of the two APIs: an unknown path is a 404.

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

/// Both services, for as long as it lives. Dropping it closes the port and every connection.
pub struct Emulator {
    url: String,
    services: Arc<server::Services>,
    server: AbortHandle,
    /// Becomes true once; the server and its connections have the receivers.
    stopping: watch::Sender<bool>,
}

impl Emulator {
    /// Starts both services on a free port, with the defaults of [`Builder`].
    ///
    /// # Errors
    ///
    /// If no port can be had, or the system gives no randomness.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with its IO driver enabled, as all of tokio's networking.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts with other settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The base URL of both services, without a slash at its end. It has a loopback address if the emulator listens on
    /// all addresses.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A MoneyKit client with the address and the credentials filled in.
    pub fn moneykit(&self) -> crate::moneykit::ClientBuilder {
        crate::moneykit::Client::builder(self.moneykit_credentials().clone()).with_base_url(&self.url)
    }

    /// A Moov client with the address and the credentials filled in.
    pub fn moov(&self) -> crate::moov::ClientBuilder {
        crate::moov::Client::builder(self.moov_credentials().clone()).with_base_url(&self.url)
    }

    /// The client id and secret that MoneyKit knows.
    pub fn moneykit_credentials(&self) -> &Credentials {
        &self.services.moneykit.client.0
    }

    /// The client id and secret that Moov knows.
    pub fn moov_credentials(&self) -> &Credentials {
        &self.services.moov.client.0
    }

    /// The one `Origin` that Moov allows for tokens of type `web`, unless
    /// [`Builder::with_origin_check`] allows all.
    pub fn origin(&self) -> &str {
        &self.services.moov.origin
    }

    /// Moves the time that the services live in. Under [`Builder::with_system_clock`] its own
    /// reading means nothing, and what it is advanced by is added to the system's time.
    pub fn clock(&self) -> &ManualClock {
        self.services.time.clock()
    }

    /// Orders a fault for the next request of an operation. Faults ordered earlier come first.
    pub fn fault(&self, operation: Operation, fault: Fault) {
        self.fault_times(operation, fault, 1);
    }

    /// Orders a fault for the next `times` requests of an operation.
    pub fn fault_times(&self, operation: Operation, fault: Fault, times: usize) {
        self.services.faults.order(operation, fault, times);
    }

    /// The faults that have not come yet, for each operation in the order in which they will come.
    pub fn pending_faults(&self) -> Vec<PendingFault> {
        self.services.faults.pending()
    }

    /// Cancels all faults that have not come yet.
    pub fn clear_faults(&self) {
        self.services.faults.clear();
    }

    /// The newest requests, at most 10,000, in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        self.services.log.requests()
    }

    /// How many requests of an operation have come, those met by a fault included.
    pub fn count(&self, operation: Operation) -> usize {
        self.services.log.count(operation)
    }

    /// Forgets all requests and sets the counts to zero.
    pub fn clear_requests(&self) {
        self.services.log.clear();
    }

    /// Whether a service would accept this access or refresh token now.
    pub fn is_live(&self, token: &str) -> bool {
        let now = self.services.time.now();
        self.services.moneykit.issued().is_live(token, now) || self.services.moov.issued().is_live(token, now)
    }

    /// How many access tokens both services have issued.
    pub fn issued(&self) -> usize {
        self.services.moneykit.issued().access_tokens() + self.services.moov.issued().access_tokens()
    }

    /// How often a Moov refresh token came again after it had been spent. A client should keep this
    /// at zero: each time costs all tokens of the grant.
    pub fn double_spends(&self) -> usize {
        self.services.moov.issued().double_spends()
    }

    /// Revokes a token as the vendor might, unasked. An unknown one is passed over.
    pub fn revoke(&self, token: &str) {
        self.services.moneykit.issued().revoke(token);
        self.services.moov.issued().revoke(token);
    }

    /// Revokes all tokens of both services.
    pub fn revoke_all(&self) {
        self.services.moneykit.issued().revoke_all();
        self.services.moov.issued().revoke_all();
    }

    /// Stops: accepts no more connections, waits at most this long until the requests in flight have been answered, and
    /// then closes every connection. Dropping the emulator closes them at once.
    ///
    /// # Cancellation
    ///
    /// No new connection is accepted any more. The next call waits again.
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
