//! Hexadecimal digits, as strictly as signatures need them.

/// What each byte stands for; the upper half is set for those that are no digit.
static DIGITS: [u8; 256] = digits();

const fn digits() -> [u8; 256] {
    let mut digits = [0xf0; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    digits
}

/// `N` bytes from exactly `2 * N` lower-case digits: one text for each value. By a table, since a
/// signature's digits cannot be predicted, and branches on them would be missed.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    let mut seen = 0;
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        if let &[high, low] = pair {
            let (high, low) = (DIGITS[usize::from(high)], DIGITS[usize::from(low)]);
            seen |= high | low;
            *byte = high << 4 | low;
        }
    }
    (seen < 16).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_one_text() {
        for byte in 0..=u8::MAX {
            assert_eq!(unhex::<1>(&format!("{byte:02x}")), Some([byte]));
        }
        for bad in ["", "0", "000", "0g", "/0", ":0", "`0", "G0", "0A", "AB", " 0", "é"] {
            assert_eq!(unhex::<1>(bad), None, "{bad:?}");
        }
    }
}
