//! `moov revoke`: revokes an access token or a refresh token.

use fintech_auth::moov::TokenTypeHint;

use crate::{
    credentials::{self, Overrides},
    exit::Failure,
    options::{self, Client, Format, TokenFile},
    output::Output,
};

#[derive(clap::Args)]
#[command(after_help = "\
The token is read from --token-file, otherwise from FINTECH_AUTH_TOKEN,
otherwise from standard input. The command also succeeds if the service does
not know the token.

Examples:
  fintech-auth moov revoke --token-file refresh-token --hint refresh_token")]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    token: TokenFile,
    /// Help the service find the token: access_token or refresh_token
    #[arg(long, value_name = "TYPE", hide_possible_values = true)]
    hint: Option<Hint>,
    #[command(flatten)]
    client: Client,
}

#[derive(Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Hint {
    AccessToken,
    RefreshToken,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let hint = args.hint.map(|hint| match hint {
        Hint::AccessToken => TokenTypeHint::AccessToken,
        Hint::RefreshToken => TokenTypeHint::RefreshToken,
    });
    options::check_stdin(&args.client.credentials, &args.token)?;
    let overrides = Overrides::of(&args.client, args.format);
    let client = credentials::moov(&args.client.config.read()?, &overrides)?.client()?;
    let token = options::token(&args.token)?;
    client.revoke(&token, hint).await?;
    Output::new(args.format).with_words("revoked", true, "yes").print()
}
