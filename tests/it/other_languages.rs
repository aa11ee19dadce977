//! Runs the guide's examples in other languages against the emulator. An example is skipped if its
//! interpreter is not installed.

use std::{env, fs, path::Path, process::Command};

use fintech_auth::emulator::{Emulator, Operation, moneykit};

use crate::support::emulator;

fn example(language: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/other_languages.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let (_, code) = page.split_once(&format!("```{language}\n")).expect("an example");
    code.split_once("```").expect("its end").0.to_owned()
}

fn assert_readable(code: &str) {
    assert!(code.lines().count() <= 16, "{code}");
    assert!(code.lines().all(|line| line.len() <= 88), "{code}");
}

fn run(emulator: &Emulator, name: &str, command: &[&str], is_required: bool) -> Option<String> {
    let [program, args @ ..] = command else { panic!("no program") };
    let mut child = Command::new(program);
    child
        .args(args)
        .env("MONEYKIT_BASE_URL", emulator.url())
        .env("MONEYKIT_CLIENT_ID", moneykit::CLIENT_ID)
        .env("MONEYKIT_CLIENT_SECRET", moneykit::CLIENT_SECRET)
        .envs([("HTTP_PROXY", ""), ("http_proxy", ""), ("GO111MODULE", "off")]);
    match child.output() {
        Ok(ran) => {
            assert!(ran.status.success(), "{name}: {}", String::from_utf8_lossy(&ran.stderr));
            Some(String::from_utf8(ran.stdout).expect("text"))
        }
        Err(error) => {
            assert!(!is_required || env::var_os("CI").is_none(), "{program} is needed in CI: {error}");
            eprintln!("{program} is not installed, so the example in {name} was skipped");
            None
        }
    }
}

fn file(name: &str, text: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("other_languages");
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    fs::write(&path, text).expect("a file");
    path.to_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_in_other_languages_get_and_use_a_token() {
    let emulator = emulator().await;
    let mut ran = 0;
    for (name, command, is_required) in [
        ("python", vec!["python3", "-c"], true),
        ("typescript", vec!["node", "--input-type=module", "-e"], false),
        ("ruby", vec!["ruby", "-e"], false),
    ] {
        let code = example(name);
        assert_readable(&code);
        let command: Vec<&str> = command.into_iter().chain([code.as_str()]).collect();
        let Some(out) = run(&emulator, name, &command, is_required) else { continue };
        assert_eq!(out.trim(), moneykit::CLIENT_ID, "{name}");
        ran += 1;
        assert_eq!(emulator.count(Operation::MoneykitToken), ran, "{name}");
        assert_eq!(emulator.count(Operation::MoneykitIntrospect), ran, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn go_example_gets_a_token() {
    let emulator = emulator().await;
    let code = example("go");
    assert_readable(&code);
    let program = format!(
        "package main\nimport (\"encoding/json\"; \"log\"; \"net/http\"; \"net/url\"; \"os\")\nfunc main() {{\n\
         var token struct {{ AccessToken string `json:\"access_token\"` }}\n{code}\n\
         if err != nil || token.AccessToken == \"\" {{ log.Fatal(err) }}\n}}\n"
    );
    let path = file("token.go", &program);
    if run(&emulator, "go", &["go", "run", &path], false).is_some() {
        assert_eq!(emulator.count(Operation::MoneykitToken), 1);
    }
}
