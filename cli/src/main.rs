//! `fintech-auth`: the crate's calls from a shell. Parses the arguments, runs one command and turns its outcome into
//! the exit code.
//!
//! It takes no secret from an argument, and shows none unless it is told to.

mod credentials;
mod doctor;
mod emulator;
mod event;
mod exit;
mod fleet;
mod input;
mod issued;
mod moneykit;
mod moov;
mod options;
mod output;
mod private_file;
mod progress;
mod public_file;
mod received;
mod settings;
mod shell;
mod signals;
mod trigger;
mod usage;

use std::{env, ffi::OsString, fmt::Write as _, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand};
use exit::{EXITS, Failure};

/// Authenticates to MoneyKit and Moov, and reports why where that does not work.
#[derive(Parser)]
#[command(name = "fintech-auth", version, term_width = 80, after_help = after_help())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Issue and describe MoneyKit tokens, verify and send webhooks
    #[command(subcommand)]
    Moneykit(moneykit::Command),
    /// Issue, refresh and revoke Moov tokens, verify and send webhooks
    #[command(subcommand)]
    Moov(moov::Command),
    /// Check credentials, network and Redis, and say what to do
    Doctor(doctor::Args),
    /// Run MoneyKit's and Moov's auth services on this machine
    Emulator(emulator::Args),
    /// Check that an emulator serves, for a container
    Health(emulator::Health),
    /// Print completions for a shell
    Completions(shell::Completions),
    /// Write manual pages
    Man(shell::Man),
}

impl Command {
    async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Moneykit(command) => command.run().await,
            Self::Moov(command) => command.run().await,
            Self::Doctor(args) => doctor::run(args).await,
            Self::Emulator(args) => emulator::run(args).await,
            Self::Health(health) => health.run().await,
            Self::Completions(args) => shell::completions(&args, Cli::command()),
            Self::Man(args) => shell::man(&args, Cli::command()),
        }
    }
}

fn after_help() -> String {
    let mut text = r#"Each command has --help, with examples.

Settings come from the environment: MOOV_CLIENT_ID, MOOV_CLIENT_SECRET or
MOOV_CLIENT_SECRET_FILE, MOOV_BASE_URL, MOOV_SCOPES and so on; likewise
MONEYKIT_. Or from a file (--config), with the same keys in lower case:

  {"moov": {"client_id": "…", "client_secret_file": "/run/secrets/moov"}}

Secrets come from there or from standard input (--client-secret-file -), and
never from an argument. Tokens are redacted unless --reveal or --raw is given.
Errors go to standard error, as JSON with --json.

Exit codes:
    0  success
"#
    .to_owned();
    for (exit, _, next) in EXITS {
        _ = writeln!(text, "  {:>3}  {next}", *exit as u8);
    }
    text + "
Examples:
  fintech-auth doctor
  fintech-auth moov token /accounts.read
  fintech-auth emulator --port 4848"
}

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().collect();
    // Errors in the arguments are reported in the requested format too.
    let json = args.iter().any(|arg| arg == "--json");
    let outcome = match Cli::try_parse_from(&args) {
        Ok(cli) => run(cli.command),
        Err(error) if error.use_stderr() => {
            Err(usage::failure(&error, &Cli::command(), args.get(1..).unwrap_or_default()))
        }
        // The help or the version.
        Err(error) => output::print(&error.render().to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::print_failure(&failure, json);
            ExitCode::from(failure.exit as u8)
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::local(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(command.run())
}
