//! The names of the Redis keys and of the channel, and the format of the messages.

use super::seal::VERSION;
use crate::{
    Error, ErrorKind,
    hex::hex,
    token::{fingerprint::Fingerprint, id::TokenId, store::StoreKey},
};

pub(super) struct Names {
    namespace: Box<str>,
    pub(super) channel: String,
}

pub(super) type KeyId = [u8; 16];

/// The part in braces is the same in all names of one source. So a cluster keeps these keys in one
/// slot, and one script can use all of them.
pub(super) struct OfSource(String);

impl Names {
    pub(super) fn new(namespace: &str) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !(1..=64).contains(&namespace.len()) || !namespace.bytes().all(plain) {
            let reason = "a namespace must be 1 to 64 ASCII letters, digits, hyphens, underscores and dots";
            return Err(Error::new(ErrorKind::InvalidConfig, reason));
        }
        Ok(Self { namespace: namespace.into(), channel: format!("fintech-auth:{namespace}") })
    }

    pub(super) fn single(&self, name: &str) -> String {
        format!("{{fintech-auth:{}:{name}}}", self.namespace)
    }

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
    /// Each version of the format has its own entries, so that processes with different versions
    /// can run at the same time during a deployment.
    pub(super) fn entry(&self, id: &KeyId) -> String {
        format!("{}:token:{VERSION}:{}", self.0, hex(id))
    }

    pub(super) fn lease(&self, id: &KeyId) -> String {
        format!("{}:lease:{}", self.0, hex(id))
    }

    pub(super) fn revoked(&self) -> String {
        format!("{}:revoked", self.0)
    }

    pub(super) fn invalid(&self) -> String {
        format!("{}:invalid", self.0)
    }

    pub(super) fn fence(&self) -> String {
        format!("{}:fence", self.0)
    }

    pub(super) fn closed(&self) -> String {
        format!("{}:closed", self.0)
    }

    pub(super) fn refused(&self, credentials: &Fingerprint) -> String {
        let credentials = short(&Fingerprint::of(["credentials", &credentials.to_string()]));
        format!("{}:refused:{}", self.0, hex(&credentials))
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

#[derive(Debug, Eq, PartialEq)]
pub(super) enum Message {
    Changed(KeyId),
    Revoked(Vec<TokenId>),
    Invalidated(TokenId),
}

pub(super) const MAX_IDS: usize = 16;

impl Message {
    pub(super) fn write(&self) -> String {
        match self {
            Self::Changed(key) => format!("changed:{}", hex(key)),
            Self::Revoked(ids) => format!("revoked:{}", ids.iter().map(id).collect::<Vec<_>>().join(":")),
            Self::Invalidated(token) => format!("invalidated:{}", id(token)),
        }
    }

    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let (kind, rest) = std::str::from_utf8(text).ok()?.split_once(':')?;
        let ids = || rest.split(':').map(|id| read_id(id.as_bytes())).collect::<Option<Vec<_>>>();
        match kind {
            "changed" if rest.len() == 32 && is_hex(rest.as_bytes()) => {
                Some(Self::Changed(u128::from_str_radix(rest, 16).ok()?.to_be_bytes()))
            }
            "revoked" if rest.len() <= MAX_IDS * 17 => Some(Self::Revoked(ids()?)),
            "invalidated" => Some(Self::Invalidated(read_id(rest.as_bytes())?)),
            _ => None,
        }
    }
}

pub(super) fn id(id: &TokenId) -> String {
    format!("{:016x}", id.get())
}

pub(super) fn read_id(text: &[u8]) -> Option<TokenId> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() == 16 && is_hex(text.as_bytes()))?;
    TokenId::new(u64::from_str_radix(text, 16).ok()?)
}

fn is_hex(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_in_the_exact_format_are_parsed() {
        let (one, two) = (TokenId::MIN, TokenId::MAX);
        for message in [
            Message::Changed([7; 16]),
            Message::Revoked(vec![one]),
            Message::Revoked(vec![one, two]),
            Message::Invalidated(two),
        ] {
            assert_eq!(Message::read(message.write().as_bytes()), Some(message));
        }
        let key = "0".repeat(32);
        for foreign in [
            "",
            ":",
            "changed",
            "changed:",
            "other:0000000000000001",
            &format!("changed:{}", &key[1..]),
            &format!("changed:+{}", &key[1..]),
            &format!("changed:{key}0"),
            "revoked:",
            "revoked:0000000000000000",
            "revoked:0000000000000001:",
            "revoked:+00000000000000f",
            "revoked:00000000000000A1",
            &format!("revoked:{}", vec!["0000000000000001"; 17].join(":")),
            "invalidated:0000000000000001:0000000000000001",
            &"0".repeat(100_000),
            "é",
        ] {
            assert_eq!(Message::read(foreign.as_bytes()), None, "{foreign}");
        }
        assert_eq!(Message::read(&[0xff; 32]), None);
    }

    #[test]
    fn namespace_allows_only_plain_characters() {
        for bad in ["", "a b", "a{b", "a}b", "a:b", "a*", "ü", &"a".repeat(65)] {
            assert!(Names::new(bad).is_err(), "{bad:?}");
        }
        assert!(Names::new("prod-eu.1_a").is_ok());
    }
}
