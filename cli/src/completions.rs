//! `completions`: a shell's completions, made from the table of commands.

use std::fmt::Write as _;

use crate::{
    COMMANDS,
    arguments::Arguments,
    command::{Command, Opt},
    exit::Failure,
    output::print,
};

pub(crate) static COMMAND: Command = Command {
    name: &["completions"],
    about: "Print completions for a shell",
    operands: Some("SHELL"),
    words: &["bash", "zsh", "fish"],
    options: &[],
    notes: "SHELL is bash, zsh or fish.",
    examples: &[
        "fintech-auth completions bash > /etc/bash_completion.d/fintech-auth",
        "source <(fintech-auth completions zsh)   # in ~/.zshrc, after compinit",
        "fintech-auth completions fish > ~/.config/fish/completions/fintech-auth.fish",
    ],
    run: |arguments| Box::pin(async move { run(&arguments) }),
};

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let shell = arguments.operands().first().map(String::as_str);
    print(&match shell {
        Some("bash") => bash(),
        // zsh reads those of bash, once it is told to.
        Some("zsh") => {
            format!("autoload -U +X bashcompinit && bashcompinit\n{}", bash())
        }
        Some("fish") => fish(),
        _ => return Err(Failure::usage("which shell? bash, zsh or fish")),
    })
}

/// A case for each command: the words that can follow it.
fn bash() -> String {
    let mut cases = String::new();
    for command in COMMANDS {
        let options = command.options().map(|option| format!("--{}", option.name));
        let words: Vec<String> = command
            .words
            .iter()
            .map(|word| (*word).to_owned())
            .chain(options)
            .chain(["--help".to_owned()])
            .collect();
        _ = writeln!(cases, "        \"{}\") words=\"{}\" ;;", command.name.join(" "), words.join(" "));
    }
    for vendor in ["moneykit", "moov"] {
        _ = writeln!(cases, "        \"{vendor}\") words=\"{}\" ;;", seconds(vendor).join(" "));
    }
    let files: Vec<String> = files().iter().map(|option| format!("--{}", option.name)).collect();
    format!(
        "\
_fintech_auth() {{
    local current=\"${{COMP_WORDS[COMP_CWORD]}}\" before=\"${{COMP_WORDS[COMP_CWORD-1]}}\" command words
    COMPREPLY=()
    case \"$before\" in
        {}) COMPREPLY=($(compgen -f -- \"$current\")); return ;;
    esac
    command=\"${{COMP_WORDS[1]}}\"
    case \"$command\" in
        moneykit|moov) [ \"$COMP_CWORD\" -gt 2 ] && command=\"$command ${{COMP_WORDS[2]}}\" ;;
    esac
    [ \"$COMP_CWORD\" -eq 1 ] && command=
    case \"$command\" in
        \"\") words=\"{} --help --version\" ;;
{cases}        *) words= ;;
    esac
    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))
}}
complete -F _fintech_auth fintech-auth
",
        files.join("|"),
        firsts().join(" "),
    )
}

fn fish() -> String {
    let mut text = "\
complete -c fintech-auth -f
complete -c fintech-auth -l help -d 'print the help'
complete -c fintech-auth -n __fish_use_subcommand -l version -d 'print the version'
"
    .to_owned();
    for first in firsts() {
        let about =
            COMMANDS.iter().find(|command| command.name == [first]).map_or("", |command| command.about);
        _ = writeln!(
            text,
            "complete -c fintech-auth -n __fish_use_subcommand -a {first} -d {}",
            quoted(about)
        );
    }
    for command in COMMANDS {
        let seen = match command.name {
            [vendor, second] => {
                // By its place: doctor takes a vendor as well.
                _ = writeln!(
                    text,
                    "complete -c fintech-auth -n 'test (count (commandline -opc)) -eq 2; and \
                     __fish_seen_subcommand_from {vendor}' -a {second} -d {}",
                    quoted(command.about)
                );
                format!("'__fish_seen_subcommand_from {vendor}; and __fish_seen_subcommand_from {second}'")
            }
            name => format!("'__fish_seen_subcommand_from {}'", name.join(" ")),
        };
        for option in command.options() {
            let value = match option.value {
                Some("FILE") => " -r -F",
                Some(_) => " -x",
                None => "",
            };
            let about = quoted(option.about);
            _ = writeln!(text, "complete -c fintech-auth -n {seen} -l {}{value} -d {about}", option.name);
        }
        for word in command.words {
            _ = writeln!(text, "complete -c fintech-auth -n {seen} -a {word}");
        }
    }
    text
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "\\'"))
}

/// What can stand first.
fn firsts() -> Vec<&'static str> {
    let mut firsts: Vec<&str> = COMMANDS.iter().map(|command| command.name[0]).collect();
    firsts.dedup();
    firsts
}

/// What can follow a vendor.
fn seconds(vendor: &str) -> Vec<&'static str> {
    COMMANDS
        .iter()
        .filter(|command| command.name[0] == vendor)
        .filter_map(|command| command.name.get(1).copied())
        .collect()
}

/// The options that name a file, each once.
fn files() -> Vec<&'static Opt> {
    let mut files: Vec<&Opt> = Vec::new();
    for option in COMMANDS.iter().flat_map(|command| command.options()) {
        if option.value == Some("FILE") && !files.iter().any(|known| known.name == option.name) {
            files.push(option);
        }
    }
    files
}
