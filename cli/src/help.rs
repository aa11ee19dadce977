//! The help, made from the table of commands, for a terminal of eighty columns. Examples are not broken: they are
//! there to be copied.

use std::fmt::Write as _;

use crate::{
    command::{Command, Opt},
    exit::EXITS,
};

/// Columns of a terminal.
const WIDTH: usize = 80;

/// The help of one command, or the list of several.
pub(crate) fn of(commands: &[&Command]) -> String {
    match commands {
        [command] => one(command),
        commands => all(commands),
    }
}

fn all(commands: &[&Command]) -> String {
    let mut text = "\
Authenticates to MoneyKit and Moov, and tells why where that does not work.

Usage: fintech-auth COMMAND [OPTION]…

Commands:
"
    .to_owned();
    for command in commands {
        _ = writeln!(text, "  {:<21} {}", command.name.join(" "), command.about);
    }
    text += "
Each command has --help, with examples. fintech-auth --version tells which
version this is.

Settings come from the environment: MOOV_CLIENT_ID, MOOV_CLIENT_SECRET or
MOOV_CLIENT_SECRET_FILE, MOOV_BASE_URL, MOOV_SCOPES and so on; likewise
MONEYKIT_. Or from a file (--config), with the same keys in lower case:

  {\"moov\": {\"client_id\": \"…\", \"client_secret_file\": \"/run/secrets/moov\"}}

Secrets come from there or from standard input (--client-secret-file -), and
never from an argument. Tokens are redacted unless --reveal or --raw says
otherwise. Errors go to standard error, as JSON with --json.

Exit codes:
    0  success
";
    for (exit, _, next) in EXITS {
        _ = writeln!(text, "  {:>3}  {next}", *exit as u8);
    }
    text += "
Examples:
  fintech-auth doctor
  fintech-auth moov token /accounts.read
  fintech-auth emulator --port 4848
";
    text
}

fn one(command: &Command) -> String {
    let name = command.name.join(" ");
    let required = command.options().filter(|option| option.is_required);
    let required: String = required.map(|option| format!(" {}", shown(option))).collect();
    let operands = command.operands.map(|operands| format!(" [{operands}]")).unwrap_or_default();
    let options = if command.options().next().is_some() { " [OPTION]…" } else { "" };
    let mut text = format!(
        "{}.\n\nUsage: fintech-auth {name}{required}{options}{operands}\n\nOptions:\n",
        command.about
    );
    for option in command.options() {
        row(&mut text, &shown(option), option.about);
    }
    row(&mut text, "--help", "print this");
    if !command.notes.is_empty() {
        text += "\n";
        for line in command.notes.trim().lines() {
            let indent = line.len() - line.trim_start().len();
            wrap(&mut text, line, indent);
        }
    }
    text += "\nExamples:\n";
    for example in command.examples {
        _ = writeln!(text, "  {example}");
    }
    text
}

fn shown(option: &Opt) -> String {
    let value = option.value.map(|value| format!(" {value}")).unwrap_or_default();
    format!("--{}{value}", option.name)
}

fn row(text: &mut String, name: &str, about: &str) {
    wrap(text, &format!("  {name:<27} {about}"), 30);
}

/// Breaks a line between words; what follows begins below this column.
fn wrap(text: &mut String, line: &str, indent: usize) {
    let mut rest = line;
    let mut before = String::new();
    while before.chars().count() + rest.chars().count() > WIDTH {
        let room = WIDTH - before.chars().count();
        let end = rest.char_indices().nth(room).map_or(rest.len(), |(at, _)| at);
        // The first line's own indent is no place to break at.
        let start = rest.len() - rest.trim_start().len();
        let Some(space) = rest[start..=end].rfind(' ').map(|at| start + at) else { break };
        _ = writeln!(text, "{before}{}", rest[..space].trim_end());
        rest = rest[space..].trim_start();
        before = " ".repeat(indent);
    }
    _ = writeln!(text, "{before}{rest}");
}
