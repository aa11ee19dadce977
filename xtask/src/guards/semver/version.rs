//! A version by <https://semver.org>, as cargo reads it: below 1.0.0 the first part that is not zero breaks.
//! Build metadata is refused.

use std::fmt;

use semver::{BuildMetadata, Prerelease};

use super::listing::Step;

/// `1.2.3` or `1.2.3-rc.1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(semver::Version);

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let version: semver::Version = text.parse().ok()?;
        (version.build == BuildMetadata::EMPTY).then_some(Self(version))
    }

    /// The least version after this one that may bring such a change.
    pub(super) fn after(&self, step: Step) -> Self {
        let semver::Version { major, minor, patch, .. } = self.0;
        let (major, minor, patch) = match (step, major, minor) {
            (Step::None, ..) => return self.clone(),
            // What a pre-release promised, the release that it is of may still change.
            _ if !self.is_release() => return self.clone(),
            (Step::Breaking, 0, 0) | (Step::Addition, 0, _) => (major, minor, patch + 1),
            (Step::Breaking, 0, _) | (Step::Addition, ..) => (major, minor + 1, 0),
            (Step::Breaking, ..) => (major + 1, 0, 0),
        };
        Self(semver::Version::new(major, minor, patch))
    }

    /// Whether this is no less than `least`, or will become it: `0.2.0-rc.1` may bring what 0.2.0 may.
    pub(super) fn will_do(&self, least: &Self) -> bool {
        let semver::Version { major, minor, patch, .. } = self.0;
        self >= least || semver::Version::new(major, minor, patch) == least.0
    }

    fn is_release(&self) -> bool {
        self.0.pre == Prerelease::EMPTY
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
        let ordered =
            ["0.9.0", "0.10.0-alpha", "0.10.0-beta", "0.10.0", "1.0.0-rc.9", "1.0.0-rc.10", "1.0.0"];
        let ordered = ordered.map(version);
        assert!(ordered.is_sorted_by(|before, after| before < after), "{ordered:?}");
        for text in ["", "1", "1.2", "1.2.3.4", "1.2.x", "1.2.3-", "1.2.3+build"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
