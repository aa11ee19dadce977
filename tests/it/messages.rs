//! Checks the wording of every message in the sources against a snapshot: errors, log lines, panics
//! and the output of the tools.
//!
//! A message is a string literal that contains a space and a letter. Docs, lints, `cfg` and test
//! code are excluded. Messages of a single word are not found; `tests/it/errors.rs` checks one-word
//! error messages.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};

use crate::layers::sources;

/// Phrases in lower case that readers did not understand, each with the text to write instead.
const BANNED: &[(&str, &str)] = &[
    ("all the same", "still, or nothing"),
    ("answer", "response, reply"),
    ("asked again", "next attempt, retried"),
    ("for good", "permanently"),
    ("his own", "their own"),
    ("in earnest", "nothing"),
    ("nobody", "no caller, no process"),
    ("of now", "current"),
    ("told", "reported, returned"),
    ("whoever", "the caller, the process"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn collect(tokens: TokenStream, found: &mut BTreeSet<String>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                tokens.next_if(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '!'));
                let Some(TokenTree::Group(attribute)) = tokens.next() else { continue };
                if is_test(attribute.stream()) {
                    skip_item(&mut tokens);
                } else if !has_no_message(attribute.stream()) {
                    collect(attribute.stream(), found);
                }
            }
            TokenTree::Group(group) => collect(group.stream(), found),
            TokenTree::Literal(literal) => {
                let text = match syn::Lit::new(literal) {
                    syn::Lit::Str(text) => text.value(),
                    syn::Lit::ByteStr(bytes) => String::from_utf8_lossy(&bytes.value()).into_owned(),
                    _ => continue,
                };
                if text.contains(char::is_whitespace) && text.contains(char::is_alphabetic) {
                    found.insert(text);
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

fn is_test(attribute: TokenStream) -> bool {
    let text = attribute.to_string().replace(' ', "");
    text == "test"
        || text.starts_with("tokio::test")
        || text == "cfg(test)"
        || text.starts_with("cfg(all(test,")
}

fn has_no_message(attribute: TokenStream) -> bool {
    let mut names = attribute.into_iter().filter_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        _ => None,
    });
    names.next().is_some_and(|name| matches!(&*name, "allow" | "cfg" | "cfg_attr" | "doc" | "expect"))
}

fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) {
    for token in tokens {
        match token {
            TokenTree::Punct(punct) if matches!(punct.as_char(), ';' | ',') => return,
            TokenTree::Group(group) if group.delimiter() == proc_macro2::Delimiter::Brace => return,
            _ => {}
        }
    }
}

fn is_test_file(path: &Path) -> bool {
    path.components()
        .any(|part| part.as_os_str().to_string_lossy().trim_end_matches(".rs").ends_with("tests"))
}

fn messages(folders: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let all = |name: &&str| -> Vec<PathBuf> {
        let path = root().join(name);
        if path.is_dir() { sources(&path) } else { vec![path] }
    };
    let mut messages = BTreeMap::new();
    for path in folders.iter().flat_map(all) {
        let relative = path.strip_prefix(root()).expect("below the root");
        if is_test_file(relative) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source");
        let mut found = BTreeSet::new();
        collect(text.parse().expect("Rust"), &mut found);
        if !found.is_empty() {
            messages.insert(relative.to_string_lossy().replace('\\', "/"), found);
        }
    }
    messages
}

fn page(folders: &[&str]) -> String {
    let mut page = String::new();
    for (file, messages) in messages(folders) {
        writeln!(page, "{file}").expect("writing to a string succeeds");
        for message in messages {
            let plain = message.trim() == message && !message.contains(char::is_control);
            let line = if plain { message } else { format!("{message:?}") };
            writeln!(page, "    {line}").expect("writing to a string succeeds");
        }
    }
    page
}

#[test]
fn library_messages_match_the_snapshot() {
    insta::assert_snapshot!(page(&["build.rs", "src"]));
}

#[test]
fn cli_messages_match_the_snapshot() {
    insta::assert_snapshot!(page(&["cli/src"]));
}

#[test]
fn xtask_messages_match_the_snapshot() {
    insta::assert_snapshot!(page(&["xtask/src"]));
}

#[test]
fn openapi_drift_messages_match_the_snapshot() {
    insta::assert_snapshot!(page(&["openapi-drift/src"]));
}

#[test]
fn no_message_contains_a_banned_word() {
    let mut bad = Vec::new();
    for (file, messages) in messages(&["build.rs", "src", "cli/src", "xtask/src", "openapi-drift/src"]) {
        for message in messages {
            for (banned, standard) in BANNED {
                if message.to_lowercase().contains(banned) {
                    bad.push(format!("{file}: {message:?} has `{banned}`; write {standard}"));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn message_scanner_finds_every_form_of_string_literal() {
    let source = r####"
        //! "not this doc"
        #![doc = "not this attribute"]
        // "not this comment"
        /* "nor /* this */ one" */
        /// "not this doc"
        #[must_use = "an attribute"]
        #[expect(dead_code, reason = "not this reason")]
        fn one() -> &'static str {
            const QUOTE: char = '"';
            tracing::warn!(field = %'a', "a log line: {}", "single");
            panic!(r#"a "raw" string"#);
            write(b"some bytes", br"raw bytes", "two \
                  lines", "with \"quotes\" // in it");
        }
        #[cfg(test)]
        const TEST: &str = "not this constant";
        struct Two {
            #[cfg(test)]
            field: Kind<"not this field">,
            other: Kind<"a field">,
        }
        #[cfg(not(test))]
        const REAL: &str = "a constant";
        #[cfg(test)]
        mod tests {
            const TEST: &str = "not this one";
        }
        #[tokio::test(start_paused = true)]
        async fn test_to_be_excluded_from_the_messages() { say("not this test") }
    "####;
    let mut found = BTreeSet::new();
    collect(source.parse().expect("Rust"), &mut found);
    let expected = [
        "a \"raw\" string",
        "a constant",
        "a field",
        "a log line: {}",
        "an attribute",
        "raw bytes",
        "some bytes",
        "two lines",
        "with \"quotes\" // in it",
    ];
    assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
}
