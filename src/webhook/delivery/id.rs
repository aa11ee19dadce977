//! Identifies a delivery: the same for every retry of it.

use std::{fmt, time::SystemTime};

use ring::digest::{Context, SHA256};

/// Identifies one delivery. Every retry of it has the same key.
///
/// It holds a digest, so it can be logged and stored: nothing of the webhook can be read from it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DeliveryId {
    key: [u8; 32],
    signed_at: SystemTime,
}

impl DeliveryId {
    /// The id of a delivery: the SHA-256 of these parts, and when the vendor signed it.
    ///
    /// Name the vendor, the account (a client or secret id) and what the vendor signed and keeps the
    /// same in a retry: a nonce, an idempotency key, or the digest of the body.
    pub fn new<'a>(parts: impl IntoIterator<Item = &'a [u8]>, signed_at: SystemTime) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(b"fintech-auth delivery");
        for part in parts {
            // The length keeps ("a", "bc") and ("ab", "c") apart.
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        Self { key, signed_at }
    }

    /// The digest: what a store finds the delivery by. 32 bytes.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    pub(super) fn digest(&self) -> &[u8; 32] {
        &self.key
    }

    /// When the vendor signed the delivery, by the vendor's clock.
    pub fn signed_at(&self) -> SystemTime {
        self.signed_at
    }
}

impl fmt::Display for DeliveryId {
    /// The first 8 bytes of the digest in hex, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::hex::hex(&self.key[..8]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_apart() {
        let id = |parts: &[&str]| {
            DeliveryId::new(parts.iter().map(|part| part.as_bytes()), SystemTime::UNIX_EPOCH)
        };
        assert_ne!(id(&["a", "bc"]), id(&["ab", "c"]));
        assert_ne!(id(&["a"]), id(&["a", ""]));
        assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
        assert_eq!(id(&["a"]).to_string().len(), 16);
    }
}
