//! A hash that identifies a secret without revealing the secret.

use std::{fmt, num::NonZeroU64};

use ring::digest;

/// The SHA-256 of a secret, or of several values that may include secrets.
///
/// Equal fingerprints mean equal values. A fingerprint does not contain the values.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Computes the fingerprint of several values. The boundaries between the values are part of
    /// the hash, so `["ab", "c"]` and `["a", "bc"]` have different fingerprints.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(&part.len().to_le_bytes());
            context.update(part.as_bytes());
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Self(bytes)
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn to_array(self) -> [u8; 32] {
        self.0
    }

    /// Returns the 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn short(&self) -> NonZeroU64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[..8]);
        NonZeroU64::new(u64::from_le_bytes(bytes)).unwrap_or(NonZeroU64::MIN)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::hex::hex(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_depends_on_how_the_text_is_split_into_parts() {
        assert_ne!(Fingerprint::of(["ab", "c"]), Fingerprint::of(["a", "bc"]));
        assert_eq!(Fingerprint::of(["a", "b"]), Fingerprint::of(["a", "b"]));
    }
}
