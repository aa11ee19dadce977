//! The trait that the configuration of each vendor implements.

use super::value::Value;

pub(crate) trait Settings: Default {
    const KEYS: &'static [&'static str];
    const PAIRS: &'static [(&'static str, &'static str)];
    const FOREIGN: &'static [(&'static str, &'static str)];

    fn set(&mut self, key: &str, value: &Value) -> Result<(), &'static str>;
}
