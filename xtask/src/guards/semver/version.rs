//! A version by <https://semver.org>, as cargo reads it: below 1.0.0 the first part that is not zero breaks.
//! Build metadata is refused.

use std::cmp::Ordering;
use std::fmt;

use super::listing::Step;

/// `1.2.3` or `1.2.3-rc.1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    numbers: [u64; 3],
    /// Empty for a release.
    pre: String,
}

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (numbers, pre) = text.split_once('-').unwrap_or((text, ""));
        let numbers: Vec<u64> = numbers.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        Some(Self { numbers: numbers.try_into().ok()?, pre: pre.to_owned() })
    }

    /// The least version after this one that may bring such a change.
    pub(super) fn after(&self, step: Step) -> Self {
        let [major, minor, patch] = self.numbers;
        let numbers = match (step, major, minor) {
            (Step::None, ..) => return self.clone(),
            // What a pre-release promised, the release that it is of may still change.
            _ if !self.pre.is_empty() => return self.clone(),
            (Step::Breaking, 0, 0) | (Step::Addition, 0, _) => [major, minor, patch + 1],
            (Step::Breaking, 0, _) | (Step::Addition, ..) => [major, minor + 1, 0],
            (Step::Breaking, ..) => [major + 1, 0, 0],
        };
        Self { numbers, pre: String::new() }
    }

    /// Whether this is no less than `least`, or will become it: `0.2.0-rc.1` may bring what 0.2.0 may.
    pub(super) fn will_do(&self, least: &Self) -> bool {
        self >= least || (least.pre.is_empty() && self.numbers == least.numbers)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = self.numbers.cmp(&other.numbers);
        // A release comes after its pre-releases.
        numbers
            .then_with(|| self.pre.is_empty().cmp(&other.pre.is_empty()))
            .then_with(|| self.pre.cmp(&other.pre))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if self.pre.is_empty() { Ok(()) } else { write!(f, "-{}", self.pre) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn each_change_asks_for_the_version_that_cargo_would_not_take_unasked() {
        for (before, addition, breaking) in [
            ("0.0.1", "0.0.2", "0.0.2"),
            ("0.1.2", "0.1.3", "0.2.0"),
            ("1.2.3", "1.3.0", "2.0.0"),
            ("1.0.0-rc.1", "1.0.0-rc.1", "1.0.0-rc.1"),
        ] {
            let before = version(before);
            assert_eq!(before.after(Step::None), before);
            assert_eq!(before.after(Step::Addition).to_string(), addition);
            assert_eq!(before.after(Step::Breaking).to_string(), breaking);
        }
    }

    #[test]
    fn versions_are_ordered_by_number() {
        let ordered = ["0.9.0", "0.10.0-alpha", "0.10.0-beta", "0.10.0", "1.0.0"].map(version);
        assert!(ordered.is_sorted(), "{ordered:?}");
        for text in ["", "1", "1.2", "1.2.3.4", "1.2.x", "1.2.3+build"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
