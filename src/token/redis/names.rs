//! What things are called in Redis. No name holds more than fingerprints.

use std::{fmt::Write as _, num::NonZeroU64};

use crate::{
    Error, ErrorKind,
    token::{Fingerprint, StoreKey},
};

/// The names of one namespace.
pub(super) struct Names {
    namespace: Box<str>,
    pub(super) channel: String,
}

/// Which key, in few bytes.
pub(super) type KeyId = [u8; 16];

/// The names of one source. They share what stands in braces, so that a cluster keeps them in one
/// place, and one script may decide by all of them.
pub(super) struct OfSource(String);

impl Names {
    /// # Errors
    ///
    /// `InvalidConfig` for what is no plain word.
    pub(super) fn new(namespace: &str) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !(1..=64).contains(&namespace.len()) || !namespace.bytes().all(plain) {
            let reason = "a namespace is 1 to 64 ASCII letters, digits, hyphens, underscores and dots";
            return Err(Error::new(ErrorKind::InvalidConfig, reason));
        }
        Ok(Self { namespace: namespace.into(), channel: format!("fintech-auth:{namespace}") })
    }

    /// What an entry is about, for its seal: it opens nowhere else.
    pub(super) fn about(&self, what: &str, key: &StoreKey) -> Fingerprint {
        Fingerprint::of(["fintech-auth", what, &self.namespace, &key.source.to_string(), &key.scopes])
    }

    pub(super) fn id(key: &StoreKey) -> KeyId {
        short(&Fingerprint::of(["key", &key.source.to_string(), &key.scopes]))
    }

    pub(super) fn of(&self, source: &Fingerprint) -> OfSource {
        let source = hex(&short(&Fingerprint::of(["source", &source.to_string()])));
        OfSource(format!("{{fintech-auth:{}:{source}}}", self.namespace))
    }
}

impl OfSource {
    pub(super) fn entry(&self, id: &KeyId) -> String {
        format!("{}:token:{}", self.0, hex(id))
    }

    pub(super) fn lease(&self, id: &KeyId) -> String {
        format!("{}:lease:{}", self.0, hex(id))
    }

    pub(super) fn gone(&self, generation: NonZeroU64) -> String {
        format!("{}:gone:{generation:016x}", self.0)
    }

    pub(super) fn fence(&self) -> String {
        format!("{}:fence", self.0)
    }

    pub(super) fn closed(&self) -> String {
        format!("{}:closed", self.0)
    }

    pub(super) fn refused(&self) -> String {
        format!("{}:refused", self.0)
    }

    pub(super) fn sent(&self) -> String {
        format!("{}:sent", self.0)
    }
}

fn short(fingerprint: &Fingerprint) -> KeyId {
    let mut id = [0; 16];
    id.copy_from_slice(&fingerprint.as_bytes()[..16]);
    id
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What is said in the channel of a namespace.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Message {
    pub(super) key: KeyId,
    pub(super) evicted: Option<NonZeroU64>,
}

impl Message {
    pub(super) fn write(&self) -> String {
        let key = hex(&self.key);
        self.evicted.map_or(key.clone(), |generation| format!("{key}:{generation:016x}"))
    }

    /// `None` for what nobody of us wrote.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(is_message))?;
        let (key, evicted) = match text.split_once(':') {
            Some((key, generation)) if generation.len() == 16 => {
                (key, Some(NonZeroU64::new(u64::from_str_radix(generation, 16).ok()?)?))
            }
            Some(_) => return None,
            None => (text, None),
        };
        let key = Some(key).filter(|key| key.len() == 32)?;
        let key = u128::from_str_radix(key, 16).ok()?.to_be_bytes();
        Some(Self { key, evicted })
    }
}

fn is_message(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_written_and_nothing_else_is() {
        for evicted in [None, NonZeroU64::new(1), NonZeroU64::new(u64::MAX)] {
            let message = Message { key: [7; 16], evicted };
            assert_eq!(Message::read(message.write().as_bytes()), Some(message));
        }
        let key = "0".repeat(32);
        for foreign in [
            "",
            ":",
            "0",
            &key[1..],
            &format!("{key}:"),
            &format!("{key}:0"),
            &format!("{key}:{:016x}", 0),
            &format!("{key}:+00000000000000f"),
            &format!("+{}", &key[1..]),
            &format!("{key}:{:017x}", 1),
            &format!("{key}::{:015x}", 1),
            &"0".repeat(100_000),
            "é",
        ] {
            assert_eq!(Message::read(foreign.as_bytes()), None, "{foreign}");
        }
        assert_eq!(Message::read(&[0xff; 32]), None);
    }

    #[test]
    fn a_namespace_is_a_plain_word() {
        for bad in ["", "a b", "a{b", "a}b", "a:b", "a*", "ü", &"a".repeat(65)] {
            assert!(Names::new(bad).is_err(), "{bad:?}");
        }
        assert!(Names::new("prod-eu.1_a").is_ok());
    }
}
