//! Checks which modules of `src/` may import which other modules, and how each file starts.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A module may import only modules from earlier lines of this list. `lib.rs` and other files
/// outside of these modules may import all modules.
const ORDER: &[&[&str]] = &[
    &["catch_panic", "response", "secret", "timestamp", "clock", "sync", "hex", "json", "observer", "resend"],
    &["error", "single_flight", "work"],
    &["retry", "text"],
    &["token"],
    &["transport"],
    &["authorize", "webhook", "generated"],
    &["client"],
    &["moneykit", "moov"],
    &["blocking", "axum"],
    &["emulator"],
];

const EXPORTS: &[(&str, &str)] = &[
    ("Credentials", "client"),
    ("CredentialsFuture", "client"),
    ("CredentialsProvider", "client"),
    ("FileCredentials", "client"),
    ("ErrorKind", "error"),
    ("Error", "error"),
    ("FieldError", "error"),
    ("ExpiresIn", "token"),
    ("HttpOptions", "transport"),
    ("ManualClock", "clock"),
    ("Clock", "clock"),
    ("Response", "response"),
    ("RetryPolicy", "retry"),
    ("Token", "token"),
    ("ScopeSet", "token"),
    ("Scope", "token"),
    ("Secret", "secret"),
    ("SystemClock", "clock"),
    ("Timestamp", "timestamp"),
    ("UncachedToken", "client"),
];

pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| sources(folder));
    files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs")).chain(below).collect()
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn room(path: &Path) -> String {
    let relative = path.strip_prefix(src()).expect("below src");
    let first = relative.iter().next().expect("a first part");
    first.to_string_lossy().trim_end_matches(".rs").to_owned()
}

