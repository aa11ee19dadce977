//! Holds the guide to what the crate has: each kind of failure explained, each page listed, no code among them.

use std::{fs, path::Path};

use fintech_auth::{
    Error, ErrorKind,
    webhook::{VerifyError, VerifyErrorKind},
};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("readable")
}

/// The pages, by name: text.
fn pages() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide");
    let files =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let pages =
        files.filter(|path| path.extension().is_some_and(|end| end == "rs") && !path.ends_with("mod.rs"));
    pages
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(path).expect("readable"))
        })
        .collect()
}

/// The variants of a public enum, as the source has them.
fn variants(path: &str, name: &str) -> Vec<String> {
    let file = syn::parse_file(&read(path)).expect("Rust");
    let item = file.items.into_iter().find_map(|item| match item {
        syn::Item::Enum(item) if item.ident == name => Some(item),
        _ => None,
    });
    item.expect("the enum is there").variants.iter().map(|variant| variant.ident.to_string()).collect()
}

#[test]
fn each_kind_of_error_has_its_section() {
    let page = read("src/guide/troubleshooting.rs");
    let known = [
        ErrorKind::InvalidConfig,
        ErrorKind::Unauthorized,
        ErrorKind::InvalidRequest,
        ErrorKind::RateLimited,
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::InvalidResponse,
    ];
    let names = variants("src/error.rs", "ErrorKind");
    assert_eq!(names, known.map(|kind| format!("{kind:?}")), "this table is not complete");
    for kind in known {
        let name = format!("{kind:?}");
        assert!(page.contains(&format!("\n//! ## {name}\n")), "{name} has no section");
        let transient = if Error::new(kind, "").is_transient() { "yes" } else { "no" };
        let row = format!("//! | [`{name}`](#{}) | {transient} |", name.to_lowercase());
        assert!(page.contains(&row), "{row}");
        // What an engineer on call needs, in this order.
        let section = page.split(&format!("\n//! ## {name}\n")).nth(1).expect("a section");
        let section = section.split("\n//! #").next().expect("an end");
        let labels = ["Symptom", "Likely causes", "First check", "Escalate", "At risk"];
        let places = labels.map(|label| section.find(&format!("\n//! - **{label}:** ")));
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{name}: {places:?}");
    }
}

/// A log line that was reworded would never be found on the page.
#[test]
fn each_log_line_that_the_page_explains_is_in_the_sources() {
    let page = read("src/guide/troubleshooting.rs");
    let sources = crate::layers::sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let sources = sources.iter().filter(|path| !path.ends_with("guide/troubleshooting.rs"));
    let code: String = sources.map(|path| fs::read_to_string(path).expect("readable")).collect();
    let code = code.replace("\\\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lines = 0;
    for table in page.split("//! | log line |").skip(1) {
        for row in table.lines().skip(2).take_while(|line| line.starts_with("//! | ")) {
            let line = row.split('`').nth(1).expect("a log line");
            assert!(code.contains(&format!("\"{line}\"")), "{line}");
            lines += 1;
        }
    }
    assert!(lines > 8, "{lines}");
}

#[test]
fn the_docs_of_errors_lead_to_the_page() {
    for path in ["src/error.rs", "src/webhook/error.rs"] {
        assert!(read(path).contains("(crate::guide::troubleshooting"), "{path}");
    }
}

#[test]
fn each_reason_that_a_webhook_is_refused_for_is_explained_with_its_status() {
    let page = read("src/guide/troubleshooting.rs");
    let mut rows = page.lines().filter(|line| line.contains("](crate::webhook::VerifyErrorKind::"));
    for kind in VerifyErrorKind::ALL {
        let status = kind.status().as_u16();
        let reasons = VerifyError::REASONS.iter().filter(|(of, _)| of == kind);
        let reasons: Vec<_> = reasons.map(|(_, reason)| format!("`{reason}`")).collect();
        let row = format!(
            "//! | [`{kind:?}`](crate::webhook::VerifyErrorKind::{kind:?}) | {status} | {} | ",
            reasons.join(", ")
        );
        let found = rows.next().unwrap_or_default();
        assert!(found.starts_with(&row), "{row} in place of {found}");
    }
    assert_eq!(rows.next(), None);
}

#[test]
fn every_page_is_listed() {
    let list = read("src/guide/mod.rs");
    let pages = pages();
    assert!(pages.len() > 8, "{pages:?}");
    for (name, _) in pages {
        assert!(list.contains(&format!("]({name}) | ")), "{name} is in no list");
    }
}

/// So a guide costs who depends on the crate nothing, and everything that it shows is a doctest.
#[test]
fn pages_hold_no_code() {
    for (name, text) in pages() {
        for line in text.lines() {
            assert!(line.starts_with("//!") || line.starts_with("#![doc = "), "{name}: {line}");
            assert!(!line.starts_with("//! ```ignore"), "{name}: an example that is never compiled");
        }
    }
}

/// The name is not ours on crates.io before the first release: who copied a version would get whatever is there. (That
/// release takes this test away.)
#[test]
fn no_page_asks_crates_io_for_the_crate() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide");
    let files =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let mut texts: Vec<String> = files.map(|path| fs::read_to_string(path).expect("readable")).collect();
    texts.extend(
        [
            "README.md",
            "src/lib.rs",
            "examples/own_client/Cargo.toml",
            "examples/prometheus/Cargo.toml",
            "examples/user_service/Cargo.toml",
            "examples/webhook_frameworks/Cargo.toml",
        ]
        .map(read),
    );
    for text in texts {
        for line in text.lines().map(|line| line.trim_start_matches(['/', '!', ' '])) {
            let asks =
                line.starts_with("fintech-auth = ") && !line.contains("path = ") && !line.contains("git = ");
            let adds = ["cargo add ", "cargo install "].iter().any(|command| {
                line.strip_prefix(command)
                    .is_some_and(|rest| rest.split(' ').any(|word| word.starts_with("fintech-auth")))
            });
            assert!(!asks && !adds, "{line}");
        }
    }
}
