//! Gives the fuzz targets what reads data from Redis. Compiled by `cargo fuzz` only (`cfg(fuzzing)`).

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

/// What a reply led to: an access token, a refresh token, or neither.
#[derive(Debug)]
pub enum Read {
    /// From an entry.
    Token(StoredToken),
    /// From a lease.
    RefreshToken(Secret),
    /// Any other valid reply.
    Other,
}

impl RedisStore {
    /// Reads a script's reply about `key` and opens what is sealed in it. `None` for an invalid reply.
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

    /// Seals bytes as the entry of `key`, whatever they are.
    pub fn fuzz_seal(&self, key: &StoreKey, bytes: &[u8]) -> Vec<u8> {
        self.keys.seal(&self.names.about("access", key), bytes).expect("the system has randomness")
    }
}

/// Reads an entry after it is opened.
pub fn entry(bytes: &[u8], left: Duration, now: u64) -> Option<StoredToken> {
    entry::read(bytes, left, now)
}

/// Reads the marks of these tokens.
pub fn marks(reply: &Value, ids: &[TokenId]) -> Option<Vec<Notice>> {
    reply::marks(reply, ids).ok()
}

/// Reads a message and writes it again.
pub fn message(text: &[u8]) -> Option<String> {
    Message::read(text).map(|message| message.write())
}
