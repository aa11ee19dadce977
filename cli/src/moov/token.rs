//! `moov token`: issues and prints a token.

use clap::ValueHint::FilePath;

use crate::{
    credentials::{self, Overrides},
    exit::Failure,
    issued::scopes,
    moov::{
        Origin, Save,
        keep::{Destination, TokenCall},
        warm,
    },
    options::{Client, Format, Reveal},
};

#[derive(clap::Args)]
#[command(after_help = "\
Moov requires at least one scope. With --origin, the token is for a web page in
a browser, otherwise for a service.

With --accounts, the command issues one token for each account id in FILE (one
id per line) and stores them in the Redis of a fleet, encrypted with
FINTECH_AUTH_REDIS_SEALING_KEY or FINTECH_AUTH_REDIS_SEALING_KEY_FILE. The other
Redis settings are described by doctor --help. In a scope, {accountID} stands
for the id. Tokens that are already in Redis are not issued again.

Examples:
  fintech-auth moov token /accounts.read
  fintech-auth moov token /accounts.read --raw \\
      | sed 's/^/Authorization: Bearer /' \\
      | curl -H @- https://api.moov.io/accounts
  fintech-auth moov token /ping.read --save refresh-token
  fintech-auth moov token --accounts ids.txt /accounts/{accountID}/cards.read")]
pub(crate) struct Args {
    /// The scopes of the token. Default: the configured ones
    #[arg(value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Issue a token for each account in FILE, as below
    #[arg(long, value_name = "FILE", value_hint = FilePath, conflicts_with_all = ["raw", "reveal", "save"])]
    accounts: Option<String>,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    reveal: Reveal,
    #[command(flatten)]
    save: Save,
    #[command(flatten)]
    origin: Origin,
    #[command(flatten)]
    client: Client,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let overrides =
        Overrides { origin: args.origin.origin.as_deref(), ..Overrides::of(&args.client, args.format) };
    let settings = args.client.config.read()?;
    let config = credentials::moov(&settings, &overrides)?;
    if let Some(path) = &args.accounts {
        return warm::run(path, &args.scopes, &config, &settings, args.format).await;
    }
    let scopes = scopes(&args.scopes, config.scopes.clone())?;
    if scopes.is_empty() {
        return Err(Failure::usage("no scope given: pass one, such as /accounts.read, or set MOOV_SCOPES"));
    }
    let client = config.client()?;
    let save = args.save.save.as_deref();
    let destination = Destination { format: args.format, reveal: &args.reveal, save, exchanged: None };
    TokenCall::begin(destination)?.run(client.create_access_token(&scopes)).await
}
