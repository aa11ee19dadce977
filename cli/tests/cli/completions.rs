//! Tests that the shells can parse the generated completions, and that the manual pages name every
//! command and option.

use std::{fs, process::Command};

use crate::{
    help::COMMANDS,
    program::{file, program, run},
};

fn completions(shell: &str) -> String {
    let ran = run(&mut program(&format!("completions {shell}")));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    ran.out
}

fn parses(shell: &str, args: &[&str]) {
    let path = file(&format!("completions.{shell}"), completions(shell));
    match Command::new(shell).args(args).arg(&path).output() {
        Ok(output) => {
            let err = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && err.is_empty(), "{shell}: {err}");
        }
        Err(_) => println!("{shell} is not installed: its completions are not parsed"),
    }
}

#[test]
fn each_shell_can_parse_its_completion_script() {
    parses("bash", &["-n"]);
    parses("zsh", &["-n"]);
    parses("fish", &["--no-execute"]);
}

fn offered(line: &str) -> Option<Vec<String>> {
    let text = completions("bash");
    let (_, function) = text.split_once("complete -F ").expect("a function");
    let function = function.split(' ').next().unwrap_or_default();
    let path = file(&format!("offered{}.bash", line.replace(' ', "")), &text);
    let last = line.rsplit(' ').next().unwrap_or_default();
    let script = format!(
        "source {}; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
         {function} fintech-auth '{last}' ''; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        path.display()
    );
    let output = Command::new("bash").args(["-c", &script]).output().ok()?;
    let mut words: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    words.sort();
    Some(words)
}

#[test]
fn bash_completes_commands_options_and_values() {
    for (line, expected) in [
        ("fintech-auth mo", "moneykit moov"),
        ("fintech-auth moov re", "refresh revoke"),
        ("fintech-auth moov refresh --sa", "--save"),
        ("fintech-auth doctor mon", "moneykit"),
        ("fintech-auth emulator --no", "--no-origin-check --no-refresh-tokens"),
        ("fintech-auth completions b", "bash"),
    ] {
        let Some(words) = offered(line) else { return println!("bash is not installed") };
        assert_eq!(words.join(" "), expected, "{line}");
    }
}

pub(crate) fn options(command: &str) -> Vec<String> {
    let page = run(&mut program(&format!("{command} --help"))).out;
    let (page, _) = page.split_once("\nExamples:\n").expect("examples");
    let lines = page.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let names = lines.filter_map(|line| line.split(' ').find(|word| word.starts_with("--")));
    let mut options: Vec<String> = names.map(str::to_owned).collect();
    options.sort();
    assert!(options.contains(&"--help".to_owned()), "{page}");
    options
}

#[test]
fn bash_offers_exactly_the_options_of_each_command() {
    for command in COMMANDS {
        let Some(words) = offered(&format!("fintech-auth {command} --")) else {
            return println!("bash is not installed");
        };
        assert_eq!(words, options(command), "{command}");
    }
}

#[test]
fn every_command_has_a_manual_page_that_lists_its_options() {
    let folder = file("man", "").with_extension("pages");
    fs::create_dir_all(&folder).unwrap();
    let ran = run(&mut program(&format!("man {}", folder.display())));
    assert_eq!((ran.code, ran.all().as_str()), (Some(0), ""));
    for command in COMMANDS {
        let page = fs::read_to_string(folder.join(format!("fintech-auth-{}.1", command.replace(' ', "-"))));
        let page = page.unwrap_or_else(|error| panic!("{command}: {error}")).replace('\\', "");
        for option in options(command) {
            assert!(page.contains(&option), "{command} {option}: {page}");
        }
    }
    let main = run(&mut program("man"));
    assert!(main.out.contains(".SH NAME") && main.out.contains("fintech\\-auth\\-moov(1)"), "{}", main.out);
}
