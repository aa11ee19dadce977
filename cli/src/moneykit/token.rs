//! `moneykit token`: issues and prints a token.

use crate::{
    credentials::{self, Overrides},
    exit::Failure,
    issued::{print_token, scopes},
    options::{Client, Format, Reveal},
    output::print,
};

#[derive(clap::Args)]
#[command(after_help = "\
Without a scope, the token has all permissions of the application.

Examples:
  fintech-auth moneykit token
  fintech-auth moneykit token link_session:create --json --reveal
  fintech-auth moneykit token --raw | sed 's/^/Authorization: Bearer /' \\
      | curl -H @- https://api.moneykit.com/institutions
  pass moneykit | fintech-auth moneykit token --client-id ID \\
      --client-secret-file -")]
pub(crate) struct Args {
    /// The scopes of the token. Default: the configured ones
    #[arg(value_name = "SCOPE")]
    scopes: Vec<String>,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    reveal: Reveal,
    #[command(flatten)]
    client: Client,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let overrides = Overrides::of(&args.client, args.format);
    let config = credentials::moneykit(&args.client.config.read()?, &overrides)?;
    let scopes = scopes(&args.scopes, config.scopes.clone())?;
    let token = config.client()?.issue(&scopes).await?;
    print_token(args.format, &args.reveal, &token, false, print)
}
