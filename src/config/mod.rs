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
pub(crate) use vars::from_vars;

/// The settings of one vendor, by name.
pub(crate) trait Settings: Default {
    /// What the environment variables begin with, such as `MOOV`.
    const PREFIX: &'static str;
    /// All keys, in the order in which they are documented.
    const KEYS: &'static [&'static str];
    /// Under which names the vendor's own clients look for the id and the secret.
    const PAIRS: &'static [(&'static str, &'static str)];

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
        $prefix:literal $pairs:expr;
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
        }

        impl $name {
            /// The name of every key, in the order above.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Reads the environment of this process: every key in upper case after
            #[doc = concat!("`", $prefix, "_`.")]
            /// A variable that is empty counts as not set.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) naming the variable, for a value
            /// that is not what the key asks for, and for a name that looks like a misspelt one.
            pub fn from_env() -> Result<Self, crate::Error> {
                Self::from_vars(std::env::vars_os())
            }

            /// The same from variables given by hand, such as those of a file.
            ///
            /// # Errors
            ///
            /// As [`from_env`](Self::from_env).
            pub fn from_vars<N, V>(vars: impl IntoIterator<Item = (N, V)>) -> Result<Self, crate::Error>
            where
                N: Into<std::ffi::OsString>,
                V: Into<std::ffi::OsString>,
            {
                crate::config::from_vars(vars.into_iter().map(|(name, value)| (name.into(), value.into())))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &self.$field.as_ref().map(crate::config::Shown)))+
                    .finish()
            }
        }

        impl crate::config::Settings for $name {
            const PREFIX: &'static str = $prefix;
            const KEYS: &'static [&'static str] = Self::KEYS;
            const PAIRS: &'static [(&'static str, &'static str)] = $pairs;

            fn set(&mut self, key: &str, value: &crate::config::Value) -> Result<(), &'static str> {
                match key {
                    $(stringify!($field) => self.$field = crate::config::Setting::optional(value)?,)+
                    _ => return Err("a known key"),
                }
                Ok(())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::config::deserialize(deserializer)
            }
        }
    };
}
pub(crate) use settings;

/// A setting that is one of a few words.
macro_rules! words {
    ($type:ty: $($word:literal => $value:expr),+) => {
        impl crate::config::Setting for $type {
            const MUST_BE: &'static str = concat!("must be one of:" $(, " ", $word)+);

            fn read(value: &crate::config::Value) -> Option<Self> {
                match value.text()? {
                    $($word => Some($value),)+
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use words;
