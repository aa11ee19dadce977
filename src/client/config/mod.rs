//! What both vendors' configurations share: keys by name, from any format of serde or from environment
//! variables, and secrets from mounted files.
//!
//! It knows no vendor and no option's meaning, and never shows a value: neither in an error nor in `Debug`
//! of a secret. It reads no environment but the variables that it is given.

mod keys;
mod nearest;
mod options;
mod secret_file;
mod setting;
mod value;
mod vars;

pub(crate) use keys::deserialize;
pub(crate) use options::{Lifecycle, http_options};
pub(crate) use secret_file::secret;
pub(crate) use setting::{Setting, Shown};
pub(crate) use value::Value;
pub(crate) use vars::{Environment, from_vars};

/// The settings of one vendor, by name.
pub(crate) trait Settings: Default {
    /// All keys, in the order in which they are documented.
    const KEYS: &'static [&'static str];
    /// Under which names the vendor's own clients look for the id and the secret.
    const PAIRS: &'static [(&'static str, &'static str)];
    /// Names that the vendor's samples and other clients use, and the key that each stands for here.
    const FOREIGN: &'static [(&'static str, &'static str)];

    /// Sets what has this key.
    ///
    /// # Errors
    ///
    /// What the value must be, if it is not.
    fn set(&mut self, key: &str, value: &Value) -> Result<(), &'static str>;
}

/// A struct of optional settings, each of which has its field's name as its key.
macro_rules! settings {
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
            /// value, and for a name that resembles a key that is not set and that chooses the host, the origin
            /// or the credentials. Other such names are [`warnings`](Self::warnings).
            pub fn from_env() -> Result<Self, crate::Error> {
                Self::from_vars(std::env::vars_os())
            }

            /// As [`from_env`](Self::from_env), from variables with another prefix: one for each tenant. The prefix
            /// has no `_` at its end.
            ///
            /// # Errors
            ///
            /// As [`from_env`](Self::from_env), and for a prefix that is no part of a variable's name.
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
