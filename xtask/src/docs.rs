//! `cargo xtask docs`: builds the documentation with each set of features and checks its links.
//!
//! rustdoc checks links to items. This command also checks anchors (`#what-happens-on-a-401`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::rustdoc;
use openapi_drift::{Problems, Result};

const BUILDS: [(&str, &[&str], &[&str]); 3] = [
    ("none", &["--no-default-features"], &["-D", "warnings"]),
    ("default", &[], &["-D", "warnings"]),
    ("all", &["--all-features"], &["-D", "warnings", "--cfg", "docsrs"]),
];

pub(crate) fn run(root: &Path) -> Result<String> {
    let mut problems = Problems::default();
    for (name, features, args) in BUILDS {
        let folder = root.join("target/docs").join(name);
        rustdoc::run(root, &folder, features, args)?;
        for broken in Pages::read(&folder)?.broken_links() {
            problems.push(format!("docs with {name} features: {broken}"));
        }
    }
    problems.or("docs: no broken links".to_owned())
}

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

    fn broken_links(&self) -> Vec<String> {
        let ids: BTreeMap<&Path, BTreeSet<&str>> =
            self.0.iter().map(|(path, text)| (path.as_path(), values(text, "id").collect())).collect();
        let mut broken = Vec::new();
        // Only the pages of the crate's docs are checked. In the pages of source code, a script
        // creates the line anchors. The remaining pages belong to rustdoc itself.
        for (path, text) in self.0.iter().filter(|(path, _)| path.starts_with("fintech_auth")) {
            let ours = without_blanket_impls(text);
            // If rustdoc cannot resolve a link, it leaves the brackets of the link in the text.
            if ours.contains("[<code>") {
                broken.push(format!("{} has an unresolved link", path.display()));
            }
            for link in values(ours, "href").chain(values(ours, "src")) {
                if link.contains("://") || link.starts_with("data:") {
                    continue;
                }
                let (file, id) = link.split_once('#').unwrap_or((link, ""));
                let target = if file.is_empty() { path.clone() } else { joined(path, file) };
                let is_there = ids
                    .get(target.as_path())
                    .is_some_and(|ids| id.is_empty() || target.starts_with("src") || ids.contains(id));
                if !is_there {
                    broken.push(format!("{} links to {link}, which does not exist", path.display()));
                }
            }
        }
        broken
    }
}

/// The docs of blanket implementations come from other crates, so their links are not checked.
fn without_blanket_impls(text: &str) -> &str {
    text.split("id=\"blanket-implementations\"").next().unwrap_or_default()
}

fn values<'a>(text: &'a str, attribute: &str) -> impl Iterator<Item = &'a str> {
    let start = format!(" {attribute}=\"");
    let starts: Vec<usize> = text.match_indices(&start).map(|(at, found)| at + found.len()).collect();
    starts.into_iter().filter_map(|at| text[at..].split('"').next())
}

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
    fn broken_link_is_reported() {
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
                "fintech_auth/a/index.html links to gone.svg, which does not exist",
                "fintech_auth/index.html links to #there, which does not exist",
            ]
        );
    }

    #[test]
    fn unresolved_link_is_reported() {
        let pages = pages(&[
            ("fintech_auth/a.html", "see [<code>B</code>]"),
            ("fintech_auth/b.html", "see <a><code>B</code></a>"),
        ]);
        assert_eq!(pages.broken_links(), ["fintech_auth/a.html has an unresolved link"]);
    }
}
