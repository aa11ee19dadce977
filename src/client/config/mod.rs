//! What both vendors' configurations share: keys by name, from any format of serde or from environment
//! variables, and secrets from mounted files.
//!
//! It knows no vendor and no option's meaning, and never shows a value: neither in an error nor in `Debug`
//! of a secret. It reads no environment but the variables that it is given.

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

/// A struct of optional settings, each of which has its field's name as its key.
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
            /// The name of every key, in the order above.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Reads the environment of this process: every key in upper case after
            #[doc = concat!("`", $prefix, "_`.")]
            /// An empty variable counts as not set.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) naming the variable: for an invalid
            /// value, and for a name that resembles a key that is not set and that chooses the host, the proxy,
            /// the origin or the credentials. Other such names are [`warnings`](Self::warnings).
            pub fn from_env() -> Result<Self, crate::Error> {
                Self::from_vars(std::env::vars_os())
            }

            /// As [`from_env`](Self::from_env), from variables with another prefix: for a process that uses several
            /// accounts of the vendor. Errors and warnings name the variables with this prefix.
            ///
            #[doc = concat!("`", $prefix, "_ACME` reads `", $prefix, "_ACME_CLIENT_ID` and so on. A `_` at its end is ignored.")]
            ///
            /// # Errors
            ///
            /// As [`from_env`](Self::from_env), and for a prefix that is empty or has characters other than ASCII
            /// letters, digits and `_`.
            pub fn from_env_with_prefix(prefix: &str) -> Result<Self, crate::Error> {
                Self::from_vars_with_prefix(prefix, std::env::vars_os())
            }

            /// As [`from_env`](Self::from_env), from variables that are passed in, such as those of a file.
            ///
            /// # Errors
            ///
            /// As [`from_env`](Self::from_env).
            pub fn from_vars<N, V>(vars: impl IntoIterator<Item = (N, V)>) -> Result<Self, crate::Error>
            where
                N: Into<std::ffi::OsString>,
                V: Into<std::ffi::OsString>,
            {
                Self::from_vars_with_prefix($prefix, vars)
            }

            /// As [`from_env_with_prefix`](Self::from_env_with_prefix), from variables that are passed in.
            ///
            /// # Errors
            ///
            /// As [`from_env_with_prefix`](Self::from_env_with_prefix).
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

            /// Variables that were ignored although they look like settings, in sentences without their values.
            /// Each is also logged at level `warn`. Empty for settings from a file.
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

