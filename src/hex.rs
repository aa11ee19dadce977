//! Encodes and decodes hexadecimal digits. Decoding accepts only lower-case digits, so that a
//! signature has only one valid encoding.

/// Returns at least 16 for any byte that is not a lower-case hexadecimal digit. Uses no lookup
/// table, so that the compiler can vectorize the loop in [`unhex`].
const fn value(digit: u8) -> u8 {
    let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
    if number < 10 {
        number
    } else if letter < 6 {
        letter + 10
    } else {
        0xf0
    }
}

pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut pairs = [[0; 2]; N];
    let values = pairs.as_flattened_mut();
    if text.len() != values.len() {
        return None;
    }
    let mut seen = 0;
    for (place, &digit) in values.iter_mut().zip(text.as_bytes()) {
        *place = value(digit);
        seen |= *place;
    }
    (seen < 16).then(|| pairs.map(|[high, low]| high << 4 | low))
}

#[cfg(test)]
pub(crate) fn unhex_all(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok().and_then(unhex::<1>));
    pairs.collect::<Option<Vec<_>>>().expect("hexadecimal digits").concat()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_exactly_one_hex_form() {
        for byte in 0..=u8::MAX {
            assert_eq!(unhex::<1>(&hex(&[byte])), Some([byte]));
        }
        for bad in ["", "0", "000", "0g", "/0", ":0", "`0", "G0", "0A", "AB", " 0", "é"] {
            assert_eq!(unhex::<1>(bad), None, "{bad:?}");
        }
    }
}
