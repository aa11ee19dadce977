//! The completions are read by the shells that they are for, and know every command and option.

use std::process::Command;

use crate::{
    help::COMMANDS,
    program::{file, program, run},
};

fn completions(shell: &str) -> String {
    let ran = run(&mut program(&format!("completions {shell}")));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    ran.out
}

/// A shell reads the file; one that is not installed is said to be passed over.
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
fn each_shell_reads_its_completions() {
    parses("bash", &["-n"]);
    parses("zsh", &["-n"]);
    parses("fish", &["--no-execute"]);
}

#[test]
fn bash_completes_commands_options_and_words() {
    let path = file("completions", completions("bash"));
    for (line, expected) in [
        ("fintech-auth mo", "moneykit moov"),
        ("fintech-auth moov re", "refresh revoke"),
        ("fintech-auth moov refresh --sa", "--save"),
        ("fintech-auth doctor mon", "moneykit"),
        ("fintech-auth emulator --no", "--no-origin-check --no-refresh-tokens"),
        ("fintech-auth completions b", "bash"),
    ] {
        let script = format!(
            "source {}; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _fintech_auth; echo ${{COMPREPLY[@]}}",
            path.display()
        );
        let Ok(output) = Command::new("bash").args(["-c", &script]).output() else {
            println!("bash is not installed: its completions are not tried");
            return;
        };
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{line}");
    }
}

/// Each option of a command's help, in order.
fn options(command: &str) -> Vec<String> {
    let page = run(&mut program(&format!("{command} --help"))).out;
    let options = page.lines().filter_map(|line| line.strip_prefix("  --")?.split(' ').next());
    let mut options: Vec<String> = options.map(|name| format!("--{name}")).collect();
    options.sort();
    assert!(options.contains(&"--help".to_owned()), "{page}");
    options
}

/// What a shell prints, a word a line; `None` where the shell is not installed, which is said.
fn offered(shell: &str, script: &str) -> Option<Vec<String>> {
    let Ok(output) = Command::new(shell).args(["-c", script]).output() else {
        println!("{shell} is not installed: its completions are not tried");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words: Vec<String> =
        text.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect();
    words.sort();
    Some(words)
}

#[test]
fn bash_offers_just_the_options_of_each_command() {
    let path = file("all-completions", completions("bash"));
    for command in COMMANDS {
        let script = format!(
            "source {}; COMP_WORDS=(fintech-auth {command} --); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _fintech_auth; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            path.display()
        );
        let Some(words) = offered("bash", &script) else { return };
        assert_eq!(words, options(command), "{command}");
    }
}

#[test]
fn fish_offers_commands_and_words_in_their_places() {
    let path = file("places.fish", completions("fish"));
    for (line, expected) in [
        ("mo", "moneykit moov"),
        ("moov re", "refresh revoke"),
        ("moov refresh re", ""),
        ("doctor m", "moneykit moov"),
        ("doctor moov to", ""),
        ("completions b", "bash"),
        ("--ver", "--version"),
    ] {
        let script = format!("source {}; complete -C 'fintech-auth {line}'", path.display());
        let Some(words) = offered("fish", &script) else { return };
        assert_eq!(words.join(" "), expected, "{line}");
    }
}

#[test]
fn fish_offers_just_the_options_of_each_command() {
    let path = file("all-completions.fish", completions("fish"));
    for command in COMMANDS {
        let script = format!("source {}; complete -C 'fintech-auth {command} --'", path.display());
        let Some(words) = offered("fish", &script) else { return };
        assert_eq!(words, options(command), "{command}");
    }
}

/// Where fish is not installed, this much is still known.
#[test]
fn every_option_has_its_line_for_fish() {
    let text = completions("fish");
    assert!(text.contains("\ncomplete -c fintech-auth -l help -d "), "{text}");
    for command in COMMANDS {
        let last = command.split(' ').next_back().unwrap();
        for option in options(command).iter().filter(|option| *option != "--help") {
            let named = format!(" -l {} ", option.trim_start_matches("--"));
            let is_there =
                |line: &str| line.contains(&format!("from {last}' ")) && format!("{line} ").contains(&named);
            assert!(text.lines().any(is_there), "{command} {option} is not in {text}");
        }
    }
}

#[test]
fn zsh_takes_those_of_bash() {
    let path = file("all-completions.zsh", completions("zsh"));
    let script =
        format!("autoload -U compinit; compinit -D; source {}; print $_comps[fintech-auth]", path.display());
    let Some(words) = offered("zsh", &script) else { return };
    assert_eq!(words, ["_bash_complete -F _fintech_auth"]);
}