/// The settings of one vendor: those that every vendor has, and its own after them.
///
/// In scope are the vendor's `Client`, `ClientBuilder` and `ClientAuth`, and `Config` has a method `own`, which gives
/// the vendor's own settings to a builder.
macro_rules! settings {
    (
        $prefix:literal $ways:literal $pairs:expr, $foreign:expr;
        $(#[$meta:meta])*
        pub struct $name:ident { $($own:tt)* }
    ) => {
        crate::client::config::fields! {
        $prefix $pairs, $foreign;
        /// Settings of a [`Client`] by name, from any self-describing format of serde (JSON, TOML, YAML, …) or from
        /// the environment.
        ///
        /// A setting that is missing, `null` or an empty variable is left at the builder's default. An unknown key
        /// is refused with the nearest known one, a value of the wrong kind without being shown. In the environment
        #[doc = concat!("a key is in upper case after `", $prefix, "_`, such as `", $prefix, "_CLIENT_SECRET_FILE`.")]
        /// Other variables with this prefix are ignored, unless they resemble a key: see [`Config::from_env`].
        ///
        /// # Options without a key
        ///
        /// Set these in code, by `with_http`, `with_tokens` and `with_retry`, which change what the settings say:
        ///
        /// - what is code: a reqwest client (`with_client_builder`), `with_clock`, `with_observer`;
        /// - how webhooks are verified, apart from `webhook_tolerance`: `with_webhooks`, or the options of the verifier;
        /// - what comes with a shared store: `with_store`, `with_store_timeout`, `with_store_circuit_open_for`,
        ///   `with_lease`, `with_deliveries`;
        /// - what protects the vendor and your process from each other, where a deployment has no reason to differ from
        ///   the program that was tested: `with_default_lifetime`, `with_max_lifetime`, `with_jitter`, `with_backoff`,
        ///   `with_negative_cache_ttl`, `with_max_cool_down`, `with_max_handles`, and of
        ///   [`RetryPolicy`](crate::RetryPolicy) `with_base` and `with_cap`.
        ///
        /// # Security
        ///
        /// `Debug` redacts the secrets, and no error of this crate shows a value. Some parsers add the line of the
        /// file to what they print of an error: of the crate `toml` show `Error::message` alone.
        ///
        $(#[$meta])*
        pub struct $name {
            /// The client id that the vendor's dashboard shows. Not secret.
            pub client_id: String,
            /// The secret of that client.
            pub client_secret: crate::Secret,
            /// A file with the secret in it, such as a mounted one: at most 16 KiB of UTF-8, of which one line end
            /// is dropped. It is read by [`Config::builder`] and again while the client runs, so that a secret that is
            /// replaced is used without a restart: see [`FileCredentials`](crate::FileCredentials).
            pub client_secret_file: std::path::PathBuf,
            /// A directory with the files `client_id` and `client_secret`, in place of the three settings above. It is
            /// read as [`FileCredentials::directory`](crate::FileCredentials::directory) says.
            pub credentials_dir: std::path::PathBuf,
            /// [`ClientBuilder::with_credentials_name`].
            pub credentials_name: String,
            #[doc = concat!("Where the credentials go: ", $ways, ".")]
            pub client_auth: ClientAuth,
            /// [`ClientBuilder::with_base_url`].
            pub base_url: String,
            /// [`ClientBuilder::with_version`].
            pub version: String,
            /// [`ClientBuilder::with_scopes`]: a list, or a text with spaces between them.
            pub scopes: Vec<crate::Scope>,
            /// [`HttpOptions::with_timeout`](crate::HttpOptions::with_timeout). This and every time below is a
            /// number of seconds, or a text such as `500ms`, `15s`, `5m` or `1h`.
            pub timeout: std::time::Duration,
            /// [`HttpOptions::with_connect_timeout`](crate::HttpOptions::with_connect_timeout).
            pub connect_timeout: std::time::Duration,
            /// [`HttpOptions::with_body_limit`](crate::HttpOptions::with_body_limit), in bytes.
            pub body_limit: usize,
            /// [`HttpOptions::with_root_certificate`](crate::HttpOptions::with_root_certificate): a PEM file with one or
            /// more certificates, at most 1 MiB. This file and the next are read by [`Config::builder`].
            pub root_certificate_file: std::path::PathBuf,
            /// [`HttpOptions::with_client_identity`](crate::HttpOptions::with_client_identity): a PEM file with the
            /// certificate chain and its private key, at most 1 MiB.
            pub client_identity_file: std::path::PathBuf,
            /// [`HttpOptions::with_proxy`](crate::HttpOptions::with_proxy). A secret, since it may have a password in it.
            pub proxy: crate::Secret,
            /// [`HttpOptions::with_allow_http`](crate::HttpOptions::with_allow_http): a list of hosts, or a text with
            /// spaces between them.
            pub allow_http: Vec<String>,
            /// [`TokenOptions::with_refresh_window`](crate::token::TokenOptions::with_refresh_window).
            pub refresh_window: std::time::Duration,
            /// [`TokenOptions::with_expiry_leeway`](crate::token::TokenOptions::with_expiry_leeway).
            pub expiry_leeway: std::time::Duration,
            /// [`TokenOptions::with_max_wait`](crate::token::TokenOptions::with_max_wait).
            pub max_wait: std::time::Duration,
            /// [`TokenOptions::with_capacity`](crate::token::TokenOptions::with_capacity), in scope sets.
            pub capacity: usize,
            /// [`RetryPolicy::with_attempts`](crate::RetryPolicy::with_attempts).
            pub attempts: u32,
            /// [`TokenOptions::with_rate_limit`](crate::token::TokenOptions::with_rate_limit): calls by a time,
            /// such as `40/s` or `300/60s`.
            pub rate_limit: (usize, std::time::Duration),
            /// [`TokenOptions::with_rate_limit_share`](crate::token::TokenOptions::with_rate_limit_share): over 0 and
            /// up to 1.
            pub rate_limit_share: f64,
            $($own)*
        }
        }

        impl $name {
            /// The HTTP options among the settings: for a reqwest client of your own, by
            /// [`HttpOptions::to_reqwest`](crate::HttpOptions::to_reqwest).
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) naming the key, for a file that cannot be
            /// read.
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

            /// A builder with these settings, to change or add to. Files are read here, those of credentials for the first
            /// time.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) naming the key, for an id or secret
            /// that is missing, a secret that is given twice, or a file that cannot be read.
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

            /// A client with these settings.
            ///
            /// # Errors
            ///
            /// Those of [`Config::builder`] and of [`ClientBuilder::build`].
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

/// A setting that is one of a few words.
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
