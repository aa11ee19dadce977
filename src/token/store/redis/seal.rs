//! Encrypts the data in Redis with AES-256-GCM (NIST SP 800-38D) and a random 96-bit nonce.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest,
    rand::{SecureRandom as _, SystemRandom},
};
use zeroize::Zeroizing;

use crate::{
    Error, ErrorKind, Secret,
    token::{fingerprint::Fingerprint, store::StoreError},
};

/// The first byte of each sealed value. Increase the version when you change the seal or the format
/// in `entry.rs`. Never reuse the number of an earlier version. `CONTRIBUTING.md` has the rules for
/// all other data in Redis.
pub(super) const VERSION: u8 = 2;
const ID: usize = 8;
const HEADER: usize = 1 + ID + NONCE_LEN;

/// A key that encrypts tokens in Redis: 32 random bytes. All processes that share tokens need the
/// same key.
///
/// Create a key with `openssl rand -base64 32`, and store the key as securely as the client secret.
///
/// # Security
///
/// Anyone who has this key and can read Redis can read the tokens. Replace the key before 2³²
/// tokens have been sealed with this key. At 136 tokens per second, this number is reached after
/// one year.
pub struct SealingKey {
    key: LessSafeKey,
    id: [u8; ID],
}

impl SealingKey {
    /// Creates a key from its 32 bytes.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidConfig`] if the length is not 32 bytes.
    pub fn new(key: &[u8]) -> Result<Self, Error> {
        let wrong = |_| Error::new(ErrorKind::InvalidConfig, "a sealing key must have 32 bytes");
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"fintech-auth sealing key id");
        context.update(key);
        let mut id = [0; ID];
        id.copy_from_slice(&context.finish().as_ref()[..ID]);
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(wrong)?;
        Ok(Self { key: LessSafeKey::new(key), id })
    }

    /// Creates a key from Base64 with padding, as printed by `openssl rand -base64 32`.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidConfig`] if the text is not Base64 of 32 bytes.
    pub fn from_base64(text: &Secret) -> Result<Self, Error> {
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(text.expose_secret().trim()).unwrap_or_default());
        let wrong = |_| Error::new(ErrorKind::InvalidConfig, "a sealing key must be 32 bytes in Base64");
        Self::new(&bytes).map_err(wrong)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey([redacted])")
    }
}

pub(super) struct Keyring {
    keys: Vec<SealingKey>,
    random: SystemRandom,
}

impl Keyring {
    pub(super) fn new(keys: Vec<SealingKey>) -> Result<Self, Error> {
        if keys.is_empty() {
            return Err(Error::new(ErrorKind::InvalidConfig, "give at least one sealing key"));
        }
        Ok(Self { keys, random: SystemRandom::new() })
    }

    pub(super) fn seal(&self, about: &Fingerprint, text: &[u8]) -> Result<Vec<u8>, StoreError> {
        let failed = |_| StoreError::new("cannot read random bytes from the system");
        let key = &self.keys[0];
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(failed)?;
        let mut sealed = Vec::with_capacity(HEADER + text.len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&key.id);
        sealed.extend_from_slice(&nonce);
        // The capacity is sufficient for the whole text. A buffer that grows would leave a copy of
        // the text in memory that is not wiped.
        sealed.extend_from_slice(text);
        let aad = aad(&key.id, about);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = key.key.seal_in_place_separate_tag(nonce, aad, &mut sealed[HEADER..]).map_err(failed)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    pub(super) fn open(&self, about: &Fingerprint, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (header, text) = sealed.split_at_checked(HEADER)?;
        let (id, nonce) = header.strip_prefix(&[VERSION])?.split_at(ID);
        let key = self.keys.iter().find(|key| key.id == id)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = Zeroizing::new(text.to_vec());
        let length = key.key.open_in_place(nonce, aad(&key.id, about), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

fn aad(id: &[u8; ID], about: &Fingerprint) -> Aad<[u8; 1 + ID + 32]> {
    let mut bytes = [VERSION; 1 + ID + 32];
    bytes[1..=ID].copy_from_slice(id);
    bytes[1 + ID..].copy_from_slice(about.as_bytes());
    Aad::from(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(keys: &[u8]) -> Keyring {
        Keyring::new(keys.iter().map(|key| SealingKey::new(&[*key; 32]).unwrap()).collect()).unwrap()
    }

    #[test]
    fn encrypted_value_can_be_decrypted_only_with_its_key_and_context() {
        let (here, there) = (Fingerprint::of(["here"]), Fingerprint::of(["there"]));
        let sealed = ring(&[1]).seal(&here, b"text").unwrap();
        assert_eq!(**ring(&[2, 1]).open(&here, &sealed).unwrap(), *b"text");
        assert!(ring(&[2]).open(&here, &sealed).is_none());
        assert!(ring(&[1]).open(&there, &sealed).is_none());
    }

    #[test]
    fn changed_or_truncated_encrypted_value_cannot_be_decrypted() {
        let (about, keys) = (Fingerprint::of(["about"]), ring(&[1, 2]));
        let sealed = keys.seal(&about, b"text").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(keys.open(&about, &changed).is_none(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(keys.open(&about, &sealed[..length]).is_none(), "{length} bytes");
        }
    }

    fn sealed_by(version: u8, about: &Fingerprint) -> Vec<u8> {
        let key = SealingKey::new(&[1; 32]).unwrap();
        let mut aad = [version; 1 + ID + 32];
        aad[1..=ID].copy_from_slice(&key.id);
        aad[1 + ID..].copy_from_slice(about.as_bytes());
        let mut text = b"text".to_vec();
        let nonce = Nonce::assume_unique_for_key([9; NONCE_LEN]);
        key.key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut text).unwrap();
        [&[version][..], &key.id, &[9; NONCE_LEN], &text].concat()
    }

    #[test]
    fn value_encrypted_by_another_version_cannot_be_decrypted() {
        let (about, keys) = (Fingerprint::of(["about"]), ring(&[1]));
        assert!(keys.open(&about, &sealed_by(VERSION, &about)).is_some(), "the test seals as the code does");
        for version in (0..=u8::MAX).filter(|version| *version != VERSION) {
            let mut sealed = sealed_by(version, &about);
            assert!(keys.open(&about, &sealed).is_none(), "version {version}");
            sealed[0] = VERSION;
            assert!(keys.open(&about, &sealed).is_none(), "version {version} under our number");
        }
    }

    #[test]
    fn encrypting_the_same_text_twice_gives_different_values() {
        let (about, keys) = (Fingerprint::of(["about"]), ring(&[1]));
        assert_ne!(keys.seal(&about, b"text").unwrap(), keys.seal(&about, b"text").unwrap());
    }

    #[test]
    fn encryption_key_in_base64_must_have_32_bytes() {
        for bad in ["", "AAAA", "not base64 at all!", &"A".repeat(44)] {
            assert!(SealingKey::from_base64(&Secret::from(bad)).is_err(), "{bad:?}");
        }
        let key = BASE64_STANDARD.encode([1; 32]) + "\n";
        assert_eq!(SealingKey::from_base64(&Secret::from(key)).unwrap().id, ring(&[1]).keys[0].id);
        assert!(Keyring::new(Vec::new()).is_err());
    }
}
