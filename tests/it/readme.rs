//! Holds the front page to its word: each claim has a test, and each link leads somewhere, in the repository and in
//! the rendered documentation alike.

use std::{fs, path::Path};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("readable")
}

/// `[label]: target` of a text, without what stands before it on the line.
fn definitions<'a>(text: &'a str, before: &str) -> Vec<(&'a str, &'a str)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(before)?.strip_prefix('['));
    lines.filter_map(|line| line.split_once("]: ")).collect()
}

#[test]
fn each_line_of_the_comparison_names_the_test_that_holds_it() {
    let readme = read("README.md");
    let table = readme.split("| held by |").nth(1).expect("the table").split("\n\n").next().expect("its end");
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert!(rows.len() > 10, "{rows:?}");
    for row in rows {
        // That the tests exist is in `layers`.
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{row}");
        assert!(cells[3].starts_with('`') && cells[3].contains("::"), "{row}");
    }
}

/// The rendered page has definitions of its own before those of the README, and the first holds.
#[test]
fn each_link_leads_to_a_page_and_to_a_file() {
    let (readme, lib) = (read("README.md"), read("src/lib.rs"));
    let files = definitions(&readme, "");
    assert!(files.len() > 5, "{files:?}");
    let pages = definitions(&lib, "//! ");
    let labels = |list: &[(&str, &str)]| list.iter().map(|(label, _)| label.to_string()).collect::<Vec<_>>();
    assert_eq!(labels(&files), labels(&pages));
    for ((label, file), (_, page)) in files.iter().zip(pages) {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(file).is_file(), "{file} is not there");
        let module = page.strip_prefix("guide::").expect("a page of the guide");
        assert!(read("src/guide/mod.rs").contains(&format!("pub mod {module};")), "{page} is not there");
        assert!(readme.contains(&format!("[{label}]")), "nothing links to {label}");
    }
    // Everything else would break on one of the three: in git, on docs.rs or on crates.io.
    for link in readme.split("](").skip(1) {
        let target = link.split(')').next().expect("its end");
        assert!(target.starts_with("https://"), "{target}");
    }
}
