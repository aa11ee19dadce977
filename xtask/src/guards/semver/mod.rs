//! `cargo xtask semver`: the version in the manifest is as far from that of the last tag as the changes of
//! the public API since ask for. It compares listings (`api.txt`) and features, so it sees what is named and
//! of which type, not what it does; nor the auto traits and derived implementations that listings leave out.

mod listing;
mod version;

use std::path::Path;

use toml_edit::DocumentMut;

use self::listing::{Listing, Step};
use self::version::Version;
use super::Verdict;
use crate::cargo::{starting, succeeded};
use crate::files;
use crate::problems::{Problems, Result};

pub(super) fn run(root: &Path) -> Result<Verdict> {
    let Some(tag) = last_tag(root)? else {
        let is_shallow = git(root, &["rev-parse", "--is-shallow-repository"])? == "true";
        return Ok(if is_shallow {
            Verdict::Skipped(
                "semver: a shallow clone may lack the tags (`git fetch --unshallow --tags`)".into(),
            )
        } else {
            Verdict::Held("semver: no version is tagged yet, so there is nothing to compare with".into())
        });
    };
    let at_tag = |file: &str| git(root, &["show", &format!("{tag}:{file}")]);
    let then = State::new(&at_tag("Cargo.toml")?, &at_tag("api.txt")?)?;
    let now = State::new(&files::read(root, "Cargo.toml")?, &files::read(root, "api.txt")?)?;
    if tag != format!("v{}", then.version) {
        return Err(format!("semver: the manifest at {tag} says {}", then.version).into());
    }
    judge(&tag, &then, &now)
}

/// What users can rely on in one version.
#[derive(Debug)]
struct State {
    version: Version,
    listing: Listing,
}

impl State {
    fn new(manifest: &str, api: &str) -> Result<Self> {
        let toml: DocumentMut = manifest.parse().map_err(|error| format!("semver: Cargo.toml: {error}"))?;
        let package = toml.get("package");
        let version = package.and_then(|package| package.get("version")?.as_str()).unwrap_or_default();
        let version = Version::parse(version).ok_or_else(|| format!("semver: {version} is no version"))?;
        let features = toml.get("features").and_then(|features| features.as_table_like());
        Ok(Self { version, listing: Listing::new(api, features) })
    }
}

fn judge(tag: &str, then: &State, now: &State) -> Result<Verdict> {
    let changes = then.listing.changes(&now.listing);
    let step = changes.iter().map(|change| change.step).max().unwrap_or(Step::None);
    let least = then.version.after(step);
    let what = match step {
        Step::None => "nothing of the public API changed",
        Step::Addition => "the public API grew",
        Step::Breaking => "the public API breaks users",
    };
    if now.version.will_do(&least) {
        return Ok(Verdict::Held(format!("semver: {what} since {tag}; {} will do", now.version)));
    }
    let mut problems = Problems::default();
    for change in changes.iter().filter(|change| change.step == step) {
        problems.push(format!("semver: {}", change.text));
    }
    problems.push(format!(
        "semver: {what} since {tag}, so the version in Cargo.toml is {least} at the least, and not {}",
        now.version
    ));
    Err(problems)
}

/// The last version before this commit, by its tag; nothing where there is none.
fn last_tag(root: &Path) -> Result<Option<String>> {
    let tags = git(root, &["tag", "--merged", "HEAD", "--list", "v*"])?;
    let versions = tags.lines().filter_map(|tag| Some((Version::parse(tag.strip_prefix('v')?)?, tag)));
    Ok(versions.max().map(|(_, tag)| tag.to_owned()))
}

