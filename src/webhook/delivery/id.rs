//! The id of a delivery.

use std::{fmt, time::SystemTime};

use ring::digest::{Context, SHA256};

/// Identifies a delivery by a key, which is the same for all retries of the delivery. Also contains
/// the time at which the vendor signed the delivery.
///
/// The key is a digest and reveals nothing about the webhook, so the key can be logged and stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DeliveryId {
    key: [u8; 32],
    signed_at: SystemTime,
}

impl DeliveryId {
    /// Creates the id of a delivery. The key is the SHA-256 of the parts, and `signed_at` is the
    /// time at which the vendor signed the delivery.
    ///
    /// The parts must identify the vendor, the account (a client id or the id of a secret) and the
    /// delivery. For the delivery, use signed data that is the same in each retry: a nonce, an
    /// idempotency key, or the digest of the body.
    pub fn new<'a>(parts: impl IntoIterator<Item = &'a [u8]>, signed_at: SystemTime) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(b"fintech-auth delivery");
        for part in parts {
            // The length of each part is hashed too, so that ("a", "bc") and ("ab", "c") have
            // different keys.
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        Self { key, signed_at }
    }

    /// Returns the key under which a store records the delivery, a digest of 32 bytes.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    pub(super) fn digest(&self) -> &[u8; 32] {
        &self.key
    }

    /// Returns the time at which the vendor signed the delivery, according to the vendor's clock.
    pub fn signed_at(&self) -> SystemTime {
        self.signed_at
    }
}

impl fmt::Display for DeliveryId {
    /// Writes the first 8 bytes of the digest in hex, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::hex::hex(&self.key[..8]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivery_id_depends_on_how_the_bytes_are_split_into_parts() {
        let id = |parts: &[&str]| {
            DeliveryId::new(parts.iter().map(|part| part.as_bytes()), SystemTime::UNIX_EPOCH)
        };
        assert_ne!(id(&["a", "bc"]), id(&["ab", "c"]));
        assert_ne!(id(&["a"]), id(&["a", ""]));
        assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
        assert_eq!(id(&["a"]).to_string().len(), 16);
    }
}
