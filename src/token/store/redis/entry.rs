//! Encodes tokens before encryption, and decodes tokens after decryption. If you change the format,
//! increase `VERSION` in `seal.rs`.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::{Secret, token::store::StoredToken};

/// The format is: the expiry (µs, by the clock of the Redis server), the lifetime (µs), the length
/// of the scope plus one (zero if there is no scope), the scope, and the token.
///
/// The expiry is encrypted too, because anyone who can write to Redis can change the time to live
/// of a Redis key.
pub(super) fn write(token: &StoredToken, end: u64) -> Zeroizing<Vec<u8>> {
    let scope = token.scope.as_deref();
    let access = token.access_token.expose_secret();
    // Allocate the full size. A buffer that grows would leave a copy of the token in memory that is
    // not wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(20 + scope.map_or(0, str::len) + access.len()));
    bytes.extend_from_slice(&end.to_be_bytes());
    bytes.extend_from_slice(&micros(token.lifetime).to_be_bytes());
    let length = scope.map_or(0, |scope| scope.len() + 1);
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(0).to_be_bytes());
    bytes.extend_from_slice(scope.unwrap_or_default().as_bytes());
    bytes.extend_from_slice(access.as_bytes());
    bytes
}

pub(super) fn read(bytes: &[u8], left: Duration, now: u64) -> Option<StoredToken> {
    let (end, bytes) = bytes.split_first_chunk()?;
    let left = left.min(Duration::from_micros(u64::from_be_bytes(*end).saturating_sub(now)));
    let (lifetime, rest) = bytes.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (scope, access) = rest.split_at_checked(length.saturating_sub(1))?;
    let lifetime = Duration::from_micros(u64::from_be_bytes(*lifetime));
    let access = Secret::from(std::str::from_utf8(access).ok()?);
    let mut token = StoredToken::new(access, lifetime.saturating_sub(left), lifetime);
    if length > 0 {
        token.scope = Some(std::str::from_utf8(scope).ok()?.to_owned());
    }
    Some(token)
}

pub(super) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_entry_round_trips_and_a_truncated_entry_is_rejected() {
        for scope in [None, Some(""), Some("a b")] {
            let lifetime = Duration::from_millis(900_500);
            let mut token = StoredToken::new(Secret::from("token"), Duration::ZERO, lifetime);
            token.scope = scope.map(str::to_owned);
            let bytes = write(&token, 5_000_000_000);
            let read = |left, now| read(&bytes, Duration::from_secs(left), now).unwrap();
            let token = read(900, 0);
            assert_eq!(token.access_token.expose_secret(), "token");
            assert_eq!((token.age, token.lifetime), (Duration::from_millis(500), lifetime));
            assert_eq!(token.scope.as_deref(), scope);
            assert_eq!(read(900, 4_999_000_000).remaining(), Duration::from_secs(1));
            assert_eq!(read(900, 5_000_000_001).remaining(), Duration::ZERO);
            for cut in 0..20 {
                assert!(super::read(&bytes[..cut], lifetime, 0).is_none(), "{cut} bytes");
            }
        }
        assert!(read(&[0xff; 30], Duration::ZERO, 0).is_none());
        assert!(read(&[&[0_u8; 20][..], &[0xff]].concat(), Duration::ZERO, 0).is_none());
    }
}
