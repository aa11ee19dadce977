//! MoneyKit's settings by name, from a file of any format or from the environment.
//!
//! It decides nothing that the builder does not: each setting is an option of it.

use std::{path::PathBuf, time::Duration};

use super::{Client, ClientAuth, ClientBuilder};
use crate::{
    Credentials, Error, HttpOptions, Scope, Secret,
    client::config::{Lifecycle, http_options, secret, settings, words},
    webhook::Tolerance,
};

words!(ClientAuth: "basic" => Self::Basic, "body" => Self::Body, "headers" => Self::Headers);

settings! {
"MONEYKIT" &[], &[
    ("URL", "base_url"),
    ("API_URL", "base_url"),
    ("API_BASE_URL", "base_url"),
    ("HOST", "base_url"),
    ("API_HOST", "base_url"),
    ("SERVER_URL", "base_url"),
    ("ENDPOINT", "base_url"),
    ("API_VERSION", "version"),
    ("API_KEY", "client_id"),
    ("API_SECRET", "client_secret"),
    ("SECRET", "client_secret"),
    ("SECRET_KEY", "client_secret"),
];
/// Settings of a [`Client`] by name, from any self-describing format of serde (JSON, TOML, YAML, …) or from
/// the environment.
///
/// A setting that is missing, `null` or an empty variable is left at the builder's default. An unknown key is
/// refused with the nearest known one, a value of the wrong kind without being shown. In the environment a key is
/// in upper case after `MONEYKIT_`, such as `MONEYKIT_CLIENT_SECRET_FILE`. Other variables with this prefix are
/// ignored, unless they resemble a key: see [`Config::from_env`]. `MONEYKIT_URL`, as the vendor's samples call the
/// base URL, is never read: where `MONEYKIT_BASE_URL` is not set, it is an error.
///
/// ```
/// use fintech_auth::moneykit;
///
/// let config: moneykit::Config = serde_json::from_str(
///     r#"{"client_id": "id", "client_secret": "secret", "scopes": ["link_session:create"], "timeout": "5s"}"#,
/// )?;
/// let client = config.client()?;
///
/// let typo = serde_json::from_str::<moneykit::Config>(r#"{"client_secrte": "secret"}"#).unwrap_err();
/// assert!(typo.to_string().starts_with("unknown key `client_secrte`; did you mean `client_secret`?"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Security
///
/// `Debug` redacts the secrets, and no error of this crate shows a value. Some parsers add the line of the
/// file to what they print of an error: of the crate `toml` show `Error::message` alone.
pub struct Config {
    /// The client id that the vendor's dashboard shows. Not secret.
    pub client_id: String,
    /// The secret of that client.
    pub client_secret: Secret,
    /// A file with the secret in it, such as a mounted one: at most 16 KiB of UTF-8, of which one line end
    /// is dropped. It is read by [`Config::builder`].
    pub client_secret_file: PathBuf,
    /// Where the credentials go: `basic`, `body` or `headers`.
    pub client_auth: ClientAuth,
    /// [`ClientBuilder::with_base_url`].
    pub base_url: String,
    /// [`ClientBuilder::with_version`].
    pub version: String,
    /// [`ClientBuilder::with_scopes`]: a list, or a text with spaces between them.
    pub scopes: Vec<Scope>,
    /// [`HttpOptions::with_timeout`]. This and every time below is a number of seconds, or a text such as
    /// `500ms`, `15s`, `5m` or `1h`.
    pub timeout: Duration,
    /// [`HttpOptions::with_connect_timeout`].
    pub connect_timeout: Duration,
    /// [`HttpOptions::with_body_limit`], in bytes.
    pub body_limit: usize,
    /// [`TokenOptions::with_refresh_window`](crate::token::TokenOptions::with_refresh_window).
    pub refresh_window: Duration,
    /// [`TokenOptions::with_expiry_leeway`](crate::token::TokenOptions::with_expiry_leeway).
    pub margin: Duration,
    /// [`TokenOptions::with_max_wait`](crate::token::TokenOptions::with_max_wait).
    pub max_wait: Duration,
    /// [`TokenOptions::with_capacity`](crate::token::TokenOptions::with_capacity), in scope sets.
    pub capacity: usize,
    /// [`RetryPolicy::with_attempts`](crate::RetryPolicy::with_attempts).
    pub attempts: u32,
    /// [`TokenOptions::with_rate_limit`](crate::token::TokenOptions::with_rate_limit): calls by a time,
    /// such as `300/60s`.
    pub rate_limit: (usize, Duration),
    /// How far the time in a webhook may be from now, to either side.
    pub webhook_tolerance: Duration,
}
}

impl Config {
    /// The HTTP options among the settings, to add to: [`ClientBuilder::with_http`] replaces all of them.
    pub fn http_options(&self) -> HttpOptions {
        http_options(self.timeout, self.connect_timeout, self.body_limit)
    }

    /// A builder with these settings; what they do not have can be added to it. The secret's file is read
    /// here.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) naming the key, for an id or secret that
    /// is missing, a secret that is given twice, or a file that cannot be read.
    pub fn builder(&self) -> Result<ClientBuilder, Error> {
        let client_secret =
            secret("client_secret", self.client_secret.as_ref(), self.client_secret_file.as_deref())?;
        let credentials = Credentials::configured(self.prefix(), self.client_id.as_deref(), client_secret)?;
        Ok(self.apply(Client::builder(credentials)))
    }

    /// The same without the secret, which is not read: see [`ClientBuilder::for_webhooks`].
    pub fn builder_for_webhooks(&self) -> ClientBuilder {
        self.apply(ClientBuilder::for_webhooks(self.client_id.as_deref()))
    }

    /// A client with these settings.
    ///
    /// # Errors
    ///
    /// Those of [`Config::builder`] and of [`ClientBuilder::build`].
    pub fn client(&self) -> Result<Client, Error> {
        self.builder()?.build()
    }

    fn apply(&self, builder: ClientBuilder) -> ClientBuilder {
        let mut builder = builder.with_http(self.http_options());
        if let Some(way) = self.client_auth {
            builder = builder.with_client_auth(way);
        }
        if let Some(url) = &self.base_url {
            builder = builder.with_base_url(url);
        }
        if let Some(version) = &self.version {
            builder = builder.with_version(version);
        }
        if let Some(scopes) = &self.scopes {
            builder = builder.with_scopes(scopes.iter().cloned());
        }
        if let Some(span) = self.webhook_tolerance {
            builder = builder.with_webhooks(|options| options.with_tolerance(Tolerance::new(span)));
        }
        builder.with_tokens(|options| self.lifecycle().apply(options))
    }

    fn lifecycle(&self) -> Lifecycle {
        Lifecycle {
            refresh_window: self.refresh_window,
            margin: self.margin,
            max_wait: self.max_wait,
            capacity: self.capacity,
            attempts: self.attempts,
            rate_limit: self.rate_limit,
        }
    }
}
