//! The `fintech-auth` command line tool. No command takes a secret as an argument. A command prints
//! secrets only with `--reveal`, `--raw` or `--save -`. There are two exceptions: a new refresh
//! token that cannot be saved to a file, and the emulator's own credentials.

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

/// Authenticates to MoneyKit and Moov, and explains what is wrong when that fails.
#[derive(Parser)]
#[command(name = "fintech-auth", version, term_width = 80, after_help = after_help())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Issue and inspect MoneyKit tokens, send and verify webhooks
    #[command(subcommand)]
    Moneykit(moneykit::Command),
    /// Issue, refresh and revoke Moov tokens, send and verify webhooks
    #[command(subcommand)]
    Moov(moov::Command),
    /// Check credentials, network and Redis, and suggest fixes
    Doctor(doctor::Args),
    /// Run fake MoneyKit and Moov auth services on this machine
    Emulator(emulator::Args),
    /// Check that an emulator is running, for container health checks
    Health(emulator::Health),
    /// Print a shell completion script
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
    let mut text = r#"Run a command with --help to see its options and examples.

Settings are read from environment variables: MOOV_CLIENT_ID,
MOOV_CLIENT_SECRET or MOOV_CLIENT_SECRET_FILE, MOOV_BASE_URL, MOOV_SCOPES and
so on, and the same for MONEYKIT_. Alternatively, --config names a JSON file
with the same keys in lower case:

  {"moov": {"client_id": "…", "client_secret_file": "/run/secrets/moov"}}

Secrets are read from there or from standard input (--client-secret-file -),
never from an argument. Tokens are redacted unless --reveal or --raw is given.
Errors are written to standard error, as JSON with --json.

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
    // If an argument is invalid, clap returns an error before it has parsed `--json`. So search the
    // arguments for `--json` first.
    let json = args.iter().any(|arg| arg == "--json");
    let outcome = match Cli::try_parse_from(&args) {
        Ok(cli) => run(cli.command),
        Err(error) if error.use_stderr() => {
            Err(usage::failure(&error, &Cli::command(), args.get(1..).unwrap_or_default()))
        }
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
    let runtime =
        runtime.map_err(|error| Failure::local(format!("cannot start the async runtime: {error}")))?;
    runtime.block_on(command.run())
}
