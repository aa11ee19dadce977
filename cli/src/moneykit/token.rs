//! `moneykit token`: issues a token. It is not kept.

use std::time::SystemTime;

use fintech_auth::token::IssuedToken;

use crate::{
    credentials::{self, Overrides},
    exit::Failure,
    issued::{scopes, tell},
    options::{Client, Format, Reveal},
    output::print,
};

#[derive(clap::Args)]
#[command(after_help = "\
Without a scope it may do all that the application may.

Examples:
  fintech-auth moneykit token
  fintech-auth moneykit token link_session:create --json --reveal
  fintech-auth moneykit token --raw | sed 's/^/Authorization: Bearer /' | curl -H @- https://api.moneykit.com/institutions
  pass moneykit | fintech-auth moneykit token --client-id ID --client-secret-file -")]
pub(crate) struct Args {
    /// The scopes. Default: those of the configuration
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
    let sent = SystemTime::now();
    let response = config.client()?.create_access_token(&scopes).await?;
    let date = response.date();
    let body = response.into_body();
    let mut issued = IssuedToken::new(body.access_token);
    issued.expires_in = body.expires_in;
    issued.date = date;
    tell(args.format, &args.reveal, issued, sent, false, print)
}
