//! Generates tokens and ids that cannot be guessed. The randomness of the system is read only once,
//! at the start, so that issuing a token cannot fail.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{hmac, rand::SystemRandom};
use uuid::Uuid;

pub(super) struct Random {
    key: hmac::Key,
    drawn: AtomicU64,
}

impl Random {
    pub(super) fn new() -> io::Result<Self> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| io::Error::other("cannot read random bytes from the system"))?;
        Ok(Self { key, drawn: AtomicU64::new(0) })
    }

    fn draw(&self) -> hmac::Tag {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        hmac::sign(&self.key, &number.to_be_bytes())
    }

    pub(super) fn token(&self, prefix: &str) -> String {
        format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(self.draw()))
    }

    pub(super) fn nonce(&self) -> String {
        const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        self.bytes::<60>().iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % 62])).collect()
    }

    pub(super) fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        for part in bytes.chunks_mut(32) {
            part.copy_from_slice(&self.draw().as_ref()[..part.len()]);
        }
        bytes
    }

    pub(super) fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }
}
