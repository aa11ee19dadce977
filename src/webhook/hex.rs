//! Hexadecimal digits, as strictly as signatures need them.

/// `N` bytes from exactly `2 * N` lower-case digits: one text for each value. Without branches, which
/// is faster than with them, as a signature's digits cannot be predicted.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    let mut are_digits = u8::MAX;
    let mut digit = |byte: u8| {
        let (figure, letter) = (byte.wrapping_sub(b'0'), byte.wrapping_sub(b'a'));
        // All ones or none.
        let is_figure = 0_u8.wrapping_sub(u8::from(figure < 10));
        let is_letter = 0_u8.wrapping_sub(u8::from(letter < 6));
        are_digits &= is_figure | is_letter;
        figure & is_figure | letter.wrapping_add(10) & is_letter
    };
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        if let &[high, low] = pair {
            *byte = digit(high) << 4 | digit(low);
        }
    }
    (are_digits == u8::MAX).then_some(bytes)
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
