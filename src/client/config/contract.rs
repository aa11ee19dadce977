//! What a configuration is, whatever its vendor.

use super::value::Value;

/// The settings of one vendor, by name.
pub(crate) trait Settings: Default {
    /// All keys, in the order in which they are documented.
    const KEYS: &'static [&'static str];
    /// Under which names the vendor's own clients look for the id and the secret.
    const PAIRS: &'static [(&'static str, &'static str)];
    /// Names that the vendor's samples and other clients use, and the key that each stands for here.
    const FOREIGN: &'static [(&'static str, &'static str)];

    /// Sets the setting of this key.
    ///
    /// # Errors
    ///
    /// What the value must be, if it is not.
    fn set(&mut self, key: &str, value: &Value) -> Result<(), &'static str>;
}