fn named(text: &str) -> Vec<String> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut names = Vec::new();
    for part in code.split("crate::").skip(1) {
        let Some(inner) = part.strip_prefix('{') else {
            names.push(
                part.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_owned(),
            );
            continue;
        };
        let (mut depth, mut item) = (0, String::new());
        for c in inner.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => names.push(std::mem::take(&mut item)),
                c if depth == 0 => item.push(c),
                _ => {}
            }
        }
        names.push(item);
    }
    names
        .iter()
        .map(|name| name.trim().split([':', ' ']).next().unwrap_or_default().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn module_dependencies_point_in_one_direction() {
    let mut checked = 0;
    for path in sources(&src()) {
        let here = room(&path);
        if ["lib", "guide"].contains(&here.as_str()) {
            continue;
        }
        let line = ORDER.iter().position(|line| line.contains(&here.as_str()));
        let line = line.unwrap_or_else(|| panic!("ORDER does not have {here}"));
        for name in named(&fs::read_to_string(&path).expect("readable")) {
            let there =
                EXPORTS.iter().find(|(export, _)| *export == name).map_or(name.as_str(), |(_, room)| room);
            let is_above = ORDER[..line].iter().any(|line| line.contains(&there));
            assert!(there == here || is_above, "{} must not depend on {name}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} names were found");
}

/// `tests/shuttle` replaces the primitives of `src/sync.rs` with models. shuttle cannot test code
/// that uses other primitives.
#[test]
fn token_cache_uses_only_primitives_of_the_sync_module() {
    const FORBIDDEN: [&str; 13] = [
        "std::sync::Barrier",
        "std::sync::Condvar",
        "std::sync::Mutex",
        "std::sync::RwLock",
        "std::sync::atomic",
        "std::sync::mpsc",
        "std::thread",
        "arc_swap::ArcSwap",
        "foldhash",
        "tokio::runtime",
        "tokio::sync",
        "tokio::task",
        "tokio::time",
    ];
    let mut checked = 0;
    let others = ["single_flight.rs", "moneykit/webhook/cache.rs"].map(|file| src().join(file));
    for path in sources(&src().join("token")).into_iter().chain(others) {
        // Skips `stats.rs`, because no decision depends on the counters, and `redis`, because Redis
        // is not part of the model.
        if path.ends_with("stats.rs") || path.iter().any(|part| part == "redis") {
            continue;
        }
        let file = syn::parse_file(&fs::read_to_string(&path).expect("readable")).expect("Rust");
        let mut used = Vec::new();
        for item in &file.items {
            if let syn::Item::Use(item) = item {
                paths_of(&item.tree, String::new(), &mut used);
            }
        }
        for name in &used {
            let is_forbidden = FORBIDDEN.iter().any(|forbidden| name.starts_with(forbidden))
                && !name.starts_with("tokio::sync::broadcast");
            assert!(!is_forbidden, "{} uses {name}", path.display());
        }
        checked += used.len();
    }
    assert!(checked > 50, "only {checked} names were found");
}

fn paths_of(tree: &syn::UseTree, start: String, paths: &mut Vec<String>) {
    match tree {
        syn::UseTree::Path(path) => paths_of(&path.tree, format!("{start}{}::", path.ident), paths),
        syn::UseTree::Group(group) => {
            group.items.iter().for_each(|tree| paths_of(tree, start.clone(), paths));
        }
        syn::UseTree::Name(name) => paths.push(format!("{start}{}", name.ident)),
        syn::UseTree::Rename(name) => paths.push(format!("{start}{}", name.ident)),
        syn::UseTree::Glob(_) => paths.push(format!("{start}*")),
    }
}

#[test]
fn cli_commands_do_not_depend_on_each_other() {
    const COMMANDS: [&str; 5] = ["moneykit", "moov", "doctor", "emulator", "shell"];
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("cli/src");
    let mut checked = 0;
    for path in sources(&bin).iter().filter(|path| !path.ends_with("main.rs")) {
        let here = path.strip_prefix(&bin).expect("below").iter().next().expect("a first part");
        let here = here.to_string_lossy().trim_end_matches(".rs").to_owned();
        for name in named(&fs::read_to_string(path).expect("readable")) {
            assert!(
                name == here || !COMMANDS.contains(&name.as_str()),
                "{} must not depend on {name}",
                path.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} names were found");
}

/// A file without a `mod` declaration would be published, but neither compiled nor tested.
#[test]
fn every_file_is_part_of_the_crate() {
    for path in sources(&src()) {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let folder = path.parent().expect("a folder");
        let (parent, name) = match (name.as_str(), folder == src()) {
            ("lib", true) => continue,
            ("mod", _) => (
                folder.parent().expect("a parent").to_owned(),
                folder.file_name().expect("a name").to_string_lossy().into_owned(),
            ),
            _ => (folder.to_owned(), name),
        };
        let owners = ["lib.rs", "mod.rs"].map(|owner| parent.join(owner));
        let owner = owners.into_iter().find(|owner| owner.exists()).expect("an owner");
        let text = fs::read_to_string(&owner).expect("readable");
        assert!(
            text.contains(&format!("mod {name};")),
            "{} does not name {}",
            owner.display(),
            path.display()
        );
    }
}

#[test]
fn every_file_has_a_module_doc() {
    for path in sources(&src()) {
        let text = fs::read_to_string(&path).expect("readable");
        let opens = text.starts_with("//!") || text.starts_with("#![doc = include_str!");
        assert!(opens, "{} does not open with //!", path.display());
    }
}

#[test]
fn tests_named_in_architecture_md_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("readable");
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    let named: Vec<(&str, &str)> = words
        .filter_map(|word| word.split_once("::"))
        .filter(|(file, test)| {
            test.len() > 12 && ![file, test].iter().any(|name| name.contains(char::is_uppercase))
        })
        .collect();
    assert!(named.len() > 5, "{named:?}");
    for (file, test) in named {
        let files = ["tests/it", "cli/tests/cli"].map(|folder| root.join(format!("{folder}/{file}.rs")));
        let code: String = files.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
        assert!(code.contains(&format!("fn {test}(")), "{file}::{test} does not exist");
    }
}
