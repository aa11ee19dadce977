//! Reads the settings of a client from any serde format, from environment variables, and from
//! mounted files. Errors and `Debug` never show a secret.

mod contract;
mod credentials;
mod file;
mod keys;
mod nearest;
mod options;
mod secret_file;
mod setting;
mod value;
mod vars;

pub(crate) use contract::Settings;
pub(crate) use credentials::CredentialsSettings;
pub(crate) use keys::deserialize;
pub(crate) use options::{Lifecycle, Network, set};
pub(crate) use secret_file::secret;
pub(crate) use setting::{Setting, Shown};
pub(crate) use value::Value;
pub(crate) use vars::{Environment, from_vars};

macro_rules! fields {
    (
        $prefix:literal $pairs:expr, $foreign:expr;
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$doc:meta])+ pub $field:ident: $type:ty,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Default)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])+ pub $field: Option<$type>,)+
            environment: crate::client::config::Environment,
        }

        impl $name {
            /// The names of all keys, in the order of the fields.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Reads the settings from the environment variables of this process. The name of each
            /// variable is the key in upper case after
            #[doc = concat!("`", $prefix, "_`.")]
            /// An empty variable counts as not set.
            ///
            /// # Errors
            ///
            /// Returns [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) with the name
            /// of the variable if its value is invalid.
            ///
            /// Also returns `InvalidConfig` if the name of an unknown variable is probably a
            /// mistake for a key whose setting is missing. A name is probably a mistake in two
            /// cases:
            ///
            /// - It resembles the name of a key that sets the host, the proxy, the origin, the
            ///   credentials or the webhook secret.
            /// - Other libraries commonly use it for one of the settings, for example `API_URL` for
            ///   `base_url`.
            ///
            /// A setting is not missing if an alternative to its key is set, such as
            /// `client_secret_file` for `client_secret`. In this case, the unknown variable only
            /// causes a [warning](Self::warnings). Any other unknown variable whose name resembles
            /// the name of a key also only causes a warning.
            pub fn from_env() -> Result<Self, crate::Error> {
                Self::from_vars(std::env::vars_os())
            }

            /// Reads the settings from environment variables with this prefix, for a process that
            /// uses several accounts.
            ///
            /// Otherwise works like [`from_env`](Self::from_env). The variable names in errors and
            /// warnings include this prefix.
            ///
            #[doc = concat!("With the prefix `", $prefix, "_ACME`, it reads `", $prefix, "_ACME_CLIENT_ID` and so on. A trailing `_` is ignored.")]
            ///
            /// # Errors
            ///
            /// Returns the same errors as [`from_env`](Self::from_env), and `InvalidConfig` if the
            /// prefix is empty or contains characters other than ASCII letters, digits and `_`.
            pub fn from_env_with_prefix(prefix: &str) -> Result<Self, crate::Error> {
                Self::from_vars_with_prefix(prefix, std::env::vars_os())
            }

            /// Reads settings from the given variables, for example variables from a file.
            /// Otherwise works like [`from_env`](Self::from_env).
            ///
            /// # Errors
            ///
            /// Returns the same errors as [`from_env`](Self::from_env).
            pub fn from_vars<N, V>(vars: impl IntoIterator<Item = (N, V)>) -> Result<Self, crate::Error>
            where
                N: Into<std::ffi::OsString>,
                V: Into<std::ffi::OsString>,
            {
                Self::from_vars_with_prefix($prefix, vars)
            }

            /// Reads settings from the given variables, with this prefix. Otherwise works like
            /// [`from_env_with_prefix`](Self::from_env_with_prefix).
            ///
            /// # Errors
            ///
            /// Returns the same errors as [`from_env_with_prefix`](Self::from_env_with_prefix).
            pub fn from_vars_with_prefix<N, V>(
                prefix: &str,
                vars: impl IntoIterator<Item = (N, V)>,
            ) -> Result<Self, crate::Error>
            where
                N: Into<std::ffi::OsString>,
                V: Into<std::ffi::OsString>,
            {
                let prefix = prefix.strip_suffix('_').unwrap_or(prefix);
                let vars = vars.into_iter().map(|(name, value)| (name.into(), value.into()));
                let (config, warnings): (Self, _) = crate::client::config::from_vars(prefix, vars)?;
                let prefix = Some(prefix.to_owned());
                Ok(Self { environment: crate::client::config::Environment { prefix, warnings }, ..config })
            }

            /// Returns a warning for each variable that was ignored although its name resembles the
            /// name of a setting.
            ///
            /// The warnings contain no values. Each warning is also logged at level `warn`. The
            /// result is empty for settings from a file.
            pub fn warnings(&self) -> &[String] {
                &self.environment.warnings
            }

            fn prefix(&self) -> &str {
                self.environment.prefix.as_deref().unwrap_or($prefix)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &self.$field.as_ref().map(crate::client::config::Shown)))+
                    .finish()
            }
        }

        impl crate::client::config::Settings for $name {
            const KEYS: &'static [&'static str] = Self::KEYS;
            const PAIRS: &'static [(&'static str, &'static str)] = $pairs;
            const FOREIGN: &'static [(&'static str, &'static str)] = $foreign;

            fn set(&mut self, key: &str, value: &crate::client::config::Value) -> Result<(), &'static str> {
                match key {
                    $(stringify!($field) => self.$field = crate::client::config::Setting::optional(value)?,)+
                    _ => return Err("a known key"),
                }
                Ok(())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::client::config::deserialize(deserializer)
            }
        }
    };
}
pub(crate) use fields;

