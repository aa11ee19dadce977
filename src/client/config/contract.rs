//! The trait of every vendor's configuration.

use super::value::Value;

/// The settings of one vendor. Each setting has a key.
pub(crate) trait Settings: Default {
    /// All keys, in the order in which they are documented.
    const KEYS: &'static [&'static str];
    /// The pairs of names that the vendor's own clients use for the id and the secret.
    const PAIRS: &'static [(&'static str, &'static str)];
    /// Names that the vendor's samples and other clients use, and the corresponding key of this
    /// crate.
    const FOREIGN: &'static [(&'static str, &'static str)];

    /// Sets the value of a key. If the value is invalid, the error describes the expected value.
    fn set(&mut self, key: &str, value: &Value) -> Result<(), &'static str>;
}
