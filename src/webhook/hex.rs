//! Hexadecimal digits, as strictly as signatures need them.

/// `N` bytes from exactly `2 * N` lower-case digits: one text for each value.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        if let &[high, low] = pair {
            *byte = digit(high)? << 4 | digit(low)?;
        }
    }
    Some(bytes)
}
