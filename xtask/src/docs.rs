//! `cargo xtask docs`: the documentation as readers get it, under each set of features that they may have, and
//! what is wrong with it. It asks nothing of the network, so links to other sites are not followed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::rustdoc;
use openapi_drift::{Answer, Outcome};
use openapi_drift::{Problems, Result};

/// Builds the documentation and looks at it.
pub(crate) fn run(root: &Path) -> Answer {
    match check(root) {
        Ok(err) => Answer { outcome: Outcome::Same, out: String::new(), err },
        Err(problems) => {
            Answer { outcome: Outcome::Failed, out: String::new(), err: format!("{problems}\n") }
        }
    }
}

fn check(root: &Path) -> Result<String> {
    let folder = |name| root.join("target/docs").join(name);
    // rustdoc itself refuses a link to an item that is not there.
    let build = |name, features: &[&str], args: &[&str]| -> Result<Pages> {
        rustdoc::run(root, &folder(name), features, &[&["-D", "warnings"], args].concat())?;
        Pages::read(&folder(name))
    };
    let none = build("none", &["--no-default-features"], &[])?;
    let default = build("default", &[], &[])?;
    // As docs.rs builds it, by `package.metadata.docs.rs`.
    let all = build("all", &["--all-features"], &["--cfg", "docsrs"])?;

    let mut problems = Problems::default();
    for (name, pages) in [("no features", &none), ("default features", &default), ("all features", &all)] {
        for broken in pages.broken_links() {
            problems.push(format!("with {name}: {broken}"));
        }
        for page in pages.left_as_text() {
            problems.push(format!("with {name}: {} has a link that stayed text", page.display()));
        }
    }
    for page in all.unmarked(&none) {
        problems.push(format!("{} is behind a feature, and does not say so", page.display()));
    }
    let told = format!(
        "docs: {} pages with all features, {} without any; no broken link, and each feature is marked\n",
        all.count(),
        none.count()
    );
    problems.or(told)
}

/// The rendered pages, by their place below the folder.
struct Pages(BTreeMap<PathBuf, String>);

impl Pages {
    fn read(folder: &Path) -> Result<Self> {
        let mut pages = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            let failed = |error| format!("{}: {error}", next.display());
            for entry in fs::read_dir(&next).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let is_page = path.extension().is_some_and(|end| end == "html");
                    let text =
                        if is_page { fs::read_to_string(&path).map_err(failed)? } else { String::new() };
                    pages.insert(path.strip_prefix(folder).unwrap_or(&path).to_owned(), text);
                }
            }
        }
        Ok(Self(pages))
    }

    /// How many there are of the library's own.
    fn count(&self) -> usize {
        self.0
            .keys()
            .filter(|path| {
                path.starts_with("fintech_auth") && path.extension().is_some_and(|end| end == "html")
            })
            .count()
    }

    /// Links within the documentation that lead nowhere, as sentences.
    fn broken_links(&self) -> Vec<String> {
        let ids: BTreeMap<&Path, BTreeSet<&str>> =
            self.0.iter().map(|(path, text)| (path.as_path(), values(text, "id").collect())).collect();
        let mut broken = Vec::new();
        // The rest are sources, whose lines a script finds, and pages of rustdoc's own.
        for (path, text) in self.0.iter().filter(|(path, _)| path.starts_with("fintech_auth")) {
            let ours = before_blankets(text);
            for link in values(ours, "href").chain(values(ours, "src")) {
                if link.contains("://") || link.starts_with("data:") {
                    continue;
                }
                let (file, id) = link.split_once('#').unwrap_or((link, ""));
                let target = if file.is_empty() { path.clone() } else { joined(path, file) };
                let is_there = match ids.get(target.as_path()) {
                    Some(ids) => id.is_empty() || target.starts_with("src") || ids.contains(id),
                    None => false,
                };
                if !is_there {
                    broken.push(format!("{} links to {link}, which is not there", path.display()));
                }
            }
        }
        broken
    }

    /// Links that rustdoc left as text, brackets and all: it does so where they lead into another crate.
    fn left_as_text(&self) -> Vec<&Path> {
        let ours = self.0.iter().filter(|(path, text)| {
            path.starts_with("fintech_auth") && before_blankets(text).contains("[<code>")
        });
        ours.map(|(path, _)| path.as_path()).collect()
    }

    /// Pages that are not there without features, and name none that they are behind.
    fn unmarked(&self, without: &Self) -> Vec<&Path> {
        let is_item = |path: &Path| path.starts_with("fintech_auth") && path.extension().is_some();
        let behind = self.0.iter().filter(|(path, _)| is_item(path) && !without.0.contains_key(*path));
        let unmarked = behind.filter(|(_, text)| {
            // A page that only leads on to where the item is re-exported.
            let is_redirection = text.contains("http-equiv=\"refresh\"");
            text.starts_with("<!DOCTYPE html>") && !is_redirection && !text.contains("Available on ")
        });
        unmarked.map(|(path, _)| path.as_path()).collect()
    }
}

/// A page without its end, which is other crates' text, with links of theirs.
fn before_blankets(text: &str) -> &str {
    text.split("id=\"blanket-implementations\"").next().unwrap_or_default()
}

/// The values of an attribute, wherever it stands.
fn values<'a>(text: &'a str, attribute: &str) -> impl Iterator<Item = &'a str> {
    let start = format!(" {attribute}=\"");
    let starts: Vec<usize> = text.match_indices(&start).map(|(at, found)| at + found.len()).collect();
    starts.into_iter().filter_map(|at| text[at..].split('"').next())
}

/// Where a relative link of a page leads.
fn joined(page: &Path, link: &str) -> PathBuf {
    let mut target = page.parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => drop(target.pop()),
            Component::Normal(name) => target.push(name),
            _ => {}
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(pages: &[(&str, &str)]) -> Pages {
        Pages(pages.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect())
    }

    #[test]
    fn a_link_to_nothing_is_told() {
        let pages = pages(&[
            (
                "fintech_auth/index.html",
                r##"<a href="a/index.html#here"> <a href="#there"> <a href="https://x">"##,
            ),
            (
                "fintech_auth/a/index.html",
                r#"<p id="here"> <a href="../index.html"> <img src="gone.svg">
                <h2 id="blanket-implementations"> <a href="theirs">"#,
            ),
        ]);
        assert_eq!(
            pages.broken_links(),
            [
                "fintech_auth/a/index.html links to gone.svg, which is not there",
                "fintech_auth/index.html links to #there, which is not there",
            ]
        );
    }

    #[test]
    fn a_link_that_stayed_text_is_told() {
        let pages = pages(&[
            ("fintech_auth/a.html", "see [<code>B</code>]"),
            ("fintech_auth/b.html", "see <a><code>B</code></a>"),
        ]);
        assert_eq!(pages.left_as_text(), [Path::new("fintech_auth/a.html")]);
    }

    #[test]
    fn an_item_behind_a_feature_says_so() {
        let without = pages(&[("fintech_auth/index.html", "<!DOCTYPE html>")]);
        let all = pages(&[
            ("fintech_auth/index.html", "<!DOCTYPE html>"),
            ("fintech_auth/marked.html", "<!DOCTYPE html> Available on <strong>crate feature <code>x</code>"),
            ("fintech_auth/moved.html", "<!DOCTYPE html><meta http-equiv=\"refresh\" content=\"0\">"),
            ("fintech_auth/unmarked.html", "<!DOCTYPE html>"),
        ]);
        assert_eq!(all.unmarked(&without), [Path::new("fintech_auth/unmarked.html")]);
    }
}
