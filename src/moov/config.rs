//! Moov's settings, from a file or from the environment.

use std::{path::PathBuf, time::Duration};

use super::{Client, ClientAuth, ClientBuilder, ClientType, Encoding, webhook::WebhookVerifier};
use crate::{
    Error, ErrorKind, Secret,
    client::config::{secret, set, settings, words},
    webhook::Tolerance,
};

words!(ClientAuth: "basic" => Self::Basic, "body" => Self::Body);
words!(ClientType: "web" => Self::Web, "device" => Self::Device, "service" => Self::Service);
words!(Encoding: "form" => Self::Form, "json" => Self::Json);

settings! {
"MOOV" "`basic` or `body`" &[("PUBLIC_KEY", "SECRET_KEY"), ("USERNAME", "PASSWORD")], &[
    ("DOMAIN", "origin"),
    ("ALLOWED_ORIGIN", "origin"),
    ("ORIGIN_URL", "origin"),
];
/// Other clients use `MOOV_HOST`, `MOOV_DOMAIN` and similar variables for the base URL and the
/// origin, but this crate does not use their values. If such a variable is set, but the matching
/// variable of this crate is not set, reading the environment fails.
///
/// If neither the client id nor the client secret is set, the variables of the vendor's own clients
/// are read: `MOOV_PUBLIC_KEY` and `MOOV_SECRET_KEY`, or `MOOV_USERNAME` and `MOOV_PASSWORD`.
///
/// # Example
///
/// ```
/// use fintech_auth::moov;
///
/// let config: moov::Config = serde_json::from_str(
///     r#"{
///         "client_id": "id",
///         "client_secret": "secret",
///         "scopes": ["/accounts.read"],
///         "timeout": "5s"
///     }"#,
/// )?;
/// let client = config.client()?;
///
/// let typo = r#"{"client_secrte": "secret"}"#;
/// let error = serde_json::from_str::<moov::Config>(typo).unwrap_err().to_string();
/// assert!(error.starts_with("unknown key `client_secrte`; did you mean `client_secret`?"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Config {
    /// The origin of the web page that will use the tokens. See [`ClientBuilder::with_origin`].
    pub origin: String,
    /// The origin in a `Referer` header. See [`ClientBuilder::with_referer`].
    pub referer: String,
    /// The type of client that will use the tokens: `web`, `device` or `service`. See
    /// [`ClientBuilder::with_client_type`].
    pub client_type: ClientType,
    /// The encoding of request bodies: `form` or `json`.
    pub encoding: Encoding,
    /// The maximum difference between the time in a webhook and the current time, in both
    /// directions.
    pub webhook_tolerance: Duration,
    /// The secret that signs webhooks, from the vendor's dashboard.
    pub webhook_secret: Secret,
    /// The path of a file with the secret that signs webhooks.
    pub webhook_secret_file: PathBuf,
    /// The previous webhook secret, which is also accepted during a rotation.
    pub previous_webhook_secret: Secret,
    /// The path of a file with the previous webhook secret.
    pub previous_webhook_secret_file: PathBuf,
}
}

impl Config {
    fn own(&self, builder: ClientBuilder) -> ClientBuilder {
        let builder = set(builder, self.origin.as_ref(), ClientBuilder::with_origin);
        let builder = set(builder, self.referer.as_ref(), ClientBuilder::with_referer);
        let builder = set(builder, self.client_type, ClientBuilder::with_client_type);
        set(builder, self.encoding, ClientBuilder::with_encoding)
    }

    /// Creates a webhook verifier with the current secret, and with the previous secret if it is
    /// set.
    ///
    /// This method reads the files that contain the secrets.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) if no secret is
    /// set. If a secret cannot be read, fails with the errors of [`Config::builder`].
    pub fn webhooks(&self) -> Result<WebhookVerifier, Error> {
        let current = self.current_webhook_secret()?;
        let previous = secret(
            "previous_webhook_secret",
            self.previous_webhook_secret.as_ref(),
            self.previous_webhook_secret_file.as_deref(),
        )?;
        let webhooks = WebhookVerifier::new(std::iter::once(current).chain(previous))?;
        Ok(match self.webhook_tolerance {
            Some(span) => webhooks.with_tolerance(Tolerance::new(span)),
            None => webhooks,
        })
    }

    /// Returns the secret that signs webhooks, so that a test can sign a webhook.
    ///
    /// If the setting names a file, this method reads the file.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) if no secret is
    /// set. If the secret cannot be read, fails with the errors of [`Config::builder`].
    pub fn current_webhook_secret(&self) -> Result<Secret, Error> {
        let current =
            secret("webhook_secret", self.webhook_secret.as_ref(), self.webhook_secret_file.as_deref())?;
        current.ok_or_else(|| {
            let name = format!("{}_WEBHOOK_SECRET", self.prefix());
            let reason = format!(
                "no `webhook_secret` or `webhook_secret_file` is set; the environment variable is {name} \
                 or, for a file, {name}_FILE"
            );
            Error::new(ErrorKind::InvalidConfig, reason)
        })
    }
}
