//! Reads the arguments by the table of commands. It repeats the names of options and never a value, an operand
//! or a word that it does not know: any of them may be a secret on the wrong place.

use std::ffi::OsString;

use lexopt::{Arg, Parser};

use crate::{
    command::{Command, Opt},
    exit::Failure,
    nearest::nearest,
};

/// What the command line asks for.
pub(crate) enum Asked {
    Run(&'static Command, Arguments),
    /// Of these commands: one, those of a vendor, or all.
    Help(Vec<&'static Command>),
    Version,
}

/// The options and operands of one command.
#[derive(Default)]
pub(crate) struct Arguments {
    switches: Vec<&'static str>,
    values: Vec<(&'static str, String)>,
    operands: Vec<String>,
}

impl Arguments {
    /// Whether a switch is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.switches.contains(&name)
    }

    /// The value of an option, which comes once at the most.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(option, _)| *option == name).map(|(_, value)| value.as_str())
    }

    /// All values of an option.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.values.iter().filter(move |(option, _)| *option == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn operands(&self) -> &[String] {
        &self.operands
    }
}

/// Reads all arguments after the program's name.
///
/// # Errors
///
/// Usage failures, which tell where help is.
pub(crate) fn read(
    commands: &'static [&'static Command],
    args: impl IntoIterator<Item = OsString, IntoIter: 'static>,
) -> Result<Asked, Failure> {
    let mut parser = Parser::from_args(args);
    let mut words: Vec<String> = Vec::new();
    let mut is_help = false;
    let command = loop {
        let left: Vec<&Command> =
            commands.iter().copied().filter(|command| starts(command.name, &words)).collect();
        if left.is_empty() {
            return Err(no_command(commands, &words));
        }
        if let [command] = left[..]
            && command.name.len() == words.len()
        {
            break command;
        }
        match parser.next().map_err(|error| unreadable(&error))? {
            Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Asked::Help(left)),
            Some(Arg::Long("version") | Arg::Short('V')) if words.is_empty() => return Ok(Asked::Version),
            // As many programs take it: help moov token.
            Some(Arg::Value(word)) if word == "help" && words.is_empty() => is_help = true,
            Some(Arg::Value(word)) => words.push(text(word)?),
            Some(Arg::Long(_) | Arg::Short(_)) => {
                return Err(Failure::usage("the command comes before its options; see fintech-auth --help"));
            }
            None if is_help => return Ok(Asked::Help(left)),
            None => return Err(Failure::usage(which(&words))),
        }
    };
    if is_help { Ok(Asked::Help(vec![command])) } else { options(commands, command, parser) }
}

fn which(words: &[String]) -> String {
    match words {
        [vendor] => format!("which command of {vendor}? See fintech-auth {vendor} --help"),
        _ => "which command? See fintech-auth --help".to_owned(),
    }
}

/// The word that is none is not shown, only what it was meant to be.
fn no_command(commands: &[&Command], words: &[String]) -> Failure {
    let Some((word, before)) = words.split_last() else { return Failure::usage(which(words)) };
    let known = commands.iter().filter(|command| starts(command.name, before));
    let near = nearest(word, known.filter_map(|command| command.name.get(before.len()).copied()));
    let before = before.iter().map(|word| format!("{word} ")).collect::<String>();
    let of_a_vendor = commands.iter().find(|command| command.name.get(1).is_some_and(|name| name == word));
    Failure::usage(match (near, of_a_vendor) {
        (Some(near), _) => format!("there is no such command; did you mean fintech-auth {before}{near}?"),
        (None, Some(command)) if before.is_empty() => {
            format!("whose? Name the vendor: fintech-auth {}", command.name.join(" "))
        }
        _ => format!("there is no such command; see fintech-auth {before}--help"),
    })
}

fn options(commands: &[&Command], command: &'static Command, mut parser: Parser) -> Result<Asked, Failure> {
    let mut arguments = Arguments::default();
    while let Some(arg) = parser.next().map_err(|error| unreadable(&error))? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Asked::Help(vec![command])),
            Arg::Long(name) => {
                let Some(option) = command.options().find(|option| option.name == name) else {
                    return Err(unknown(name, command, commands));
                };
                option_value(option, &mut parser, &mut arguments)?;
            }
            Arg::Short(letter) => return Err(Failure::usage(format!("there is no option -{letter}"))),
            Arg::Value(value) => arguments.operands.push(text(value)?),
        }
    }
    let name = command.name.join(" ");
    let several = command.operands.is_some_and(|operands| operands.contains('…'));
    match (command.operands, arguments.operands.len()) {
        (None, 1..) => Err(Failure::usage(format!(
            "{name} takes no operands, and no token or secret from an argument, where others can read it; see \
             fintech-auth {name} --help"
        ))),
        (Some(operand), 2..) if !several => Err(Failure::usage(format!("{name} takes one {operand}"))),
        _ => Ok(Asked::Run(command, arguments)),
    }
}

fn option_value(option: &'static Opt, parser: &mut Parser, arguments: &mut Arguments) -> Result<(), Failure> {
    if option.value.is_none() {
        if !arguments.switches.contains(&option.name) {
            arguments.switches.push(option.name);
        }
        return Ok(());
    }
    let value = text(parser.value().map_err(|error| unreadable(&error))?)?;
    if arguments.value(option.name).is_some() && !option.about.ends_with("again for more") {
        return Err(Failure::usage(format!("--{} is given twice", option.name)));
    }
    arguments.values.push((option.name, value));
    Ok(())
}

fn unknown(name: &str, command: &Command, commands: &[&Command]) -> Failure {
    let this = command.name.join(" ");
    let help = format!("see fintech-auth {this} --help");
    if commands.iter().flat_map(|command| command.options()).any(|option| option.name == name) {
        return Failure::usage(format!("{this} takes no --{name}; {help}"));
    }
    if let Some(near) = nearest(name, command.options().map(|option| option.name)) {
        return Failure::usage(format!("there is no option --{name}; did you mean --{near}?"));
    }
    let is_secret = ["secret", "token", "password", "key"].iter().any(|word| name.contains(word));
    Failure::usage(if is_secret {
        format!(
            "there is no option --{name}: secrets are never taken from an argument, where others can read them, but \
             from the environment, a file or standard input; {help}"
        )
    } else {
        format!("there is no option --{name}; {help}")
    })
}

fn text(value: OsString) -> Result<String, Failure> {
    value.into_string().map_err(|_| Failure::usage("an argument is not UTF-8"))
}

/// lexopt's own words would show the value.
fn unreadable(error: &lexopt::Error) -> Failure {
    Failure::usage(match error {
        lexopt::Error::MissingValue { option: Some(option) } => format!("{option} needs a value"),
        lexopt::Error::UnexpectedValue { option, .. } => format!("{option} takes no value"),
        _ => "the arguments are not readable; see fintech-auth --help".to_owned(),
    })
}

fn starts(name: &[&str], words: &[String]) -> bool {
    words.len() <= name.len() && name.iter().zip(words).all(|(part, word)| part == word)
}
