//! A string that must not be seen: redacted when printed, wiped when dropped.
//!
//! It never implements `Display` or `PartialEq`: printing needs [`Secret::expose`], and comparing
//! byte by byte would tell by its duration how much matched.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// A client secret or a token.
///
/// `Debug` prints `[redacted]`. Serialising gives the value itself, since the request to the vendor
/// is made that way: do not log what you serialise.
///
/// # Security
///
/// The memory is wiped on drop, here and in each clone. Buffers of the HTTP client and of TLS, which
/// saw the value on its way, are not ours to wipe.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<Box<str>>);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<Box<str>>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself, for the one place that sends or stores it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        if value.len() == value.capacity() {
            return Self::new(value);
        }
        // A string with room to spare would be copied into its box, and the copy left behind is
        // freed unwiped; so the original is wiped here.
        let value = Zeroizing::new(value);
        Self::new(value.as_str())
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
