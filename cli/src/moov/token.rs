//! `moov token`: issues a token. It is not kept, and its refresh token only with `--save`.

use crate::{
    credentials::{self, Overrides},
    exit::Failure,
    issued::scopes,
    moov::{
        Origin, Save,
        keep::{Destination, TokenCall},
    },
    options::{Client, Format, Reveal},
};

#[derive(clap::Args)]
#[command(after_help = "\
Moov needs at least one scope. With --origin the token is for a page in a
browser, otherwise for a service.

Examples:
  fintech-auth moov token /accounts.read
  fintech-auth moov token /accounts.read --raw \\
      | sed 's/^/Authorization: Bearer /' \\
      | curl -H @- https://api.moov.io/accounts
  fintech-auth moov token /ping.read --save refresh-token")]
pub(crate) struct Args {
    /// The scopes. Default: those of the configuration
    #[arg(value_name = "SCOPE")]
    scopes: Vec<String>,
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
    let config = credentials::moov(&args.client.config.read()?, &overrides)?;
    let scopes = scopes(&args.scopes, config.scopes.clone())?;
    if scopes.is_empty() {
        return Err(Failure::usage("which scopes? Give SCOPE, such as /accounts.read, or set MOOV_SCOPES"));
    }
    let client = config.client()?;
    let save = args.save.save.as_deref();
    let destination = Destination { format: args.format, reveal: &args.reveal, save, exchanged: None };
    TokenCall::begin(destination)?.run(client.create_access_token(&scopes)).await
}
