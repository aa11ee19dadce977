//! The help, made from the table of commands. It wraps nothing: lines are short where they are written.

use std::fmt::Write as _;

use crate::{command::Command, exit::EXITS};

/// The help of one command, or the list of several.
pub(crate) fn of(commands: &[&Command]) -> String {
    match commands {
        [command] => one(command),
        commands => all(commands),
    }
}

fn all(commands: &[&Command]) -> String {
    let mut text = "\
Authenticates to MoneyKit and Moov, and shows why it does not work where it does not.

Usage: fintech-auth COMMAND [OPTION]…

Commands:
"
    .to_owned();
    for command in commands {
        _ = writeln!(text, "  {:<21} {}", command.name.join(" "), command.about);
    }
    text += "
Each command has --help, with examples. fintech-auth --version tells which version this is.

Credentials come from the environment (MONEYKIT_CLIENT_ID, MONEYKIT_CLIENT_SECRET or
MONEYKIT_CLIENT_SECRET_FILE; likewise MOOV_), from a file (--config, --client-secret-file) or from standard
input (--client-secret-file -), and never from an argument. Tokens are redacted unless --reveal or --raw says
otherwise. Errors go to standard error, as JSON with --json.

Exit codes:
   0  success
";
    for (exit, _, next) in EXITS {
        _ = writeln!(text, "  {:>2}  {next}", *exit as u8);
    }
    text += "
Examples:
  fintech-auth doctor
  fintech-auth moov token /accounts.read
  fintech-auth sandbox --port 4848
";
    text
}

fn one(command: &Command) -> String {
    let name = command.name.join(" ");
    let operands = command.operands.map(|operands| format!(" [{operands}]")).unwrap_or_default();
    let mut text = format!("{}.\n\nUsage: fintech-auth {name} [OPTION]…{operands}\n", command.about);
    if command.options().next().is_some() {
        text += "\nOptions:\n";
    }
    for option in command.options() {
        let value = option.value.map(|value| format!(" {value}")).unwrap_or_default();
        _ = writeln!(text, "  {:<27} {}", format!("--{}{value}", option.name), option.about);
    }
    if !command.notes.is_empty() {
        _ = writeln!(text, "\n{}", command.notes.trim());
    }
    text += "\nExamples:\n";
    for example in command.examples {
        _ = writeln!(text, "  {example}");
    }
    text
}
