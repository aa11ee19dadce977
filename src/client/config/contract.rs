//! The trait that the configuration of each vendor implements.

use super::value::Value;

pub(crate) trait Settings: Default {
    const KEYS: &'static [&'static str];
    /// The environment variables that the vendor's own clients use for the id and the secret. The
    /// names do not include the prefix, such as `MOOV_`.
    const PAIRS: &'static [(&'static str, &'static str)];
    /// The environment variables that the vendor's samples and other clients use. The names do not
    /// include the prefix. Each name is followed by the matching key of this crate.
    const FOREIGN: &'static [(&'static str, &'static str)];

    /// The error is the end of a message about the key, such as `must be a whole number`.
    fn set(&mut self, key: &str, value: &Value) -> Result<(), &'static str>;
}
