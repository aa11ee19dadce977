//! Tests the printed help.

use crate::program::{program, run};

pub(crate) const COMMANDS: [&str; 15] = [
    "moneykit token",
    "moneykit introspect",
    "moneykit jwks",
    "moneykit trigger",
    "moneykit verify",
    "moov token",
    "moov refresh",
    "moov revoke",
    "moov trigger",
    "moov verify",
    "doctor",
    "emulator",
    "health",
    "completions",
    "man",
];

fn help(args: &str) -> String {
    let ran = run(&mut program(args));
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{args}");
    ran.out
}

#[test]
fn help_matches_the_snapshot() {
    let pages = COMMANDS.map(|command| {
        let page = help(&format!("{command} --help"));
        assert!(page.contains("\nExamples:\n  "), "{command} has no example");
        page
    });
    insta::assert_snapshot!("all", help("--help"));
    insta::assert_snapshot!("commands", pages.join("\n----\n\n"));
}

#[test]
fn vendor_help_lists_its_commands() {
    let moov = help("moov -h");
    assert!(moov.contains("  revoke ") && !moov.contains("jwks"), "{moov}");
}

#[test]
fn help_lines_fit_the_terminal_width() {
    for args in COMMANDS.map(|command| format!("{command} --help")).into_iter().chain(["--help".to_owned()]) {
        let page = help(&args);
        for line in page.lines() {
            assert!(line.chars().count() <= 80, "{args}: {line}");
        }
    }
}

#[test]
fn output_contains_no_colors() {
    let environments = [("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("FORCE_COLOR", "1")];
    for args in ["--help", "help moov token", "--version", "moov token", "moov", "--wrong", "man", "doctor"] {
        let plain = run(&mut program(args));
        assert!(!plain.all().contains('\u{1b}'), "{args}: {}", plain.all());
        for (name, value) in environments {
            let ran = run(program(args).env(name, value).env("TERM", "xterm-256color"));
            assert_eq!(ran.all(), plain.all(), "{args} {name}");
        }
    }
}

#[test]
fn help_command_prints_the_same_as_the_help_flag() {
    assert_eq!(help("help"), help("--help"));
    assert_eq!(help("help moov"), help("moov --help"));
    assert_eq!(help("help moov token"), help("moov token --help"));
}

#[test]
fn printed_version_is_the_crate_version() {
    assert_eq!(help("--version"), concat!("fintech-auth ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn every_example_in_the_help_parses() {
    for command in COMMANDS {
        let page = help(&format!("{command} --help"));
        let examples = page.split("\nExamples:\n").nth(1).expect("examples").replace("\\\n", "");
        for example in examples.lines().filter(|line| line.trim().starts_with("fintech-auth")) {
            let args = example.trim().split(['|', '>']).next().expect("a command").trim();
            let args = args.strip_prefix("fintech-auth ").expect("the program");
            let ran = run(&mut program(&format!("{args} --help")));
            assert_eq!(ran.code, Some(0), "{example}: {}", ran.err);
        }
    }
}

#[test]
fn help_lists_every_documented_exit_code() {
    let page = include_str!("../../../docs/cli.md").replace('`', "");
    let all = help("--help");
    let codes = all.split("\nExit codes:\n").nth(1).expect("codes").split("\n\n").next().expect("codes");
    let codes: Vec<_> = codes.lines().filter_map(|line| line.trim().split_once("  ")).collect();
    let table = page.split("| exit code | meaning, or what to do |").nth(1).expect("a table");
    let table = table.split("\n\n").next().expect("a table");
    let rows: Vec<_> = table
        .lines()
        .skip(2)
        .filter_map(|row| row.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .collect();
    assert!(rows.len() > 8, "{table}");
    for row in rows {
        assert!(codes.contains(&row), "{row:?}");
    }
}
