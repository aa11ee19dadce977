//! The completions are read by the shells that they are for, and know every command and option.

use std::process::Command;

use crate::program::{file, program, run};

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
        ("fintech-auth sandbox --no", "--no-origin-check"),
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

#[test]
fn fish_knows_every_option() {
    let text = completions("fish");
    for part in ["-a moov ", "-a revoke ", "-l token-file -r -F", "-l no-origin-check -d", "-a fish"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}