fn git(root: &Path, args: &[&str]) -> Result<String> {
    let output = succeeded(starting("git", root).args(args))?;
    let text = String::from_utf8(output.stdout).map_err(|error| format!("git: {error}"))?;
    Ok(text.trim_end_matches('\n').to_owned())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::fixture::put;

    const API: &str = "pub struct fintech_auth::A\npub fn fintech_auth::A::a(&self)\n";

    /// A repository in which the public API is as listed, and the last commit of it.
    fn commit(root: &TempDir, version: &str, features: &str, api: &str) {
        let manifest =
            format!("[package]\nname = \"fintech-auth\"\nversion = \"{version}\"\n[features]\n{features}\n");
        put(root.path(), "Cargo.toml", &manifest);
        put(root.path(), "api.txt", api);
        do_git(root, &["add", "."]);
        let who = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false"];
        let commit = ["commit", "-q", "--allow-empty", "-m", version];
        do_git(root, &[&who[..], &commit[..]].concat());
    }

    fn do_git(root: &TempDir, args: &[&str]) {
        git(root.path(), args).unwrap();
    }

    /// A repository whose 0.1.0 is tagged.
    fn tagged() -> TempDir {
        let root = tempfile::tempdir().unwrap();
        do_git(&root, &["init", "-q"]);
        commit(&root, "0.1.0", "default = [\"tls\"]\ntls = []", API);
        do_git(&root, &["tag", "v0.1.0"]);
        root
    }

    fn verdict(root: &TempDir) -> String {
        match run(root.path()) {
            Ok(Verdict::Held(what)) => what,
            Ok(Verdict::Skipped(why)) => format!("skipped: {why}"),
            Err(problems) => format!("failed: {problems}"),
        }
    }

    const SAME: &str = "default = [\"tls\"]\ntls = []";

    #[test]
    fn without_a_tag_there_is_nothing_to_compare_with() {
        let root = tempfile::tempdir().unwrap();
        do_git(&root, &["init", "-q"]);
        commit(&root, "0.1.0", "", API);
        // Neither is another's tag one of ours.
        do_git(&root, &["tag", "nightly"]);
        do_git(&root, &["tag", "vague"]);
        insta::assert_snapshot!(verdict(&root), @"semver: no version is tagged yet, so there is nothing to compare with");
    }

    #[test]
    fn a_shallow_clone_is_not_taken_for_one_without_tags() {
        let root = tagged();
        commit(&root, "0.1.0", SAME, "");
        let clone = tempfile::tempdir().unwrap();
        let from = format!("file://{}", root.path().display());
        do_git(&clone, &["clone", "-q", "--depth", "1", "--no-tags", &from, "."]);
        insta::assert_snapshot!(verdict(&clone), @"skipped: semver: a shallow clone may lack the tags (`git fetch --unshallow --tags`)");
    }

    #[test]
    fn what_did_not_change_needs_no_other_version() {
        let root = tagged();
        insta::assert_snapshot!(verdict(&root), @"semver: nothing of the public API changed since v0.1.0; 0.1.0 will do");
    }

    #[test]
    fn an_addition_needs_a_patch() {
        let root = tagged();
        let more = format!("{API}pub fn fintech_auth::A::b(&self)\n");
        commit(&root, "0.1.0", SAME, &more);
        insta::assert_snapshot!(verdict(&root), @"
        failed: semver: new: pub fn fintech_auth::A::b(&self)
        semver: the public API grew since v0.1.0, so the version in Cargo.toml is 0.1.1 at the least, and not 0.1.0
        ");
        commit(&root, "0.1.1", SAME, &more);
        insta::assert_snapshot!(verdict(&root), @"semver: the public API grew since v0.1.0; 0.1.1 will do");
    }

    #[test]
    fn a_break_needs_a_minor_version_below_one() {
        let root = tagged();
        commit(&root, "0.1.9", SAME, "pub struct fintech_auth::A\npub fn fintech_auth::A::a(self)\n");
        insta::assert_snapshot!(verdict(&root), @"
        failed: semver: gone: pub fn fintech_auth::A::a(&self)
        semver: the public API breaks users since v0.1.0, so the version in Cargo.toml is 0.2.0 at the least, and not 0.1.9
        ");
        for version in ["0.2.0", "0.2.0-rc.1", "1.0.0"] {
            commit(&root, version, SAME, "");
            assert_eq!(
                verdict(&root),
                format!("semver: the public API breaks users since v0.1.0; {version} will do")
            );
        }
    }

    #[test]
    fn a_feature_that_is_gone_or_no_default_any_more_breaks_users() {
        for (features, gone) in
            [("default = []\ntls = []", "feature default with tls"), ("default = []", "feature tls")]
        {
            let root = tagged();
            commit(&root, "0.1.1", features, API);
            let verdict = verdict(&root);
            assert!(verdict.contains(&format!("gone: {gone}\n")), "{verdict}");
        }
    }

    #[test]
    fn the_tag_of_the_highest_version_before_this_commit_counts() {
        let root = tagged();
        for version in ["0.9.0", "0.10.0"] {
            commit(&root, version, SAME, "");
            do_git(&root, &["tag", &format!("v{version}")]);
        }
        insta::assert_snapshot!(verdict(&root), @"semver: nothing of the public API changed since v0.10.0; 0.10.0 will do");
        do_git(&root, &["checkout", "-q", "v0.9.0"]);
        insta::assert_snapshot!(verdict(&root), @"semver: nothing of the public API changed since v0.9.0; 0.9.0 will do");
    }

    #[test]
    fn a_version_that_goes_back_will_not_do() {
        let root = tagged();
        commit(&root, "0.0.9", SAME, API);
        insta::assert_snapshot!(verdict(&root), @"failed: semver: nothing of the public API changed since v0.1.0, so the version in Cargo.toml is 0.1.0 at the least, and not 0.0.9");
    }

    #[test]
    fn a_tag_that_says_another_version_than_its_manifest_is_refused() {
        let root = tagged();
        do_git(&root, &["tag", "v0.3.0"]);
        insta::assert_snapshot!(verdict(&root), @"failed: semver: the manifest at v0.3.0 says 0.1.0");
    }
}
