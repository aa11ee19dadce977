//! The groups of options that several commands share. A group has no doc comment, because clap
//! would print the comment as the description of the command.

use std::{
    env, fmt,
    io::{self, IsTerminal as _},
    time::Duration,
};

use clap::{Args, ValueHint::FilePath};
use fintech_auth::{Secret, moneykit};

use crate::{exit::Failure, input, settings::Settings};

pub(crate) const TOKEN_VARIABLE: &str = "FINTECH_AUTH_TOKEN";

#[derive(Args, Clone, Copy)]
pub(crate) struct Format {
    /// Print output and errors as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Reveal {
    /// Print only the access token, for use in a pipe
    #[arg(long, conflicts_with = "json")]
    pub(crate) raw: bool,
    /// Show tokens. Default: redacted
    #[arg(long)]
    pub(crate) reveal: bool,
}

#[derive(Args)]
pub(crate) struct ConfigFile {
    /// Settings as JSON, instead of the environment
    #[arg(long, value_name = "FILE", value_hint = FilePath)]
    config: Option<String>,
}

impl ConfigFile {
    pub(crate) fn read(&self) -> Result<Settings, Failure> {
        Settings::read(self.config.as_deref())
    }
}

#[derive(Args)]
pub(crate) struct Credentials {
    /// The client id (not secret)
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// A file with the client secret; - for standard input
    #[arg(long, value_name = "FILE", value_hint = FilePath)]
    pub(crate) client_secret_file: Option<String>,
}

#[derive(Args)]
pub(crate) struct Call {
    /// The base URL of the service
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// The timeout of a request, such as 5s
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct Client {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
    #[command(flatten)]
    pub(crate) call: Call,
}

#[derive(Args)]
pub(crate) struct TokenFile {
    /// A file with the token; - for standard input (default)
    #[arg(long, value_name = "FILE", value_hint = FilePath)]
    pub(crate) token_file: Option<String>,
}

#[derive(Args)]
pub(crate) struct Webhook {
    /// The headers as received, one per line
    #[arg(long, value_name = "FILE", value_hint = FilePath)]
    pub(crate) headers: String,
    /// The body as received; - for standard input (default)
    #[arg(long, value_name = "FILE", value_hint = FilePath)]
    pub(crate) body: Option<String>,
    /// Maximum age of the webhook, such as 1h
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) tolerance: Option<Duration>,
}

/// The error text must not contain the rejected value, because the value may be a secret.
#[derive(Debug)]
pub(crate) struct Expected(pub(crate) &'static str);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Expected {}

pub(crate) fn token(options: &TokenFile) -> Result<Secret, Failure> {
    if let Some(path) = &options.token_file {
        return input::secret("--token-file", path);
    }
    if let Some(token) = input::variable(TOKEN_VARIABLE)?.filter(|token| !token.is_empty()) {
        return input::checked(&format!("the environment variable {TOKEN_VARIABLE}"), token.into());
    }
    if io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "no token given: pipe it in, use --token-file, or set the environment variable {TOKEN_VARIABLE}"
        )));
    }
    input::secret("--token-file", "-")
}

pub(crate) fn check_stdin(credentials: &Credentials, options: &TokenFile) -> Result<(), Failure> {
    let is_token = match &options.token_file {
        Some(path) => path == "-",
        None => env::var_os(TOKEN_VARIABLE).is_none_or(|token| token.is_empty()),
    };
    if is_token && credentials.client_secret_file.as_deref() == Some("-") {
        return Err(Failure::usage("the secret and the token cannot both be read from standard input"));
    }
    Ok(())
}

pub(crate) fn time(text: &str) -> Result<Duration, Expected> {
    parse_time(text).ok_or(Expected("a time such as 500ms, 15s, 5m or 1h"))
}

pub(crate) fn port(text: &str) -> Result<u16, Expected> {
    text.parse().map_err(|_| Expected("a number from 0 to 65535"))
}

fn parse_time(text: &str) -> Option<Duration> {
    moneykit::Config::from_vars([("MONEYKIT_TIMEOUT", text)]).ok()?.timeout
}
