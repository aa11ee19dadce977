//! `moneykit introspect`: describes the client that a token or the credentials belong to.

use fintech_auth::Secret;

use crate::{
    credentials::{self, Overrides},
    exit::Failure,
    options::{self, Client, Format, TokenFile},
    output::Output,
};

#[derive(clap::Args)]
#[command(after_help = "\
The token is read from --token-file, otherwise from FINTECH_AUTH_TOKEN,
otherwise from standard input.

Examples:
  fintech-auth moneykit token --raw | fintech-auth moneykit introspect
  fintech-auth moneykit introspect --client --json")]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    token: TokenFile,
    /// Show the client that the credentials belong to, without a token
    #[arg(long = "client")]
    of_client: bool,
    #[command(flatten)]
    client: Client,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let token: Option<Secret> = if args.of_client {
        None
    } else {
        options::check_stdin(&args.client.credentials, &args.token)?;
        Some(options::token(&args.token)?)
    };
    let client =
        credentials::moneykit(&args.client.config.read()?, &Overrides::of(&args.client, args.format))?
            .client()?;
    let about = match &token {
        Some(token) => client.introspect(token).await?,
        None => client.introspect_client().await?,
    }
    .into_body();
    let app = about.app.unwrap_or_default();
    Output::new(args.format)
        .with("client_id", about.client_id)
        .with("client_name", about.client_name)
        .with("app_id", app.app_id.or(app.id))
        .with("app_name", app.app_name.or(app.name))
        .with("scope", about.scope)
        .with("disabled_at", serde_json::to_value(about.disabled_at).unwrap_or_default())
        .print()
}
