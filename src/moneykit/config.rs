//! MoneyKit's settings by name, from a file of any format or from the environment.
//!
//! Each setting sets one option of the builder.

use std::time::Duration;

use super::{Client, ClientAuth, ClientBuilder};
use crate::{
    Error,
    client::config::{set, settings, words},
    webhook::Tolerance,
};

words!(ClientAuth: "basic" => Self::Basic, "body" => Self::Body, "headers" => Self::Headers);

settings! {
"MONEYKIT" "`basic`, `body` or `headers`" &[], &[
    ("SECRET_KEY", "client_secret"),
];
/// `MONEYKIT_URL`, which the vendor's samples use for the base URL, is never read. If it is set and
/// `MONEYKIT_BASE_URL` is not, reading the environment fails.
///
/// # Example
///
/// ```
/// use fintech_auth::moneykit;
///
/// let config: moneykit::Config = serde_json::from_str(
///     r#"{
///         "client_id": "id",
///         "client_secret": "secret",
///         "scopes": ["link_session:create"],
///         "timeout": "5s"
///     }"#,
/// )?;
/// let client = config.client()?;
///
/// let typo = r#"{"client_secrte": "secret"}"#;
/// let error = serde_json::from_str::<moneykit::Config>(typo).unwrap_err().to_string();
/// assert!(error.starts_with("unknown key `client_secrte`; did you mean `client_secret`?"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Config {
    /// How far the time in a webhook may be from the current time, in the past or in the future.
    pub webhook_tolerance: Duration,
}
}

impl Config {
    /// Returns a builder without the secret, which is not read: see
    /// [`ClientBuilder::for_webhooks`].
    ///
    /// # Errors
    ///
    /// Fails with the same errors as [`http_options`](Self::http_options).
    pub fn builder_for_webhooks(&self) -> Result<ClientBuilder, Error> {
        self.apply(ClientBuilder::for_webhooks(self.client_id.as_deref()))
    }

    fn own(&self, builder: ClientBuilder) -> ClientBuilder {
        set(builder, self.webhook_tolerance, |builder, span| {
            builder.with_webhooks(|options| options.with_tolerance(Tolerance::new(span)))
        })
    }
}
