//! Makes the code that reads data from Redis available to the fuzz targets. Only `cargo fuzz`
//! compiles this module (`cfg(fuzzing)`).

use std::time::Duration;

use redis::Value;

use super::{
    RedisStore, entry,
    names::Message,
    reply::{self, Reply},
};
use crate::{
    Secret,
    token::{
        id::TokenId,
        store::{Notice, StoreKey, StoredToken},
    },
};

/// The secret in a reply: an access token, a refresh token, or no secret.
#[derive(Debug)]
pub enum Read {
    /// The token of an entry.
    Token(StoredToken),
    /// The refresh token of a lease.
    RefreshToken(Secret),
    /// Any other valid reply.
    Other,
}

impl RedisStore {
    /// Parses a script's reply about `key` and decrypts the sealed data. Returns `None` for an
    /// invalid reply.
    pub fn fuzz_reply(&self, key: &StoreKey, reply: Value) -> Option<Read> {
        Some(match Reply::read(reply).ok()? {
            Reply::Token(sealed) => self.token(key, &sealed).map_or(Read::Other, Read::Token),
            Reply::Leased { parents, refresh_token, .. } => {
                let token = self.refresh_token(key, parents.0, &refresh_token);
                token.map_or(Read::Other, Read::RefreshToken)
            }
            _ => Read::Other,
        })
    }

    /// Seals any bytes as the entry of `key`.
    pub fn fuzz_seal(&self, key: &StoreKey, bytes: &[u8]) -> Vec<u8> {
        self.keys.seal(&self.names.about("access", key), bytes).expect("random bytes from the system")
    }
}

/// Decodes an entry after decryption.
pub fn entry(bytes: &[u8], left: Duration, now: u64) -> Option<StoredToken> {
    entry::read(bytes, left, now)
}

/// Parses the marks of these tokens.
pub fn marks(reply: &Value, ids: &[TokenId]) -> Option<Vec<Notice>> {
    reply::marks(reply, ids).ok()
}

/// Parses a message and formats the parsed message.
pub fn message(text: &[u8]) -> Option<String> {
    Message::read(text).map(|message| message.write())
}
