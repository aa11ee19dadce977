//! The error messages for invalid arguments. A message never quotes an argument, because the
//! argument may be a secret.

use std::{error::Error as _, ffi::OsString};

use clap::{
    Command, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{exit::Failure, options::Expected};

const SECRET_WORDS: [&str; 4] = ["secret", "token", "password", "key"];

pub(crate) fn failure(error: &Error, command: &Command, args: &[OsString]) -> Failure {
    let help = format!("see fintech-auth {}--help", path(command, args));
    let own = |kind| own_name(error, kind).unwrap_or("an option");
    let option = own(ContextKind::InvalidArg);
    Failure::usage(match error.kind() {
        ErrorKind::UnknownArgument => unknown(error, &help),
        ErrorKind::InvalidSubcommand => match suggestion(error, ContextKind::SuggestedSubcommand) {
            Some(name) => format!("unknown command; did you mean {name}?"),
            None => format!("unknown command; {help}"),
        },
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            format!("no command given; {help}")
        }
        ErrorKind::MissingRequiredArgument => format!("{option} is missing"),
        ErrorKind::ArgumentConflict => match own(ContextKind::PriorArg) {
            prior if prior == option => format!("{option} can be given only once"),
            prior => format!("{prior} and {option} cannot be combined"),
        },
        ErrorKind::TooManyValues => format!("{option} takes no value"),
        ErrorKind::InvalidUtf8 => "an argument is not valid UTF-8".to_owned(),
        ErrorKind::InvalidValue => match valid_values(error) {
            Some(valid) if is_missing(error) => format!("{option} needs a value: one of {valid}"),
            Some(valid) => format!("{option} must be one of {valid}"),
            None => format!("{option} needs a value"),
        },
        ErrorKind::ValueValidation => match error.source().and_then(|source| source.downcast_ref()) {
            Some(Expected(expected)) => format!("{option} must be {expected}"),
            None => format!("{option} has an invalid value"),
        },
        _ => format!("invalid arguments; {help}"),
    })
}

fn unknown(error: &Error, help: &str) -> String {
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.as_str(),
        _ => "",
    };
    if !argument.starts_with('-') {
        return format!(
            "unexpected argument; tokens and secrets cannot be passed as arguments, because other users can read \
             them; {help}"
        );
    }
    let hint = match suggestion(error, ContextKind::SuggestedArg) {
        Some(name) => format!("did you mean {name}?"),
        None => help.to_owned(),
    };
    if SECRET_WORDS.iter().any(|word| argument.contains(word)) {
        return format!(
            "unknown option; secrets cannot be passed as arguments, because other users can read them: use an \
             environment variable, a file or standard input; {hint}"
        );
    }
    format!("unknown option; {hint}")
}

/// For an unknown argument, clap's error contains the argument itself, which may be a secret.
fn own_name(error: &Error, kind: ContextKind) -> Option<&str> {
    let name = match error.get(kind)? {
        ContextValue::String(name) => name,
        ContextValue::Strings(names) => names.first()?,
        _ => return None,
    };
    let name = name.split(' ').next()?;
    Some(name.trim_matches(['<', '>', '[', ']'])).filter(|_| error.kind() != ErrorKind::UnknownArgument)
}

fn suggestion(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(name) => Some(name),
        ContextValue::Strings(names) => names.last().map(String::as_str),
        _ => None,
    }
}

fn valid_values(error: &Error) -> Option<String> {
    match error.get(ContextKind::ValidValue)? {
        ContextValue::Strings(values) if !values.is_empty() => Some(values.join(", ")),
        _ => None,
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if value.is_empty())
}

fn path(command: &Command, args: &[OsString]) -> String {
    let mut path = String::new();
    let mut command = command;
    for arg in args {
        let Some(next) = command.find_subcommand(arg) else { break };
        path += next.get_name();
        path.push(' ');
        command = next;
    }
    path
}
