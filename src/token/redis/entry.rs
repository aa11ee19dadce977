//! A token as bytes, before they are sealed and after.
//!
//! It reads only what it wrote; anything else is nothing.

use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::{Secret, token::StoredToken};

/// When it was asked for and how long it lives in microseconds, the length of its scope plus one,
/// the scope, and the token.
pub(super) fn write(token: &StoredToken) -> Zeroizing<Vec<u8>> {
    let scope = token.scope.as_deref();
    let access = token.access_token.expose();
    let sent = token.sent_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // As large as it will be, so that no copy is left behind when it grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(20 + scope.map_or(0, str::len) + access.len()));
    bytes.extend_from_slice(&micros(sent).to_be_bytes());
    bytes.extend_from_slice(&micros(token.lifetime).to_be_bytes());
    let length = scope.map_or(0, |scope| scope.len() + 1);
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(0).to_be_bytes());
    bytes.extend_from_slice(scope.unwrap_or_default().as_bytes());
    bytes.extend_from_slice(access.as_bytes());
    bytes
}

pub(super) fn read(bytes: &[u8]) -> Option<StoredToken> {
    let (sent, rest) = bytes.split_first_chunk()?;
    let (lifetime, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (scope, access) = rest.split_at_checked(length.saturating_sub(1))?;
    let sent = Duration::from_micros(u64::from_be_bytes(*sent));
    let mut token = StoredToken::new(
        Secret::from(std::str::from_utf8(access).ok()?),
        SystemTime::UNIX_EPOCH.checked_add(sent)?,
        Duration::from_micros(u64::from_be_bytes(*lifetime)),
    );
    if length > 0 {
        token.scope = Some(std::str::from_utf8(scope).ok()?.to_owned());
    }
    Some(token)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_cut_off_is_not() {
        for scope in [None, Some(""), Some("a b")] {
            let sent_at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_800_000_000_123_456);
            let mut token = StoredToken::new(Secret::from("token"), sent_at, Duration::from_millis(900_500));
            token.scope = scope.map(str::to_owned);
            let bytes = write(&token);
            let read = read(&bytes).unwrap();
            assert_eq!(read.access_token.expose(), "token");
            assert_eq!((read.sent_at, read.lifetime, read.scope), (sent_at, token.lifetime, token.scope));
            for cut in 0..20 {
                assert!(super::read(&bytes[..cut]).is_none(), "{cut} bytes");
            }
        }
        assert!(read(&[0xff; 30]).is_none());
        assert!(read(&[&[0_u8; 20][..], &[0xff]].concat()).is_none());
    }
}
