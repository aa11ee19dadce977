//! Finds the known name that is most similar to a misspelt name.

pub(super) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No key is longer than 64 bytes. The running time grows with the product of both lengths, so
    // skip longer names.
    if given.len() > 64 {
        return None;
    }
    let near = |name: &&str| distance(given, name);
    let name = known.into_iter().min_by_key(near)?;
    let allowed = (name.len() / 3).min(2);
    (distance(given, name) <= allowed).then_some(name)
}

fn distance(one: &str, other: &str) -> usize {
    let letters = |text: &str| text.to_ascii_lowercase().chars().collect::<Vec<_>>();
    let (one, other) = (letters(one), letters(other));
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_typing_error_adds_one_to_the_distance() {
        for (one, other, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("client_secret", "client_secret", 0),
            ("client_secrte", "client_secret", 1),
            ("client_secre", "client_secret", 1),
            ("cleint_secert", "client_secret", 2),
            ("Origin", "origin", 0),
            ("margin", "origin", 3),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn only_similar_names_are_suggested() {
        let known = ["client_id", "client_secret", "scopes", "origin"];
        for (given, expected) in [
            ("client_secrte", Some("client_secret")),
            ("clientid", Some("client_id")),
            ("client-id", Some("client_id")),
            ("scope", Some("scopes")),
            ("domain", None),
            ("account_id", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, known), expected, "{given}");
        }
        assert_eq!(nearest(&"a".repeat(1_000_000), known), None);
    }
}
