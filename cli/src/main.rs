//! `fintech-auth`: the crate's calls from a shell. Finds the command, runs it, and turns its outcome into the
//! exit code.
//!
//! It takes no secret from an argument, and shows none unless it is told to.

mod arguments;
mod command;
mod completions;
mod credentials;
mod doctor;
mod exit;
mod fleet;
mod help;
mod input;
mod issued;
mod moneykit;
mod moov;
// The settings' own: that file has no dependencies.
mod emulator;
#[path = "../../src/client/config/nearest.rs"]
mod nearest;
mod output;
mod received;
mod settings;
mod signals;

use std::{env, process::ExitCode};

use arguments::{Asked, read};
use command::Command;
use exit::Failure;

/// Every command, in the order of the help.
static COMMANDS: &[&Command] = &[
    &moneykit::token::COMMAND,
    &moneykit::introspect::COMMAND,
    &moneykit::jwks::COMMAND,
    &moneykit::verify::COMMAND,
    &moov::token::COMMAND,
    &moov::refresh::COMMAND,
    &moov::revoke::COMMAND,
    &moov::verify::COMMAND,
    &doctor::COMMAND,
    &emulator::COMMAND,
    &completions::COMMAND,
];

fn main() -> ExitCode {
    let args = env::args_os().skip(1);
    // Before anything is read, so that what is wrong with the arguments is told in the right way too.
    let json = env::args_os().any(|arg| arg == "--json");
    let outcome = match read(COMMANDS, args) {
        Ok(Asked::Help(commands)) => output::print(&help::of(&commands)),
        Ok(Asked::Version) => output::print(concat!("fintech-auth ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Asked::Run(command, arguments)) => run(command, arguments),
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure, json);
            ExitCode::from(failure.exit as u8)
        }
    }
}

fn run(command: &Command, arguments: arguments::Arguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::local(format!("no runtime can be had: {error}")))?;
    runtime.block_on((command.run)(arguments))
}
