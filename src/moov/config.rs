//! Moov's settings by name, from a file of any format or from the environment.
//!
//! It decides nothing that the builder does not: each setting is an option of it.

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
/// `MOOV_HOST`, `MOOV_DOMAIN` and the like, as other clients call the base URL and the origin, are never read: where
/// ours is not set, they are an error. Where neither id nor secret is set so, the pair of names of the vendor's Go
/// client is taken, `MOOV_PUBLIC_KEY` and `MOOV_SECRET_KEY`, or that of its other clients, `MOOV_USERNAME` and
/// `MOOV_PASSWORD`.
///
/// # Example
///
/// ```
/// use fintech_auth::moov;
///
/// let config: moov::Config = serde_json::from_str(
///     r#"{"client_id": "id", "client_secret": "secret", "scopes": ["/accounts.read"], "timeout": "5s"}"#,
/// )?;
/// let client = config.client()?;
///
/// let typo = serde_json::from_str::<moov::Config>(r#"{"client_secrte": "secret"}"#).unwrap_err();
/// assert!(typo.to_string().starts_with("unknown key `client_secrte`; did you mean `client_secret`?"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Config {
    /// [`ClientBuilder::with_origin`].
    pub origin: String,
    /// [`ClientBuilder::with_referer`].
    pub referer: String,
    /// Who will use the tokens: `web`, `device` or `service`. See [`ClientBuilder::with_client_type`].
    pub client_type: ClientType,
    /// How request bodies are written: `form` or `json`.
    pub encoding: Encoding,
    /// How far the time in a webhook may be from now, to either side.
    pub webhook_tolerance: Duration,
    /// The secret that signs webhooks, from the dashboard.
    pub webhook_secret: Secret,
    /// A file with that secret in it, as for the client's.
    pub webhook_secret_file: PathBuf,
    /// The secret before it, while a rotation lasts.
    pub previous_webhook_secret: Secret,
    /// A file with the previous one.
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

    /// A verifier of webhooks by the secret, and by the previous one while there is one. Files are read here.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) without a secret, and as
    /// [`Config::builder`] for each.
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

    /// The secret that signs webhooks, from the setting or its file, which is read here: to sign one for a test.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) without a secret, and as
    /// [`Config::builder`].
    pub fn current_webhook_secret(&self) -> Result<Secret, Error> {
        let current =
            secret("webhook_secret", self.webhook_secret.as_ref(), self.webhook_secret_file.as_deref())?;
        current.ok_or_else(|| {
            let name = format!("{}_WEBHOOK_SECRET", self.prefix());
            let reason = format!(
                "no `webhook_secret` or `webhook_secret_file` is set; from the environment it is read from {name} \
                 or, as a file, {name}_FILE"
            );
            Error::new(ErrorKind::InvalidConfig, reason)
        })
    }
}
