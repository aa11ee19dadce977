//! A string that must stay secret.
//!
//! The type deliberately does not implement `Display`, so that a secret is not printed by mistake.
//! The type does not implement `PartialEq`, because the duration of a comparison with `==` could
//! reveal how many bytes match.

use std::{
    fmt,
    io::{self, Read},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

const READ_LIMIT: u64 = 16 * 1024;

/// A client secret or a token.
///
/// `Debug` prints `[redacted]`. A secret can be deserialized but not serialized, so that a struct
/// with a token cannot be written to a response or a log by mistake. To write the value
/// deliberately, use [`Secret::expose_secret`].
///
/// # Security
///
/// Each clone wipes its memory on drop. Buffers of the HTTP client and of TLS that contained the
/// value are not wiped.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<Box<str>>);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<Box<str>>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// Reads a secret from a reader until the end of the input. The reader can be a mounted file or
    /// standard input.
    ///
    /// A UTF-8 byte order mark at the start and one line ending at the end are removed.
    ///
    /// # Errors
    ///
    /// Returns the error of the reader if reading fails. Returns
    /// [`InvalidData`](io::ErrorKind::InvalidData) if the input is empty, larger than 16 KiB, or
    /// not UTF-8 text. These errors do not contain the input.
    pub fn from_reader(reader: impl Read) -> io::Result<Self> {
        let invalid = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        // Allocate space for the maximum size, because a buffer that grows leaves copies that are
        // not wiped.
        let mut bytes = Zeroizing::new(Vec::with_capacity(READ_LIMIT as usize + 64));
        reader.take(READ_LIMIT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > READ_LIMIT {
            return invalid("is over 16 KiB");
        }
        // Windows PowerShell writes UTF-16 by default. Detect UTF-16 by its byte order mark, or by
        // the NUL bytes that ASCII text in UTF-16 contains.
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0) {
            return invalid("is UTF-16 or binary; save it as UTF-8");
        }
        let Ok(text) = std::str::from_utf8(&bytes) else { return invalid("is not UTF-8") };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() { invalid("is empty") } else { Ok(Self::new(text)) }
    }

    /// Returns the secret value, for the code that sends or stores it.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }

    /// Returns whether the secret is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A refresh token is printable ASCII (RFC 6749 appendix A.17). Some servers send an empty
    /// string if they issue no refresh token. So an empty string, or a string that contains only
    /// spaces, is not a refresh token.
    pub(crate) fn is_refresh_token(&self) -> bool {
        let mut bytes = self.0.bytes();
        bytes.clone().any(|byte| byte != b' ') && bytes.all(|byte| matches!(byte, 0x20..=0x7e))
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
        // Converting a `String` with spare capacity into a box copies the text and frees the
        // original without wiping it. So wipe the original here.
        let value = Zeroizing::new(value);
        Self::new(value.as_str())
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

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

/// Writes the secret in plain text. Only generated request bodies may use this function.
pub(crate) fn send<S: Serializer>(field: &impl SecretField, serializer: S) -> Result<S::Ok, S::Error> {
    field.secret().map(Secret::expose_secret).serialize(serializer)
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
