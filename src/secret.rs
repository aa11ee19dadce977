//! A string that must not be seen: redacted when printed, wiped when dropped.
//!
//! It never implements `Display` or `PartialEq`: printing needs [`Secret::expose_secret`], and comparing
//! byte by byte would tell by its duration how much matched.

use std::{
    fmt,
    io::{self, Read},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// No secret of a vendor's is near as long; a larger file is not one.
const READ_LIMIT: u64 = 16 * 1024;

/// A client secret or a token.
///
/// `Debug` prints `[redacted]`. It can be deserialised but not serialised, so no token leaves in a response or
/// a log that serialises the struct around it. Use [`Secret::expose_secret`] where you mean to write it.
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

    /// Reads one to the end, from a mounted file or standard input. A UTF-8 byte order mark before it and one line
    /// end after it are dropped.
    ///
    /// # Errors
    ///
    /// Those of reading; [`InvalidData`](io::ErrorKind::InvalidData) if it is empty, over 16 KiB, or not
    /// UTF-8 text. No error shows what was read.
    pub fn from_reader(reader: impl Read) -> io::Result<Self> {
        let invalid = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        // Room for all of it, since a buffer that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(READ_LIMIT as usize + 64));
        reader.take(READ_LIMIT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > READ_LIMIT {
            return invalid("is over 16 KiB");
        }
        // Windows PowerShell writes UTF-16 by default; without its mark, ASCII text is full of NUL.
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0) {
            return invalid("is UTF-16 or binary; save it as UTF-8");
        }
        let Ok(text) = std::str::from_utf8(&bytes) else { return invalid("is not UTF-8") };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() { invalid("is empty") } else { Ok(Self::new(text)) }
    }

    /// The value itself, for the one place that sends or stores it.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it can be a refresh token: printable ASCII (RFC 6749 appendix A.17), and not blank. Some
    /// servers send an empty string where they issue none.
    pub(crate) fn is_refresh_token(&self) -> bool {
        self.0.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) && !self.0.trim().is_empty()
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

/// A field of a generated request body that holds a secret, or none.
pub(crate) trait SecretField {
    fn secret(&self) -> Option<&Secret>;
}

impl SecretField for Secret {
    fn secret(&self) -> Option<&Secret> {
        Some(self)
    }
}

impl SecretField for Option<Secret> {
    fn secret(&self) -> Option<&Secret> {
        self.as_ref()
    }
}

/// Writes a secret into a request. Only generated request bodies use it.
pub(crate) fn send<S: Serializer>(field: &impl SecretField, serializer: S) -> Result<S::Ok, S::Error> {
    field.secret().map(Secret::expose_secret).serialize(serializer)
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
