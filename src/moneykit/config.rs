//! MoneyKit's settings, from a file or from the environment.

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
/// The vendor's samples set the base URL with the variable `MONEYKIT_URL`, but this crate uses
/// `MONEYKIT_BASE_URL`. If `MONEYKIT_URL` is set and `MONEYKIT_BASE_URL` is not set, reading the
/// environment fails.
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
    /// The maximum difference between the time in a webhook and the current time, in both
    /// directions.
    pub webhook_tolerance: Duration,
}
}

impl Config {
    /// Returns a builder for a client that only verifies webhooks
    /// ([`ClientBuilder::for_webhooks`]). The secret is not read.
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