macro_rules! settings {
    (
        $prefix:literal $ways:literal $pairs:expr, $foreign:expr;
        $(#[$meta:meta])*
        pub struct $name:ident { $($own:tt)* }
    ) => {
        crate::client::config::fields! {
        $prefix $pairs, $foreign;
        /// The settings of a [`Client`]. The settings can be read from any self-describing format
        /// of serde (JSON, TOML, YAML, …) or from the environment.
        ///
        /// The builder's default applies if a setting is missing or `null`, or if its variable is
        /// empty. The error for an unknown key suggests the most similar key. The error for an
        /// invalid value does not show the value. As an environment variable,
        #[doc = concat!("a key is in upper case after `", $prefix, "_`, such as `", $prefix, "_CLIENT_SECRET_FILE`.")]
        /// Other variables with this prefix are ignored, unless they resemble a key: see
        /// [`Config::from_env`].
        ///
        /// # Options without a key
        ///
        /// The following options have no key. Set these options in code with `with_http`,
        /// `with_tokens` and `with_retry`. Values that you set in code override the settings.
        ///
        /// - objects that your program creates: a reqwest client (`with_client_builder`), a clock
        ///   (`with_clock`), an observer (`with_observer`);
        /// - options of the webhook verification, except the tolerance, which has the key
        ///   `webhook_tolerance`: `with_webhooks`, or the verifier's options;
        /// - options of a shared store: `with_store`, `with_store_timeout`,
        ///   `with_store_circuit_open_for`, `with_lease`, `with_deliveries`;
        /// - safety limits, which should be the same in all deployments: `with_default_lifetime`,
        ///   `with_max_lifetime`, `with_jitter`, `with_backoff`, `with_negative_cache_ttl`,
        ///   `with_max_cool_down`, `with_max_handles`, and `with_base` and `with_cap` of
        ///   [`RetryPolicy`](crate::RetryPolicy).
        ///
        /// # Security
        ///
        /// `Debug` redacts the secrets, and no error of this crate shows a value. But some parsers,
        /// for example the crate `toml`, include a line of the file in their own errors. If you use
        /// `toml`, show only the text of `Error::message`.
        ///
        $(#[$meta])*
        pub struct $name {
            /// The client id that the vendor's dashboard shows. Not secret.
            pub client_id: String,
            /// The client secret.
            pub client_secret: crate::Secret,
            /// The path of a file with the client secret: at most 16 KiB of UTF-8. A single line
            /// break at the end of the file is removed.
            ///
            /// [`Config::builder`] reads the file, and the client reads the file again while it
            /// runs. So a replaced secret is used without a restart: see
            /// [`FileCredentials`](crate::FileCredentials).
            pub client_secret_file: std::path::PathBuf,
            /// The path of a directory with the files `client_id` and `client_secret`. Set this key
            /// instead of `client_id`, `client_secret` and `client_secret_file`. The files are read
            /// as described in [`FileCredentials::directory`](crate::FileCredentials::directory).
            pub credentials_dir: std::path::PathBuf,
            /// A name for the credentials. See [`ClientBuilder::with_credentials_name`].
            pub credentials_name: String,
            #[doc = concat!("Where a request contains the credentials: ", $ways, ".")]
            pub client_auth: ClientAuth,
            /// The base URL of the service. See [`ClientBuilder::with_base_url`].
            pub base_url: String,
            /// The version of the API. See [`ClientBuilder::with_version`].
            pub version: String,
            /// The scopes of the default token: a list, or a string of scopes separated by spaces.
            /// See [`ClientBuilder::with_scopes`].
            pub scopes: Vec<crate::Scope>,
            /// The time limit of a call. See
            /// [`HttpOptions::with_timeout`](crate::HttpOptions::with_timeout).
            ///
            /// Every duration in these settings is a number of seconds, or a string such as
            /// `500ms`, `15s`, `5m` or `1h`.
            pub timeout: std::time::Duration,
            /// The timeout for connecting. See
            /// [`HttpOptions::with_connect_timeout`](crate::HttpOptions::with_connect_timeout).
            pub connect_timeout: std::time::Duration,
            /// The maximum size of a response body, in bytes. See
            /// [`HttpOptions::with_body_limit`](crate::HttpOptions::with_body_limit).
            pub body_limit: usize,
            /// The path of a PEM file with one or more root certificates, at most 1 MiB.
            /// [`Config::builder`] reads the file. See
            /// [`HttpOptions::with_root_certificate`](crate::HttpOptions::with_root_certificate).
            pub root_certificate_file: std::path::PathBuf,
            /// The path of a PEM file with the client's certificate chain and private key, at most
            /// 1 MiB. [`Config::builder`] reads the file. See
            /// [`HttpOptions::with_client_identity`](crate::HttpOptions::with_client_identity).
            pub client_identity_file: std::path::PathBuf,
            /// The proxy. See [`HttpOptions::with_proxy`](crate::HttpOptions::with_proxy). The
            /// value is a secret, because the URL may contain a password.
            pub proxy: crate::Secret,
            /// The hosts for which plain http is allowed: a list, or a string of hosts separated by
            /// spaces. See [`HttpOptions::with_allow_http`](crate::HttpOptions::with_allow_http).
            pub allow_http: Vec<String>,
            /// The refresh window: how long before its expiry a token is refreshed. See
            /// [`TokenOptions::with_refresh_window`](crate::token::TokenOptions::with_refresh_window).
            pub refresh_window: std::time::Duration,
            /// The expiry leeway: how long before its expiry a token is treated as expired. See
            /// [`TokenOptions::with_expiry_leeway`](crate::token::TokenOptions::with_expiry_leeway).
            pub expiry_leeway: std::time::Duration,
            /// The maximum time that a call waits for a token. See
            /// [`TokenOptions::with_max_wait`](crate::token::TokenOptions::with_max_wait).
            pub max_wait: std::time::Duration,
            /// The maximum number of scope sets in the token cache. See
            /// [`TokenOptions::with_capacity`](crate::token::TokenOptions::with_capacity).
            pub capacity: usize,
            /// The maximum number of attempts of a call. See
            /// [`RetryPolicy::with_attempts`](crate::RetryPolicy::with_attempts).
            pub attempts: u32,
            /// The maximum number of token requests in a period, such as `40/s` or `300/60s`. See
            /// [`TokenOptions::with_rate_limit`](crate::token::TokenOptions::with_rate_limit).
            pub rate_limit: (usize, std::time::Duration),
            /// The share of the rate limit that this client may use: more than 0, at most 1. See
            /// [`TokenOptions::with_rate_limit_share`](crate::token::TokenOptions::with_rate_limit_share).
            pub rate_limit_share: f64,
            $($own)*
        }
        }

        impl $name {
            /// Returns the HTTP options of these settings, for example for your own reqwest client
            /// with [`HttpOptions::to_reqwest`](crate::HttpOptions::to_reqwest).
            ///
            /// # Errors
            ///
            /// Returns [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) with the name
            /// of the key if a file cannot be read.
            pub fn http_options(&self) -> Result<crate::HttpOptions, crate::Error> {
                let network = crate::client::config::Network {
                    timeout: self.timeout,
                    connect_timeout: self.connect_timeout,
                    body_limit: self.body_limit,
                    root_certificate_file: self.root_certificate_file.as_deref(),
                    client_identity_file: self.client_identity_file.as_deref(),
                    proxy: self.proxy.as_ref(),
                    allow_http: self.allow_http.as_deref(),
                };
                network.options()
            }

            /// Returns a builder with these settings. You can change the builder further. This
            /// method reads the files that the settings name.
            ///
            /// # Errors
            ///
            /// Returns [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) with the name
            /// of the key if the id or the secret is missing, if more than one key sets the id or
            /// the secret, or if a file cannot be read.
            pub fn builder(&self) -> Result<ClientBuilder, crate::Error> {
                let credentials = crate::client::config::CredentialsSettings {
                    prefix: self.prefix(),
                    client_id: self.client_id.as_deref(),
                    client_secret: self.client_secret.as_ref(),
                    client_secret_file: self.client_secret_file.as_deref(),
                    credentials_dir: self.credentials_dir.as_deref(),
                };
                self.apply(Client::builder(credentials.provider()?))
            }

            /// Creates a client with these settings.
            ///
            /// # Errors
            ///
            /// Returns the same errors as [`Config::builder`] and [`ClientBuilder::build`].
            pub fn client(&self) -> Result<Client, crate::Error> {
                self.builder()?.build()
            }

            fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, crate::Error> {
                use crate::client::config::{Lifecycle, set};

                let http = self.http_options()?;
                let builder = self.own(builder).with_http(|_| http);
                let builder = set(builder, self.client_auth, ClientBuilder::with_client_auth);
                let name = self.credentials_name.as_ref();
                let builder = set(builder, name, ClientBuilder::with_credentials_name);
                let builder = set(builder, self.base_url.as_ref(), ClientBuilder::with_base_url);
                let builder = set(builder, self.version.as_ref(), ClientBuilder::with_version);
                let builder = set(builder, self.scopes.clone(), ClientBuilder::with_scopes);
                let lifecycle = Lifecycle {
                    refresh_window: self.refresh_window,
                    expiry_leeway: self.expiry_leeway,
                    max_wait: self.max_wait,
                    capacity: self.capacity,
                    attempts: self.attempts,
                    rate_limit: self.rate_limit,
                    rate_limit_share: self.rate_limit_share,
                };
                Ok(builder.with_tokens(|options| lifecycle.apply(options)))
            }
        }
    };
}
pub(crate) use settings;

macro_rules! words {
    ($type:ty: $($word:literal => $value:expr),+) => {
        impl crate::client::config::Setting for $type {
            const MUST_BE: &'static str = concat!("must be one of:" $(, " ", $word)+);

            fn read(value: &crate::client::config::Value) -> Option<Self> {
                match value.text()? {
                    $($word => Some($value),)+
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use words;
