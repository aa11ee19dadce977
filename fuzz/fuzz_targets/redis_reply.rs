//! Parses what a Redis server sends. Only an entry that is sealed with our key may become a token,
//! and no token may expire later than the sealed expiry time.
#![no_main]

use std::{sync::LazyLock, time::Duration};

use fintech_auth::{
    redis::Value,
    token::{
        Fingerprint, StoreKey, TokenId,
        redis::{
            RedisStore, SealingKey,
            fuzz::{self, Read},
        },
    },
};
use libfuzzer_sys::fuzz_target;

static STORE: LazyLock<RedisStore> = LazyLock::new(|| {
    let key = SealingKey::new(&[1; 32]).unwrap();
    RedisStore::builder([key]).open("redis://127.0.0.1:1").unwrap()
});

static KEY: LazyLock<StoreKey> = LazyLock::new(|| StoreKey::new(Fingerprint::of(["fuzz"]), "a b"));

#[derive(arbitrary::Arbitrary, Debug)]
enum Reply<'a> {
    Nil,
    Int(i64),
    Word(u8),
    Bytes(&'a [u8]),
    Simple(&'a str),
    Array(Vec<Reply<'a>>),
}

const WORDS: [&str; 12] = [
    "token",
    "leased",
    "granted",
    "held",
    "closed",
    "refused",
    "limited",
    "none",
    "0000000000000001",
    "",
    "00000000000000a1",
    "ffffffffffffffff",
];

impl From<Reply<'_>> for Value {
    fn from(reply: Reply<'_>) -> Self {
        match reply {
            Reply::Nil => Self::Nil,
            Reply::Int(it) => Self::Int(it),
            Reply::Word(it) => Self::BulkString(WORDS[usize::from(it) % WORDS.len()].into()),
            Reply::Bytes(it) => Self::BulkString(it.to_vec()),
            Reply::Simple(it) => Self::SimpleString(it.to_owned()),
            Reply::Array(it) => Self::Array(it.into_iter().map(Self::from).collect()),
        }
    }
}

#[derive(arbitrary::Arbitrary, Debug)]
enum Input<'a> {
    Reply(Reply<'a>),
    /// The fuzz target builds an entry from the first four values and seals it. The last two values
    /// are the two integers in the reply.
    Sealed(u64, u64, Option<u32>, &'a str, i64, i64),
    Entry(&'a [u8], u64, u64),
    Marks(Reply<'a>, Vec<u64>),
    Message(&'a [u8]),
    Kind(u8, &'a str),
}

fn message(text: &[u8]) {
    if let Some(written) = fuzz::message(text) {
        assert_eq!(written.as_bytes(), text);
    }
}

fuzz_target!(|input: Input| match input {
    Input::Reply(reply) => match STORE.fuzz_reply(&KEY, reply.into()) {
        Some(Read::Token(_) | Read::RefreshToken(_)) => panic!("nobody sealed this"),
        Some(Read::Other) | None => {}
    },
    Input::Sealed(end, lifetime, length, rest, left, now) => {
        let length = length.unwrap_or(rest.len() as u32 / 2);
        let plain = [&end.to_be_bytes()[..], &lifetime.to_be_bytes(), &length.to_be_bytes(), rest.as_bytes()];
        let plain = plain.concat();
        let id = fuzz::entry(&plain, Duration::ZERO, 0).map_or(0, |token| token.id.get());
        let text = |text: String| Value::BulkString(text.into());
        let reply = Value::Array(vec![
            text("token".into()),
            text(format!("{id:016x}")),
            Value::BulkString(STORE.fuzz_seal(&KEY, &plain)),
            text(String::new()),
            Value::Int(left),
            Value::Int(now),
        ]);
        match STORE.fuzz_reply(&KEY, reply) {
            Some(Read::Token(token)) => {
                let until = Duration::from_micros(end.saturating_sub(now as u64));
                assert!(token.remaining() <= until, "{:?} of {until:?}", token.remaining());
                assert!(token.remaining() <= Duration::from_millis(left as u64));
                let _ = format!("{token:?}");
            }
            Some(Read::RefreshToken(_)) => panic!("that was an entry"),
            Some(Read::Other) | None => {}
        }
        let other = StoreKey::new(Fingerprint::of(["other"]), "a b");
        let moved = Value::Array(vec![
            text("token".into()),
            text(format!("{id:016x}")),
            Value::BulkString(STORE.fuzz_seal(&KEY, &plain)),
            text(String::new()),
            Value::Int(1),
            Value::Int(1),
        ]);
        assert!(!matches!(STORE.fuzz_reply(&other, moved), Some(Read::Token(_))), "that is another key's");
    }
    Input::Entry(bytes, left, now) => {
        if let Some(token) = fuzz::entry(bytes, Duration::from_micros(left), now) {
            assert!(token.remaining() <= Duration::from_micros(left));
        }
    }
    Input::Marks(reply, ids) => {
        let ids: Vec<TokenId> = ids.into_iter().filter_map(TokenId::new).collect();
        if let Some(notices) = fuzz::marks(&reply.into(), &ids) {
            assert!(notices.len() <= ids.len());
        }
    }
    Input::Message(text) => message(text),
    Input::Kind(kind, rest) => {
        let kind = ["changed", "revoked", "invalidated"][usize::from(kind) % 3];
        message(format!("{kind}:{rest}").as_bytes());
    }
});
