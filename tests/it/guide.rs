//! Compares the guide with the crate: the guide explains each error kind, lists each page and
//! contains no code.

use std::{fs, path::Path};

use fintech_auth::{
    Error, ErrorKind,
    webhook::{VerifyError, VerifyErrorKind},
};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("readable")
}

fn pages() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide");
    let files =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let pages =
        files.filter(|path| path.extension().is_some_and(|end| end == "md") && !path.ends_with("README.md"));
    pages
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(path).expect("readable"))
        })
        .collect()
}

fn variants(path: &str, name: &str) -> Vec<String> {
    let file = syn::parse_file(&read(path)).expect("Rust");
    let item = file.items.into_iter().find_map(|item| match item {
        syn::Item::Enum(item) if item.ident == name => Some(item),
        _ => None,
    });
    item.expect("the enum is there").variants.iter().map(|variant| variant.ident.to_string()).collect()
}

#[test]
fn each_error_kind_has_a_guide_section() {
    let page = read("docs/guide/troubleshooting.md");
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
    assert_eq!(names, known.map(|kind| format!("{kind:?}")), "the list in this test is not complete");
    for kind in known {
        let name = format!("{kind:?}");
        assert!(page.contains(&format!("\n### {name}\n")), "{name} has no section");
        let transient = if Error::new(kind, "").is_transient() { "yes" } else { "no" };
        let row = format!("| [`{name}`](#{}) | {transient} |", name.to_lowercase());
        assert!(page.contains(&row), "{row}");
        let section = page.split(&format!("\n### {name}\n")).nth(1).expect("a section");
        let section = section.split("\n#").next().expect("an end");
        let labels = ["Symptom", "Likely causes", "First check", "Escalate", "At risk"];
        let places = labels.map(|label| section.find(&format!("\n- **{label}:** ")));
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{name}: {places:?}");
    }
}

#[test]
fn each_log_line_explained_in_the_guide_is_in_the_sources() {
    let page = read("docs/guide/troubleshooting.md");
    let sources = crate::layers::sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let code: String = sources.iter().map(|path| fs::read_to_string(path).expect("readable")).collect();
    let code = code.replace("\\\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lines = 0;
    for table in page.split("| log line |").skip(1) {
        for row in table.lines().skip(2).take_while(|line| line.starts_with("| ")) {
            let line = row.split('`').nth(1).expect("a log line");
            assert!(code.contains(&format!("\"{line}\"")), "{line}");
            lines += 1;
        }
    }
    assert!(lines > 8, "{lines}");
}

#[test]
fn error_docs_link_to_the_guide_page() {
    for path in ["src/error.rs", "src/webhook/error.rs"] {
        assert!(read(path).contains("(crate::guide::troubleshooting"), "{path}");
    }
}

#[test]
fn guide_explains_each_webhook_rejection_reason_with_its_status() {
    let page = read("docs/guide/troubleshooting.md");
    let table = page.split("| kind | respond with | reasons | check |\n").nth(1).expect("the table");
    let mut rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    for kind in VerifyErrorKind::ALL {
        let status = kind.status().as_u16();
        let reasons = VerifyError::REASONS.iter().filter(|(of, _)| of == kind);
        let reasons: Vec<_> = reasons.map(|(_, reason)| format!("`{reason}`")).collect();
        let row = format!("| `{kind:?}` | {status} | {} | ", reasons.join(", "));
        let found = rows.next().unwrap_or_default();
        assert!(found.starts_with(&row), "expected {row}, found {found}");
    }
    assert_eq!(rows.next(), None);
}

#[test]
fn every_guide_page_is_in_the_page_list_and_in_rustdoc() {
    let (list, module) = (read("docs/guide/README.md"), read("src/guide/mod.rs"));
    let pages = pages();
    assert!(pages.len() > 8, "{pages:?}");
    for (name, _) in pages {
        assert!(list.contains(&format!("][{name}] | ")), "{name} is missing in docs/guide/README.md");
        let include = format!("#![doc = include_str!(\"../../docs/guide/{name}.md\")]");
        assert!(module.contains(&include), "{name} is not included in src/guide/mod.rs");
    }
}

#[test]
fn guide_pages_contain_no_code() {
    let macros = read("src/guide/mod.rs");
    let macros = syn::parse_file(&macros).expect("Rust").items;
    for item in macros {
        match item {
            syn::Item::Mod(page) => assert_eq!(
                page.content.expect("the module has its content in this file").1.len(),
                0,
                "{}",
                page.ident
            ),
            syn::Item::Macro(links) => assert_eq!(links.ident.expect("a name"), "links"),
            _ => panic!("an item in the guide that is neither a page nor `links`"),
        }
    }
    for (name, text) in pages() {
        assert!(!text.contains("```ignore"), "{name}: an example is never compiled");
        // rustdoc hides a line that begins with `# `, but GitHub shows the line. So the examples
        // must not contain such lines.
        let mut blocks = text.split("```").skip(1).step_by(2).filter(|block| block.starts_with("rust"));
        assert!(!blocks.any(|block| block.contains("\n# ")), "{name}: a code block has a hidden line");
        // On docs.rs, a reader must scroll to read lines of more than 88 characters.
        let mut code = text.split("```").skip(1).step_by(2).flat_map(str::lines);
        assert_eq!(code.find(|line| line.len() > 88), None, "{name}");
        let says = text.lines().any(|line| line.starts_with("After reading this page, you can "));
        assert!(says, "{name} does not say what the reader can do after reading it");
    }
}

/// The links in a guide page work only on GitHub. The Rust module that includes the page therefore
/// redefines each link label for rustdoc. These definitions precede the included text, because
/// rustdoc uses the first definition of a label.
#[test]
fn each_link_between_guide_pages_works_on_github_and_in_rustdoc() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide");
    let module = read("src/guide/mod.rs");
    let mut texts = pages();
    texts.push(("README".to_owned(), read("docs/guide/README.md")));
    let mut links = 0;
    for (name, text) in texts {
        let before = module.split(&format!("/{name}.md\")]")).next().expect("a start");
        let own = before.rsplit(".md\")]").next().expect("its own part");
        let prefix = if name == "README" { "mod@" } else { "mod@super::" };
        for line in text.lines().filter(|line| line.starts_with('[')) {
            let Some((label, target)) = line[1..].split_once("]: ") else { continue };
            let (file, anchor) = target.split_once('#').map_or((target, None), |(file, id)| (file, Some(id)));
            assert!(folder.join(file).is_file(), "{name}: {file} does not exist");
            let page = file.strip_suffix(".md").expect("a page");
            let id = anchor.map_or(String::new(), |id| format!("#{id}"));
            let definition = format!("//! [{label}]: {prefix}{page}{id}\n");
            assert!(own.contains(&definition), "{name}: src/guide/mod.rs has no {definition}");
            assert!(text.contains(&format!("[{label}]")), "{name}: nothing links to {label}");
            links += 1;
        }
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().expect("its end");
            let is_known = ["https://", "#"].iter().any(|start| target.starts_with(start));
            let is_picture = target.ends_with(".svg") && folder.join(target).is_file();
            assert!(is_known || is_picture, "{name}: {target}");
        }
    }
    assert!(links > 20, "{links}");
}

/// Before the first release, the crate name on crates.io is not ours, so a copied command could
/// install another author's crate. Remove this test after the first release.
#[test]
fn no_guide_page_says_to_install_the_crate_from_crates_io() {
    let mut texts: Vec<String> = pages().into_iter().map(|(_, text)| text).collect();
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
