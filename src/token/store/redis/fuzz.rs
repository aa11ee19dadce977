//! Functions for the fuzz targets. Only `cargo fuzz` compiles this module.

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

#[derive(Debug)]
pub enum Read {
    Token(StoredToken),
    RefreshToken(Secret),
    Other,
}

impl RedisStore {
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

    pub fn fuzz_seal(&self, key: &StoreKey, bytes: &[u8]) -> Vec<u8> {
        self.keys.seal(&self.names.about("access", key), bytes).expect("random bytes from the system")
    }
}

pub fn entry(bytes: &[u8], left: Duration, now: u64) -> Option<StoredToken> {
    entry::read(bytes, left, now)
}

pub fn marks(reply: &Value, ids: &[TokenId]) -> Option<Vec<Notice>> {
    reply::marks(reply, ids).ok()
}

pub fn message(text: &[u8]) -> Option<String> {
    Message::read(text).map(|message| message.write())
}
