//! MoneyKit's webhooks: a JWS under ES256, with a digest of the body among its claims.
//!
//! ```
//! # #[cfg(feature = "sandbox")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fintech_auth::{moneykit::webhook::EventKind, sandbox::Sandbox, webhook::VerifyErrorKind};
//!
//! let sandbox = Sandbox::start().await?;
//! let webhooks = sandbox.moneykit().build()?.webhooks();
//!
//! let sent = sandbox.moneykit_webhook(r#"{"webhook_event":"link.state_changed"}"#).sign()?;
//! let event = webhooks.verify(&sent.headers, &sent.body).await?;
//! assert_eq!(event.kind, EventKind::LinkStateChanged);
//!
//! let other = webhooks.verify(&sent.headers, b"{}").await.unwrap_err();
//! assert_eq!(other.kind(), VerifyErrorKind::BodyMismatch);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sandbox"))]
//! # fn main() {}
//! ```
//!
//! # Security
//!
//! `MoneyKit-Signature` is verified as ES256 and nothing else; what its header says of the algorithm
//! can only agree or be refused (RFC 8725 section 3.1). Then its claims: `iat`, which must be there,
//! `exp` and `nbf` where they are, and `request_body_sha256` of the raw body. What else is verified,
//! what not, and why each limit is what it is: [the module `webhook`](crate::webhook#security).
//!
//! - `MoneyKit-Delivery-Token` and `MoneyKit-Delivery-Attempt` are not signed: they are for logs.
//! - Keys are looked up in the vendor's set alone. `jwk`, `jku`, `x5c` and `x5u` in a JWS header are
//!   never looked at.
//! - A key that the vendor withdrew stops verifying with the next fetch: after an hour, or as soon as
//!   a new key signs. While fetching fails the last set serves, for 24 hours.
//! - For an unknown key id the keys are fetched once for all who wait, then not again for a minute.
//!   What comes meanwhile under an unknown id is answered by 503, as it may be by a new key: the vendor
//!   sends it again, and whoever made it up gains nothing.

mod cache;
mod event;
mod jws;
mod keys;
mod options;
mod verify;

use http::{HeaderMap, HeaderName};

pub(super) use self::cache::KeyCache;
use self::verify::Unverified;
pub use self::{
    event::{Event, EventKind},
    keys::KeySet,
    options::Options,
    verify::verify,
};
use super::Client;
use crate::webhook::{Verified, VerifyError, one};

static SIGNATURE: HeaderName = HeaderName::from_static("moneykit-signature");

/// Verifies MoneyKit's webhooks. Cheap to clone; it shares its keys with the client it comes from.
#[derive(Clone, Debug)]
pub struct Webhooks {
    client: Client,
}

impl Webhooks {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The largest body: as much of a request is worth reading.
    pub fn body_limit(&self) -> usize {
        self.client.webhook_keys().options().body_limit
    }

    /// Verifies one webhook: its headers and its raw body.
    ///
    /// # Errors
    ///
    /// Each rejection has its own [kind](crate::webhook::VerifyErrorKind).
    /// [`KeysUnavailable`](crate::webhook::VerifyErrorKind::KeysUnavailable) where keys are needed and
    /// cannot be fetched; the source is the [`Error`](crate::Error) of that call.
    ///
    /// # Cancellation
    ///
    /// Safe: a fetch that began goes on in a task of its own, and its keys are kept.
    ///
    /// # Security
    ///
    /// The body must be the bytes that came, not JSON that was read and written again.
    pub async fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<Verified<Event>, VerifyError> {
        let cache = self.client.webhook_keys();
        let signature = one(headers, &SIGNATURE, jws::LIMIT)?;
        let unverified = Unverified::new(signature, body, cache.options())?;
        // Fetching keys may take its time, which the vendor did not.
        let now = cache.wall();
        let keys = cache.keys_for(unverified.key_id(), &self.client).await?;
        unverified.verify(&keys, now, cache.options())
    }
}
